"""The hook holds a sync that deploys something else than the judged revision."""

import pytest

from pullrecovery.common.errors import Exit, HeldError, PullRecoveryError
from pullrecovery.gate.hook import probe as probes
from pullrecovery.gate.hook import running_sync as syncing
from tests.fakes import verdicts
from tests.fakes.gate_hook import Api, Applications, ended, hook, refusal
from tests.fakes.gate_hook import syncing as application


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(probes, "_LOOK_EVERY", 0.0)


def _judge(found, api=None):
    applications = found if isinstance(found, Applications) else Applications(found)
    return hook(api or Api([ended()]), applications=applications).judge()


def test_judged_sync_is_let_through():
    """The hook finds the Application by the name that Argo CD passes to it."""
    applications = Applications()

    assert "the verdict holds" in _judge(applications)
    assert applications.asked == [("argocd", "frontend")]


def _with(place, **values):
    found = application()
    sources = found["status"]["operationState"]["syncResult"]["sources"]
    {"chart": sources[0]["helm"], "source": sources[0], "hook": sources[1]["helm"]}[place].update(
        values
    )
    return found


SYNCS = {
    "parameters": (
        _with("chart", parameters=[{"name": "image.tag", "value": "v0"}]),
        r"helm\.parameters is .*image\.tag.*, and none is judged",
    ),
    "values files": (
        _with("chart", valueFiles=["values-prod.yaml"]),
        "valueFiles is charts/frontend/values-prod.yaml, and charts/frontend/values-dev.yaml is",
    ),
    "chart": (_with("source", path="charts/other"), "spec.sources: path is charts/other, "),
    "hook without its parameters": (_with("hook", parameters=[]), "gate.key is not set"),
    "another commit of the chart": (
        application(
            syncResult={
                "sources": application()["spec"]["sources"],
                "revisions": [verdicts.OTHER_REVISION, verdicts.REVISION],
            }
        ),
        f"syncResult: {verdicts.OTHER_REVISION} is synced, and {verdicts.REVISION} is judged",
    ),
    "a commit too few": (
        application(
            syncResult={
                "sources": application()["spec"]["sources"],
                "revisions": [verdicts.REVISION],
            }
        ),
        "syncResult: none is synced",
    ),
    "manifests of somebody's machine": (
        application(operation={"sync": {"manifests": ["{}"]}}),
        "operation.sync.manifests are deployed, and a commit is judged",
    ),
}


@pytest.mark.parametrize(("found", "why"), SYNCS.values(), ids=SYNCS.keys())
def test_sync_of_something_else_is_held(found, why):
    """The operation of the sync counts, and nothing is pulled for it."""
    api = Api([ended()])

    with pytest.raises(HeldError, match=f"Application argocd/frontend: .*{why}"):
        _judge(found, api)

    assert api.made == []


@pytest.mark.parametrize("phase", ["Succeeded", "Terminating", ""])
def test_hook_without_a_running_sync_holds(phase, monkeypatch):
    """Without a running sync the deployed content is unknown."""
    monkeypatch.setattr(syncing, "_WRITTEN_WITHIN", 0.0)

    with pytest.raises(PullRecoveryError, match="a sync of Application argocd/frontend") as caught:
        _judge(application(phase=phase))

    assert caught.value.exit is Exit.UNKNOWN


def test_hook_without_application_access_holds():
    """The error names the missing right, and the file that grants it."""
    with pytest.raises(PullRecoveryError, match=r"403 for Application argocd/frontend.*access"):
        _judge(refusal(403, "applications.argoproj.io is forbidden"))
