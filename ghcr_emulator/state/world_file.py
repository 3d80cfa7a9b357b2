"""The world as one file: who there is, what packages, which tokens.

README.md, The world file, has an example. A wrong file gives one error with its line, and no part
of it: what is read is a whole world.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ghcr_emulator.protocol import names
from ghcr_emulator.state import secret_files as secretfiles
from ghcr_emulator.state import tokens
from ghcr_emulator.state.accounts import (
    REPOSITORY,
    TEAM,
    WORKFLOW_LOGIN,
    Credential,
    Kind,
    Level,
    Owner,
    Package,
    Visibility,
)
from ghcr_emulator.state.assumptions import KnobError, Knobs, set_knobs
from ghcr_emulator.state.yaml_schema import Block, Item, read_block

_TOP: Final = ("users", "organisations", "repositories", "packages", "tokens", "knobs")
_ORGANISATION: Final = ("sso_enforced", "classic_tokens_forbidden", "members", "teams", "creators")
_PACKAGE: Final = ("visibility", "readers", "writers", "admins")
_ANY_TOKEN: Final = ("kind", "token", "token_file", "expired", "revoked")
_TOKEN: Final = {
    Kind.CLASSIC: (*_ANY_TOKEN, "login", "scopes", "sso_authorised"),
    Kind.FINE_GRAINED: (*_ANY_TOKEN, "login", "sso_authorised"),
    Kind.WORKFLOW: (*_ANY_TOKEN, "repository", "packages"),
}


@dataclass(frozen=True, slots=True)
class World:
    """All of a file; `knobs` is None where it says nothing of them."""

    owners: tuple[Owner, ...]
    packages: tuple[Package, ...]
    credentials: tuple[Credential, ...]
    knobs: Knobs | None


def read_world(text: bytes, source: str, folder: Path | None = None) -> World:
    """Read a world file; raises BlockError.

    `source` is what errors call it. Paths of `token_file` begin at `folder`; without one there
    are no files to read, and tokens must stand in the text.
    """
    top = read_block(text, source, "the world")
    top.check_keys(_TOP)
    known = _collect(top)
    users = [_user(block, name, known) for name, block in top.blocks("users", "user")]
    organisations = [
        _organisation(block, name, known)
        for name, block in top.blocks("organisations", "organisation")
    ]
    packages = [_package(block, name, known) for name, block in top.blocks("packages", "package")]
    return World(
        owners=(*users, *organisations),
        packages=tuple(packages),
        credentials=tuple(_credentials(top, known, folder)),
        knobs=_knobs(top),
    )


@dataclass(slots=True)
class _Known:
    """The names of a file, in lower case; a name that is used must be one of them."""

    users: set[str] = field(default_factory=set)
    teams: dict[str, set[str]] = field(default_factory=dict)  # by organisation
    repositories: set[str] = field(default_factory=set)

    def logins(self, block: Block, key: str) -> frozenset[str]:
        """Return a list of users."""
        return frozenset(self.login(block, item) for item in block.items(key))

    def login(self, block: Block, item: Item) -> str:
        """Return a user, that must be there."""
        if item.text.lower() not in self.users:
            raise block.fail(f"there is no user {item.text[:80]!r} in this file", item.line)
        return item.text

    def repository(self, block: Block, item: Item) -> str:
        """Return a repository, that must be there."""
        if item.text.lower() not in self.repositories:
            raise block.fail(f"there is no repository {item.text[:80]!r} in this file", item.line)
        return item.text

    def principals(self, block: Block, key: str, owner: str) -> frozenset[str]:
        """Return a list of users, repositories, and teams of the owner."""
        found = block.items(key)
        for item in found:
            if item.text.startswith(REPOSITORY):
                self.repository(block, Item(item.text.removeprefix(REPOSITORY), item.line))
            elif item.text.startswith(TEAM):
                self._check_team(block, item, owner)
            else:
                self.login(block, item)
        return frozenset(item.text for item in found)

    def _check_team(self, block: Block, item: Item, owner: str) -> None:
        if owner not in self.teams:
            raise block.fail(f"{owner!r} is no organisation, and has no teams", item.line)
        if item.text.removeprefix(TEAM) not in self.teams[owner]:
            raise block.fail(f"{owner!r} has no {item.text[:80]!r} in this file", item.line)


def _collect(top: Block) -> _Known:
    known = _Known()
    for login, block in top.blocks("users", "user"):
        known.users.add(_new_owner(block, login, known))
    for login, block in top.blocks("organisations", "organisation"):
        block.check_keys(_ORGANISATION)
        name = _new_owner(block, login, known)
        known.teams[name] = {team for team in block.values("teams") if isinstance(team, str)}
    for item in top.items("repositories"):
        name = item.text.lower()
        if not names.is_repository(name):
            raise top.fail("a repository is 'owner/name'", item.line)
        if names.owner_of(name) not in known.users | set(known.teams):
            raise top.fail(f"{item.text[:80]!r} has an owner that is not in this file", item.line)
        known.repositories.add(name)
    return known


def _new_owner(block: Block, login: str, known: _Known) -> str:
    name = login.lower()
    if not names.is_owner(name):
        raise block.fail(f"{login[:80]!r} is not what a login looks like")
    if name in known.users or name in known.teams:
        raise block.fail(f"{login[:80]!r} is there twice; logins are the same in any case")
    return name


def _user(block: Block, login: str, known: _Known) -> Owner:
    block.check_keys(("creators",))
    name = login.lower()
    return Owner(name, known.principals(block, "creators", name), login)


def _organisation(block: Block, login: str, known: _Known) -> Owner:
    name = login.lower()
    teams = block.block("teams")
    return Owner(
        name=name,
        creators=known.principals(block, "creators", name),
        login=login,
        organisation=True,
        sso_enforced=block.flag("sso_enforced"),
        classic_tokens_forbidden=block.flag("classic_tokens_forbidden"),
        members=known.logins(block, "members"),
        teams={team: known.logins(teams, team) for team in sorted(known.teams[name])},
    )


def _package(block: Block, repository: str, known: _Known) -> Package:
    block.check_keys(_PACKAGE)
    if not names.is_repository(repository):
        raise block.fail("a package is 'owner/name' in lower case")
    owner = names.owner_of(repository)
    if owner not in known.users | set(known.teams):
        raise block.fail(f"{repository[:80]!r} has an owner that is not in this file")
    return Package(
        owner=owner,
        name=repository.removeprefix(f"{owner}/"),
        visibility=Visibility(block.choice("visibility", list(Visibility))),
        readers=known.principals(block, "readers", owner),
        writers=known.principals(block, "writers", owner),
        admins=known.principals(block, "admins", owner),
    )


def _credentials(top: Block, known: _Known, folder: Path | None) -> Iterator[Credential]:
    holders: dict[str, str] = {}
    for name, block in top.blocks("tokens", "token"):
        credential = _credential(block, name, known, folder)
        holder = holders.setdefault(credential.fingerprint, name)
        if holder != name:
            raise block.fail(f"token {name!r} is the same as token {holder!r}")
        yield credential


def _credential(block: Block, name: str, known: _Known, folder: Path | None) -> Credential:
    if not names.is_label(name):
        raise block.fail("the name of a token is letters, digits, dots, dashes or _")
    kind = Kind(block.choice("kind", list(Kind), Kind.CLASSIC))
    block.check_keys(_TOKEN[kind])
    run = kind is Kind.WORKFLOW
    repository = known.repository(block, _item(block, "repository")) if run else ""
    return Credential(
        name=name,
        fingerprint=tokens.fingerprint(_secret(block, folder)),
        login=WORKFLOW_LOGIN if run else known.login(block, _item(block, "login")),
        scopes=frozenset(item.text for item in block.items("scopes")),
        kind=kind,
        expired=block.flag("expired"),
        revoked=block.flag("revoked"),
        sso_authorised=frozenset(_organisations(block, known)),
        repository=repository.lower(),
        packages=Level(block.choice("packages", list(Level)) if run else Level.NONE),
    )


def _organisations(block: Block, known: _Known) -> Iterator[str]:
    for item in block.items("sso_authorised"):
        if item.text.lower() not in known.teams:
            raise block.fail(f"there is no organisation {item.text[:80]!r} in this file", item.line)
        yield item.text.lower()


def _item(block: Block, key: str) -> Item:
    return Item(block.text(key), block.line_of(key))


def _secret(block: Block, folder: Path | None) -> str:
    if ("token" in block) == ("token_file" in block):
        raise block.fail(f"{block.what} needs either 'token' or 'token_file'")
    if "token" in block:
        return block.text("token")
    file, line = _item(block, "token_file")
    if folder is None:
        raise block.fail("there is no folder here to read a 'token_file' from: use 'token'", line)
    if Path(file).is_absolute():
        raise block.fail("'token_file' is a path relative to this file's folder", line)
    try:
        return secretfiles.read_secret(folder / file)
    except secretfiles.SecretFileError as error:
        raise block.fail(str(error), line) from None


def _knobs(top: Block) -> Knobs | None:
    if "knobs" not in top:
        return None
    block = top.block("knobs")
    try:
        return set_knobs(top.values("knobs"))
    except KnobError as error:
        raise block.fail(str(error), block.line_of(error.key)) from None
