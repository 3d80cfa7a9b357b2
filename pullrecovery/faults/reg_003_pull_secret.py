"""Faults of REG-003: the Secret, or the token in it."""

import base64
import re
import secrets

from pullrecovery.common.redaction import protect
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox, auth_of
from pullrecovery.faults.symptoms import PodSymptom, pull_error
from pullrecovery.lab import accounts
from pullrecovery.model.probe import Credential
from pullrecovery.model.verdict import Cause
from pullrecovery.model.wiring import SERVICE_ACCOUNT, VALUES
from pullrecovery.registry.keyring import DOCKER_CONFIG

_FAILS = frozenset({"REG-003", "REG-006"})
_ANONYMOUS = pull_error(r"failed to fetch anonymous token.*401 Unauthorized")
_REJECTED = pull_error(r"failed to fetch oauth token.*403 Forbidden")


def _refused(sentence: str) -> PodSymptom:
    """The symptom of a token that the registry recognises, but that may not read the package."""
    # Without the registry's message, only a probe shows the cause.
    older = r"HEAD request to \S+: 403 Forbidden$"
    return pull_error(rf"403 Forbidden\s+denied: permission_denied: {sentence}", before_2_3_3=older)


def _undecoded(error: str) -> PodSymptom:
    """The symptom of a Secret that cannot be decoded: Go's error in place of a reason."""
    return PodSymptom(frozenset({error}), re.compile(re.escape(error)))


def _leave_it_elsewhere(sandbox: Sandbox) -> None:
    sandbox.copy_secret_elsewhere()
    sandbox.delete_secret()


def _misname_secret(sandbox: Sandbox) -> None:
    sandbox.delete_secret()
    sandbox.put_document(_document(sandbox), name=f"{sandbox.secret_name}-dev")


def _document(sandbox: Sandbox) -> dict[str, dict[str, dict[str, str]]]:
    entry = {"auth": auth_of(sandbox.credential)}
    return {"auths": {sandbox.lab_world.target.registry: entry}}


def _make_opaque(sandbox: Sandbox) -> None:
    # As `kubectl create secret generic --from-file=.dockerconfigjson` does without its --type.
    sandbox.put_document(_document(sandbox), kind="Opaque", key=".dockerconfigjson")


def _make_legacy(sandbox: Sandbox) -> None:
    # Docker's current config.json format, in the Secret type for the older format.
    sandbox.put_document(_document(sandbox), kind=DOCKER_CONFIG)


def _key_docker_hub(sandbox: Sandbox) -> None:
    sandbox.put_secret(sandbox.credential, "docker.io")


def _key_with_port(sandbox: Sandbox) -> None:
    sandbox.put_secret(sandbox.credential, f"{sandbox.workload.image.registry}:443")


def _key_github(sandbox: Sandbox) -> None:
    sandbox.put_secret(sandbox.credential, "https://github.com")


def _key_other_owner(sandbox: Sandbox) -> None:
    image = sandbox.workload.image
    sandbox.put_secret(sandbox.credential, f"{image.registry}/another-{image.owner}")


def _put_auth(sandbox: Sandbox, auth: str) -> None:
    registry = sandbox.lab_world.target.registry
    sandbox.put_document({"auths": {registry: {"auth": protect(auth)}}})


def _paste_token_as_auth(sandbox: Sandbox) -> None:
    _put_auth(sandbox, sandbox.credential.token)


def _encode_token_alone(sandbox: Sandbox) -> None:
    token = sandbox.credential.token
    _put_auth(sandbox, base64.b64encode(token.encode()).decode())


def _empty_entry(sandbox: Sandbox) -> None:
    # As `docker login` leaves it with a credential helper, which stores the token.
    sandbox.put_document({"auths": {sandbox.lab_world.target.registry: {}}})


def _mistype_token(sandbox: Sandbox) -> None:
    credential = sandbox.credential
    last = "B" if credential.token.endswith("A") else "A"
    typed = protect(credential.token[:-1] + last)
    sandbox.put_secret(Credential(credential.login, typed))


def _expire_token(sandbox: Sandbox) -> None:
    accounts.expire(sandbox.lab_world.control, sandbox.credential)


def _revoke_token(sandbox: Sandbox) -> None:
    accounts.revoke(sandbox.lab_world.control, sandbox.credential)


def _take_scope(sandbox: Sandbox) -> None:
    issued = sandbox.lab_world.issue_token(scopes=())
    sandbox.put_secret(issued)


def _use_fine_grained(sandbox: Sandbox) -> None:
    login = sandbox.lab_world.target.login
    sandbox.put_secret(accounts.issue_fine_grained_token(sandbox.lab_world.control, login))


def _use_a_strangers_token(sandbox: Sandbox) -> None:
    stranger = f"stranger-{secrets.token_hex(4)}"
    sandbox.put_secret(sandbox.lab_world.issue_token(login=stranger))


def _refuse_two_entries(sandbox: Sandbox) -> None:
    image, unscoped = sandbox.workload.image, sandbox.lab_world.issue_token(scopes=())
    accounts.revoke(sandbox.lab_world.control, sandbox.credential)
    narrow = {f"{image.registry}/{image.owner}": {"auth": auth_of(unscoped)}}
    sandbox.put_document({"auths": _document(sandbox)["auths"] | narrow})


def _enforce_sso(sandbox: Sandbox) -> None:
    control, login = sandbox.lab_world.control, sandbox.lab_world.target.login
    accounts.put_organisation(control, sandbox.workload.image.owner, login, sso=True)
    sandbox.put_secret(sandbox.lab_world.issue_token())


def _forbid_classic_tokens(sandbox: Sandbox) -> None:
    control, login = sandbox.lab_world.control, sandbox.lab_world.target.login
    accounts.put_organisation(control, sandbox.workload.image.owner, login, classic_tokens=False)
    # The operator works with the token of a run, which is not a classic one.
    sandbox.operator = sandbox.run_token


FAULTS = (
    Fault(
        id="secret-missing",
        reg="REG-003",
        cause=Cause.SECRET_MISSING,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=Sandbox.delete_secret,
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
        id="secret-server-docker-hub",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_docker_hub,
    ),
    Fault(
        id="secret-server-with-port",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_with_port,
    ),
    Fault(
        id="secret-server-github",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_github,
    ),
    Fault(
        id="secret-server-of-other-owner",
        reg="REG-003",
        cause=Cause.SECRET_WRONG_SERVER,
        must_fail=_FAILS,
        symptom=_ANONYMOUS,
        break_it=_key_other_owner,
    ),
    Fault(
        id="secret-auth-not-base64",
        reg="REG-003",
        cause=Cause.SECRET_UNREADABLE,
        must_fail=_FAILS,
        # The underscore of `ghp_`.
        symptom=_undecoded("illegal base64 data at input byte 3"),
        break_it=_paste_token_as_auth,
    ),
    Fault(
        id="secret-auth-without-login",
        reg="REG-003",
        cause=Cause.SECRET_UNREADABLE,
        must_fail=_FAILS,
        symptom=_undecoded(
            "unable to parse auth field, must be formatted as base64(username:password)"
        ),
        break_it=_encode_token_alone,
    ),
    Fault(
        id="secret-entry-empty",
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
        id="token-of-other-user",
        reg="REG-003",
        cause=Cause.PERMISSION_MISSING,
        must_fail=_FAILS,
        symptom=_refused("read_package"),
        break_it=_use_a_strangers_token,
    ),
    Fault(
        id="secret-entries-refused",
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
