"""Faults of REG-003: the Secret, or the token in it."""

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import SERVICE_ACCOUNT, VALUES, Fault, pull_error
from pullrecovery.model import Cause

_FAILS = frozenset({"REG-003", "REG-006"})


def _remove_secret(ground: Ground) -> None:
    ground.delete_secret()


def _revoke_token(ground: Ground) -> None:
    minted = ground.credential
    login, token = minted.credential.login, minted.credential.token
    ground.lab_world.control.put_credential(
        minted.name, token, login, ["read:packages"], revoked=True
    )


def _take_scope(ground: Ground) -> None:
    minted = ground.lab_world.mint(scopes=("repo",))
    ground.put_secret(minted.credential)


FAULTS = (
    Fault(
        id="secret-missing",
        reg="REG-003",
        cause=Cause.SECRET_MISSING,
        must_fail=_FAILS,
        symptom=pull_error(r"failed to fetch anonymous token.*401 Unauthorized"),
        break_it=_remove_secret,
        wirings=(VALUES, SERVICE_ACCOUNT),
    ),
    Fault(
        id="token-revoked",
        reg="REG-003",
        cause=Cause.CREDENTIAL_REJECTED,
        must_fail=_FAILS,
        symptom=pull_error(r"failed to fetch oauth token.*403 Forbidden"),
        break_it=_revoke_token,
    ),
    Fault(
        id="token-without-scope",
        reg="REG-003",
        cause=Cause.SCOPE_MISSING,
        must_fail=_FAILS,
        symptom=pull_error(
            r"403 Forbidden\s+denied: permission_denied: "
            r"The token provided does not match expected scopes\.",
            # No sentence of the registry's: what is wrong shows only in a probe.
            before_2_3_3=r"HEAD request to \S+: 403 Forbidden$",
        ),
        break_it=_take_scope,
    ),
)
