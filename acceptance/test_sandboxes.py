"""A sandbox whose set-up fails half-way leaves nothing in the lab."""

import threading

import pytest
from kubernetes.client.exceptions import ApiException

from fixtures.scenario.sandboxes import new_sandbox
from pullrecovery.common.wait import wait_for
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.kube.events import EventRecorder

_GONE_WITHIN = 60.0


class StepError(Exception):
    """The error of the step that the test makes fail."""


@pytest.mark.parametrize(
    ("where", "step"),
    [(EventRecorder, "start"), (Sandbox, "put_secret"), (Sandbox, "wire")],
    ids=["recorder", "secret", "wiring"],
)
def test_set_up_that_fails_leaves_nothing(lab_world, tmp_path, monkeypatch, where, step):
    """The error of the step is raised; namespace, kubeconfig and watches are gone."""

    def fail(*_):
        raise StepError(step)

    monkeypatch.setattr(where, step, fail)
    sandbox = new_sandbox(lab_world, tmp_path)

    with pytest.raises(StepError, match=step), sandbox.started():
        pytest.fail("it started")

    assert not sandbox.chart_namespace.kubeconfig.exists()
    assert f"watch {sandbox.namespace}" not in {thread.name for thread in threading.enumerate()}
    what = f"namespace {sandbox.namespace} is gone"
    wait_for(what, lambda: _exists(sandbox), lambda exists: not exists, timeout=_GONE_WITHIN)


def _exists(sandbox):
    try:
        sandbox.core.read_namespace(sandbox.namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return False
    return True
