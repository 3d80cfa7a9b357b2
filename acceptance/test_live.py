"""A user's cluster and the real GHCR, looked at as they are.

Nothing is broken and nothing is mended; what fails is told with its cause, and with what the task's
remedy would change. `--world live` collects this file and no other.
"""

import pytest

from pullrecovery.live.judging import Outcome

pytestmark = pytest.mark.live


def test_criterion_holds(judged):
    """It is an ERROR, and no failure, where a part of what it judges could not be seen."""
    assert judged.outcome is Outcome.PASS, str(judged)
