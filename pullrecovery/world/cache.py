"""A cache of observations, valid while the inputs they depend on are equal."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Memory:
    """A cache of one observation for each subject, with the inputs that it depends on."""

    _kept: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)

    def reuse(self, subject: str, inputs: Hashable, look: Callable[[], T]) -> T:
        """Return the cached observation of `subject` if its inputs are equal; else call `look`.

        If `inputs` is None, the subject may have changed, so it is always observed again.
        """
        kept = self._kept.get(subject)
        if kept is not None and inputs is not None and kept[0] == inputs:
            found: T = kept[1]
            return found
        seen = look()
        self._kept[subject] = (inputs, seen)
        return seen

    def forget(self, subject: str) -> None:
        """Drop the cached observation of `subject`."""
        self._kept.pop(subject, None)
