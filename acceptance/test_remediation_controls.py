"""Remediations that fix nothing: one that does nothing, and one for another cause.

The tests of the tasks run themselves, and must fail: a test that passed would prove nothing of the
remediation.
"""

import inspect

import pytest

from fixtures.scenario.controls import test_of as task_test_of
from pullrecovery.model.verdict import fails

pytestmark = pytest.mark.waits


def test_replaced_remediation_recovers_nothing(
    request, scenario_run, remediation_control, control_record
):
    """The cause remains, and the task's own test reports that nothing recovered."""
    task_test = task_test_of(scenario_run.scenario)
    used = {name: request.getfixturevalue(name) for name in inspect.signature(task_test).parameters}

    with pytest.raises(AssertionError):
        task_test(**used)

    # The test failed after the remediation, and not at an earlier assertion.
    assert set(scenario_run.record.detected) == scenario_run.fault.must_fail
    assert used[remediation_control.remediation].done
    assert scenario_run.recovered()[scenario_run.fault.reg] == fails(scenario_run.fault.cause)
    control_record.outcome = "not-recovered"


def test_replaced_page_edit_recovers_nothing(
    docs_run, write_page, remediation_control, control_record
):
    """Docs have no pods to wait for, and stay broken."""
    task_test = task_test_of(docs_run.scenario)

    with pytest.raises(AssertionError):
        task_test(docs_run, write_page)

    assert remediation_control.remediation == "write_page"
    assert set(docs_run.record.detected) == docs_run.fault.must_fail
    assert docs_run.recovered() == fails(docs_run.fault.cause)
    control_record.outcome = "not-recovered"
