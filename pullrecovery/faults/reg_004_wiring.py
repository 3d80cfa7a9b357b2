"""Faults of REG-004: a valid Secret that no pod gets."""

from pullrecovery.common.wait import wait_for
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import pull_error
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.verdict import Cause
from pullrecovery.model.wiring import SERVICE_ACCOUNT, VALUES

_FAILS = frozenset({"REG-004", "REG-006"})
_ANONYMOUS = pull_error(r"failed to fetch anonymous token.*401 Unauthorized")
_OTHER = "registry-mirror"


def _unwire(sandbox: Sandbox) -> None:
    sandbox.set_value(sandbox.workload.pull_secrets_key, [])
    sandbox.set_account_secrets([])


def _named(name: str) -> list[dict[str, str]]:
    return [{"name": name}]


def _misspell_key(sandbox: Sandbox) -> None:
    key = sandbox.workload.pull_secrets_key
    sandbox.set_value(key, [])
    sandbox.set_value(key.removesuffix("s"), _named(sandbox.secret_name))


def _name_no_secret(sandbox: Sandbox) -> None:
    wrong = _named(sandbox.secret_name.removesuffix("s"))
    if sandbox.wiring == VALUES:
        sandbox.set_value(sandbox.workload.pull_secrets_key, wrong)
    else:
        sandbox.set_account_secrets(wrong)


def _put_other_secret(sandbox: Sandbox) -> None:
    """Create another Secret, for another registry."""
    sandbox.put_document({"auths": {"mirror.example": {"auth": "bWU6aHVudGVyMg=="}}}, name=_OTHER)


def _hide_account(sandbox: Sandbox) -> None:
    _put_other_secret(sandbox)
    sandbox.set_value(sandbox.workload.pull_secrets_key, _named(_OTHER))


def _overwrite_account(sandbox: Sandbox) -> None:
    _put_other_secret(sandbox)
    sandbox.set_account_secrets(_named(_OTHER))


def _patch_account_not_used(sandbox: Sandbox) -> None:
    sandbox.set_value("serviceAccount.create", value=True)
    sandbox.set_value(sandbox.workload.pull_secrets_key, [])
    sandbox.set_account_secrets(_named(sandbox.secret_name))


def _patch_account_too_late(sandbox: Sandbox) -> None:
    """Patch the ServiceAccount after the pod was created, so that the pod has no pull secret."""
    world, workload = sandbox.world, sandbox.workload
    wait_for(
        "the pod is made",
        lambda: observe_pods(world, workload, observe_deployment(world, workload)),
        bool,
        timeout=30,
    )
    sandbox.set_account_secrets(_named(sandbox.secret_name))


FAULTS = (
    Fault(
        id="not-wired",
        reg="REG-004",
        cause=Cause.NOT_WIRED,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_unwire,
        wirings=(VALUES, SERVICE_ACCOUNT),
    ),
    Fault(
        id="values-key-misspelt",
        reg="REG-004",
        cause=Cause.WIRED_BY_OTHER_KEY,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_misspell_key,
        wirings=(VALUES,),
    ),
    Fault(
        id="wired-to-missing-secret",
        reg="REG-004",
        cause=Cause.WIRED_BY_OTHER_NAME,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_name_no_secret,
        wirings=(VALUES, SERVICE_ACCOUNT),
    ),
    Fault(
        id="account-secrets-ignored",
        reg="REG-004",
        cause=Cause.WIRING_HIDDEN,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_hide_account,
        wirings=(SERVICE_ACCOUNT,),
    ),
    Fault(
        id="account-secrets-overwritten",
        reg="REG-004",
        cause=Cause.NOT_WIRED,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_overwrite_account,
        wirings=(SERVICE_ACCOUNT,),
    ),
    Fault(
        id="wrong-account-patched",
        reg="REG-004",
        cause=Cause.WIRED_TO_OTHER_ACCOUNT,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_patch_account_not_used,
    ),
    Fault(
        id="account-patched-too-late",
        reg="REG-004",
        cause=Cause.PODS_STALE,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_unwire,
        after_deploy=_patch_account_too_late,
        wirings=(SERVICE_ACCOUNT,),
    ),
)
