"""The versions of packages with their ids: one version for each manifest that was pushed."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A manifest of a package; `tags` are the tags that were deleted with it."""

    id: int
    digest: str
    created: datetime
    updated: datetime
    deleted: datetime | None = None
    tags: tuple[str, ...] = ()


def _now() -> datetime:
    return datetime.now(UTC)


class Versions:
    """The known versions, by repository and digest; `clock` returns the time in UTC."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._ids = itertools.count(1)
        self._rows: dict[str, dict[str, Version]] = {}

    def seen(self, repository: str, digest: str) -> Version:
        """Return the version of a digest, and create it if it is new."""
        rows = self._rows.setdefault(repository, {})
        if digest not in rows:
            now = self._clock()
            rows[digest] = Version(next(self._ids), digest, now, now)
        return rows[digest]

    def pushed(self, repository: str, digest: str) -> None:
        """Note a push; a deleted version exists again, without its former tags."""
        version = replace(self.seen(repository, digest), updated=self._clock())
        self._rows[repository][digest] = replace(version, deleted=None, tags=())

    def is_deleted(self, repository: str, digest: str) -> bool:
        """Return whether a digest is that of a deleted version."""
        version = self._rows.get(repository, {}).get(digest)
        return version is not None and version.deleted is not None

    def of(self, repository: str) -> list[Version]:
        """Return all versions of a repository, deleted ones too, newest first."""
        return sorted(self._rows.get(repository, {}).values(), key=lambda row: -row.id)

    def delete(self, repository: str, version: Version, tags: tuple[str, ...]) -> None:
        """Mark a version as deleted, together with its tags."""
        row = replace(version, deleted=self._clock(), tags=tags)
        self._rows[repository][version.digest] = row

    def restore(self, repository: str, version: Version) -> None:
        """Mark a version as not deleted."""
        self._rows[repository][version.digest] = replace(version, deleted=None, tags=())
