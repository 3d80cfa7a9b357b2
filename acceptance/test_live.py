"""Judge a user's cluster and the real GHCR as they are.

Nothing is broken or fixed; a failure has its cause and what the task's remediation would change.
`--world live` collects this file only.
"""

import pytest

pytestmark = pytest.mark.live


def test_criterion_holds(judged):
    """The criterion passes; it is an ERROR, and no failure, if its state cannot be observed."""
    assert judged.passes, str(judged)
