"""The fault switches that are on, and the choice of the one that a request or connection meets.

The newest switch wins. A switch whose count is used up, or whose time is over, affects no more
requests. It stays in the table with its hits until it is dropped or replaced.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from ghcr_emulator.access_log.log import Draft
from ghcr_emulator.faults.kinds import Fault, ListenerFault, Refuse, RequestSwitch
from ghcr_emulator.protocol.routes import Route


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The known facts of a request; `credential` is None where the log has null."""

    method: str
    route: Route
    repository: str | None
    references: frozenset[str | None]
    credential: str | None

    @classmethod
    def noted(cls, draft: Draft) -> "RequestFacts":
        """Return the facts that the handlers noted for the access log."""
        references = frozenset({draft.reference, draft.digest})
        return cls(draft.method, draft.route, draft.repository, references, draft.credential)


def fits(fault: RequestSwitch, asked: RequestFacts) -> bool:
    """Return whether a request equals every field that the switch names."""
    # A blob comes in two requests; a switch for blobs covers both.
    blob = fault.route is Route.BLOB and asked.route is Route.STORED_BLOB
    pairs = (
        (fault.route, Route.BLOB if blob else asked.route),
        (fault.method, asked.method),
        (fault.repository, asked.repository),
        (fault.credential, asked.credential),
    )
    same = all(wanted is None or wanted == found for wanted, found in pairs)
    named = fault.reference is None or fault.reference in asked.references
    return same and named and not (fault.anonymous and asked.credential)


@dataclass(eq=False, slots=True)
class ActiveSwitch:
    """A fault that is on: its end (`until`, by the clock) and its number of hits.

    `context` is the TLS context of a Certificate, for its connections.
    """

    name: str
    fault: Fault
    until: float | None = None
    clock: Callable[[], float] = time.monotonic
    context: ssl.SSLContext | None = field(default=None, repr=False)
    hits: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the switch ends on its own, None if it has no time limit."""
        return None if self.until is None else max(0.0, self.until - self.clock())

    @property
    def count_left(self) -> int | None:
        """The number of hits left, None if there is no limit."""
        count = None if isinstance(self.fault, Refuse) else self.fault.count
        return None if count is None else count - self.hits

    @property
    def active(self) -> bool:
        """Whether the switch still affects requests."""
        return not self.lifted.is_set() and self.seconds_left != 0 and self.count_left != 0

    def take(self) -> bool:
        """Count one hit; return False, and count nothing, if the switch is no longer active."""
        if not self.active:
            return False
        self.hits += 1
        return True

    async def over(self, within: float | None = None) -> bool:
        """Wait until the switch is dropped or out of time, or `within` seconds; True if it is over.

        A used-up count does not end the wait: the requests that it has hit are still held.
        """
        waits = [wait for wait in (within, self.seconds_left) if wait is not None]
        try:
            await asyncio.wait_for(self.lifted.wait(), min(waits, default=None))
        except TimeoutError:
            return self.seconds_left == 0
        return True


async def _listens_always() -> None:
    """Do nothing, because there is no listening socket to open or close."""


@dataclass(slots=True)
class Switches:
    """The table of the switches, used from one event loop, so it needs no lock.

    `settle` is awaited after each change: it opens or closes the listening socket as the table
    says.
    """

    clock: Callable[[], float] = time.monotonic
    settle: Callable[[], Awaitable[None]] = _listens_always
    _rows: dict[str, ActiveSwitch] = field(default_factory=dict)

    def __iter__(self) -> Iterator[ActiveSwitch]:
        return iter(self._rows.values())

    def put(self, name: str, fault: Fault, context: ssl.SSLContext | None = None) -> ActiveSwitch:
        """Switch a fault on, in place of one of that name, as the newest."""
        self.drop(name)
        until = None if fault.seconds is None else self.clock() + fault.seconds
        switch = ActiveSwitch(name, fault, until, self.clock, context)
        self._rows[name] = switch
        return switch

    def drop(self, name: str) -> bool:
        """Drop a switch and release the requests that it holds; False if there is no such name."""
        switch = self._rows.pop(name, None)
        if switch is None:
            return False
        switch.lifted.set()
        return True

    def clear(self) -> None:
        """Drop all switches."""
        for name in list(self._rows):
            self.drop(name)

    def fitting(self, asked: RequestFacts) -> Iterator[ActiveSwitch]:
        """Yield the active switches that fit a request, newest first."""
        for switch in reversed(self._rows.values()):
            fault = switch.fault
            if isinstance(fault, RequestSwitch) and switch.active and fits(fault, asked):
                yield switch

    def at_listener(self) -> ActiveSwitch | None:
        """Return the newest active switch for connections."""
        return next(
            (
                switch
                for switch in reversed(self._rows.values())
                if isinstance(switch.fault, ListenerFault) and switch.active
            ),
            None,
        )
