"""The access log: who asked for what, and what came of it. Never a secret.

Nothing of a query string or an Authorization header gets in, but what was recognised in it: the
name of a credential, a login, a digest.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, Final

from ghcr_emulator.protocol.routes import Route
from ghcr_emulator.state.accounts import Kind


@dataclass(slots=True)
class Draft:
    """An entry while its request is being answered.

    `time` is when the request came, UTC, ISO 8601 with microseconds and a Z. `identity` is the
    login the caller was taken for; `credential` the name of the credential that came with the
    request, also where it was rejected, and `token_kind` its kind. A blob's bytes are given to the
    one whom the redirect was given to. `credential_leaked` says that an Authorization header came
    where none is ever to be sent: to the storage of the blobs. `bytes` counts the body sent to
    the client. `status` is 499 where the client left before there was one.
    """

    time: str
    method: str
    route: Route = Route.OTHER
    identity: str | None = None
    credential: str | None = None
    token_kind: Kind | None = None
    user_agent: str | None = None
    repository: str | None = None
    reference: str | None = None
    digest: str | None = None
    bytes: int = 0
    status: int = 499
    credential_leaked: bool = False


_NAMES: Final = tuple(each.name for each in fields(Draft))


@dataclass(frozen=True, slots=True)
class Entry:
    """One answered request. The fields are Draft's, and `seq` counts answers from 1 on."""

    seq: int
    time: str
    method: str
    route: Route
    identity: str | None
    credential: str | None
    token_kind: Kind | None
    user_agent: str | None
    repository: str | None
    reference: str | None
    digest: str | None
    bytes: int
    status: int
    credential_leaked: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are wanted: those from `since` on that equal every field that is not None.

    An empty string asks for entries where that field is null: `identity=""` is the anonymous ones.
    """

    since: int = 1
    identity: str | None = None
    credential: str | None = None
    token_kind: str | None = None
    repository: str | None = None
    digest: str | None = None
    status: int | None = None

    def wants(self, entry: Entry) -> bool:
        """Tell whether an entry equals every field asked for; `since` is not looked at."""
        pairs = (
            (self.identity, entry.identity),
            (self.credential, entry.credential),
            (self.token_kind, entry.token_kind),
            (self.repository, entry.repository),
            (self.digest, entry.digest),
        )
        same = all(wanted is None or wanted == (found or "") for wanted, found in pairs)
        return same and self.status in (None, entry.status)


def _print_line(line: str) -> None:
    print(line, flush=True)  # the container's stdout is the log


class AccessLog:
    """The newest entries, each also given to `sink` as one line of JSON when it is added."""

    def __init__(self, capacity: int = 100_000, sink: Callable[[str], None] = _print_line) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._sink = sink
        self._next = 1

    @property
    def next(self) -> int:
        """The `seq` that the next entry will get."""
        return self._next

    def add(self, draft: Draft) -> Entry:
        """Close a draft: give it its number, keep it, and write its line."""
        # Not asdict(), which copies each value, at every request.
        told: dict[str, Any] = {"seq": self._next}
        told |= {name: getattr(draft, name) for name in _NAMES}
        entry = Entry(**told)
        self._next += 1
        self._entries.append(entry)
        self._sink(json.dumps(told, separators=(",", ":")))
        return entry

    def find(self, query: Query) -> Iterator[Entry]:
        """Give the kept entries that the query wants, oldest first."""
        oldest = self._next - len(self._entries)
        skipped = max(0, query.since - oldest)
        return filter(query.wants, islice(self._entries, skipped, None))
