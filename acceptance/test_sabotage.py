"""Remedies that do not mend: done nothing, or what mends another cause.

The very tests of the tasks are run, and must fail: where they passed, they would prove nothing
of the remedy.
"""

import inspect

import pytest

from fixtures.scenario.controls import test_of as task_test_of
from pullrecovery.model.verdict import fails

pytestmark = pytest.mark.waits


def test_sabotaged_remedy_recovers_nothing(request, broken, sabotage):
    """The cause stands as it stood, and the task's own test says that nothing recovered."""
    task_test = task_test_of(broken.scenario)
    used = {name: request.getfixturevalue(name) for name in inspect.signature(task_test).parameters}

    with pytest.raises(AssertionError):
        task_test(**used)

    # It came as far as the remedy: no other assertion was meant.
    assert broken.record["killed"] == sorted(broken.fault.must_fail)
    assert used[sabotage.remedy].done
    assert broken.recovered()[broken.fault.reg] == fails(broken.fault.cause)
    broken.record["ended"] = "not_recovered"


def test_sabotaged_writing_of_the_page_recovers_nothing(broken_docs, write_page, sabotage):
    """Docs have no pods to wait for, and are as they were left."""
    task_test = task_test_of(broken_docs.scenario)

    with pytest.raises(AssertionError):
        task_test(broken_docs, write_page)

    assert sabotage.remedy == "write_page"
    assert broken_docs.record["killed"] == sorted(broken_docs.fault.must_fail)
    assert broken_docs.recovered() == fails(broken_docs.fault.cause)
    broken_docs.record["ended"] = "not_recovered"
