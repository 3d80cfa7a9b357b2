"""Faults of REG-001: the operator's credential, or a name that the registry does not know.

Pods pull with the Secret's credential, so they do not feel what is wrong with the operator's.
"""

import secrets
from dataclasses import replace

from ghcr_emulator.client import Missing, Route, WrongBytes
from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Fault, Looks, printed, pull_error
from pullrecovery.lab import accounts
from pullrecovery.lab.registry.container import lab_transport
from pullrecovery.model.observation import DeploymentSeen, PodSeen
from pullrecovery.model.verdict import Cause
from pullrecovery.registry.github_packages import Packages

_ALONE = frozenset({"REG-001"})
_SHORT = 7


def _forget_login(ground: Ground) -> None:
    ground.operator = None


def _revoke_token(ground: Ground) -> None:
    minted = ground.lab_world.mint()
    login, token = minted.credential.login, minted.credential.token
    ground.lab_world.control.put_credential(
        minted.name, token, login, ["read:packages"], revoked=True
    )
    ground.operator = minted


def _take_scope(ground: Ground) -> None:
    ground.operator = ground.lab_world.mint(scopes=("repo",))


def _use_a_strangers_token(ground: Ground) -> None:
    stranger = f"stranger-{secrets.token_hex(4)}"
    ground.operator = ground.lab_world.mint(login=stranger)


def _use_fine_grained(ground: Ground) -> None:
    login = ground.lab_world.world.target.login
    ground.operator = accounts.mint_fine_grained(ground.lab_world.control, login)


def _enforce_sso(ground: Ground) -> None:
    control, login = ground.lab_world.control, ground.lab_world.world.target.login
    accounts.put_organisation(control, ground.workload.image.owner, login, sso=True)
    ground.operator = ground.lab_world.mint()


def _forbid_classic_tokens(ground: Ground) -> None:
    control, login = ground.lab_world.control, ground.lab_world.world.target.login
    accounts.put_organisation(control, ground.workload.image.owner, login, classic_tokens=False)
    ground.use_run_token()


def _expect_unpushed_repository(ground: Ground) -> None:
    image = ground.workload.image
    ground.expect(replace(image, repository=f"{image.repository}-{secrets.token_hex(4)}"))


def _expect_short_commit(ground: Ground) -> None:
    image = ground.workload.image
    # As people do it: git shows the short form, and CI pushes the long one.
    ground.expect(replace(image, tag=image.tag[:_SHORT]))


def _delete_wanted_version(ground: Ground) -> None:
    """Two builds are pushed, and the wanted one is deleted in the package's settings."""
    lab_world, image = ground.lab_world, ground.workload.image
    owner, login = lab_world.world.target.owner, lab_world.world.target.login
    own = replace(image, repository=f"{image.repository}-{secrets.token_hex(4)}")
    lab_world.control.share_package(own.package, "private", [login], [login], [login])
    for tag in (image.tag, "latest"):
        lab_world.publish(replace(own, tag=tag), ground.workload.app)
    ground.expect(own)
    admin = lab_world.mint(scopes=("read:packages", "delete:packages")).credential
    transport = lab_transport(lab_world.lab.stand_in)
    packages, name = Packages(owner, admin.token, transport=transport), own.package.split("/")[1]
    wanted = [each for each in packages.versions(name) if own.tag in each.tags]
    packages.delete(name, wanted[0])


def _push_for_others_only(ground: Ground) -> None:
    ground.variants.list_without_the_node(ground.workload.image)


def _push_for_another_processor(ground: Ground) -> None:
    ground.variants.for_another_processor(ground.workload.image)


def _alter_manifest(ground: Ground) -> None:
    """The registry gives out other bytes than were pushed, of this image alone."""
    package = ground.workload.image.package
    digest = ground.lab_world.publish(ground.workload.image, ground.workload.app)
    ground.switch_on(WrongBytes(route=Route.MANIFEST, repository=package, reference=digest))


def _lose_layer(ground: Ground) -> None:
    layer = ground.variants.with_own_layer(ground.workload.image)
    package = ground.workload.image.package
    ground.switch_on(Missing(route=Route.BLOB, repository=package, reference=layer))


def _is_not_executed(_: DeploymentSeen, pods: tuple[PodSeen, ...], __: str) -> str:
    said = [each.ended for pod in pods for each in pod.containers]
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
        id="operator-may-not-read",
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
        id="another-processor",
        reg="REG-001",
        cause=Cause.PLATFORM_MISSING,
        must_fail=frozenset({"REG-001", "REG-002", "REG-006"}),
        symptom=Looks("the kernel does not execute the program", _is_not_executed),
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
