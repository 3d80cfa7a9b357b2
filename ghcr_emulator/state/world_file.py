"""The world file: owners, packages and tokens.

README.md, The world file, has an example. Every mistake of a file is reported with its line, and a
file with a mistake is not used in part.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

from ghcr_emulator.documents.problems import Place, Problem
from ghcr_emulator.documents.yaml_file import read_yaml
from ghcr_emulator.protocol import names
from ghcr_emulator.state import secret_files as secretfiles
from ghcr_emulator.state import tokens
from ghcr_emulator.state.accounts import (
    REPOSITORY,
    TEAM,
    WORKFLOW_LOGIN,
    AccountToken,
    Kind,
    Owner,
    Package,
)
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.world_schema import (
    OrganisationRules,
    PackageBody,
    Personal,
    PersonalEntry,
    Run,
    RunEntry,
    UserEntry,
    WorldDocument,
)


@dataclass(frozen=True, slots=True)
class WorldFile:
    """The records of a whole file; `assumptions` is None where the file has none."""

    owners: tuple[Owner, ...]
    packages: tuple[Package, ...]
    credentials: tuple[AccountToken, ...]
    assumptions: Assumptions | None


def read_world(text: bytes, source: str, folder: Path | None = None) -> WorldFile:
    """Read a world file; raises DocumentError.

    `source` is its name in errors. Paths of `token_file` begin at `folder`; without a folder no
    files are read, and tokens must be in the text.
    """
    document = read_yaml(text, source)
    world = document.read(WorldDocument)
    rows = _Rows(world, folder)
    rows.check_names()
    users = [rows.user(*entry) for entry in world.users.items()]
    organisations = [rows.organisation(*entry) for entry in world.organisations.items()]
    packages = [rows.package(*entry) for entry in world.packages.items()]
    credentials = list(rows.credentials())
    document.check(rows.problems)
    return WorldFile(
        (*users, *organisations), tuple(packages), tuple(credentials), world.assumptions
    )


@dataclass(slots=True)
class _Rows:
    """Converts the parts of a file into records, and collects the mistakes in their names."""

    world: WorldDocument
    folder: Path | None
    problems: list[Problem] = field(default_factory=list)
    users: set[str] = field(init=False)
    teams: dict[str, set[str]] = field(init=False)  # by organisation
    repositories: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.users = {login.lower() for login in self.world.users}
        organisations = self.world.organisations.items()
        self.teams = {login.lower(): set(rules.teams) for login, rules in organisations}
        self.repositories = {name.lower() for name in self.world.repositories}

    def check_names(self) -> None:
        """Check the names of owners and repositories."""
        known: set[str] = set()
        for kind in ("users", "organisations"):
            for login in getattr(self.world, kind):
                name, shown = login.lower(), repr(login[:80])
                if not names.is_owner(name):
                    self._note((kind, login), f"{shown} is not what a login looks like")
                elif name in known:
                    sentence = f"{shown} is there twice; logins are the same in any case"
                    self._note((kind, login), sentence)
                known.add(name)
        for at, text in enumerate(self.world.repositories):
            if not names.is_repository(text.lower()):
                self._note(("repositories", at), "a repository is 'owner/name'")
            else:
                self._check_owner(("repositories", at), text)

    def user(self, login: str, user: UserEntry) -> Owner:
        """Return the record of a user."""
        creators = self._principals(("users", login, "creators"), user.creators, login.lower())
        return Owner(login.lower(), creators, login)

    def organisation(self, login: str, rules: OrganisationRules) -> Owner:
        """Return the record of an organisation."""
        place = ("organisations", login)
        return Owner(
            name=login.lower(),
            creators=self._principals((*place, "creators"), rules.creators, login.lower()),
            login=login,
            organisation=True,
            sso_enforced=rules.sso_enforced,
            classic_tokens_forbidden=rules.classic_tokens_forbidden,
            members=self._logins((*place, "members"), rules.members),
            teams={
                team: self._logins((*place, "teams", team), members)
                for team, members in sorted(rules.teams.items())
            },
        )

    def package(self, repository: str, package: PackageBody) -> Package:
        """Return the record of a package."""
        place: Place = ("packages", repository)
        owner = names.owner_of(repository)
        if not names.is_repository(repository):
            self._note(place, "a package is 'owner/name' in lower case")
        else:
            self._check_owner(place, repository)
        return Package(
            owner=owner,
            name=repository.removeprefix(f"{owner}/"),
            visibility=package.visibility,
            readers=self._principals((*place, "readers"), package.readers, owner),
            writers=self._principals((*place, "writers"), package.writers, owner),
            admins=self._principals((*place, "admins"), package.admins, owner),
        )

    def credentials(self) -> Iterator[AccountToken]:
        """Yield the records of the tokens; no two may have the same token."""
        holders: dict[str, str] = {}
        for name, entry in self.world.tokens.items():
            place: Place = ("tokens", name)
            if not names.is_label(name):
                self._note(place, "the name of a token is letters, digits, dots, dashes or _")
            self._check_token(place, entry)
            secret = self._secret(place, entry)
            if secret is not None:
                row = credential_row(name, entry, secret)
                holder = holders.setdefault(row.fingerprint, name)
                if holder != name:
                    self._note(place, f"token {name!r} is the same as token {holder!r}")
                yield row

    def _check_token(self, place: Place, entry: PersonalEntry | RunEntry) -> None:
        if isinstance(entry, RunEntry):
            self._check_repository((*place, "repository"), entry.repository)
            return
        self._check_login((*place, "login"), entry.login)
        for at, text in enumerate(entry.sso_authorised):
            if text.lower() not in self.teams:
                sentence = f"there is no organisation {text[:80]!r} in this file"
                self._note((*place, "sso_authorised", at), sentence)

    def _secret(self, place: Place, entry: PersonalEntry | RunEntry) -> str | None:
        file = entry.token_file
        at: Place = (*place, "token_file")
        if (entry.token is None) == (file is None):
            self._note(place, f"token {place[-1]!r} needs either 'token' or 'token_file'")
        elif file is None:
            return entry.token
        elif self.folder is None:
            self._note(at, "there is no folder here to read a 'token_file' from: use 'token'")
        elif Path(file).is_absolute():
            self._note(at, "'token_file' is a path relative to this file's folder")
        else:
            try:
                return secretfiles.read_secret(self.folder / file)
            except secretfiles.SecretFileError as error:
                self._note(at, str(error))
        return None

    def _logins(self, place: Place, texts: list[str]) -> frozenset[str]:
        for at, text in enumerate(texts):
            self._check_login((*place, at), text)
        return frozenset(texts)

    def _principals(self, place: Place, texts: list[str], owner: str) -> frozenset[str]:
        """Return a list of users, repositories, and teams of the owner."""
        for at, text in enumerate(texts):
            if text.startswith(REPOSITORY):
                self._check_repository((*place, at), text.removeprefix(REPOSITORY))
            elif text.startswith(TEAM):
                self._check_team((*place, at), text, owner)
            else:
                self._check_login((*place, at), text)
        return frozenset(texts)

    def _check_owner(self, place: Place, repository: str) -> None:
        owner = names.owner_of(repository.lower())
        if owner not in self.users and owner not in self.teams:
            self._note(place, f"{repository[:80]!r} has an owner that is not in this file")

    def _check_login(self, place: Place, login: str) -> None:
        if login.lower() not in self.users:
            self._note(place, f"there is no user {login[:80]!r} in this file")

    def _check_repository(self, place: Place, repository: str) -> None:
        if repository.lower() not in self.repositories:
            self._note(place, f"there is no repository {repository[:80]!r} in this file")

    def _check_team(self, place: Place, principal: str, owner: str) -> None:
        if owner not in self.teams:
            self._note(place, f"{owner[:80]!r} is no organisation, and has no teams")
        elif principal.removeprefix(TEAM) not in self.teams[owner]:
            self._note(place, f"{owner!r} has no {principal[:80]!r} in this file")

    def _note(self, place: Place, sentence: str) -> None:
        self.problems.append(Problem(place, sentence))


def credential_row(name: str, token: Personal | Run, secret: str) -> AccountToken:
    """Return the record of a token, with only the fingerprint of `secret`."""
    common = AccountToken(
        name=name,
        fingerprint=tokens.fingerprint(secret),
        login=WORKFLOW_LOGIN,
        kind=Kind(token.kind),
        expired=token.expired,
        revoked=token.revoked,
    )
    if isinstance(token, Run):
        return replace(common, repository=token.repository.lower(), packages=token.packages)
    return replace(
        common,
        login=token.login,
        scopes=frozenset(token.scopes),
        sso_authorised=frozenset(login.lower() for login in token.sso_authorised),
        expires=token.expires and token.expires.astimezone(UTC),
    )
