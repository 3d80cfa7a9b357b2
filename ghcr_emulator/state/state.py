"""The state of the emulator: credentials, packages, owners and the push order of tags.

All of it is in memory and ends with the process. Records are frozen: a change is a new record.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ghcr_emulator.protocol import names
from ghcr_emulator.state.accounts import AccountToken, Owner, Package, RequestedPackage
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.signed_urls import BlobLinks
from ghcr_emulator.state.tag_digests import TagDigests
from ghcr_emulator.state.tokens import Bearers
from ghcr_emulator.state.version_ids import Versions
from ghcr_emulator.state.workflows import WorkflowStore


class TokenTakenError(Exception):
    """Another credential has the token; the log could not distinguish their requests."""


@dataclass(slots=True)
class State:
    """The current state. Used from one event loop, so it needs no lock."""

    bearers: Bearers = field(default_factory=Bearers)
    versions: Versions = field(default_factory=Versions)
    tag_digests: TagDigests = field(default_factory=TagDigests)
    links: BlobLinks = field(default_factory=BlobLinks)
    assumptions: Assumptions = field(default_factory=Assumptions)
    workflows: WorkflowStore = field(default_factory=WorkflowStore)
    _credentials: dict[str, AccountToken] = field(default_factory=dict)
    _by_fingerprint: dict[str, AccountToken] = field(default_factory=dict)
    _packages: dict[str, Package] = field(default_factory=dict)
    _owners: dict[str, Owner] = field(default_factory=dict)
    _pushed: dict[str, dict[str, None]] = field(default_factory=dict)
    _born: dict[str, datetime] = field(default_factory=dict)
    _removed: dict[str, Package] = field(default_factory=dict)

    def replace(
        self,
        credentials: Iterable[AccountToken],
        packages: Iterable[Package],
        owners: Iterable[Owner],
    ) -> None:
        """Replace all records; names and tokens must be unique among the new ones.

        Bearer tokens of unchanged credentials stay valid, and the order of the tags stays.
        """
        self._credentials = {row.name: row for row in credentials}
        self._by_fingerprint = {row.fingerprint: row for row in self._credentials.values()}
        self._packages = {}
        for row in packages:
            self.put_package(row)
        self._owners = {row.name: row for row in owners}

    def put_credential(self, credential: AccountToken) -> None:
        """Add a credential, or replace the one of that name.

        Raises TokenTakenError, with nothing changed, if another credential has that token.
        """
        holder = self.credential_of(credential.fingerprint)
        if holder is not None and holder.name != credential.name:
            raise TokenTakenError
        self.drop_credential(credential.name)
        self._credentials[credential.name] = credential
        self._by_fingerprint[credential.fingerprint] = credential

    def drop_credential(self, name: str) -> bool:
        """Delete a credential; False if there is none of that name."""
        dropped = self._credentials.pop(name, None)
        if dropped is None:
            return False
        del self._by_fingerprint[dropped.fingerprint]
        return True

    def credential_of(self, fingerprint: str) -> AccountToken | None:
        """Return the credential with that token, even if it is expired or revoked."""
        return self._by_fingerprint.get(fingerprint)

    def put_package(self, package: Package) -> None:
        """Add a package, or replace the one of that repository."""
        self._packages[package.repository] = package
        self._born.setdefault(package.repository, datetime.now(UTC))
        self._removed.pop(package.repository, None)

    def drop_package(self, repository: str) -> bool:
        """Delete a package, but not its content in the registry; False if there is none."""
        return self._packages.pop(repository, None) is not None

    def remove_package(self, repository: str) -> None:
        """Delete a package as its admin does, so that it can be restored."""
        self._removed[repository] = self._packages.pop(repository)

    def removed_package(self, repository: str) -> Package | None:
        """Return a package that was removed and not put again since."""
        return self._removed.get(repository)

    def born(self, repository: str) -> datetime:
        """Return the time when a package was first put or pushed."""
        return self._born[repository]

    def package(self, repository: str) -> Package | None:
        """Return the package of a repository."""
        return self._packages.get(repository)

    def place(self, repository: str) -> RequestedPackage:
        """Return the package and the owner for a request about a repository."""
        return RequestedPackage(self.owner(names.owner_of(repository)), self.package(repository))

    def packages_of(self, owner: str) -> list[Package]:
        """Return the packages of an owner, in lexical order."""
        rows = (row for row in self._packages.values() if row.owner == owner)
        return sorted(rows, key=lambda row: row.name)

    def public_repositories(self) -> list[str]:
        """Return the repositories of all public packages, in lexical order."""
        return sorted(package.repository for package in self._packages.values() if package.public)

    def put_owner(self, owner: Owner) -> None:
        """Add an owner, or replace the one of that name."""
        self._owners[owner.name] = owner

    def drop_owner(self, name: str) -> bool:
        """Delete what was set for an owner; False if nothing was."""
        return self._owners.pop(name, None) is not None

    def owner(self, name: str) -> Owner:
        """Return an owner; one that was never put has no creators besides itself."""
        return self._owners.get(name, Owner(name))

    def has_owner(self, name: str) -> bool:
        """Return whether an owner was put, or has a package."""
        return name in self._owners or any(row.owner == name for row in self._packages.values())

    def create_by_push(self, repository: str, principal: str) -> None:
        """Create the package of a first push: private, and its pusher may write and delete it."""
        if repository in self._packages:
            return
        owner = names.owner_of(repository)
        name = repository.removeprefix(f"{owner}/")
        mine = frozenset({principal})
        self.put_package(Package(owner, name, writers=mine, admins=mine))

    def tag_pushed(self, repository: str, tag: str) -> None:
        """Note that `tag` is now the newest of its repository."""
        self.tag_digests.may_move(repository, tag)
        tags = self._pushed.setdefault(repository, {})
        tags.pop(tag, None)
        tags[tag] = None

    def push_order(self, repository: str) -> tuple[str, ...]:
        """Return the tags whose push was seen, oldest first; some may have been deleted since."""
        return tuple(self._pushed.get(repository, ()))
