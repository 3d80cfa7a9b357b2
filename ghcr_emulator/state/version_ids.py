"""The versions of packages, as GitHub counts them: one for each manifest that was pushed."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A manifest of a package; `tags` are those that went with it when it was deleted."""

    id: int
    digest: str
    created: datetime
    updated: datetime
    deleted: datetime | None = None
    tags: tuple[str, ...] = ()


def _now() -> datetime:
    return datetime.now(UTC)


class Versions:
    """The versions seen so far, by repository and digest; `clock` gives the time in UTC."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._ids = itertools.count(1)
        self._rows: dict[str, dict[str, Version]] = {}

    def seen(self, repository: str, digest: str) -> Version:
        """Return the version of a digest, a new one if this is the first time it is seen."""
        rows = self._rows.setdefault(repository, {})
        if digest not in rows:
            now = self._clock()
            rows[digest] = Version(next(self._ids), digest, now, now)
        return rows[digest]

    def pushed(self, repository: str, digest: str) -> None:
        """Note a push; a version that was deleted is back, without the tags it had."""
        version = replace(self.seen(repository, digest), updated=self._clock())
        self._rows[repository][digest] = replace(version, deleted=None, tags=())

    def is_deleted(self, repository: str, digest: str) -> bool:
        """Tell whether a digest is that of a deleted version."""
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
        """Take the mark away."""
        self._rows[repository][version.digest] = replace(version, deleted=None, tags=())
