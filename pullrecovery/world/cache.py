"""A cache of observations by everything that they depend on."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Memory:
    """The observations of one world, and of the worlds that are made of it by `replace`."""

    _kept: dict[tuple[str, Hashable], Any] = field(default_factory=dict)

    def reuse(
        self,
        subject: str,
        inputs: Hashable,
        look: Callable[[], T],
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Return the kept observation of `subject` with equal inputs; else call `look`.

        If `inputs` is None, the subject may have changed, so it is always observed again. A result
        is not kept if `keep` returns False for it.
        """
        if inputs is None:
            return look()
        key = (subject, inputs)
        if key in self._kept:
            known: T = self._kept[key]
            return known
        observed = look()
        if keep(observed):
            self._kept[key] = observed
        return observed
