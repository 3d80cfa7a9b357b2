"""Argo CD as a deployer: its Applications, its syncs, and the checks of both."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.deploy import argocd
from pullrecovery.deploy.application_state import REFRESH
from pullrecovery.deploy.argocd import ArgoCD, SyncError, application_name, branch_of
from pullrecovery.diagnosis.application import diagnose_application, stale
from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import all_parts
from pullrecovery.model.verdict import Cause, fails, passes
from pullrecovery.monorepo.application_sources import checkout_of, place_of
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.observe.argocd import observe_application
from pullrecovery.tasks.reg_006_redeploy import reg_006
from tests.fakes import recorded

SAMPLE = SUITE_ROOT / "sample"
COMMIT = "1f0c7d5bd5a9f6a2b0d4c3e2f1a0b9c8d7e6f5a4"
IN_STEP = ApplicationStatus(
    name="frontend-dev-0a1b2c-frontend",
    exists=True,
    wanted_revision="frontend-dev-0a1b2c",
    wanted_values=("values-dev.yaml",),
    revision="frontend-dev-0a1b2c",
    values=("values-dev.yaml",),
    automated=True,
    sync="Synced",
    health="Healthy",
    phase="Succeeded",
    message="successfully synced (all tasks run)",
    synced=COMMIT,
    head=COMMIT,
)


class Controller:
    """A fake API of Applications, with a controller that ends every sync in `phase`."""

    def __init__(self, phase="Succeeded", message="successfully synced (all tasks run)"):
        self.phase, self.message = phase, message
        self.objects, self.asked, self.looks = {}, [], 0
        # Operations that the controller begins on its own, each in place of the next requested one.
        self.automated = []

    def get_namespaced_custom_object(self, *place):
        if place[-1] not in self.objects:
            raise ApiException(status=404)
        return self.objects[place[-1]]

    def create_namespaced_custom_object(self, *place):
        body = place[-1]
        self.objects[body["metadata"]["name"]] = body
        self._operate(body)

    def patch_namespaced_custom_object(self, *place, **_):
        name, body = place[-2:]
        _merge(self.objects[name], body)
        self._operate(self.objects[name])
        # The comparison is immediate, so no refresh is requested any more.
        self.looks += bool(self.objects[name]["metadata"].get("annotations", {}).pop(REFRESH, ""))

    def delete_namespaced_custom_object(self, *place):
        del self.objects[place[-1]]

    def list_namespaced_custom_object(self, *_):
        return {"items": list(self.objects.values())}

    def _operate(self, found):
        status = found.setdefault("status", {"reconciledAt": "2026-11-24T22:00:00Z"})
        if status.get("operationState", {}).get("phase") == "Terminating":
            status["operationState"]["phase"] = "Failed"
        asked = found.pop("operation", None)
        if asked is None:
            return
        asked = self.automated.pop() if self.automated else asked
        self.asked.append(asked)
        state = {"phase": self.phase, "message": self.message, "operation": asked}
        status["operationState"] = state | {"finishedAt": "2026-11-24T21:59:59Z"}
        if self.phase == "Succeeded":
            status.setdefault("history", []).append(_history(found["spec"], asked["sync"]))


def _history(spec, sync):
    """Return Argo CD's history entry of a successful sync, for one source and for several."""
    if "sources" in spec:
        revisions = sync.get("revisions", [COMMIT] * len(spec["sources"]))
        return {"revisions": revisions, "sources": spec["sources"]}
    return {"revision": sync.get("revision", COMMIT), "source": spec["source"]}


class Git:
    """A fake repository that gives every commit the same id."""

    url = "git://git/monorepo.git"

    def __init__(self):
        self.pushed, self.dropped = [], []

    def commit(self, branch, folder):
        self.pushed.append((branch, folder.name))
        self.folder = folder
        return COMMIT

    def checkout(self, _, folder):
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)

    def drop(self, branch):
        self.dropped.append(branch)


def _merge(into, body):
    for key, value in body.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


@pytest.fixture
def workload(tmp_path):
    """Return the sample's frontend in a checkout, in a namespace of its own."""
    own = load_target(SAMPLE).workload("frontend")
    chart = shutil.copytree(own.chart, tmp_path / "checkout" / "charts" / "frontend")
    values = (chart / "values-dev.yaml",)
    return replace(own, chart=chart, values=values, namespace="frontend-dev-0a1b2c")


@pytest.fixture
def make(monkeypatch):
    """Return a factory of ArgoCD whose syncs end in one phase, with controller and repository."""

    def made(**ending):
        controller, git = Controller(**ending), Git()
        monkeypatch.setattr(argocd.k8s, "CustomObjectsApi", lambda _: controller)
        helm = SimpleNamespace(template=lambda workload, **_: f"# of {workload.values[-1].name}")
        return ArgoCD(None, git, helm, {"made-by": "test"}), controller, git

    return made


def test_application_is_renamed_for_target(make, workload):
    """The Application of the user is copied, not written a second time."""
    found = make()[0].application(workload)

    assert found["metadata"]["name"] == application_name(workload)
    assert found["metadata"]["labels"] == {"made-by": "test"}
    assert found["spec"]["source"] == {
        "repoURL": "git://git/monorepo.git",
        "targetRevision": "frontend-dev-0a1b2c",
        "path": "charts/frontend",
        "helm": {"releaseName": "frontend", "valueFiles": ["values-dev.yaml"], "parameters": []},
    }
    assert found["spec"]["destination"]["namespace"] == "frontend-dev-0a1b2c"
    assert found["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": False}


def test_named_application_follows_own_branch(make, workload):
    """Its branch can be dropped without those of namespaces named after the target's."""
    literal = replace(workload, namespace="frontend-dev", by_application="frontend")

    found = make()[0].application(literal)

    assert found["metadata"]["name"] == "frontend"
    branch = found["spec"]["source"]["targetRevision"]
    assert branch == branch_of(literal) == "frontend-dev--named"
    assert not branch_of(workload).startswith(branch)


def test_gated_application_keeps_every_source(make, workload):
    """Chart and hook keep their parameters, and both use the same branch."""
    found = replace(make()[0], gated=True).application(workload)

    chart, hook = found["spec"]["sources"]
    assert "source" not in found["spec"]
    assert (chart["path"], hook["path"]) == ("charts/frontend", "argocd/gate/hook")
    assert {each["targetRevision"] for each in (chart, hook)} == {"frontend-dev-0a1b2c"}
    assert {each["repoURL"] for each in (chart, hook)} == {"git://git/monorepo.git"}
    assert chart["helm"]["valueFiles"] == ["values-dev.yaml"]
    given = {each["name"]: each["value"] for each in hook["helm"]["parameters"]}
    assert given["gate.revision"] == "$ARGOCD_APP_REVISION"


def test_gated_application_syncs_every_source(make, workload):
    """A sync names one commit for each source, and the chart's source is rendered."""
    deployer, controller, _ = make()
    deployer = replace(deployer, gated=True)

    objects = deployer.upgrade(workload)

    (asked,) = controller.asked
    assert asked["sync"]["revisions"] == [COMMIT, COMMIT]
    assert "revision" not in asked["sync"]
    assert objects == "# of values-dev.yaml"
    seen = observe_application(_world(deployer), workload)
    assert (seen.place, seen.synced) == (0, COMMIT)
    assert (seen.revision, seen.values) == (seen.wanted_revision, seen.wanted_values)


def test_longest_source_path_has_chart(workload):
    """`charts/frontend` is the chart's source; `frontend` and a source without a path are not."""
    sources = [{"ref": "values"}, {"path": "frontend"}, {"path": "charts/frontend"}]

    assert place_of(sources, workload) == 2


def test_upgrade_syncs_to_committed_checkout(make, workload):
    """The sync uses the commit and not the branch, so a later push is not deployed."""
    deployer, controller, git = make()

    objects = deployer.upgrade(workload, settings=["image.pullPolicy=Always"])

    assert git.pushed == [("frontend-dev-0a1b2c", "checkout")]
    (asked,) = controller.asked
    assert asked["sync"]["revision"] == COMMIT
    assert asked["sync"]["prune"]
    (made,) = controller.objects.values()
    assert made["spec"]["source"]["helm"]["parameters"] == [
        {"name": "image.pullPolicy", "value": "Always"}
    ]
    assert objects == deployer.manifest(workload) == "# of values-dev.yaml"


def test_next_upgrade_drops_previous_settings(make, workload):
    """Settings apply to one upgrade, as with Helm's --set."""
    deployer, controller, _ = make()
    deployer.upgrade(workload, settings=["replicaCount=1"])

    deployer.upgrade(workload)

    (made,) = controller.objects.values()
    assert made["spec"]["source"]["helm"]["parameters"] == []
    assert len(controller.asked) == 2


def test_next_sync_drops_previous_results(make, workload, monkeypatch):
    """Argo CD would take the old result of a hook for a new one, and not run the hook."""
    deployer, _, _ = make()
    deployer.upgrade(workload)
    asked = []
    patch = ArgoCD.patch
    monkeypatch.setattr(ArgoCD, "patch", lambda *given: asked.append(given[2]) or patch(*given))

    deployer.upgrade(workload)

    (body,) = [each for each in asked if "operation" in each]
    assert body["status"] == {"operationState": None}


def test_application_is_refreshed_after_sync(make, workload):
    """A comparison in the second of the sync's end may have started before it."""
    deployer, controller, _ = make()

    deployer.upgrade(workload)

    assert controller.looks == 1


@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_failed_sync_has_argocd_message(make, workload, phase):
    """The diagnosis finds the cause by this message."""
    deployer, _, _ = make(phase=phase, message="one or more objects failed to apply")

    with pytest.raises(SyncError, match=f"{phase}: one or more objects failed to apply"):
        deployer.upgrade(workload)

    assert deployer.manifest(workload) == ""


def test_sync_that_goes_on_is_no_success(make, workload):
    """A hook whose image cannot be pulled lets a sync run until the timeout."""
    deployer, _, _ = make(phase="Running", message="waiting for completion of hook batch/Job/x")

    with pytest.raises(SyncError, match="Running: waiting for completion of hook"):
        deployer.upgrade(workload, within=0)


def test_swallowed_sync_is_requested_again(make, workload):
    """Another sync began in between, and its end removes any requested operation."""
    deployer, controller, _ = make()
    deployer.upgrade(workload)
    controller.automated = [{"sync": {"revision": COMMIT}}]

    deployer.sync(workload)

    names = [[each["name"] for each in asked.get("info", ())] for asked in controller.asked]
    assert names == [["asked-by"], [], ["asked-by"]]


def test_running_sync_is_terminated_first(make, workload):
    """Argo CD accepts no operation while another one is running."""
    deployer, controller, _ = make(phase="Running")
    with pytest.raises(SyncError):
        deployer.upgrade(workload, within=0)
    controller.phase = "Succeeded"

    deployer.upgrade(workload)

    assert observe_application(_world(deployer), workload).phase == "Succeeded"


def test_forget_deletes_namespace_applications(make, workload):
    """An Application that a fault created would create the namespace again."""
    deployer, controller, git = make()
    deployer.upgrade(workload)
    deployer.upgrade(replace(workload, name="frontend-preview"))
    deployer.upgrade(replace(workload, namespace="another"))

    deployer.forget(workload)

    assert list(controller.objects) == ["another-frontend"]
    assert git.dropped == ["frontend-dev-0a1b2c"]


def test_wrong_chart_path_is_refused(workload):
    """Argo CD would deploy another chart, or nothing."""
    with pytest.raises(LabError, match=r"its path is charts/frontend"):
        checkout_of(replace(workload, chart=workload.chart.parent / "other"))


def test_other_chart_in_application_is_refused(tmp_path):
    """The mistake is reported before the lab starts."""
    copy = shutil.copytree(SAMPLE, tmp_path / "target")
    file = copy / "target.yaml"
    file.write_text(file.read_text().replace("argocd/frontend.yaml", "argocd/frontend-sample.yaml"))

    with pytest.raises(
        UsageError, match=r"deploys 'charts/frontend-sample', 'argocd/gate/hook', none"
    ):
        load_target(copy)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (("      path: argocd/gate/hook\n", "      path: charts/frontend\n"), "by 2 sources; one"),
        (("kind: Application\n", "kind: AppProject\n"), "is no Application with a source in git"),
    ],
    ids=["several", "none"],
)
def test_application_without_chart_is_refused(tmp_path, changed, problem):
    """The error names the line of the workload's `application`."""
    copy = shutil.copytree(SAMPLE, tmp_path / "target")
    file = copy / "argocd" / "frontend.yaml"
    file.write_text(file.read_text().replace(*changed))

    with pytest.raises(UsageError, match=rf"target\.yaml:21: .*{problem}"):
        load_target(copy)


def _world(deployer):
    return SimpleNamespace(argocd=deployer)


def test_observation_has_application_status(make, workload):
    """The observation has plain data, so that criteria are functions of it."""
    deployer, _, _ = make()
    deployer.upgrade(workload)

    seen = observe_application(_world(deployer), workload)

    assert (seen.revision, seen.values) == (seen.wanted_revision, seen.wanted_values)
    assert (seen.phase, seen.synced, seen.automated) == ("Succeeded", COMMIT, True)
    assert isinstance(observe_application(_world(None), workload), NotObserved)


def test_missing_application_is_observed(make, workload):
    """A missing Application is observed as not deployed."""
    assert not observe_application(_world(make()[0]), workload).exists


def _seen(seen=recorded.GOOD, **changes):
    return replace(seen, application=replace(IN_STEP, **changes))


@pytest.mark.parametrize(
    ("changes", "cause", "fixes"),
    [
        (
            {"revision": "hotfix"},
            Cause.APPLICATION_REVISION,
            """'{"spec": {"source": {"targetRevision": "frontend-dev-0a1b2c"}}}'""",
        ),
        (
            {"values": ("values.yaml",)},
            Cause.APPLICATION_VALUES,
            """'{"spec": {"source": {"helm": {"valueFiles": ["values-dev.yaml"]}}}}'""",
        ),
    ],
)
def test_wrong_application_source_is_named(changes, cause, fixes):
    """The error is not a stale release, which another sync would not fix."""
    verdict = stale(all_parts(_seen(**changes)), "the pod runs :dev")

    assert verdict == diagnose_application(replace(IN_STEP, **changes)) == fails(cause)
    assert fixes in verdict.fix
    assert "frontend-dev-0a1b2c-frontend" in verdict.evidence


@pytest.mark.parametrize(
    ("changes", "operation"),
    [
        (
            {"revision": "hotfix"},
            '/spec/sources/1/targetRevision", "value": "frontend-dev-0a1b2c"}',
        ),
        (
            {"values": ("values.yaml",)},
            '/spec/sources/1/helm/valueFiles", "value": ["values-dev.yaml"]}',
        ),
        (
            {"values": (), "has_helm": False},
            '/spec/sources/1/helm", "value": {"valueFiles": ["values-dev.yaml"]}}',
        ),
    ],
)
def test_one_of_several_sources_is_patched(changes, operation):
    """A merge patch would replace the list of sources, and remove the hook."""
    verdict = diagnose_application(replace(IN_STEP, place=1, **changes))

    body = f'[{{"op": "add", "path": "{operation}]'
    assert f"--type json --patch '{body}' && argocd app sync" in verdict.fix


def test_stale_release_has_argocd_message(workload):
    """The message shows whether automated sync is off."""
    seen = _seen(automated=False, sync="OutOfSync")
    seen = replace(seen, workload=replace(workload, by_application=IN_STEP.name))

    verdict = stale(all_parts(seen), "the pod runs :dev")

    assert verdict == fails(Cause.RELEASE_STALE)
    assert "OutOfSync" in verdict.evidence
    assert "automated sync is off" in verdict.evidence
    assert verdict.fix == f"git push && argocd app sync {IN_STEP.name}"


def test_healthy_pods_need_synced_application():
    """Running pods do not show what the next sync deploys."""
    assert reg_006(_seen()) == passes()
    assert reg_006(_seen(sync="OutOfSync")) == fails(Cause.RELEASE_STALE)
    assert reg_006(_seen(revision="hotfix")) == fails(Cause.APPLICATION_REVISION)


def test_health_does_not_outweigh_waiting_pod():
    """Argo CD reports Succeeded, Synced, and for ten minutes Progressing."""
    broken = recorded.waiting(recorded.not_found(f"{recorded.REPOSITORY}:dev"))

    for health in ("Healthy", "Progressing", "Degraded"):
        assert not reg_006(_seen(broken, health=health)).passes


def test_missing_application_fails():
    """Existing pods were not deployed by a missing Application."""
    verdict = reg_006(_seen(exists=False, sync=""))

    assert verdict == fails(Cause.RELEASE_STALE)
    assert "there is no Application" in verdict.evidence
