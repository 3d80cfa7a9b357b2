"""Undo what a block did, all of it, even if something fails on the way."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class CleanUp:
    """A block whose clean-ups all run at its end, the last added first.

    A clean-up that fails does not stop the others. The first error is raised: that of the block if
    it failed, else that of the first clean-up that failed; it has the later ones as notes.
    `contextlib.ExitStack` would raise the last one.
    """

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        """Call `step` at the end of the block."""
        self._steps.append(step)

    def enter(self, block: AbstractContextManager[T]) -> T:
        """Enter another block, which is left at the end of this one."""
        entered = block.__enter__()
        self.add(lambda: block.__exit__(None, None, None))
        return entered

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        errors = [error] if error else []
        while self._steps:
            try:
                self._steps.pop()()
            except Exception as failure:  # noqa: BLE001 - raised below, or a note of the first error
                errors.append(failure)
        for later in errors[1:]:
            errors[0].add_note(f"Cleaning up failed too: {type(later).__name__}: {later}")
        if errors and error is None:
            raise errors[0]
