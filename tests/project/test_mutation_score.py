"""The mutation score, by mutmut's counts."""

import pytest

from tests.mutation.score import score

NOTHING = dict.fromkeys(
    ("killed", "timeout", "survived", "no_tests", "suspicious", "segfault", "not_checked"), 0
)


@pytest.mark.parametrize(
    ("counts", "percent"),
    [
        ({"killed": 8, "timeout": 1, "survived": 1}, 90.0),
        ({"killed": 1, "no_tests": 3}, 25.0),
        ({"killed": 1, "suspicious": 1, "segfault": 2}, 25.0),
        ({"killed": 5, "not_checked": 900}, 100.0),
        ({}, 0.0),
    ],
    ids=["survivor", "no test at all", "unclear", "not selected", "nothing tried"],
)
def test_score_counts_only_what_a_test_found(counts, percent):
    """A mutant that no test runs is undetected; one that was not selected does not count."""
    assert score(NOTHING | counts) == percent
