"""The control port's JSON bodies, as rows; raises DocumentError for a wrong one."""

from typing import Final

from ghcr_emulator.state import tokens
from ghcr_emulator.state.accounts import WORKFLOW_LOGIN, Credential, Kind, Level, Owner
from ghcr_emulator.state.json_schema import Document, DocumentError

_CREDENTIAL: Final = (
    "token",
    "login",
    "scopes",
    "expired",
    "expires",
    "revoked",
    "kind",
    "sso_authorised",
    "repository",
    "packages",
)
_OWNER: Final = (
    "creators",
    "login",
    "organisation",
    "sso_enforced",
    "classic_tokens_forbidden",
    "members",
    "teams",
)
_OF_A_RUN: Final = ("repository", "packages")
_OF_A_PERSON: Final = ("login", "scopes", "sso_authorised", "expires")


def credential(name: str, body: bytes) -> Credential:
    """Return the credential of that name; without a `kind` it is a classic token."""
    document = Document(body, _CREDENTIAL)
    kind = Kind(document.choice("kind", list(Kind), Kind.CLASSIC))
    run = kind is Kind.WORKFLOW
    for key in _OF_A_PERSON if run else _OF_A_RUN:
        if key in document:
            raise DocumentError(f"{key!r} is nothing that a token of the kind {kind} has")
    return Credential(
        name=name,
        fingerprint=tokens.fingerprint(document.text("token")),
        login=WORKFLOW_LOGIN if run else document.text("login"),
        scopes=document.texts("scopes"),
        kind=kind,
        expired=document.flag("expired"),
        revoked=document.flag("revoked"),
        sso_authorised=frozenset(org.lower() for org in document.texts("sso_authorised")),
        repository=document.text("repository").lower() if run else "",
        packages=Level(document.choice("packages", list(Level))) if run else Level.NONE,
        expires=document.moment("expires"),
    )


def owner(name: str, body: bytes) -> Owner:
    """Return the owner of that name; without `organisation` it is a user."""
    document = Document(body, _OWNER)
    return Owner(
        name=name,
        creators=document.texts("creators"),
        login=document.text("login", name),
        organisation=document.flag("organisation"),
        sso_enforced=document.flag("sso_enforced"),
        classic_tokens_forbidden=document.flag("classic_tokens_forbidden"),
        members=document.texts("members"),
        teams={team: document.texts_in("teams", team) for team in document.fields("teams")},
    )
