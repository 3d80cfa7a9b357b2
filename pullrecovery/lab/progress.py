"""Print the progress of long work: which phases are done, running, and left."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

_HEARTBEAT = 20.0


@dataclass
class Progress:
    """A list of phases, printed one line at a time; `seconds` has the duration of each.

    A phase that prints nothing for 20 s repeats its last note, to distinguish a slow build from a
    hung one.
    """

    phases: tuple[str, ...]
    out: TextIO = field(default_factory=lambda: sys.stderr)
    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def phase(self, name: str, *, silent: bool = False) -> Iterator["Phase"]:
        """Time and show the phase `name`; a silent phase prints its own progress."""
        phase = Phase(self, name)
        if not silent:
            threading.Thread(target=phase.beat, daemon=True).start()
        try:
            yield phase
        except BaseException as error:
            phase.close(f"stopped: {type(error).__name__}")
            raise
        else:
            phase.close("")

    def say(self, text: str) -> None:
        """Print one line."""
        with self._lock:
            print(text, file=self.out, flush=True)

    def finish(self, name: str, seconds: float, ending: str) -> None:
        self.seconds[name] = round(seconds, 1)
        left = [phase for phase in self.phases if phase not in self.seconds]
        rest = f"  left: {', '.join(left)}" if left else ""
        self.say(f"  {'x' if ending else '+'} {name:<12} {seconds:6.1f} s  {ending}{rest}")


@dataclass
class Phase:
    """One running phase; `note` prints what it is doing now."""

    progress: Progress
    name: str
    started: float = field(default_factory=time.monotonic)
    text: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def note(self, text: str, *, show: bool = True) -> None:
        """Set what the phase is doing.

        With `show=False` it is printed only by the next heartbeat.
        """
        self.text = text
        if show:
            self.progress.say(f"    {self.name}: {text}")

    def beat(self) -> None:
        while not self.ended.wait(_HEARTBEAT):
            spent = time.monotonic() - self.started
            self.progress.say(f"    {self.name}: {self.text or 'working'} ({spent:.0f} s)")

    def close(self, ending: str) -> None:
        self.ended.set()
        self.progress.finish(self.name, time.monotonic() - self.started, ending)
