"""The fault switches that are on, and which of them a request or a connection meets.

The newest switch wins. One whose count is used up, or whose time is over, meets nobody any more;
it stays in the table with its hits until it is taken off or replaced.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from ghcr_emulator.access_log.log import Draft
from ghcr_emulator.faults.kinds import AtDoor, Fault
from ghcr_emulator.protocol.routes import Route


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request. `credential` is None for a caller that the log calls null."""

    method: str
    route: Route
    repository: str | None
    references: frozenset[str | None]
    credential: str | None

    @classmethod
    def noted(cls, draft: Draft) -> "Asked":
        """Return what the handlers noted for the access log."""
        references = frozenset({draft.reference, draft.digest})
        return cls(draft.method, draft.route, draft.repository, references, draft.credential)


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a switch is for: those that equal every field that is not None.

    `reference` is a tag or digest, as asked for or as found. `anonymous` asks for requests without
    a known credential.
    """

    route: Route | None = None
    method: str | None = None
    repository: str | None = None
    reference: str | None = None
    credential: str | None = None
    anonymous: bool = False

    def fits(self, asked: Asked) -> bool:
        """Tell whether a request equals every field."""
        # A blob comes in two steps, and whoever wants it spoiled need not know of the second.
        blob = self.route is Route.BLOB and asked.route is Route.STORED_BLOB
        pairs = (
            (self.route, Route.BLOB if blob else asked.route),
            (self.method, asked.method),
            (self.repository, asked.repository),
            (self.credential, asked.credential),
        )
        same = all(wanted is None or wanted == found for wanted, found in pairs)
        named = self.reference is None or self.reference in asked.references
        return same and named and not (self.anonymous and asked.credential)


@dataclass(eq=False, slots=True)
class Switch:
    """One fault, for whom, for how many hits (`count`), and until when (`until`, the clock's)."""

    name: str
    fault: Fault
    match: Match = field(default_factory=Match)
    count: int | None = None
    until: float | None = None
    clock: Callable[[], float] = time.monotonic
    hits: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seconds_left(self) -> float | None:
        """The seconds until it ends by itself, None if only something else ends it."""
        return None if self.until is None else max(0.0, self.until - self.clock())

    @property
    def count_left(self) -> int | None:
        """How many hits it still has, None for any number."""
        return None if self.count is None else self.count - self.hits

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


async def _nobody_listens() -> None:
    """Have no door to open or shut."""


@dataclass(slots=True)
class Switches:
    """The table. Used from one event loop, so it needs no lock.

    `settle` is awaited after each change: it brings the door to where the table says.
    """

    clock: Callable[[], float] = time.monotonic
    settle: Callable[[], Awaitable[None]] = _nobody_listens
    _rows: dict[str, Switch] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Switch]:
        return iter(self._rows.values())

    def put(
        self,
        name: str,
        fault: Fault,
        match: Match | None = None,
        *,
        count: int | None = None,
        seconds: float | None = None,
    ) -> Switch:
        """Switch a fault on, in place of one of that name, as the newest."""
        self.drop(name)
        until = None if seconds is None else self.clock() + seconds
        switch = Switch(name, fault, match or Match(), count, until, self.clock)
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

    def fitting(self, asked: Asked) -> Iterator[Switch]:
        """Give the active switches that fit a request, newest first."""
        for switch in reversed(self._rows.values()):
            if not isinstance(switch.fault, AtDoor) and switch.active and switch.match.fits(asked):
                yield switch

    def at_door(self) -> Switch | None:
        """Return the newest active switch of those for connections."""
        return next(
            (
                switch
                for switch in reversed(self._rows.values())
                if isinstance(switch.fault, AtDoor) and switch.active
            ),
            None,
        )
