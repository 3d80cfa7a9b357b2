"""The access log: who requested what, and how it was answered, without any secret.

Of a query string or an Authorization header the log has only what the emulator recognised: the name
of a credential, a login, a digest.
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
    """An entry of the log while its request is being answered.

    `time` is when the request came, UTC, ISO 8601 with microseconds and a Z. `identity` is the
    login of the authenticated caller. `credential` is the name of the credential that came with the
    request, also where it was rejected, and `token_kind` its kind. The bytes of a blob are logged
    under the caller who received the redirect. `credential_leaked` is true where an Authorization
    header came to the storage of the blobs, where no client may send one. `bytes` counts the body
    sent to the client. `status` is 499 where the client left before there was a status.
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
    """An answered request: the fields of Draft, and `seq`, which counts answers from 1 on."""

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
    """A filter of entries: those from `since` on that equal every field that is not None.

    An empty string matches entries where that field is null: `identity=""` matches anonymous
    requests.
    """

    since: int = 1
    identity: str | None = None
    credential: str | None = None
    token_kind: str | None = None
    repository: str | None = None
    digest: str | None = None
    status: int | None = None

    def wants(self, entry: Entry) -> bool:
        """Return whether an entry equals every field of the query, `since` aside."""
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
    """The newest entries; each is also passed to `sink` as one line of JSON when it is added."""

    def __init__(self, capacity: int = 100_000, sink: Callable[[str], None] = _print_line) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._sink = sink
        self._next = 1

    @property
    def next(self) -> int:
        """The `seq` that the next entry will get."""
        return self._next

    def add(self, draft: Draft) -> Entry:
        """Close a draft: number it, store it, and write its line."""
        # asdict() copies each value, which is slow for every request.
        told: dict[str, Any] = {"seq": self._next}
        told |= {name: getattr(draft, name) for name in _NAMES}
        entry = Entry(**told)
        self._next += 1
        self._entries.append(entry)
        self._sink(json.dumps(told, separators=(",", ":")))
        return entry

    def find(self, query: Query) -> Iterator[Entry]:
        """Yield the stored entries that match the query, oldest first."""
        oldest = self._next - len(self._entries)
        skipped = max(0, query.since - oldest)
        return filter(query.wants, islice(self._entries, skipped, None))
