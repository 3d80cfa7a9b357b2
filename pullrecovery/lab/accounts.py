"""What people do by hand at github.com, done to the stand-in: tokens and organisations."""

import secrets
import string

from ghcr_emulator.client import OwnerBody
from pullrecovery.common.redaction import protect
from pullrecovery.lab.registry.client import Control
from pullrecovery.lab.seed import Minted
from pullrecovery.model.probe import Credential

_ALPHABET = string.ascii_letters + string.digits
_READ = ["read:packages"]
# What a workflow run logs in as; GHCR does not look at it.
_RUN_LOGIN = "x-access-token"


def mint_fine_grained(control: Control, login: str) -> Minted:
    """A new fine-grained personal access token of `login`, which never serves for packages."""
    minted = _minted(login, f"github_pat_{_random(22)}_{_random(59)}")
    control.put_fine_grained(minted.name, minted.credential.token, login)
    return minted


def mint_run_token(control: Control, repository: str) -> Minted:
    """The GITHUB_TOKEN of a run in `repository`, which may read packages that let it."""
    minted = _minted(_RUN_LOGIN, f"ghs_{_random(36)}")
    control.put_run_token(minted.name, minted.credential.token, repository, "read")
    return minted


def authorise(control: Control, minted: Minted, organisation: str) -> None:
    """Grant a classic token, which may read packages, access to an organisation with SSO."""
    credential = minted.credential
    control.put_credential(
        minted.name, credential.token, credential.login, _READ, sso_authorised=[organisation]
    )


def expire(control: Control, minted: Minted) -> None:
    """Let a classic token's life be over."""
    credential = minted.credential
    control.put_credential(minted.name, credential.token, credential.login, _READ, expired=True)


def revoke(control: Control, minted: Minted) -> None:
    """Revoke a classic token."""
    credential = minted.credential
    control.put_credential(minted.name, credential.token, credential.login, _READ, revoked=True)


def put_organisation(
    control: Control, name: str, member: str, *, sso: bool = False, classic_tokens: bool = True
) -> None:
    """Make an organisation, or set its rules: does it enforce SSO, does it allow classic tokens.

    A package of it is read by a token only if these rules let it.
    """
    owner = OwnerBody(
        organisation=True,
        members=[member],
        sso_enforced=sso,
        classic_tokens_forbidden=not classic_tokens,
    )
    control.put_owner(name, owner)


def _minted(login: str, token: str) -> Minted:
    return Minted(f"{login.lower()}-{secrets.token_hex(4)}", Credential(login, protect(token)))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
