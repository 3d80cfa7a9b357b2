"""Faults of REG-001: the operator's credential, or a name that the registry does not know.

Pods pull with the Secret's credential, so they do not feel what is wrong with the operator's.
"""

import secrets
from dataclasses import replace

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Fault, printed, pull_error
from pullrecovery.model import Cause

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


def _expect(ground: Ground, repository: str, tag: str) -> None:
    """Want another image, in target.yaml and in the values alike."""
    image = replace(ground.workload.image, repository=repository, tag=tag)
    ground.workload = replace(ground.workload, image=image)
    ground.set_value("image.repository", repository)
    ground.set_value("image.tag", tag)


def _expect_unpushed_repository(ground: Ground) -> None:
    image = ground.workload.image
    _expect(ground, f"{image.repository}-{secrets.token_hex(4)}", image.tag)


def _expect_short_commit(ground: Ground) -> None:
    image = ground.workload.image
    # As people do it: git shows the short form, and CI pushes the long one.
    _expect(ground, image.repository, image.tag[:_SHORT])


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
        id="tag-shortened",
        reg="REG-001",
        cause=Cause.TAG_UNKNOWN,
        must_fail=frozenset({"REG-001", "REG-006"}),
        symptom=pull_error(r":[0-9a-f]{7}: not found"),
        break_it=_expect_short_commit,
    ),
    Fault(
        id="repository-never-pushed",
        reg="REG-001",
        cause=Cause.REPOSITORY_UNKNOWN,
        must_fail=frozenset({"REG-001", "REG-006"}),
        symptom=pull_error(r": not found"),
        break_it=_expect_unpushed_repository,
    ),
)
