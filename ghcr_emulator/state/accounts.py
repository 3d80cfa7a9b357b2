"""The accounts and packages of GitHub, as frozen records: a change is a new record.

Logins and owners are the same in any case, as at GitHub. A package's readers, writers and admins
are principals: `LOGIN`, `team:NAME` of the package's organisation, or `repository:OWNER/NAME` for
the workflow runs of that repository.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

# The login of a workflow run's token.
WORKFLOW_LOGIN: Final = "github-actions[bot]"
TEAM: Final = "team:"
REPOSITORY: Final = "repository:"


class Kind(StrEnum):
    """The kinds of tokens that GitHub issues; `workflow` is the GITHUB_TOKEN of a run."""

    CLASSIC = "classic"
    FINE_GRAINED = "fine-grained"
    WORKFLOW = "workflow"


class Level(StrEnum):
    """The level of `packages` in a workflow run's `permissions:`."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


class PackageVisibility(StrEnum):
    """Who may see a package; `internal` is for the members of its organisation."""

    PUBLIC = "public"
    PRIVATE = "private"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class AccountToken:
    """A token; `name` is its name in the log, `login` its owner.

    `fingerprint` is tokens.fingerprint() of the token, which is not stored itself. `scopes` are a
    classic token's; `sso_authorised` names the organisations, in lower case, that a personal token
    was granted to. `expires` is when a personal token ends, if ever. A workflow run's token has its
    `repository`, and a level of `packages`.
    """

    name: str
    fingerprint: str
    login: str
    scopes: frozenset[str] = frozenset()
    kind: Kind = Kind.CLASSIC
    expired: bool = False
    revoked: bool = False
    sso_authorised: frozenset[str] = frozenset()
    repository: str = ""
    packages: Level = Level.NONE
    expires: datetime | None = None

    @property
    def usable(self) -> bool:
        """Whether GitHub still accepts the token."""
        over = self.expires is not None and self.expires <= datetime.now(UTC)
        return not (self.expired or self.revoked or over)

    @property
    def principal(self) -> str:
        """The token's principal, for lists of readers and writers."""
        return f"{REPOSITORY}{self.repository}" if self.kind is Kind.WORKFLOW else self.login


@dataclass(frozen=True, slots=True)
class Owner:
    """A user or an organisation; `creators` are the principals that may create packages in it.

    `login` is the name with its capitals. All other fields are an organisation's: whether it
    enforces SSO, whether it forbids classic tokens, its members, and the members of its teams.
    """

    name: str
    creators: frozenset[str] = frozenset()
    login: str = ""
    organisation: bool = False
    sso_enforced: bool = False
    classic_tokens_forbidden: bool = False
    members: frozenset[str] = frozenset()
    teams: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The name with its capitals."""
        return self.login or self.name


@dataclass(frozen=True, slots=True)
class Package:
    """A container package: its visibility, and readers, writers and admins besides its owner."""

    owner: str
    name: str
    visibility: PackageVisibility = PackageVisibility.PRIVATE
    readers: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()

    @property
    def repository(self) -> str:
        """The name in the registry: `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def public(self) -> bool:
        """Whether anyone may read the package."""
        return self.visibility is PackageVisibility.PUBLIC


@dataclass(frozen=True, slots=True)
class RequestedPackage:
    """The package of a request, None where it does not exist, and its owner."""

    owner: Owner
    package: Package | None

    @property
    def public(self) -> bool:
        """Whether the package exists, and anyone may read it."""
        return self.package is not None and self.package.public

    def creates(self, credential: AccountToken) -> bool:
        """Return whether a token's holder may create packages under this owner.

        A workflow run may where its repository has the same owner.
        """
        run = credential.kind is Kind.WORKFLOW
        at_home = run and has_login(credential.repository.partition("/")[0], [self.owner.name])
        return at_home or self._is_among(credential, self.owner.creators)

    def reads(self, credential: AccountToken) -> bool:
        """Return whether a token's holder may read the package."""
        package = self.package
        if package is None:
            return False
        inside = package.visibility is PackageVisibility.INTERNAL and self._is_among(
            credential, self.owner.members
        )
        principals = package.readers | package.writers | package.admins
        return package.public or inside or self._is_among(credential, principals)

    def writes(self, credential: AccountToken) -> bool:
        """Return whether a token's holder may write to the package."""
        package = self.package
        return package is not None and self._is_among(credential, package.writers | package.admins)

    def administers(self, credential: AccountToken) -> bool:
        """Return whether a token's holder may delete versions of the package."""
        return self.package is not None and self._is_among(credential, self.package.admins)

    def _is_among(self, credential: AccountToken, principals: frozenset[str]) -> bool:
        owner = self.owner
        if credential.kind is Kind.WORKFLOW:
            return has_login(credential.principal, principals)
        teams = (
            owner.teams.get(text.removeprefix(TEAM), frozenset())
            for text in principals
            if text.startswith(TEAM)
        )
        themselves = frozenset() if owner.organisation else frozenset({owner.name})
        return has_login(credential.login, principals.union(themselves, *teams))


def has_login(login: str, among: Iterable[str]) -> bool:
    """Return whether `login` is one of `among`; GitHub's logins are the same in any case."""
    return login.casefold() in (other.casefold() for other in among)
