"""The fault switches that are on, and which of them a request or a connection meets.

The newest switch wins. One whose count is used up, or whose time is over, meets nobody any more;
it stays in the table with its hits until it is taken off or replaced.
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
    """What is known of a request. `credential` is None for a caller that the log calls null."""

    method: str
    route: Route
    repository: str | None
    references: frozenset[str | None]
    credential: str | None

    @classmethod
    def noted(cls, draft: Draft) -> "RequestFacts":
        """Return what the handlers noted for the access log."""
        references = frozenset({draft.reference, draft.digest})
        return cls(draft.method, draft.route, draft.repository, references, draft.credential)


def fits(fault: RequestSwitch, asked: RequestFacts) -> bool:
    """Tell whether a request equals every field that the switch was asked for with."""
    # A blob comes in two steps, and whoever wants it spoiled need not know of the second.
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
    """One fault that is on, until when (`until`, the clock's), and how many it has hit.

    `context` is what TLS connections are met with, of a Certificate.
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
        """The seconds until it ends by itself, None if only something else ends it."""
        return None if self.until is None else max(0.0, self.until - self.clock())

    @property
    def count_left(self) -> int | None:
        """How many hits it still has, None for any number."""
        count = None if isinstance(self.fault, Refuse) else self.fault.count
        return None if count is None else count - self.hits

    @property
    def active(self) -> bool:
        """Whether it still meets anybody."""
        return not self.lifted.is_set() and self.seconds_left != 0 and self.count_left != 0

    def take(self) -> bool:
        """Count one hit; False, and nothing counted, if it is no longer active."""
        if not self.active:
            return False
        self.hits += 1
        return True

    async def over(self, within: float | None = None) -> bool:
        """Wait until it is taken off or its time is over, or `within` seconds; True if it is.

        A used-up count is no end here: whoever it has hit is still hit.
        """
        waits = [wait for wait in (within, self.seconds_left) if wait is not None]
        try:
            await asyncio.wait_for(self.lifted.wait(), min(waits, default=None))
        except TimeoutError:
            return self.seconds_left == 0
        return True


async def _listens_always() -> None:
    """Have no door to open or shut."""


@dataclass(slots=True)
class Switches:
    """The table. Used from one event loop, so it needs no lock.

    `settle` is awaited after each change: it brings the door to where the table says.
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
        """Take a switch off, and let go whom it holds; False if there is none of that name."""
        switch = self._rows.pop(name, None)
        if switch is None:
            return False
        switch.lifted.set()
        return True

    def clear(self) -> None:
        """Take all switches off."""
        for name in list(self._rows):
            self.drop(name)

    def fitting(self, asked: RequestFacts) -> Iterator[ActiveSwitch]:
        """Give the active switches that fit a request, newest first."""
        for switch in reversed(self._rows.values()):
            fault = switch.fault
            if isinstance(fault, RequestSwitch) and switch.active and fits(fault, asked):
                yield switch

    def at_listener(self) -> ActiveSwitch | None:
        """Return the newest active switch of those for connections."""
        return next(
            (
                switch
                for switch in reversed(self._rows.values())
                if isinstance(switch.fault, ListenerFault) and switch.active
            ),
            None,
        )
