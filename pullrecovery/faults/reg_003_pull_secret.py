"""Faults of REG-003: the Secret, or the token in it."""

import base64
import re
import secrets

from pullrecovery.common.redaction import protect
from pullrecovery.faults.ground import Ground, auth_of
from pullrecovery.faults.rows import SERVICE_ACCOUNT, VALUES, Fault, Symptom, pull_error
from pullrecovery.lab import accounts
from pullrecovery.model.verdict import Cause
from pullrecovery.registry.keyring import DOCKER_CONFIG

_FAILS = frozenset({"REG-003", "REG-006"})
_ANONYMOUS = pull_error(r"failed to fetch anonymous token.*401 Unauthorized")
_REJECTED = pull_error(r"failed to fetch oauth token.*403 Forbidden")


def _refused(sentence: str) -> Symptom:
    """The registry knows the token, and does not let it read the package."""
    # Without the registry's sentence, what is wrong shows only in a probe.
    older = r"HEAD request to \S+: 403 Forbidden$"
    return pull_error(rf"403 Forbidden\s+denied: permission_denied: {sentence}", before_2_3_3=older)


def _undecoded(error: str) -> Symptom:
    """Go's error stands where the reason belongs."""
    return Symptom(frozenset({error}), re.compile(re.escape(error)))


def _leave_it_elsewhere(ground: Ground) -> None:
    ground.copy_secret_elsewhere()
    ground.delete_secret()


def _misname_secret(ground: Ground) -> None:
    ground.delete_secret()
    ground.put_document(_document(ground), name=f"{ground.secret_name}-dev")


def _document(ground: Ground) -> dict[str, dict[str, dict[str, str]]]:
    entry = {"auth": auth_of(ground.credential.credential)}
    return {"auths": {ground.lab_world.world.target.registry: entry}}


def _make_opaque(ground: Ground) -> None:
    # As `kubectl create secret generic --from-file=.dockerconfigjson` does without its --type.
    ground.put_document(_document(ground), kind="Opaque", key=".dockerconfigjson")


def _make_legacy(ground: Ground) -> None:
    # Docker's config.json of today, in the type that takes the one of before.
    ground.put_document(_document(ground), kind=DOCKER_CONFIG)


def _key_docker_hub(ground: Ground) -> None:
    ground.put_secret(ground.credential.credential, "docker.io")


def _key_with_port(ground: Ground) -> None:
    ground.put_secret(ground.credential.credential, f"{ground.workload.image.registry}:443")


def _key_github(ground: Ground) -> None:
    ground.put_secret(ground.credential.credential, "https://github.com")


def _key_other_owner(ground: Ground) -> None:
    image = ground.workload.image
    ground.put_secret(ground.credential.credential, f"{image.registry}/another-{image.owner}")


def _put_auth(ground: Ground, auth: str) -> None:
    registry = ground.lab_world.world.target.registry
    ground.put_document({"auths": {registry: {"auth": protect(auth)}}})


def _paste_token_as_auth(ground: Ground) -> None:
    _put_auth(ground, ground.credential.credential.token)


def _encode_token_alone(ground: Ground) -> None:
    token = ground.credential.credential.token
    _put_auth(ground, base64.b64encode(token.encode()).decode())


def _empty_entry(ground: Ground) -> None:
    # As `docker login` leaves it where a credential helper keeps the token.
    ground.put_document({"auths": {ground.lab_world.world.target.registry: {}}})


def _mistype_token(ground: Ground) -> None:
    credential = ground.credential.credential
    last = "B" if credential.token.endswith("A") else "A"
    typed = protect(credential.token[:-1] + last)
    ground.put_secret(type(credential)(credential.login, typed))


def _expire_token(ground: Ground) -> None:
    accounts.expire(ground.lab_world.control, ground.credential)


def _revoke_token(ground: Ground) -> None:
    accounts.revoke(ground.lab_world.control, ground.credential)


def _take_scope(ground: Ground) -> None:
    minted = ground.lab_world.mint(scopes=())
    ground.put_secret(minted.credential)


def _use_fine_grained(ground: Ground) -> None:
    login = ground.lab_world.world.target.login
    ground.put_secret(accounts.mint_fine_grained(ground.lab_world.control, login).credential)


def _use_a_strangers_token(ground: Ground) -> None:
    stranger = f"stranger-{secrets.token_hex(4)}"
    ground.put_secret(ground.lab_world.mint(login=stranger).credential)


def _refuse_two_entries(ground: Ground) -> None:
    image, unscoped = ground.workload.image, ground.lab_world.mint(scopes=())
    accounts.revoke(ground.lab_world.control, ground.credential)
    narrow = {f"{image.registry}/{image.owner}": {"auth": auth_of(unscoped.credential)}}
    ground.put_document({"auths": _document(ground)["auths"] | narrow})


def _enforce_sso(ground: Ground) -> None:
    control, login = ground.lab_world.control, ground.lab_world.world.target.login
    accounts.put_organisation(control, ground.workload.image.owner, login, sso=True)
    ground.put_secret(ground.lab_world.mint().credential)


def _forbid_classic_tokens(ground: Ground) -> None:
    control, login = ground.lab_world.control, ground.lab_world.world.target.login
    accounts.put_organisation(control, ground.workload.image.owner, login, classic_tokens=False)
    # The person works with a run's token, which is no classic one.
    ground.operator = ground.run_token


FAULTS = (
    Fault(
        id="secret-missing",
        reg="REG-003",
        cause=Cause.SECRET_MISSING,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=Ground.delete_secret,
        wirings=(VALUES, SERVICE_ACCOUNT),
    ),
    Fault(
        id="token-revoked",
        reg="REG-003",
        cause=Cause.CREDENTIAL_REJECTED,
        must_fail=_FAILS,
        symptom=_REJECTED,
        break_it=_revoke_token,
    ),
    Fault(
        id="token-without-scope",
        reg="REG-003",
        cause=Cause.SCOPE_MISSING,
        must_fail=_FAILS,
        symptom=_refused(r"The token provided does not match expected scopes\."),
        break_it=_take_scope,
    ),
    Fault(
        id="secret-in-other-namespace",
        reg="REG-003",
        cause=Cause.SECRET_MISSING,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_leave_it_elsewhere,
    ),
    Fault(
        id="secret-of-other-name",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_NAME,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_misname_secret,
    ),
    Fault(
        id="secret-opaque",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_TYPE,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_make_opaque,
    ),
    Fault(
        id="secret-of-legacy-type",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_TYPE,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_make_legacy,
    ),
    Fault(
        id="server-docker-hub",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_docker_hub,
    ),
    Fault(
        id="server-with-port",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_with_port,
    ),
    Fault(
        id="server-github",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_github,
    ),
    Fault(
        id="server-of-other-owner",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_other_owner,
    ),
    Fault(
        id="auth-not-base64",
        reg="REG-003",
        cause=Cause.SECRET_UNREADABLE,
        must_fail=_FAILS,
        # The underscore of `ghp_`.
        symptom=_undecoded("illegal base64 data at input byte 3"),
        break_it=_paste_token_as_auth,
    ),
    Fault(
        id="auth-without-login",
        reg="REG-003",
        cause=Cause.SECRET_UNREADABLE,
        must_fail=_FAILS,
        symptom=_undecoded(
            "unable to parse auth field, must be formatted as base64(username:password)"
        ),
        break_it=_encode_token_alone,
    ),
    Fault(
        id="entry-empty",
        reg="REG-003",
        cause=Cause.CREDENTIAL_EMPTY,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_empty_entry,
    ),
    Fault(
        id="token-mistyped",
        reg="REG-003",
        cause=Cause.CREDENTIAL_REJECTED,
        must_fail=_FAILS,
        symptom=_REJECTED,
        break_it=_mistype_token,
    ),
    Fault(
        id="token-expired",
        reg="REG-003",
        cause=Cause.CREDENTIAL_REJECTED,
        must_fail=_FAILS,
        symptom=_REJECTED,
        break_it=_expire_token,
    ),
    Fault(
        id="token-fine-grained",
        reg="REG-003",
        cause=Cause.SCOPE_MISSING,
        must_fail=_FAILS | {"REG-008"},
        symptom=_refused(r"The token provided does not match expected scopes\."),
        break_it=_use_fine_grained,
    ),
    Fault(
        id="token-of-a-stranger",
        reg="REG-003",
        cause=Cause.PERMISSION_MISSING,
        must_fail=_FAILS,
        symptom=_refused("read_package"),
        break_it=_use_a_strangers_token,
    ),
    Fault(
        id="two-entries-refused",
        reg="REG-003",
        cause=Cause.SCOPE_MISSING,
        must_fail=_FAILS,
        symptom=pull_error(
            r"\[failed to pull.*/manifests/\S+: 403 Forbidden.*, "
            r"failed to pull.*failed to fetch oauth token.*403 Forbidden\]"
        ),
        break_it=_refuse_two_entries,
    ),
    Fault(
        id="token-without-sso",
        reg="REG-003",
        cause=Cause.SSO_MISSING,
        must_fail=_FAILS | {"REG-008"},
        symptom=_refused("Resource protected by organization SAML enforcement"),
        break_it=_enforce_sso,
        organisation=True,
    ),
    Fault(
        id="classic-tokens-forbidden",
        reg="REG-003",
        cause=Cause.CLASSIC_FORBIDDEN,
        must_fail=_FAILS,
        symptom=_refused(r"`\S+` forbids access via a personal access token \(classic\)"),
        break_it=_forbid_classic_tokens,
        organisation=True,
    ),
)
