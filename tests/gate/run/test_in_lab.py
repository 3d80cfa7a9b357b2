"""The source of a revision's images: the registry itself, or the lab."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest

from pullrecovery.common.errors import LabError
from pullrecovery.gate.run import in_lab
from pullrecovery.gate.run.in_lab import LabGate
from pullrecovery.gate.run.judge import CLUSTER, REGISTRY, STATIC, JudgedRevision
from pullrecovery.gate.run.mirror import Side
from pullrecovery.lab.chart_needs import Needs
from pullrecovery.lab.seed import LabWorld
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.model.verdict import Cause, fails, passes
from pullrecovery.registry.client import RegistryClient
from tests.fakes.recorded import DIGEST, GOOD, NO_TAG, OTHER_DIGEST, OUTAGE

LAB, REAL = (RegistryClient(name, httpx.Client()) for name in ("lab", "real"))
SOURCE = Side(REAL, Credential("ByteQuester", "real"))


READER = Credential("a", "lab")
UNUSED = dict.fromkeys(("cluster", "helm", "runner", "workflows", "actionlint", "lab", "control"))


@dataclass(frozen=True)
class _Lab(LabWorld):
    """A lab's world that records what is pushed to it."""

    pushed: list = field(default_factory=list)

    def publish(self, image, _):
        self.pushed.append(image.reference)


def _lab():
    """Return a lab's world of the parts that the gate uses."""
    parts = {"registry": LAB, "reader": READER, "operator": READER, **UNUSED}
    pusher = SimpleNamespace(registry=LAB, credential=READER)
    return _Lab(GOOD.target, pusher=pusher, app_images={}, **parts)


@pytest.fixture
def gate(monkeypatch):
    """Return a gate whose registries give these answers for the wanted image."""
    copied = []
    monkeypatch.setattr(in_lab, "mirror", lambda image, digest, *_: copied.append(digest))

    def make(lab, real=None, *, seed=True):
        answers = {"lab": lab, "real": real}
        look = lambda world, _: answers[world.registry.host]  # noqa: E731
        monkeypatch.setattr(in_lab, "observe_wanted", look)
        source = SOURCE if real else None
        made = LabGate(None, None, JudgedRevision(GOOD.target), seed, 60.0, _Quiet(), source)
        made._world = _lab()
        return made

    make.copied = copied
    return make


class _Quiet:
    def say(self, text):
        """Print nothing."""


@pytest.fixture
def judged(monkeypatch):
    """Let the registry tier pass for any image in the lab, and the static tier pass."""
    monkeypatch.setattr(JudgedRevision, "registry", lambda *_: {"frontend REG-001": None})
    monkeypatch.setattr("pullrecovery.gate.run.judge.observe_written", lambda *_: GOOD)


def test_image_is_copied_by_digest(gate, judged):
    """The image that runs in the lab is the one that is promoted."""
    found = gate(NO_TAG, Probe("registry", 200, digest=DIGEST))._registry()

    assert gate.copied == [DIGEST]
    assert set(found) == {"frontend REG-001"}


@pytest.mark.parametrize(
    ("real", "cause"), [(NO_TAG, Cause.IMAGE_MISSING), (OUTAGE, Cause.REFUSED)]
)
def test_image_missing_in_registry_holds(gate, judged, real, cause):
    """The gate holds even if the lab has an image of that name from other runs."""
    made = gate(Probe("registry", 200, digest=DIGEST), real)

    assert made._registry()["frontend REG-002"].cause is cause
    assert made.revision.images == {"frontend": ""}
    assert gate.copied == []


def test_tag_is_checked_again_at_source(gate, monkeypatch):
    """The tag may have been pushed again while the lab was busy."""
    monkeypatch.setattr(in_lab, "sandbox_needs", lambda _: Needs())
    monkeypatch.setattr(in_lab, "judge_started", lambda _: {})
    made = gate(NO_TAG, Probe("registry", 200, digest=OTHER_DIGEST))
    made.revision.images["frontend"] = DIGEST
    monkeypatch.setattr(
        "pullrecovery.gate.run.judge.observe_wanted",
        lambda world, _: Probe(
            "registry", 200, digest=OTHER_DIGEST if world.registry is REAL else DIGEST
        ),
    )

    assert made._started()["frontend REG-006"].cause is Cause.TAG_MOVED


@pytest.mark.parametrize(
    ("answer", "seed", "real", "pushed"),
    [
        (NO_TAG, True, None, [GOOD.workload.image.reference]),
        (Probe("registry", 200, digest=DIGEST), True, None, []),
        (NO_TAG, False, None, []),
        (OUTAGE, True, None, []),
        (NO_TAG, True, Probe("registry", 200, digest=DIGEST), []),
    ],
    ids=["missing", "there", "not to be seeded", "no answer", "from the registry itself"],
)
def test_lab_is_seeded_only_as_registry(gate, answer, seed, real, pushed):
    """A gate that pushed missing images would promote an image that no build made."""
    made = gate(answer, real, seed=seed)

    made._seed()

    assert made.lab_world.pushed == pushed


@pytest.fixture
def raised(monkeypatch):
    """Replace the start of the lab, and record how much of it was requested."""
    seen = []

    class Raising:
        def __init__(self, *_, with_cluster, on_base, **__):
            seen.append("cluster" if with_cluster else "registry")
            on_base()

        def up_locked(self):
            return "raised"

        def attach_to_run(self):
            raise LabError("the lab of this run answers: not after 60 s")

    monkeypatch.setattr(in_lab, "LabStart", Raising)
    monkeypatch.setattr(in_lab, "open_world", lambda *_, **__: nullcontext(_lab()))
    beside = SimpleNamespace(
        build=lambda: seen.append("docs"), end=lambda: seen.append("docs ended")
    )
    monkeypatch.setattr(in_lab, "building_beside", lambda *_: nullcontext(beside))
    monkeypatch.setattr(in_lab, "sandbox_needs", lambda _: Needs())
    monkeypatch.setattr(in_lab, "judge_started", lambda _: dict.fromkeys(LAB_CHECKS, passes()))
    monkeypatch.setattr(
        JudgedRevision, "registry", lambda *_: dict.fromkeys(REGISTRY_CHECKS, passes())
    )
    monkeypatch.setattr(JudgedRevision, "still_named", lambda *_: {})
    return seen


LAB_CHECKS, REGISTRY_CHECKS, STATIC_CHECKS = (
    JudgedRevision(GOOD.target).checks(criteria) for criteria in (CLUSTER, REGISTRY, STATIC)
)


def _gate(monkeypatch, static):
    monkeypatch.setattr(JudgedRevision, "static", lambda *_: static)
    paths = SimpleNamespace()
    return LabGate(paths, None, JudgedRevision(GOOD.target), False, 60.0, _Quiet())


def test_lab_starts_only_for_next_tier(raised, monkeypatch):
    """The first two tiers need no cluster, and the third does."""
    judgement = _gate(monkeypatch, dict.fromkeys(STATIC_CHECKS, passes())).judge()

    assert [part for part in raised if part != "docs"] == ["registry", "cluster"]
    assert raised[1] == "docs", "the docs are built before the cluster is there"
    assert {tier.ended for tier in judgement.tiers} == {"passed"}
    assert judgement.checks.missing == ()


def test_lab_of_other_run_is_not_extended(raised, monkeypatch):
    """Only the holder of the lab's lock starts it; without the lock the gate is inconclusive."""
    gate = _gate(monkeypatch, dict.fromkeys(STATIC_CHECKS, passes()))
    gate.beside = True

    judgement = gate.judge()

    assert [tier.ended for tier in judgement.tiers] == ["broke-down", "not-run", "not-run"]
    assert "the lab of this run answers" in judgement.doubts[0]


def test_static_failure_starts_no_cluster(raised, monkeypatch):
    """Text checks take seconds, and a first start of the cluster takes minutes."""
    wrong = {"frontend REG-005": fails(Cause.WRONG_TAG), "frontend REG-007": passes()}

    judgement = _gate(monkeypatch, wrong).judge()

    assert raised == ["registry", "docs"]
    assert [tier.ended for tier in judgement.tiers] == ["held", "not-run", "not-run"]


def test_timed_out_background_work_is_stopped(raised, monkeypatch):
    """The build of the docs is awaited at the gate's end, which it would delay."""
    ended = []
    monkeypatch.setattr(in_lab, "stop_running", lambda: ended.append(True))
    gate = _gate(monkeypatch, {})
    monkeypatch.setattr(JudgedRevision, "static", lambda *_: time.sleep(30))
    gate.within = 0.2

    assert [tier.ended for tier in gate.judge().tiers] == ["timed-out", "not-run", "not-run"]
    assert ended == [True]
    assert raised[-1] == "docs ended"
