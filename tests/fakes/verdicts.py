"""A verdict that promotes its revision, and the keys that the tests sign with."""

from datetime import UTC, datetime, timedelta

from joserfc.jwk import ECKey, OKPKey

from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.gate.releases import Deployed, JudgedRelease
from pullrecovery.gate.verdict.document import Checks, GateVerdict, Tier, check
from pullrecovery.gate.verdict.signing import VerdictExpectation

REVISION = "38944b80c6cd88ef7de43520f6e95fcb87e6f245"
OTHER_REVISION = "0" * 40
IMAGE = "sha256:" + "1" * 64
OTHER_IMAGE = "sha256:" + "2" * 64
CHART = "sha256:" + "3" * 64
OTHER_CHART = "sha256:" + "4" * 64
SUITE = suite_version()
SUITE_COMMIT = suite_commit()
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CRITERIA = ("REG-001", "REG-005", "REG-006")

KEY = OKPKey.generate_key("Ed25519")
OTHER_KEY = OKPKey.generate_key("Ed25519")
P256 = ECKey.generate_key("P-256")


def pem(key, *, private=True):
    """Return a key in the PEM form of a user's file."""
    return key.as_pem(private=private).decode()


def public(key=KEY):
    """Return the public key."""
    return type(key).import_key(pem(key, private=False))


def checks(workload="frontend", **changes):
    """Return the checks of one workload: all ran and none failed, but for `changes`."""
    names = tuple(check(workload, criterion) for criterion in CRITERIA)
    return Checks(**({"declared": names, "run": names} | changes))


VALUES = ("charts/frontend/values-dev.yaml",)
DEPLOYED = Deployed("frontend-dev", "charts/frontend", VALUES)
JUDGED = JudgedRelease(
    name="frontend",
    namespace="frontend-dev",
    chart_path="charts/frontend",
    values_files=VALUES,
    chart=CHART,
    reference="ghcr.io/bytequester/hosting-monorepo:v1",
    image=IMAGE,
)


def verdict(**changes):
    """Return a verdict with its decision; by default it promotes."""
    fields = {
        "revision": REVISION,
        "target": "hosting-monorepo",
        "suite": SUITE,
        "suite_commit": SUITE_COMMIT,
        "issued": NOW - timedelta(hours=1),
        "expires": NOW + timedelta(hours=23),
        "world": "lab",
        "kubernetes": "1.37.2",
        "workloads": (JUDGED,),
        "checks": checks(),
        "tiers": (Tier("static", "passed", 0.4),),
    }
    return GateVerdict(**(fields | changes)).decided()


def expected(**changes):
    """Return the expected subject of the verdict above."""
    fields = {
        "revision": REVISION,
        "target": "hosting-monorepo",
        "deployed": {"frontend": DEPLOYED},
        "images": {"frontend": IMAGE},
        "charts": {"frontend": CHART},
        "criteria": frozenset(CRITERIA),
        "suite": SUITE,
        "suite_commit": SUITE_COMMIT,
        "now": NOW,
    }
    return VerdictExpectation(**(fields | changes))
