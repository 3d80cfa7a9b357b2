"""Faults of REG-008: a token with excess access, or a package with the wrong visibility.

All workloads share a package's visibility, so faults that change it use their own package.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ghcr_emulator.client import OwnerBody
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import api_answers, pull_error
from pullrecovery.lab import accounts
from pullrecovery.lab.seed import IssuedToken
from pullrecovery.model.target import Visibility
from pullrecovery.model.verdict import Cause

_ALONE = frozenset({"REG-008"})
# The token cannot pull, so the Secret is invalid and no pod becomes Ready.
_NO_PULL = frozenset({"REG-003", "REG-006", "REG-008"})
_READ = "read:packages"
_SOON = timedelta(days=3)


def _hold(sandbox: Sandbox, issued: IssuedToken) -> None:
    """Put this token into the Secret."""
    sandbox.credential = issued
    sandbox.put_secret(issued)


def _let_it_push(sandbox: Sandbox) -> None:
    _hold(sandbox, sandbox.lab_world.issue_token((_READ, "write:packages")))


def _let_it_reach_repositories(sandbox: Sandbox) -> None:
    _hold(sandbox, sandbox.lab_world.issue_token((_READ, "repo")))


def _let_it_delete(sandbox: Sandbox) -> None:
    _hold(sandbox, sandbox.lab_world.issue_token((_READ, "delete:packages")))


def _use_a_fine_grained_token(sandbox: Sandbox) -> None:
    login = sandbox.lab_world.target.login
    _hold(sandbox, accounts.issue_fine_grained_token(sandbox.lab_world.control, login))


def _let_it_end_soon(sandbox: Sandbox) -> None:
    _hold(sandbox, sandbox.lab_world.issue_token(expires=datetime.now(UTC) + _SOON))


def _demand_sso(sandbox: Sandbox) -> None:
    """Move the package to an organisation that requires SSO, which the Secret's token lacks."""
    lab_world, image = sandbox.lab_world, sandbox.workload.image
    owner, login = f"sso-{secrets.token_hex(4)}", lab_world.target.login
    _put_organisation(sandbox, owner, sso_enforced=False)
    lab_world.control.share_package(f"{owner}/{image.name}", "private", [login], [login])
    sandbox.keeper = lab_world.issue_token((_READ, "write:packages"), sso=owner)
    sandbox.operator = lab_world.issue_token(sso=owner)
    sandbox.expect(replace(image, repository=f"{image.registry}/{owner}/{image.name}"))
    sandbox.publish()
    _put_organisation(sandbox, owner, sso_enforced=True)


def _put_organisation(sandbox: Sandbox, owner: str, *, sso_enforced: bool) -> None:
    people = [sandbox.lab_world.target.login]
    body = OwnerBody(organisation=True, members=people, creators=people, sso_enforced=sso_enforced)
    sandbox.lab_world.control.put_owner(owner, body)


def _share_the_token(sandbox: Sandbox) -> None:
    """Require a token for each namespace, and put this token into another namespace too."""
    target = sandbox.lab_world.target
    sandbox.copy_secret_elsewhere()
    (peer,) = sandbox.other_namespaces
    # The target's own chart, because the docs name charts by their path in the target.
    own = target.workload(sandbox.workload.name)
    other = replace(own, name=f"{own.name}-peer", namespace=peer)
    workloads = (*target.workloads, other)
    sandbox.wanted = replace(target, token_per_namespace=True, workloads=workloads)


def _move(sandbox: Sandbox, is_visible: Visibility, wanted: Visibility) -> None:
    """Give the workload its own package, with another visibility than the target's."""
    lab_world, image = sandbox.lab_world, sandbox.workload.image
    package, people = f"{image.package}-{secrets.token_hex(4)}", [lab_world.target.login]
    lab_world.control.share_package(package, is_visible, people, people)
    sandbox.workload = replace(sandbox.workload, visibility=wanted)
    sandbox.expect(replace(image, repository=f"{image.registry}/{package}"))
    sandbox.publish()


def _give_a_public_package_a_secret(sandbox: Sandbox) -> None:
    _move(sandbox, Visibility.PUBLIC, wanted=Visibility.PUBLIC)
    sandbox.put_secret(sandbox.credential)
    sandbox.wire([{"name": sandbox.secret_name}])


def _keep_private_what_is_meant_to_be_public(sandbox: Sandbox) -> None:
    _move(sandbox, Visibility.PRIVATE, wanted=Visibility.PUBLIC)
    sandbox.delete_secret()
    sandbox.wire([])


def _publish_what_is_meant_to_be_private(sandbox: Sandbox) -> None:
    _move(sandbox, Visibility.PUBLIC, wanted=Visibility.PRIVATE)
    sandbox.put_secret(sandbox.credential)
    sandbox.wire([{"name": sandbox.secret_name}])


FAULTS = (
    Fault(
        id="token-may-push",
        reg="REG-008",
        cause=Cause.TOKEN_TOO_WIDE,
        must_fail=_ALONE,
        symptom=api_answers(r"x-oauth-scopes: .*write:packages"),
        break_it=_let_it_push,
        of_a_secret=True,
    ),
    Fault(
        id="token-reaches-repositories",
        reg="REG-008",
        cause=Cause.TOKEN_TOO_WIDE,
        must_fail=_ALONE,
        symptom=api_answers(r"x-oauth-scopes: .*\brepo\b"),
        break_it=_let_it_reach_repositories,
        of_a_secret=True,
    ),
    Fault(
        id="token-may-delete",
        reg="REG-008",
        cause=Cause.TOKEN_TOO_WIDE,
        must_fail=_ALONE,
        symptom=api_answers(r"x-oauth-scopes: .*delete:packages"),
        break_it=_let_it_delete,
        of_a_secret=True,
    ),
    Fault(
        id="token-not-classic",
        reg="REG-008",
        cause=Cause.TOKEN_NOT_CLASSIC,
        must_fail=_NO_PULL,
        symptom=pull_error(
            r"403 Forbidden\s+denied: permission_denied: "
            r"The token provided does not match expected scopes\.",
            before_2_3_3=r"HEAD request to \S+: 403 Forbidden$",
        ),
        break_it=_use_a_fine_grained_token,
        of_a_secret=True,
    ),
    Fault(
        id="token-not-authorised-for-sso",
        reg="REG-008",
        cause=Cause.SSO_MISSING,
        must_fail=_NO_PULL,
        symptom=pull_error(
            r"403 Forbidden\s+denied: permission_denied: "
            r"Resource protected by organization SAML enforcement\.",
            before_2_3_3=r"HEAD request to \S+: 403 Forbidden$",
        ),
        break_it=_demand_sso,
        of_a_secret=True,
    ),
    Fault(
        id="token-ends-soon",
        reg="REG-008",
        cause=Cause.TOKEN_ENDS_SOON,
        must_fail=_ALONE,
        symptom=api_answers(r"github-authentication-token-expiration: \d{4}-\d\d-\d\d"),
        break_it=_let_it_end_soon,
        of_a_secret=True,
    ),
    Fault(
        id="token-shared-by-namespaces",
        reg="REG-008",
        cause=Cause.TOKEN_SHARED,
        must_fail=_ALONE,
        symptom=api_answers(r"Secret other-\w+/\S+ is the same"),
        break_it=_share_the_token,
        of_a_secret=True,
    ),
    Fault(
        id="public-package-with-secret",
        reg="REG-008",
        cause=Cause.SECRET_NEEDLESS,
        must_fail=_ALONE,
        symptom=api_answers(r'"visibility":"public"'),
        break_it=_give_a_public_package_a_secret,
    ),
    Fault(
        id="package-not-public",
        reg="REG-008",
        cause=Cause.PACKAGE_NOT_PUBLIC,
        must_fail=frozenset({"REG-006", "REG-008"}),
        symptom=pull_error(r"failed to fetch anonymous token.*401 Unauthorized"),
        break_it=_keep_private_what_is_meant_to_be_public,
    ),
    Fault(
        id="package-not-private",
        reg="REG-008",
        cause=Cause.PACKAGE_NOT_PRIVATE,
        must_fail=_ALONE,
        symptom=api_answers(r'"visibility":"public"'),
        break_it=_publish_what_is_meant_to_be_private,
    ),
)
