"""Issue tokens and create organisations in the GHCR emulator, as users do at github.com."""

import secrets
import string

from ghcr_emulator.client import OwnerBody
from pullrecovery.common.redaction import protect
from pullrecovery.lab.registry.client import Control
from pullrecovery.lab.seed import IssuedToken

_ALPHABET = string.ascii_letters + string.digits
_READ = ["read:packages"]
# The login of a workflow run; GHCR does not check it.
_RUN_LOGIN = "x-access-token"


def issue_fine_grained_token(control: Control, login: str) -> IssuedToken:
    """Issue a fine-grained personal access token of `login`.

    GHCR does not accept such a token for packages.
    """
    issued = _issued(login, f"github_pat_{_random(22)}_{_random(59)}")
    control.put_fine_grained(issued.name, issued.token, login)
    return issued


def issue_run_token(control: Control, repository: str) -> IssuedToken:
    """Issue the GITHUB_TOKEN of a run in `repository`, which reads the packages that allow it."""
    issued = _issued(_RUN_LOGIN, f"ghs_{_random(36)}")
    control.put_run_token(issued.name, issued.token, repository, "read")
    return issued


def authorise(control: Control, issued: IssuedToken, organisation: str) -> None:
    """Authorise a classic token that may read packages for an organisation with SSO."""
    control.put_credential(
        issued.name, issued.token, issued.login, _READ, sso_authorised=[organisation]
    )


def expire(control: Control, issued: IssuedToken) -> None:
    """Set a classic token as expired."""
    control.put_credential(issued.name, issued.token, issued.login, _READ, expired=True)


def revoke(control: Control, issued: IssuedToken) -> None:
    """Set a classic token as revoked."""
    control.put_credential(issued.name, issued.token, issued.login, _READ, revoked=True)


def put_organisation(
    control: Control, name: str, member: str, *, sso: bool = False, classic_tokens: bool = True
) -> None:
    """Create an organisation, or set its rules for SSO and classic tokens.

    A token reads a package of the organisation only if these rules allow it.
    """
    owner = OwnerBody(
        organisation=True,
        members=[member],
        sso_enforced=sso,
        classic_tokens_forbidden=not classic_tokens,
    )
    control.put_owner(name, owner)


def _issued(login: str, token: str) -> IssuedToken:
    return IssuedToken(login, protect(token), f"{login.lower()}-{secrets.token_hex(4)}")


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
