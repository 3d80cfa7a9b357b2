"""The hook promotes where verdict and probe agree, and holds in every other case."""

import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest

from pullrecovery.common.errors import Exit, HeldError, PullRecoveryError
from pullrecovery.common.wait import WaitError
from pullrecovery.gate.hook import hook as hooks
from pullrecovery.gate.hook import probe as probes
from pullrecovery.gate.hook import probe_cause
from pullrecovery.gate.verdict.registry_store import verdict_tag
from pullrecovery.gate.verdict.signing import sign
from pullrecovery.model.target import Image
from tests.fakes import gate_hook, recorded, verdicts
from tests.fakes.gate_hook import Api, Registry, ended, hook, promoting, refusal, waiting

PROBE = "frontend-gate-probe"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(probes, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(probe_cause, "SECOND_TRY", 0.0)


def _soon():
    return time.monotonic() + 5


def test_verdict_and_pull_let_revision_through():
    """The probe has the judged digest, pulls as the workload does, and is deleted afterwards."""
    api = Api([waiting("ContainerCreating"), ended()])

    said = hook(api, until=_soon()).judge()

    assert verdicts.IMAGE in said
    assert verdicts.REVISION in said
    spec = api.made[0]["spec"]
    assert spec["containers"][0]["image"] == f"{recorded.REPOSITORY}@{verdicts.IMAGE}"
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["serviceAccountName"] == "frontend"
    assert (api.deleted, api.pods) == ([PROBE], {})


def test_probe_goes_with_the_hooks_own_pod():
    """The probe is deleted with the hook, and needs no right on the pod's finalizers."""
    api = Api([ended()])

    hook(api).judge()

    assert api.made[0]["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": gate_hook.SETTINGS.pod,
            "uid": gate_hook.SETTINGS.pod_uid,
        }
    ]


def test_pinned_digest_is_asked_for_by_itself():
    """A chart with a pinned digest does not use the tag."""
    registry = Registry()
    settings = replace(gate_hook.SETTINGS, digest=verdicts.IMAGE)

    hook(Api([ended()]), registry, settings).judge()

    assert f"/v2/{gate_hook.PACKAGE}/manifests/{verdicts.IMAGE}" in registry.asked
    assert f"/v2/{gate_hook.PACKAGE}/manifests/{gate_hook.TAG}" not in registry.asked


def test_first_sync_tries_chart_secrets():
    """Before the first sync there is no ServiceAccount of the chart, so the values give secrets."""
    api = Api([ended()], accounts=("frontend-gate",))
    settings = replace(gate_hook.SETTINGS, pull_secrets=("ghcr-credentials",))

    hook(api, settings=settings).judge()

    spec = api.made[0]["spec"]
    assert spec["serviceAccountName"] == "frontend-gate"
    assert spec["imagePullSecrets"] == [{"name": "ghcr-credentials"}]


def test_leftover_probe_is_replaced():
    """The pull of a leftover probe says nothing about the current image."""
    api = Api([ended()], pods={PROBE: [ended()]})

    hook(api, until=_soon()).judge()

    assert api.deleted == [PROBE, PROBE]
    assert len(api.made) == 1


VERDICTS = {
    "missing": ("", rf"no verdict on this revision, ghcr\.io/{gate_hook.PACKAGE}:verdict-"),
    "edited": (promoting()[:-6] + "AAAAAA", "the signature does not fit"),
    "no verdict": ("nothing of ours", "the text is no signed verdict"),
    "other key": (sign(verdicts.verdict(), verdicts.OTHER_KEY), "signed with another key"),
    "other revision": (
        promoting(revision=verdicts.OTHER_REVISION),
        f"on revision {verdicts.OTHER_REVISION}",
    ),
    "other digest": (
        promoting(workloads=(replace(verdicts.JUDGED, image=verdicts.OTHER_IMAGE),)),
        f"the image judged is {verdicts.OTHER_IMAGE}",
    ),
    "other reference": (
        promoting(workloads=(replace(verdicts.JUDGED, reference=f"{recorded.REPOSITORY}:v0"),)),
        r"the verdict is on \S+:v0, and \S+:v1 is to be synced",
    ),
    "expired": (promoting(expires=verdicts.NOW - timedelta(seconds=1)), "the verdict expired"),
    "other target": (
        promoting(target="monorepo-dev"),
        "the verdict is on target monorepo-dev, and not on hosting-monorepo",
    ),
    "other namespace": (
        promoting(workloads=(replace(verdicts.JUDGED, namespace="frontend-prod"),)),
        "frontend: it was judged for frontend-prod, and not for frontend-dev",
    ),
    "other chart": (
        promoting(workloads=(replace(verdicts.JUDGED, chart_path="charts/other"),)),
        r"frontend: spec.sources: path is charts/frontend, argocd/gate/hook, and charts/other is",
    ),
    "other values files": (
        promoting(workloads=(replace(verdicts.JUDGED, values_files=("charts/x.yaml",)),)),
        r"valueFiles is charts/frontend/values-dev.yaml, and charts/x.yaml is judged",
    ),
    "other workload": (
        promoting(workloads=(replace(verdicts.JUDGED, name="backend"),)),
        "says nothing of the workload frontend",
    ),
    "too old": (
        promoting(issued=verdicts.NOW - timedelta(hours=25)),
        "issued at 2026-11-23T11:00:00.00:00, over 24 hours ago",
    ),
    "other suite": (
        promoting(suite_commit="f" * 40),
        f"the commit of the verdict's suite is {'f' * 40}, and not ",
    ),
    "nothing judged": (promoting(checks=verdicts.Checks()), "frontend REG-001 was not judged"),
    "world of the lab": (
        promoting(world="lab"),
        "the verdict was found in the lab world, which is not taken here",
    ),
    "held": (promoting(doubts=("the lab did not come up",)), "cannot-tell: the lab did not"),
}


@pytest.mark.parametrize(("signed", "why"), VERDICTS.values(), ids=VERDICTS.keys())
def test_bad_verdict_holds_before_pull(signed, why):
    """The revision is held, and each way has its own reason."""
    api = Api([ended()])

    with pytest.raises(HeldError, match=why):
        hook(api, Registry(signed)).judge()

    assert api.made == []


UNAVAILABLE = httpx.Response(503, text="<html>")
REGISTRIES = {
    "down": ({"/token": httpx.ConnectError("refused")}, "external.refused"),
    "failing": ({"/manifests/v1": UNAVAILABLE}, "external.server-error"),
    "failing at the verdict": ({"/manifests/verdict": UNAVAILABLE}, "the verdict .* answered 503"),
    "gone at the verdict": (
        {"/manifests/verdict": httpx.ReadTimeout("slow")},
        "the verdict .* cannot be read: ReadTimeout",
    ),
    "no JSON": ({"/manifests/verdict": httpx.Response(200, text="?")}, "cannot be read"),
    "refusing the hook": (
        {"/token": httpx.Response(403, json={"errors": [{"code": "DENIED", "message": "denied"}]})},
        "the hook's own pull secret",
    ),
}


@pytest.mark.parametrize(("broken", "why"), REGISTRIES.values(), ids=REGISTRIES.keys())
def test_silent_registry_blames_no_revision(broken, why):
    """Without an answer of the registry, the hook reports that the revision is unknown."""
    api = Api([ended()])

    with pytest.raises(PullRecoveryError, match=why) as caught:
        hook(api, Registry(broken=broken)).judge()

    assert caught.value.exit is Exit.UNKNOWN
    assert api.made == []


def test_tag_without_a_manifest_holds():
    """A tag without a manifest is one like `dev`, which no build pushes."""
    settings = replace(gate_hook.SETTINGS, image=Image(recorded.REPOSITORY, "dev"))

    with pytest.raises(HeldError, match=r"^image\.missing: \S+:dev: .*manifest unknown"):
        hook(Api([ended()]), settings=settings).judge()


def test_verdict_of_other_digest_holds():
    """A verdict on another digest holds, whatever registry answers."""
    registry = Registry(broken={"/blobs/": httpx.Response(200, text=promoting())})
    registry.signed += " "

    with pytest.raises(HeldError, match="does not have this digest"):
        hook(Api([ended()]), registry).judge()


PULLS = {
    "no secret wired": (recorded.ANONYMOUS, (), r"wiring\.not-wired"),
    "secret missing": (
        recorded.ANONYMOUS,
        ("ghcr-credentials",),
        r"secret\.missing: the node asks anonymously, though the pod names ghcr-credentials",
    ),
    "rejected": (recorded.REJECTED, ("ghcr-credentials",), r"secret\.credential-rejected"),
    "no scope": (recorded.NO_SCOPE, ("ghcr-credentials",), r"secret\.scope-missing"),
    "no SSO": (recorded.NO_SSO, ("ghcr-credentials",), r"secret\.sso-missing"),
    "no platform": (recorded.NO_PLATFORM, ("ghcr-credentials",), r"image\.platform-missing"),
    "part missing": (recorded.NO_PART, ("ghcr-credentials",), r"image\.part-missing"),
    "other bytes": (recorded.OTHER_BYTES, ("ghcr-credentials",), r"image\.digest-mismatch"),
}


@pytest.mark.parametrize(("words", "secrets", "cause"), PULLS.values(), ids=PULLS.keys())
def test_failed_probe_holds_with_cause(words, secrets, cause):
    """The hook holds at once, because waiting fixes nothing, and deletes the probe."""
    api = Api([waiting("ErrImagePull", words)], account_secrets=secrets)

    with pytest.raises(HeldError, match=f"the probe as frontend: {cause}.* -- fix: "):
        hook(api, until=_soon()).judge()

    assert api.pods == {}


def test_undecodable_secret_holds_with_cause():
    """Go's error is where the pod's reason belongs."""
    api = Api([waiting(recorded.NOT_BASE64, recorded.NOT_BASE64)])

    with pytest.raises(HeldError, match=r"secret\.unreadable"):
        hook(api, until=_soon()).judge()


def test_late_secret_gets_second_try(monkeypatch):
    """A busy kubelet pulls anonymously if it does not have the pod's Secret within a second."""
    monkeypatch.setattr(probe_cause, "SECOND_TRY", 20.0)
    api = Api([waiting("ErrImagePull", recorded.ANONYMOUS), ended()])

    assert hook(api, until=_soon()).judge()


def test_late_second_try_blames_nothing(monkeypatch):
    """The first refusal may come from a busy node, and there was no second try."""
    monkeypatch.setattr(probe_cause, "SECOND_TRY", 20.0)
    api = Api([waiting("ErrImagePull", recorded.ANONYMOUS)])

    with pytest.raises(PullRecoveryError, match=r"the probe .* not after") as caught:
        hook(api).judge()

    assert caught.value.exit is Exit.UNKNOWN


def test_pod_without_secrets_gets_none(monkeypatch):
    """A pod without secrets pulls anonymously at every try."""
    monkeypatch.setattr(probe_cause, "SECOND_TRY", 20.0)
    api = Api([waiting("ErrImagePull", recorded.ANONYMOUS), ended()], account_secrets=())

    with pytest.raises(HeldError, match=r"wiring\.not-wired"):
        hook(api, until=_soon()).judge()


def test_short_outage_holds_nothing():
    """The node tries again on its own, so the hook waits."""
    api = Api([waiting("ErrImagePull", recorded.NOBODY_LISTENS), ended()])

    assert hook(api, until=_soon()).judge()


def test_outage_until_deadline_is_named():
    """The revision is unknown after an outage until the deadline."""
    api = Api([waiting("ErrImagePull", recorded.NOBODY_LISTENS)])

    with pytest.raises(PullRecoveryError, match=r"external\.refused") as caught:
        hook(api).judge()

    assert caught.value.exit is Exit.UNKNOWN
    assert api.pods == {}


def test_probe_timeout_names_what_it_waits_for():
    """The error says what the probe waits for, such as a node with room for it."""
    full = [
        SimpleNamespace(
            type="PodScheduled", status="False", reason="Unschedulable", message="0/1 nodes: full"
        )
    ]
    api = Api([waiting("", "") | {"conditions": full}])

    with pytest.raises(WaitError, match="0/1 nodes: full"):
        hook(api).judge()

    assert api.pods == {}


ENDS = {
    "evicted": ({"failed": ("Evicted", "low on memory")}, "has failed: Evicted: low on memory"),
    "deleted": (None, "is gone: somebody deleted it"),
}


@pytest.mark.parametrize(("state", "why"), ENDS.values(), ids=ENDS.keys())
def test_probe_that_is_taken_away_holds(state, why):
    """The result of a deleted probe's pull is unknown."""
    api = Api([waiting("ContainerCreating"), state])

    with pytest.raises(PullRecoveryError, match=why) as caught:
        hook(api, until=_soon()).judge()

    assert caught.value.exit is Exit.UNKNOWN


def _forbidden(verb):
    who = "system:serviceaccount:frontend-dev:frontend-gate"
    return refusal(403, f'pods is forbidden: User "{who}" cannot {verb} resource "pods"')


@pytest.mark.parametrize("verb", ["create", "get", "delete"])
def test_missing_right_is_named(verb):
    """The right to delete is needed last: a probe that stays is an error."""
    api = Api([ended()], refuses={verb: _forbidden(verb)})

    with pytest.raises(PullRecoveryError, match=f"frontend-gate .*{verb}|pods: {verb}") as caught:
        hook(api, until=_soon()).judge()

    assert caught.value.exit is Exit.UNKNOWN


def test_probe_without_container_is_no_pull():
    """Only an imageID proves a pull."""
    api = Api([waiting("CreateContainerConfigError", "secret not found")])

    with pytest.raises(WaitError, match="CreateContainerConfigError secret not found"):
        hook(api).judge()


@pytest.mark.parametrize("place", ["init", "beside"])
def test_injected_container_is_no_pull(place):
    """An admission webhook adds a container, which ends while the probe still waits."""
    injected = ended("docker.io/istio/proxyv2@sha256:" + "1" * 64)
    api = Api([waiting("PodInitializing") | {place: [injected]}])

    with pytest.raises(WaitError, match="PodInitializing"):
        hook(api).judge()


def test_stuck_injected_container_is_not_blamed():
    """The injected container's image says nothing about the workload's pull secret."""
    stuck = waiting("ErrImagePull", "failed to fetch anonymous token: 401 Unauthorized")
    api = Api([waiting("ContainerCreating") | {"beside": [stuck]}])

    with pytest.raises(WaitError, match="ErrImagePull"):
        hook(api).judge()


@pytest.mark.parametrize(
    "image",
    [
        f"{recorded.REPOSITORY}@{verdicts.OTHER_IMAGE}",
        f"ghcr.io/bytequester/other@{verdicts.IMAGE}",
    ],
    ids=["another digest", "another repository"],
)
def test_pull_of_another_image_is_no_pull(image):
    """The node did not pull the judged image, whatever changed the probe."""
    with pytest.raises(PullRecoveryError, match="and not the judged") as caught:
        hook(Api([ended(image)]), until=_soon()).judge()

    assert caught.value.exit is Exit.UNKNOWN


def test_hook_outside_cluster_is_one_line(tmp_path, capsys, monkeypatch):
    """A Job without the token of a ServiceAccount is outside of a cluster."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    key = tmp_path / "gate.pub"
    key.write_text(verdicts.pem(verdicts.KEY, private=False))

    code = hooks.run_hook(environ(key))

    said = capsys.readouterr().out
    assert (code, said.count("\n")) == (int(Exit.UNKNOWN), 1)
    assert said.startswith("cannot tell, hold: the hook runs in a pod of a cluster, and here: ")


def test_stopped_hook_holds_in_one_line(tmp_path, capsys, monkeypatch):
    """SIGTERM arrives as an interrupt, and the log gets one line without a traceback."""
    key = tmp_path / "gate.pub"
    key.write_text(verdicts.pem(verdicts.KEY, private=False))

    def evicted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(hooks, "in_cluster", lambda: None)
    monkeypatch.setattr(hooks, "own_pods", evicted)

    assert hooks.run_hook(environ(key)) == int(Exit.UNKNOWN)
    assert capsys.readouterr().out.startswith("cannot tell, hold: it was ended from outside")


def environ(key, **changes):
    """Return the hook's variables, as its manifest sets them."""
    return {
        "GATE_REVISION": verdicts.REVISION,
        "GATE_TARGET": "hosting-monorepo",
        "GATE_APPLICATION": "frontend",
        "GATE_WORKLOAD": "frontend",
        "GATE_NAMESPACE": "frontend-dev",
        "GATE_REFERENCE": f"{recorded.REPOSITORY}:v1",
        "GATE_KEY_FILE": str(key),
        "GATE_OWN_ACCOUNT": "frontend-gate",
        "GATE_POD": "frontend-gate-x2v4q",
        "GATE_POD_UID": "0b0f4b6e",
    } | changes


def test_verdict_tag_names_commit_and_target():
    """Two targets that share a package do not overwrite each other's verdict."""
    found = verdict_tag("monorepo-dev", verdicts.REVISION)

    assert found == f"verdict-{verdicts.REVISION}-monorepo-dev"
    assert found != verdict_tag("monorepo-prod", verdicts.REVISION)
