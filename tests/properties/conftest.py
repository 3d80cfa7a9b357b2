"""The two ways in which property tests run: briefly in `make test`, and for a time in `make fuzz`."""

import functools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.database import DirectoryBasedExampleDatabase

from pullrecovery.common.suite_files import SUITE_ROOT

_FOLDER = SUITE_ROOT / ".reports" / "fuzz"
# Every reader takes milliseconds; the machine may be busy.
_DEADLINE = timedelta(seconds=30)

set_hypothesis_home_dir(_FOLDER)
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
settings.register_profile(
    "test",
    derandomize=True,
    max_examples=25,
    database=None,
    deadline=None,
    suppress_health_check=_SLOW,
)
settings.register_profile(
    "fuzz",
    max_examples=200,
    database=DirectoryBasedExampleDatabase(_FOLDER / "examples"),
    deadline=_DEADLINE,
    print_blob=True,
    suppress_health_check=_SLOW,
)
# `--hypothesis-profile fuzz` replaces it.
settings.load_profile("test")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Count the examples of a property test, for the report of `make fuzz`."""
    test = getattr(getattr(item, "obj", None), "hypothesis", None)
    if test is None:
        return (yield)
    examples, inner = [0], test.inner_test

    @functools.wraps(inner)
    def counted(*given, **named):
        examples[0] += 1
        return inner(*given, **named)

    test.inner_test = counted
    try:
        return (yield)
    finally:
        test.inner_test = inner
        item.user_properties.append(("examples", examples[0]))
