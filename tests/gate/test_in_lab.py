"""Where the images of a revision come from: the registry itself, or the lab."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest

from pullrecovery.gate import in_lab
from pullrecovery.gate.in_lab import LabGate
from pullrecovery.gate.judging import Revision
from pullrecovery.gate.mirror import Side
from pullrecovery.model import Cause
from pullrecovery.observation import Credential, Probe
from pullrecovery.registry import RegistryClient
from pullrecovery.world import World
from tests.recorded import DIGEST, GOOD, NO_TAG, OTHER_DIGEST, OUTAGE

LAB, REAL = (RegistryClient(name, httpx.Client()) for name in ("lab", "real"))
SOURCE = Side(REAL, Credential("ByteQuester", "real"))


@dataclass
class _Lab:
    """As much of a lab's world as is asked of it."""

    pushed: list = field(default_factory=list)
    pusher: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(registry=LAB, credential=Credential("a", "lab"))
    )

    @property
    def world(self):
        parts = dict.fromkeys(("cluster", "helm", "runner", "workflows", "actionlint"))
        reader = Credential("a", "lab")
        return World(GOOD.target, registry=LAB, reader=reader, operator=reader, **parts)

    def publish(self, image, _):
        self.pushed.append(image.reference)


@pytest.fixture
def gate(monkeypatch):
    """Return a gate whose registries have these answers to the question for the wanted image."""
    copied = []
    monkeypatch.setattr(in_lab, "mirror", lambda image, digest, *_: copied.append(digest))

    def make(lab, real=None, *, seed=True):
        answers = {"lab": lab, "real": real}
        look = lambda world, _: answers[world.registry.host]  # noqa: E731
        monkeypatch.setattr(in_lab, "observe_wanted", look)
        source = SOURCE if real else None
        made = LabGate(None, None, Revision(GOOD.target), seed, 60.0, _Quiet(), source)
        made._world = _Lab()
        return made

    make.copied = copied
    return make


class _Quiet:
    def say(self, text):
        """Say nothing."""


@pytest.fixture
def judged(monkeypatch):
    """Have the registry tier hold whatever is in the lab, and the text be good."""
    monkeypatch.setattr(Revision, "registry", lambda *_: {"frontend REG-001": None})
    monkeypatch.setattr("pullrecovery.gate.judging._text", lambda *_: GOOD)


def test_the_registrys_own_image_is_copied_by_its_digest(gate, judged):
    """What runs in the lab is what is promoted."""
    found = gate(NO_TAG, Probe("registry", 200, digest=DIGEST))._registry()

    assert gate.copied == [DIGEST]
    assert set(found) == {"frontend REG-001"}


@pytest.mark.parametrize(
    ("real", "cause"), [(NO_TAG, Cause.IMAGE_MISSING), (OUTAGE, Cause.REFUSED)]
)
def test_an_image_that_the_registry_itself_lacks_is_held(gate, judged, real, cause):
    """Whatever the lab has of that name from other runs."""
    made = gate(Probe("registry", 200, digest=DIGEST), real)

    assert made._registry()["frontend REG-002"].cause is cause
    assert made.revision.images == {"frontend": ""}
    assert gate.copied == []


def test_the_tag_is_looked_at_again_where_the_image_came_from(gate, monkeypatch):
    """It may have been pushed anew while the lab was busy."""
    monkeypatch.setattr(in_lab, "judge_started", lambda _: {})
    made = gate(NO_TAG, Probe("registry", 200, digest=OTHER_DIGEST))
    made.revision.images["frontend"] = DIGEST
    monkeypatch.setattr(
        "pullrecovery.gate.judging.observe_wanted",
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
def test_the_lab_is_seeded_only_where_it_plays_the_registry(gate, answer, seed, real, pushed):
    """A gate that pushed what is missing would promote what nobody has built."""
    made = gate(answer, real, seed=seed)

    made._seed()

    assert made.lab_world.pushed == pushed
