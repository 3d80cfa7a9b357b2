"""Check why a pod lacks its pull secret: every place that names it without effect."""

from dataclasses import replace

import pytest

from pullrecovery.model.observation import PullSecret, PullSecretWiring
from pullrecovery.model.verdict import Cause, fails, passes
from pullrecovery.tasks.reg_004_wiring import reg_004
from pullrecovery.tasks.reg_006_redeploy import reg_006
from tests.fakes import recorded
from tests.fakes.recorded import GOOD

NAME = "ghcr-credentials"
KEY = "serviceAccount.imagePullSecrets"
UNWIRED = recorded.unwired(recorded.waiting(recorded.ANONYMOUS))


def listed(*names, exists):
    """Return the observation of a workload whose pods get these Secrets instead."""
    others = tuple(PullSecret(name, "frontend-dev", exists) for name in names)
    seen = recorded.deployment(UNWIRED, service_account_pull_secrets=names)
    return recorded.pod(replace(seen, pull_secrets=others), pull_secrets=names)


def _seen(**found):
    return replace(UNWIRED, wiring=PullSecretWiring(**found))


NOT_WIRED = {
    "nowhere": (UNWIRED, Cause.NOT_WIRED, "neither in the pod template [] nor by ServiceAccount"),
    "another secret": (listed("other", exists=True), Cause.NOT_WIRED, "frontend ['other']"),
    "a name that is none": (
        listed("ghcr-credential", exists=False),
        Cause.WIRED_BY_OTHER_NAME,
        "pods are given ghcr-credential, of which there is no Secret",
    ),
    "another key": (
        _seen(values_keys=("imagePullSecret",)),
        Cause.WIRED_BY_OTHER_KEY,
        f"under imagePullSecret, and the chart reads {KEY}",
    ),
    "the right key, not deployed": (
        _seen(values_keys=(KEY,)),
        Cause.RELEASE_STALE,
        f"the values name {NAME} under {KEY}",
    ),
    "another account": (
        _seen(default_account=(NAME,)),
        Cause.WIRED_TO_OTHER_ACCOUNT,
        "ServiceAccount default names ghcr-credentials, and the pods run as ServiceAccount front",
    ),
    "hidden by the template": (
        recorded.deployment(
            listed("other", exists=True),
            template_pull_secrets=("other",),
            service_account_pull_secrets=(NAME,),
        ),
        Cause.WIRING_HIDDEN,
        "the pod template's own list ['other'] hides it",
    ),
}


@pytest.mark.parametrize(("seen", "cause", "evidence"), NOT_WIRED.values(), ids=NOT_WIRED)
def test_misplaced_secret_name_is_found(seen, cause, evidence):
    """REG-004 finds it from the Deployment, and REG-006 from the pod that cannot pull."""
    assert reg_004(seen) == reg_006(seen) == fails(cause)
    assert evidence in reg_004(seen).evidence
    assert "helm upgrade --install frontend " in reg_004(seen).fix


def test_default_account_of_pods_is_no_other():
    """The workload's own account is the default one, so there is no other to search."""
    seen = recorded.deployment(_seen(default_account=(NAME,)), service_account="default")

    assert reg_004(seen) == fails(Cause.NOT_WIRED)


@pytest.mark.parametrize("names", [(), ("other",)], ids=["none", "another"])
def test_pod_older_than_wiring_is_stale(names):
    """A pod gets the ServiceAccount's secrets when it is created, and never later."""
    seen = recorded.pod(recorded.waiting(recorded.ANONYMOUS), pull_secrets=names)

    assert reg_004(seen) == reg_006(seen) == fails(Cause.PODS_STALE)
    assert reg_006(seen).fix == f"kubectl -n frontend-dev delete pod {GOOD.pods[0].name}"


def test_bad_unwired_secret_is_named_first():
    """The bad Secret comes first, as fixing it uncovers the wiring."""
    verdict = reg_006(replace(UNWIRED, secret=recorded.secret(type="Opaque", entries=()).secret))

    assert [one.cause for one in verdict.named] == [Cause.SECRET_WRONG_TYPE, Cause.NOT_WIRED]


def test_pod_template_alone_is_enough():
    """If the pod template names the Secret, the ServiceAccount does not matter."""
    seen = recorded.deployment(template_pull_secrets=(NAME,), service_account_pull_secrets=())

    assert reg_004(seen) == passes()


@pytest.mark.parametrize(
    ("seen", "edit"),
    [
        (NOT_WIRED["nowhere"][0], "set "),
        (NOT_WIRED["hidden by the template"][0], "add to "),
        (
            _seen(values_keys=("imagePullSecret", "pullSecrets")),
            "instead of imagePullSecret, pullSecrets set ",
        ),
    ],
    ids=["nowhere", "hidden", "other keys"],
)
def test_fix_says_edit_and_command(seen, edit):
    """The fix has the edit and the command as text to follow literally."""
    workload = seen.workload

    fix = reg_004(seen).fix

    assert fix == (
        f"{edit}{KEY}: [{{name: {NAME}}}] in charts/frontend/values-dev.yaml,"
        f" then {workload.upgrade_command}"
    )


def test_stale_pods_are_deleted_by_name():
    """One command deletes all stale pods."""
    pod = replace(GOOD.pods[0], pull_secrets=())
    pods = (replace(pod, name="one"), replace(pod, name="two"))

    assert reg_004(replace(GOOD, pods=pods)).fix == "kubectl -n frontend-dev delete pod one two"
