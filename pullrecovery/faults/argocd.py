"""Faults that need Argo CD: its revision, values, self-heal and pruning."""

from typing import Any

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.argocd import ArgoCD, application_name, branch_of
from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.faults.reg_006_redeploy import (
    await_running,
    deploy_earlier_build,
    deploy_missing_tag,
    fix_values,
)
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import pull_error
from pullrecovery.model.verdict import Cause
from pullrecovery.model.wiring import VALUES

_MISSING = pull_error(r":dev: not found")
_ANONYMOUS = pull_error(r"failed to fetch anonymous token.*401 Unauthorized")
_RELEASE = frozenset({"REG-006"})
_FOLLOWS = frozenset({DeployFeature.FOLLOW})
_TRACKING = "argocd.argoproj.io/tracking-id"
# Argo CD compares at once, and self-heals at the earliest five seconds after its last sync.
_HEALED_WITHIN = 60.0


def _argocd(sandbox: Sandbox) -> ArgoCD:
    if sandbox.argocd is None:
        raise LabError("Argo CD does not deploy this sandbox.")
    return sandbox.argocd


def _patch_spec(sandbox: Sandbox, spec: dict[str, Any]) -> None:
    _argocd(sandbox).patch(sandbox.workload, {"spec": spec})


def _turn_automation_off(sandbox: Sandbox) -> None:
    """Turn automated syncs off; none of them syncs a commit that is pushed after this call."""
    _patch_spec(sandbox, {"syncPolicy": {"automated": None}})
    # A comparison that had begun before still starts a sync, to whichever commit it finds.
    _argocd(sandbox).refresh(sandbox.workload)


def _push_without_sync(sandbox: Sandbox) -> None:
    """Merge the fix without a sync."""
    _turn_automation_off(sandbox)
    fix_values(sandbox)
    _argocd(sandbox).push(sandbox.workload)
    _argocd(sandbox).refresh(sandbox.workload)


def _sync_to_the_commit_before(sandbox: Sandbox) -> None:
    """Sync to the previous commit, as a user does who takes it for the good one."""
    argocd, workload = _argocd(sandbox), sandbox.workload
    await_running(sandbox, workload)
    deploy_missing_tag(sandbox)
    before = argocd.push(workload)
    _push_without_sync(sandbox)
    argocd.sync(workload, before)


def _follow_a_branch_without_the_fix(sandbox: Sandbox) -> None:
    argocd, branch = _argocd(sandbox), f"{branch_of(sandbox.workload)}-hotfix"
    argocd.push(sandbox.workload, branch)
    # First, so that no automated sync finds the fix.
    _follow(sandbox, {"targetRevision": branch})
    fix_values(sandbox)
    argocd.push(sandbox.workload)


def _follow_other_values(sandbox: Sandbox) -> None:
    """Follow a values file beside the right one, from an earlier release."""
    argocd, workload = _argocd(sandbox), sandbox.workload
    (workload.chart / "values-past.yaml").write_text("image:\n  tag: dev\n")
    argocd.push(workload)
    source = argocd.application(workload)["spec"]["source"]
    files = [*source["helm"].get("valueFiles", []), "values-past.yaml"]
    # First, so that no automated sync finds the fix with the right values.
    _follow(sandbox, {"helm": {"valueFiles": files}})
    fix_values(sandbox)
    argocd.push(workload)
    argocd.sync(workload)


def _follow(sandbox: Sandbox, source: dict[str, Any]) -> None:
    """Point the Application at another source, and sync it."""
    _patch_spec(sandbox, {"source": source})
    _argocd(sandbox).sync(sandbox.workload)


def _misname_secret_in_values(sandbox: Sandbox) -> None:
    wrong = [{"name": sandbox.secret_name.removesuffix("s")}]
    sandbox.set_value(sandbox.workload.pull_secrets_key, wrong)


def _have_the_account_healed(sandbox: Sandbox) -> None:
    """Patch the right name into the live ServiceAccount, which Argo CD then reverts."""
    _patch_spec(sandbox, {"syncPolicy": {"automated": {"selfHeal": True}}})
    selector = f"app.kubernetes.io/instance={sandbox.workload.name}"
    core, namespace = sandbox.core, sandbox.namespace
    (account,) = core.list_namespaced_service_account(namespace, label_selector=selector).items
    name, before = account.metadata.name, _secrets_of(account)

    def look() -> list[str]:
        return _secrets_of(core.read_namespaced_service_account(name, namespace))

    body = {"imagePullSecrets": [{"name": sandbox.secret_name}]}
    core.patch_namespaced_service_account(
        name, namespace, body, _content_type="application/merge-patch+json"
    )
    wait_for("the ServiceAccount is healed", look, before.__eq__, timeout=_HEALED_WITHIN)
    core.delete_collection_namespaced_pod(namespace, label_selector=selector)


def _secrets_of(account: Any) -> list[str]:
    return [each.name for each in account.image_pull_secrets or ()]


def _prune_the_secret(sandbox: Sandbox) -> None:
    """Mark the Secret as deployed by an earlier commit, so that the next sync prunes it."""
    await_running(sandbox, sandbox.workload)
    tracked = (
        f"{application_name(sandbox.workload)}:/Secret:{sandbox.namespace}/{sandbox.secret_name}"
    )
    body = {"metadata": {"annotations": {_TRACKING: tracked}}}
    sandbox.core.patch_namespaced_secret(sandbox.secret_name, sandbox.namespace, body)
    # Argo CD discovers the Secret by its own watch, and prunes only what it has discovered.
    _argocd(sandbox).refresh(sandbox.workload)
    wait_for(
        "Argo CD has pruned the Secret",
        lambda: _read_secret(sandbox) is None or _sync_again(sandbox),
        bool,
        timeout=_HEALED_WITHIN,
        interval=1.0,
    )
    fix_values(sandbox)
    _argocd(sandbox).upgrade(sandbox.workload)


def _read_secret(sandbox: Sandbox) -> object:
    read = sandbox.core.read_namespaced_secret
    return tolerate_missing(read, sandbox.secret_name, sandbox.namespace)


def _sync_again(sandbox: Sandbox) -> bool:
    _argocd(sandbox).sync(sandbox.workload)
    return False


FAULTS = (
    Fault(
        id="application-not-synced",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_missing_tag,
        after_deploy=_push_without_sync,
        features=_FOLLOWS,
    ),
    Fault(
        id="synced-to-earlier-commit",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_earlier_build,
        after_deploy=_sync_to_the_commit_before,
        features=_FOLLOWS,
    ),
    Fault(
        id="application-branch-outdated",
        reg="REG-006",
        cause=Cause.APPLICATION_REVISION,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_missing_tag,
        after_deploy=_follow_a_branch_without_the_fix,
        features=_FOLLOWS,
    ),
    Fault(
        id="application-with-other-values",
        reg="REG-006",
        cause=Cause.APPLICATION_VALUES,
        must_fail=_RELEASE,
        symptom=_MISSING,
        break_it=deploy_earlier_build,
        after_deploy=_follow_other_values,
        features=_FOLLOWS,
    ),
    Fault(
        id="self-heal-reverts-account",
        reg="REG-004",
        cause=Cause.WIRED_BY_OTHER_NAME,
        must_fail=frozenset({"REG-004", "REG-006"}),
        symptom=_ANONYMOUS,
        break_it=_misname_secret_in_values,
        after_deploy=_have_the_account_healed,
        wirings=(VALUES,),
        needs=("serviceAccount.imagePullSecrets",),
        features=frozenset({DeployFeature.SELF_HEAL}),
    ),
    Fault(
        id="secret-pruned",
        reg="REG-003",
        cause=Cause.SECRET_MISSING,
        must_fail=frozenset({"REG-003", "REG-006"}),
        symptom=_ANONYMOUS,
        break_it=deploy_earlier_build,
        after_deploy=_prune_the_secret,
        features=frozenset({DeployFeature.PRUNE}),
    ),
)
