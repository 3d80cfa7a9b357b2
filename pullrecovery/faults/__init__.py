"""The fault tables: ways in which a pull breaks; only for the lab."""

from pullrecovery.faults import (
    argocd,
    reg_001_image_identity,
    reg_002_image_exists,
    reg_003_pull_secret,
    reg_004_wiring,
    reg_005_right_values,
    reg_006_redeploy,
    reg_007_document,
    reg_008_least_privilege,
)
from pullrecovery.faults.rows import Fault

FAULTS: tuple[Fault, ...] = (
    *reg_001_image_identity.FAULTS,
    *reg_002_image_exists.FAULTS,
    *reg_003_pull_secret.FAULTS,
    *reg_004_wiring.FAULTS,
    *reg_005_right_values.FAULTS,
    *reg_006_redeploy.FAULTS,
    *reg_007_document.FAULTS,
    *reg_008_least_privilege.FAULTS,
    *argocd.FAULTS,
)
