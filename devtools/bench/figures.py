"""Figures and their bounds, computed from samples by pure functions."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pullrecovery.common.errors import Exit


class FigureStatus(StrEnum):
    """Whether a figure is within its bound."""

    WITHIN = "pass"
    BROKEN = "fail"
    UNKNOWN = "not measured here"
    SHOWN = ""


@dataclass(frozen=True)
class Figure:
    """One measured number and its bounds.

    `value` is None if this system cannot measure it. `most` and `least` are None without such a
    bound. `unit` is printed after the number.
    """

    name: str
    value: float | None
    unit: str
    most: float | None = None
    least: float | None = None
    samples: tuple[float, ...] = ()

    @property
    def verdict(self) -> FigureStatus:
        if self.most is None and self.least is None:
            return FigureStatus.SHOWN
        if self.value is None:
            return FigureStatus.UNKNOWN
        over = self.most is not None and self.value > self.most
        under = self.least is not None and self.value < self.least
        return FigureStatus.BROKEN if over or under else FigureStatus.WITHIN

    @property
    def bound(self) -> str:
        """Return the bound as it is printed."""
        least = "" if self.least is None else f">= {self.least:g}"
        most = "" if self.most is None else f"<= {self.most:g}"
        return f"= {self.most:g}" if self.most == self.least and most else least or most

    def document(self) -> dict[str, Any]:
        """Return the figure as bench.json has it."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "most": self.most,
            "least": self.least,
            "verdict": self.verdict.value,
            "samples": list(self.samples),
        }


def median_ratio(
    name: str, taken: Sequence[float], of: Sequence[float], most: float | None = None
) -> Figure:
    """Return the median over the rounds of the ratio of `taken` to `of`, both in seconds."""
    ratios = [longer / shorter for longer, shorter in zip(taken, of, strict=True)]
    samples = tuple(round(ratio, 3) for ratio in ratios)
    return Figure(name, round(statistics.median(ratios), 2), "x", most, samples=samples)


def median_seconds(name: str, seconds: Sequence[float]) -> Figure:
    """Return the median of some times, without a bound, because it depends on the machine."""
    samples = tuple(round(second, 3) for second in seconds)
    return Figure(name, round(statistics.median(seconds), 2), "s", samples=samples)


def ending(figures: Sequence[Figure]) -> Exit:
    """Return the exit code: 1 if a bound is broken, else 2 if a bounded figure was not measured."""
    verdicts = {figure.verdict for figure in figures}
    if FigureStatus.BROKEN in verdicts:
        return Exit.FAIL
    return Exit.UNKNOWN if FigureStatus.UNKNOWN in verdicts else Exit.PASS


def table(figures: Sequence[Figure]) -> list[str]:
    """Return one line for each figure."""
    return [
        f"  {figure.name:<58}{_shown(figure):>10}  {figure.bound:<8}{figure.verdict}".rstrip()
        for figure in figures
    ]


def _shown(figure: Figure) -> str:
    return "-" if figure.value is None else f"{figure.value:g} {figure.unit}".strip()
