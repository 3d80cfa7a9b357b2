"""The last look at a thing, kept for as long as what it depends on is the same."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Memory:
    """One kept look for each subject, with the inputs that it was had from."""

    _kept: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)

    def reuse(self, subject: str, inputs: Hashable, look: Callable[[], T]) -> T:
        """The last look at `subject`, if it was had from equal `inputs`; else a new one.

        Where `inputs` is None, nothing says that it would be the same: it is looked at anew.
        """
        kept = self._kept.get(subject)
        if kept is not None and inputs is not None and kept[0] == inputs:
            found: T = kept[1]
            return found
        seen = look()
        self._kept[subject] = (inputs, seen)
        return seen

    def forget(self, subject: str) -> None:
        """Keep the last look at `subject` no longer."""
        self._kept.pop(subject, None)
