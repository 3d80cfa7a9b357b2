"""What the stand-in knows: credentials, packages, owners and the order tags were pushed in.

All of it lives in memory and is gone after a restart. Rows are frozen: a change is a new row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pullrecovery.lab.ghcr import names
from pullrecovery.lab.ghcr.tokens import Bearers


class Kind(StrEnum):
    """Kinds of credentials GitHub gives out."""

    CLASSIC = "classic"


class Visibility(StrEnum):
    """Who may see a package; `internal` is private here, as no enterprise stands around it."""

    PUBLIC = "public"
    PRIVATE = "private"
    INTERNAL = "internal"


class TokenTakenError(Exception):
    """Two credentials cannot share a token: the log could not tell their requests apart."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A personal access token; `name` is what the log calls it, `login` whose it is.

    `fingerprint` is tokens.fingerprint() of the token, which itself is not kept.
    """

    name: str
    fingerprint: str
    login: str
    scopes: frozenset[str] = frozenset()
    kind: Kind = Kind.CLASSIC
    expired: bool = False
    revoked: bool = False

    @property
    def usable(self) -> bool:
        """Whether GitHub would still take it for its owner's."""
        return not (self.expired or self.revoked)


@dataclass(frozen=True, slots=True)
class Owner:
    """A user or an organisation; `creators` are the logins that may make new packages in it."""

    name: str
    creators: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Package:
    """A container package: who sees it, and which logins may read or write it besides its owner."""

    owner: str
    name: str
    visibility: Visibility = Visibility.PRIVATE
    readers: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()

    @property
    def repository(self) -> str:
        """The name in the registry: `owner/name`."""
        return f"{self.owner}/{self.name}"


def has_login(login: str, among: Iterable[str]) -> bool:
    """Tell whether `login` is one of `among`; GitHub's logins are the same in any case."""
    return login.casefold() in (other.casefold() for other in among)


@dataclass(slots=True)
class State:
    """The world as it is now. Used from one event loop, so it needs no lock."""

    bearers: Bearers = field(default_factory=Bearers)
    _credentials: dict[str, Credential] = field(default_factory=dict)
    _packages: dict[str, Package] = field(default_factory=dict)
    _owners: dict[str, Owner] = field(default_factory=dict)
    _pushed: dict[str, dict[str, None]] = field(default_factory=dict)

    def put_credential(self, credential: Credential) -> None:
        """Add a credential, or replace the one of that name.

        Raises TokenTakenError, with nothing changed, if another credential has that token.
        """
        holder = self.credential_of(credential.fingerprint)
        if holder is not None and holder.name != credential.name:
            raise TokenTakenError
        self._credentials[credential.name] = credential

    def drop_credential(self, name: str) -> bool:
        """Forget a credential; False if there is none of that name."""
        return self._credentials.pop(name, None) is not None

    def credential_of(self, fingerprint: str) -> Credential | None:
        """Return the credential with that token, expired and revoked ones too."""
        rows = self._credentials.values()
        return next((row for row in rows if row.fingerprint == fingerprint), None)

    def put_package(self, package: Package) -> None:
        """Add a package, or replace the one of that repository."""
        self._packages[package.repository] = package

    def drop_package(self, repository: str) -> bool:
        """Forget a package, not what the registry stores for it; False if there is none."""
        return self._packages.pop(repository, None) is not None

    def package(self, repository: str) -> Package | None:
        """Return the package of a repository."""
        return self._packages.get(repository)

    def public_repositories(self) -> list[str]:
        """Return the repositories of all public packages, in lexical order."""
        public = (p for p in self._packages.values() if p.visibility is Visibility.PUBLIC)
        return sorted(package.repository for package in public)

    def put_owner(self, owner: Owner) -> None:
        """Add an owner, or replace the one of that name."""
        self._owners[owner.name] = owner

    def drop_owner(self, name: str) -> bool:
        """Forget what was said of an owner; False if nothing was."""
        return self._owners.pop(name, None) is not None

    def owner(self, name: str) -> Owner:
        """Return an owner; one never put has no creators besides itself."""
        return self._owners.get(name, Owner(name))

    def create_by_push(self, repository: str, login: str) -> None:
        """Make the package a first push makes: private, and writable by who pushed."""
        if repository in self._packages:
            return
        owner = names.owner_of(repository)
        name = repository.removeprefix(f"{owner}/")
        self.put_package(Package(owner, name, writers=frozenset({login})))

    def tag_pushed(self, repository: str, tag: str) -> None:
        """Note that `tag` is now the newest of its repository."""
        tags = self._pushed.setdefault(repository, {})
        tags.pop(tag, None)
        tags[tag] = None

    def push_order(self, repository: str) -> tuple[str, ...]:
        """Return the tags seen pushed, oldest first; some may have been deleted since."""
        return tuple(self._pushed.get(repository, ()))
