"""Faults of REG-001: the operator's credential, or a name that the registry does not have.

Pods pull with the Secret's credential, so a fault of the operator's credential does not affect
them.
"""

import secrets
from dataclasses import replace

from ghcr_emulator.client import Missing, Route, WrongBytes
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import ReleaseSymptom, printed, pull_error
from pullrecovery.lab import accounts
from pullrecovery.lab.registry.container import lab_transport
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.model.verdict import Cause
from pullrecovery.registry.github_packages import Packages

_ALONE = frozenset({"REG-001"})
_SHORT = 7


def _forget_login(sandbox: Sandbox) -> None:
    sandbox.operator = None


def _revoke_token(sandbox: Sandbox) -> None:
    issued = sandbox.lab_world.issue_token()
    login, token = issued.login, issued.token
    sandbox.lab_world.control.put_credential(
        issued.name, token, login, ["read:packages"], revoked=True
    )
    sandbox.operator = issued


def _take_scope(sandbox: Sandbox) -> None:
    sandbox.operator = sandbox.lab_world.issue_token(scopes=("repo",))


def _use_a_strangers_token(sandbox: Sandbox) -> None:
    stranger = f"stranger-{secrets.token_hex(4)}"
    sandbox.operator = sandbox.lab_world.issue_token(login=stranger)


def _use_fine_grained(sandbox: Sandbox) -> None:
    login = sandbox.lab_world.target.login
    sandbox.operator = accounts.issue_fine_grained_token(sandbox.lab_world.control, login)


def _enforce_sso(sandbox: Sandbox) -> None:
    control, login = sandbox.lab_world.control, sandbox.lab_world.target.login
    accounts.put_organisation(control, sandbox.workload.image.owner, login, sso=True)
    sandbox.operator = sandbox.lab_world.issue_token()


def _forbid_classic_tokens(sandbox: Sandbox) -> None:
    control, login = sandbox.lab_world.control, sandbox.lab_world.target.login
    accounts.put_organisation(control, sandbox.workload.image.owner, login, classic_tokens=False)
    sandbox.use_run_token()


def _expect_unpushed_repository(sandbox: Sandbox) -> None:
    image = sandbox.workload.image
    sandbox.expect(replace(image, repository=f"{image.repository}-{secrets.token_hex(4)}"))


def _expect_short_commit(sandbox: Sandbox) -> None:
    image = sandbox.workload.image
    # A common mistake: git shows the short form, and CI pushes the long one.
    sandbox.expect(replace(image, tag=image.tag[:_SHORT]))


def _delete_wanted_version(sandbox: Sandbox) -> None:
    """Push two builds to a package of its own, and delete the wanted version."""
    lab_world, image = sandbox.lab_world, sandbox.workload.image
    owner, login = lab_world.target.owner, lab_world.target.login
    own = replace(image, repository=f"{image.repository}-{secrets.token_hex(4)}")
    lab_world.control.share_package(own.package, "private", [login], [login], [login])
    for tag in (image.tag, "latest"):
        lab_world.publish(replace(own, tag=tag), sandbox.workload.app)
    sandbox.expect(own)
    admin = lab_world.issue_token(scopes=("read:packages", "delete:packages"))
    transport = lab_transport(lab_world.lab.emulator)
    packages, name = Packages(owner, admin.token, transport=transport), own.package.split("/")[1]
    wanted = [each for each in packages.versions(name) if own.tag in each.tags]
    packages.delete(name, wanted[0])


def _push_for_others_only(sandbox: Sandbox) -> None:
    sandbox.variants.list_without_the_node(sandbox.workload.image)


def _push_for_another_processor(sandbox: Sandbox) -> None:
    sandbox.variants.for_another_processor(sandbox.workload.image)


def _alter_manifest(sandbox: Sandbox) -> None:
    """Have the registry return other bytes than were pushed, for this image only."""
    package = sandbox.workload.image.package
    digest = sandbox.lab_world.publish(sandbox.workload.image, sandbox.workload.app)
    sandbox.switch_on(WrongBytes(route=Route.MANIFEST, repository=package, reference=digest))


def _lose_layer(sandbox: Sandbox) -> None:
    layer = sandbox.variants.with_own_layer(sandbox.workload.image)
    package = sandbox.workload.image.package
    sandbox.switch_on(Missing(route=Route.BLOB, repository=package, reference=layer))


def _is_not_executed(_: DeploymentStatus, pods: tuple[PodStatus, ...], __: str) -> str:
    said = [container.ended for pod in pods for container in pod.containers]
    return next((each for each in said if "exec format error" in each), "")


FAULTS = (
    Fault(
        id="operator-not-logged-in",
        reg="REG-001",
        cause=Cause.OPERATOR_NOT_LOGGED_IN,
        must_fail=_ALONE,
        symptom=printed(r"/token\?\S+: UNAUTHORIZED: authentication required"),
        break_it=_forget_login,
    ),
    Fault(
        id="operator-token-revoked",
        reg="REG-001",
        cause=Cause.OPERATOR_REJECTED,
        must_fail=_ALONE,
        symptom=printed(r"https://ghcr\.io/v2/\": denied: denied"),
        break_it=_revoke_token,
    ),
    Fault(
        id="operator-token-without-scope",
        reg="REG-001",
        cause=Cause.OPERATOR_SCOPE_MISSING,
        must_fail=_ALONE,
        symptom=printed(
            r"DENIED: permission_denied: The token provided does not match expected scopes\."
        ),
        break_it=_take_scope,
    ),
    Fault(
        id="operator-without-read-permission",
        reg="REG-001",
        cause=Cause.OPERATOR_FORBIDDEN,
        must_fail=_ALONE,
        symptom=printed(r"DENIED: permission_denied: read_package"),
        break_it=_use_a_strangers_token,
    ),
    Fault(
        id="operator-token-fine-grained",
        reg="REG-001",
        cause=Cause.OPERATOR_SCOPE_MISSING,
        must_fail=_ALONE,
        symptom=printed(
            r"DENIED: permission_denied: The token provided does not match expected scopes\."
        ),
        break_it=_use_fine_grained,
    ),
    Fault(
        id="operator-token-without-sso",
        reg="REG-001",
        cause=Cause.OPERATOR_SSO_MISSING,
        must_fail=_ALONE,
        symptom=printed(r"permission_denied: Resource protected by organization SAML enforcement"),
        break_it=_enforce_sso,
        organisation=True,
    ),
    Fault(
        id="operator-classic-tokens-forbidden",
        reg="REG-001",
        cause=Cause.OPERATOR_CLASSIC_FORBIDDEN,
        must_fail=_ALONE,
        symptom=printed(r"forbids access via a personal access token \(classic\)"),
        break_it=_forbid_classic_tokens,
        organisation=True,
    ),
    Fault(
        id="tag-shortened",
        reg="REG-001",
        cause=Cause.TAG_UNKNOWN,
        must_fail=frozenset({"REG-001", "REG-002", "REG-006"}),
        symptom=pull_error(r":[0-9a-f]{7}: not found"),
        break_it=_expect_short_commit,
    ),
    Fault(
        id="repository-never-pushed",
        reg="REG-001",
        cause=Cause.REPOSITORY_UNKNOWN,
        must_fail=frozenset({"REG-001", "REG-002", "REG-006"}),
        symptom=pull_error(r": not found"),
        break_it=_expect_unpushed_repository,
    ),
    Fault(
        id="tag-deleted",
        reg="REG-001",
        cause=Cause.TAG_UNKNOWN,
        must_fail=frozenset({"REG-001", "REG-002", "REG-006"}),
        symptom=pull_error(r":[0-9a-f]{40}: not found"),
        break_it=_delete_wanted_version,
    ),
    Fault(
        id="platform-missing",
        reg="REG-001",
        cause=Cause.PLATFORM_MISSING,
        must_fail=frozenset({"REG-001", "REG-002", "REG-006"}),
        symptom=pull_error(r"no match for platform in manifest: not found"),
        break_it=_push_for_others_only,
    ),
    Fault(
        id="image-of-other-platform",
        reg="REG-001",
        cause=Cause.PLATFORM_MISSING,
        must_fail=frozenset({"REG-001", "REG-002", "REG-006"}),
        symptom=ReleaseSymptom("the kernel does not execute the program", _is_not_executed),
        break_it=_push_for_another_processor,
    ),
    Fault(
        id="manifest-altered",
        reg="REG-001",
        cause=Cause.DIGEST_MISMATCH,
        must_fail=frozenset({"REG-001", "REG-006"}),
        symptom=pull_error(r"code = FailedPrecondition .*unexpected commit digest sha256:"),
        break_it=_alter_manifest,
    ),
    Fault(
        id="layer-missing",
        reg="REG-001",
        cause=Cause.PART_MISSING,
        must_fail=frozenset({"REG-001", "REG-006"}),
        symptom=pull_error(
            r"could not fetch content descriptor sha256:\S+ .*from remote: not found"
        ),
        break_it=_lose_layer,
    ),
)
