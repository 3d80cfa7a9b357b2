"""Faults that take Argo CD to come about: what it follows, undoes and deletes."""

from collections.abc import Callable
from typing import Any

from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.argocd import ArgoCD, application_name, branch_of
from pullrecovery.deploy.deployer import Ability
from pullrecovery.faults.ground import Ground
from pullrecovery.faults.reg_006_redeploy import (
    await_running,
    deploy_earlier_build,
    deploy_missing_tag,
    mend_values,
)
from pullrecovery.faults.rows import VALUES, Fault, pull_error
from pullrecovery.model.verdict import Cause

_MISSING = pull_error(r":dev: not found")
_ANONYMOUS = pull_error(r"failed to fetch anonymous token.*401 Unauthorized")
_RELEASE = frozenset({"REG-006"})
_FOLLOWS = frozenset({Ability.FOLLOW})
_TRACKING = "argocd.argoproj.io/tracking-id"
# Argo CD looks at once, and heals five seconds after its last sync at the earliest.
_HEALED_WITHIN = 60.0


def _argocd(ground: Ground) -> ArgoCD:
    if ground.argocd is None:
        raise LabError("This ground is not deployed by Argo CD.")
    return ground.argocd


def _patch_spec(ground: Ground, spec: dict[str, Any]) -> None:
    _argocd(ground).patch(ground.workload, {"spec": spec})


def _turn_automation_off(ground: Ground) -> None:
    _patch_spec(ground, {"syncPolicy": {"automated": None}})


def _push_without_sync(ground: Ground) -> None:
    """The fix is merged, and nobody syncs."""
    _turn_automation_off(ground)
    mend_values(ground)
    _argocd(ground).push(ground.workload)
    _argocd(ground).refresh(ground.workload)


def _sync_to_the_commit_before(ground: Ground) -> None:
    """As somebody does who takes yesterday's commit for the good one."""
    argocd, workload = _argocd(ground), ground.workload
    await_running(ground, workload)
    deploy_missing_tag(ground)
    before = argocd.push(workload)
    _push_without_sync(ground)
    argocd.sync(workload, before)


def _follow_a_branch_without_the_fix(ground: Ground) -> None:
    argocd, branch = _argocd(ground), f"{branch_of(ground.workload)}-hotfix"
    argocd.push(ground.workload, branch)
    mend_values(ground)
    argocd.push(ground.workload)
    _follow(ground, {"targetRevision": branch})


def _follow_other_values(ground: Ground) -> None:
    """A values file that lies beside the right one, of a release that is past."""
    argocd, workload = _argocd(ground), ground.workload
    mend_values(ground)
    (workload.chart / "values-past.yaml").write_text("image:\n  tag: dev\n")
    argocd.push(workload)
    source = argocd.application(workload)["spec"]["source"]
    files = [*source["helm"].get("valueFiles", []), "values-past.yaml"]
    _follow(ground, {"helm": {"valueFiles": files}})


def _follow(ground: Ground, source: dict[str, Any]) -> None:
    """Point the Application elsewhere, and have it synced to what is there."""
    _patch_spec(ground, {"source": source})
    _argocd(ground).sync(ground.workload)


def _misname_secret_in_values(ground: Ground) -> None:
    wrong = [{"name": ground.secret_name.removesuffix("s")}]
    ground.set_value(ground.workload.pull_secrets_key, wrong)


def _have_the_account_healed(ground: Ground) -> None:
    """The right name is patched into the live ServiceAccount, and Argo CD takes it out again."""
    _patch_spec(ground, {"syncPolicy": {"automated": {"selfHeal": True}}})
    selector = f"app.kubernetes.io/instance={ground.workload.name}"
    core, namespace = ground.core, ground.namespace
    (account,) = core.list_namespaced_service_account(namespace, label_selector=selector).items
    name, before = account.metadata.name, _secrets_of(account)

    def look() -> list[str]:
        return _secrets_of(core.read_namespaced_service_account(name, namespace))

    body = {"imagePullSecrets": [{"name": ground.secret_name}]}
    core.patch_namespaced_service_account(
        name, namespace, body, _content_type="application/merge-patch+json"
    )
    wait_for("the ServiceAccount is healed", look, before.__eq__, timeout=_HEALED_WITHIN)
    core.delete_collection_namespaced_pod(namespace, label_selector=selector)


def _secrets_of(account: Any) -> list[str]:
    return [each.name for each in account.image_pull_secrets or ()]


def _prune_the_secret(ground: Ground) -> None:
    """The Secret came with an earlier commit, which is no more: a sync takes it away."""
    await_running(ground, ground.workload)
    tracked = f"{application_name(ground.workload)}:/Secret:{ground.namespace}/{ground.secret_name}"
    body = {"metadata": {"annotations": {_TRACKING: tracked}}}
    ground.core.patch_namespaced_secret(ground.secret_name, ground.namespace, body)
    # Argo CD learns of it by a watch of its own, and prunes what it knows of.
    _argocd(ground).refresh(ground.workload)
    wait_for(
        "Argo CD has pruned the Secret",
        lambda: _is_gone(lambda: _read_secret(ground)) or _sync_again(ground),
        bool,
        timeout=_HEALED_WITHIN,
        interval=1.0,
    )
    mend_values(ground)
    _argocd(ground).upgrade(ground.workload)


def _read_secret(ground: Ground) -> object:
    return ground.core.read_namespaced_secret(ground.secret_name, ground.namespace)


def _sync_again(ground: Ground) -> bool:
    _argocd(ground).sync(ground.workload)
    return False


def _is_gone(read: Callable[[], object]) -> bool:
    try:
        read()
    except ApiException as error:
        if error.status != 404:
            raise
        return True
    return False


FAULTS = (
    Fault(
        id="fix-not-synced",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_missing_tag,
        after_deploy=_push_without_sync,
        abilities=_FOLLOWS,
    ),
    Fault(
        id="synced-to-earlier-commit",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_earlier_build,
        after_deploy=_sync_to_the_commit_before,
        abilities=_FOLLOWS,
    ),
    Fault(
        id="branch-without-the-fix",
        reg="REG-006",
        cause=Cause.APPLICATION_REVISION,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_missing_tag,
        after_deploy=_follow_a_branch_without_the_fix,
        abilities=_FOLLOWS,
    ),
    Fault(
        id="application-with-other-values",
        reg="REG-006",
        cause=Cause.APPLICATION_VALUES,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_earlier_build,
        after_deploy=_follow_other_values,
        abilities=_FOLLOWS,
    ),
    Fault(
        id="self-heal-undoes-account",
        reg="REG-004",
        cause=Cause.WIRED_BY_OTHER_NAME,
        must_fail=frozenset({"REG-004", "REG-006"}),
        symptom=_ANONYMOUS,
        break_it=_misname_secret_in_values,
        after_deploy=_have_the_account_healed,
        wirings=(VALUES,),
        needs=("serviceAccount.imagePullSecrets",),
        abilities=frozenset({Ability.SELF_HEAL}),
    ),
    Fault(
        id="secret-pruned",
        reg="REG-003",
        cause=Cause.SECRET_MISSING,
        must_fail=frozenset({"REG-003", "REG-006"}),
        symptom=_ANONYMOUS,
        break_it=deploy_earlier_build,
        after_deploy=_prune_the_secret,
        abilities=frozenset({Ability.PRUNE}),
    ),
)
