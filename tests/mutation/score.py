"""Print the mutation score that mutmut's counts come to; end with 1 where it is too low."""

import json
import sys
from pathlib import Path

STATS = Path("mutants/mutmut-cicd-stats.json")
LEAST = 85.0
_FOUND = ("killed", "timeout")
_NOT_FOUND = ("survived", "no_tests", "suspicious", "segfault")


def score(stats: dict[str, int]) -> float:
    """The share of the mutants that were tried which a test found, in percent."""
    found = sum(stats[name] for name in _FOUND)
    tried = found + sum(stats[name] for name in _NOT_FOUND)
    return 100.0 * found / tried if tried else 0.0


def main() -> int:
    """Print the score of the last run; returns the exit code."""
    stats = json.loads(STATS.read_text())
    found = score(stats)
    tried = sum(stats[name] for name in (*_FOUND, *_NOT_FOUND))
    print(f"mutation score: {found:.1f} % of {tried} mutants, at least {LEAST:g} % are wanted")
    return 0 if found >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
