"""Check a whole observation of a user's cluster and registry, with test doubles of both."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.live.clients import LiveClients
from pullrecovery.live.cluster import LiveApps, LiveCore
from pullrecovery.live.fix_text import advise
from pullrecovery.live.judging import judge_live, live_pulls
from pullrecovery.live.observe_live import look
from pullrecovery.live.world import LiveWorld
from pullrecovery.model.probe import Credential
from pullrecovery.model.verdict import Outcome
from pullrecovery.model.workflow_run import DockerCall, Rehearsal
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.registry.client import RegistryClient
from pullrecovery.tasks import applicable
from tests.fakes import recorded
from tests.live.test_clients import CONFIG, CONFIG_DIGEST, DIGEST, LOGIN, MANIFEST

TARGET = replace(load_target(SUITE_ROOT / "sample"), docs=None)
BACKEND = TARGET.workload("backend")
IMAGE = BACKEND.image.reference
HASH, REVISION = "pod-template-hash", "deployment.kubernetes.io/revision"
NOW = datetime(2026, 11, 24, 3, 20, 49, tzinfo=UTC)
NAMES = {"app.kubernetes.io/instance": "backend"}


def _listing(*items):
    return lambda *_, **__: SimpleNamespace(items=list(items))


def _secret():
    auths = {"auths": {"ghcr.io": {"auth": LOGIN.auth}}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}
    metadata = k8s.V1ObjectMeta(name="ghcr-credentials", namespace=BACKEND.namespace)
    return k8s.V1Secret(metadata=metadata, type="kubernetes.io/dockerconfigjson", data=data)


def _pod_spec():
    return k8s.V1PodSpec(
        containers=[k8s.V1Container(name="web", image=IMAGE)],
        image_pull_secrets=[k8s.V1LocalObjectReference(name="ghcr-credentials")],
    )


def _deployment():
    return k8s.V1Deployment(
        metadata=k8s.V1ObjectMeta(name="backend", generation=1, annotations={REVISION: "1"}),
        spec=k8s.V1DeploymentSpec(
            replicas=1,
            selector=k8s.V1LabelSelector(),
            template=k8s.V1PodTemplateSpec(spec=_pod_spec()),
        ),
        status=k8s.V1DeploymentStatus(observed_generation=1),
    )


def _pod():
    status = k8s.V1ContainerStatus(
        name="web",
        image=IMAGE,
        image_id=f"{BACKEND.image.repository}@{DIGEST}",
        ready=True,
        restart_count=0,
        state=k8s.V1ContainerState(running=k8s.V1ContainerStateRunning()),
    )
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(
            name="backend-1",
            uid="u",
            namespace=BACKEND.namespace,
            labels={HASH: "h", **NAMES},
            creation_timestamp=NOW,
        ),
        spec=_pod_spec(),
        status=k8s.V1PodStatus(
            phase="Running",
            conditions=[k8s.V1PodCondition(type="Ready", status="True")],
            container_statuses=[status],
        ),
    )


def _event():
    return k8s.CoreV1Event(
        metadata=k8s.V1ObjectMeta(name="e", creation_timestamp=NOW),
        involved_object=k8s.V1ObjectReference(uid="u", field_path="spec.containers{web}"),
        reason="Pulled",
        message=f'Successfully pulled image "{IMAGE}"',
        last_timestamp=NOW,
    )


def _core(**changes):
    account = k8s.V1ServiceAccount(metadata=k8s.V1ObjectMeta(name="default"))
    node = SimpleNamespace(operating_system="linux", architecture="amd64")
    status = SimpleNamespace(status=SimpleNamespace(node_info=node))
    calls = {
        "list_node": _listing(status),
        "list_namespaced_pod": _listing(_pod()),
        "list_namespaced_event": _listing(_event()),
        "read_namespaced_secret": lambda *_, **__: _secret(),
        "read_namespaced_service_account": lambda *_, **__: account,
    }
    return LiveCore(SimpleNamespace(**(calls | changes)))


def _apps():
    metadata = k8s.V1ObjectMeta(labels={HASH: "h"}, annotations={REVISION: "1"})
    return LiveApps(
        SimpleNamespace(
            list_namespaced_deployment=_listing(_deployment()),
            list_namespaced_replica_set=_listing(SimpleNamespace(metadata=metadata)),
        )
    )


def _registry(request):
    path = request.url.path
    if path == "/token":
        return httpx.Response(200, json={"token": "t"})
    if "/tags/list" in path:
        return httpx.Response(200, json={"tags": [BACKEND.image.tag]})
    if path.endswith(CONFIG_DIGEST):
        return httpx.Response(200, text=CONFIG)
    return httpx.Response(200, text=MANIFEST, headers={"docker-content-digest": DIGEST})


def _calls():
    """Return the pushes in a rehearsal of the sample's workflow, with every image's own name."""
    for workload in TARGET.workloads:
        for tag in (recorded.COMMIT, "latest"):
            yield DockerCall("images", 4, ("push", f"{workload.image.repository}:{tag}"))


def _rehearse(*_):
    login = DockerCall("images", 2, ("login", "ghcr.io", "-u", "ByteQuester", "--password-stdin"))
    return Rehearsal(recorded.COMMIT, (login, *_calls()))


def _github(*_):
    grant = recorded.GOOD.grant
    return SimpleNamespace(token=lambda: grant.tokens[0], visibility=lambda _: "private")


def _world(**core):
    transport = httpx.MockTransport(_registry)
    registry = RegistryClient("ghcr.io", httpx.Client(transport=transport))
    rendered = f"spec: {{containers: [{{name: web, image: '{IMAGE}'}}]}}"
    helm = SimpleNamespace(template=lambda *_, **__: rendered, manifest=lambda _: "")
    return LiveWorld(
        target=TARGET,
        cluster="https://somewhere",
        version="v1.37.2",
        core=_core(**core),
        apps=_apps(),
        registry=registry,
        helm=helm,
        runner=LiveClients(registry),
        workflows=SimpleNamespace(rehearse=_rehearse),
        actionlint=SimpleNamespace(check=lambda _: ()),
        reader=LOGIN,
        operator=LOGIN,
        platforms=(),
        github=SimpleNamespace(packages=_github),
    )


def test_whole_look_at_good_order_holds():
    """The read-only world provides everything that the criteria read."""
    seen = look(_world(), BACKEND)

    judgements = {reg: judge_live(reg, seen) for reg in applicable(TARGET)}

    wrong = {reg: str(each) for reg, each in judgements.items() if each.outcome != Outcome.PASS}
    assert wrong == {}
    (pull,) = live_pulls(seen)
    assert (pull.event, pull.image_id.partition("@")[2]) == (_event().message, DIGEST)


def _forbid(*_, **__):
    error = ApiException(status=403)
    error.body = '{"message": "no"}'
    raise error


@pytest.mark.parametrize(
    ("call", "what", "untold"),
    [
        ("list_node", "list nodes", {"REG-001", "REG-002"}),
        ("list_namespaced_pod", "list pods", {"REG-004", "REG-006"}),
        ("list_namespaced_event", "list events", {"REG-004", "REG-006"}),
        ("read_namespaced_secret", "get secrets/ghcr-credentials", {"REG-003", "REG-008"}),
        ("read_namespaced_service_account", "get serviceaccounts/", {"REG-004", "REG-006"}),
    ],
)
def test_missing_right_names_its_use(call, what, untold):
    """Only the criteria that need the right are unknown; the others are judged."""
    seen = look(_world(**{call: _forbid}), BACKEND)

    judgements = {reg: judge_live(reg, seen) for reg in applicable(TARGET)}

    told = {reg for reg, each in judgements.items() if each.outcome is Outcome.UNKNOWN}
    assert told == untold
    assert all(what in judgements[reg].evidence for reg in untold)
    assert {each.outcome for each in judgements.values()} == {Outcome.PASS, Outcome.UNKNOWN}


@pytest.mark.parametrize("reg", applicable(TARGET))
def test_dry_run_stays_read_only(reg):
    """A dry run that uses a writing call would end in an AttributeError."""
    seen = look(_world(), BACKEND)
    verdict = _failing(seen)

    advice = advise(_world(), seen, reg, verdict)

    assert "AttributeError" not in advice
    assert bool(advice) is (reg != "REG-008")
    assert LOGIN.token not in advice


def _failing(seen):
    """Return a failing verdict whose cause selects no other advice."""
    other = Credential("ByteQuester", "")
    entry = replace(seen.secret.entries[0], credential=other, probe=recorded.ANONYMOUS_PROBE)
    empty = replace(seen, secret=replace(seen.secret, entries=(entry,)))
    return judge_live("REG-003", empty)
