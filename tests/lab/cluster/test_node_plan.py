"""The source of the node image: a pull or a build, and the messages of a failed pull."""

import queue
from types import SimpleNamespace

import pytest
from docker.errors import APIError, ImageNotFound

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.lab.cluster.node_plan import plan_node, pulls_base, wanted_images
from pullrecovery.lab.engine.pull_image import PullError, pull
from pullrecovery.lab.images.published_node import published_base, published_node
from pullrecovery.lab.tools.versions import kubernetes_set

DIGEST = f"@sha256:{'a' * 64}"


class Engine:
    """A fake engine with some images, and the registry's answers to its pulls."""

    def __init__(self, *, here=False, answers=True, events=()):
        self.here, self.answers, self.events = here, answers, events
        self.pulled = []
        self.images = self.api = self

    def get(self, reference):
        if not self.here:
            raise ImageNotFound(reference)

    def get_registry_data(self, reference):
        if not self.answers:
            raise APIError(reference)

    def pull(self, reference, *, stream, decode):
        assert stream
        assert decode
        self.pulled.append(reference)
        return iter(self.events)


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch):
    for name in ("IMAGES", "NODE_IMAGE", "BASE_IMAGE"):
        monkeypatch.delenv(name, raising=False)


def _plan(engine, *, built=False):
    return plan_node(engine, kubernetes_set(), built=built, note=lambda _: None)


@pytest.mark.parametrize(
    ("wanted", "here", "built", "answers", "pull", "reason"),
    [
        ("build", True, True, True, False, "IMAGES=build"),
        ("pull", False, True, False, True, "IMAGES=pull"),
        ("auto", True, True, False, True, "the published images are already here"),
        ("auto", False, True, True, False, "the built node image is already here"),
        ("auto", False, False, True, True, "an image registry answers"),
        ("auto", False, False, False, False, "no image registry answered within 10 s"),
    ],
    ids=["build", "pull", "pulled before", "built before", "registry", "no registry"],
)
def test_node_image_is_pulled_or_built(monkeypatch, wanted, here, built, answers, pull, reason):
    """The source depends on the option, then on the images of the engine, then on a registry."""
    monkeypatch.setenv("IMAGES", wanted)
    engine = Engine(here=here, answers=answers)

    plan = _plan(engine, built=built)

    assert (plan.pull, plan.reason) == (pull, reason)
    both = [published_node(kubernetes_set()), published_base()]
    assert engine.pulled == (both if pull and not here else [])


def test_failing_registry_falls_back_to_build():
    """`auto` builds the image after a failed pull, and prints why."""
    plan = _plan(Engine(events=[{"error": "toomanyrequests"}]))

    assert not plan.pull
    assert plan.reason.endswith("not: toomanyrequests")


def test_failed_requested_pull_ends_run(monkeypatch):
    """The error says what to do, and nothing is built without a request."""
    monkeypatch.setenv("IMAGES", "pull")

    with pytest.raises(LabError, match=r"toomanyrequests; run again to go on, or set IMAGES=build"):
        _plan(Engine(events=[{"error": "toomanyrequests"}]))


@pytest.mark.parametrize(
    ("images", "engine", "built", "pulled"),
    [
        ("build", Engine(here=True), False, False),
        ("pull", Engine(answers=False), True, True),
        ("auto", Engine(here=True), True, True),
        ("auto", Engine(), True, False),
        ("auto", Engine(), False, True),
        ("auto", Engine(answers=False), False, False),
    ],
)
def test_base_without_lab_is_pulled(monkeypatch, images, engine, built, pulled):
    """IMAGES decides, then the images of the engine, then whether an image registry answers."""
    monkeypatch.setenv("IMAGES", images)

    assert pulls_base(engine, built=built) is pulled


def test_images_come_by_themselves_or_as_asked(monkeypatch):
    """Another value of IMAGES is a usage error that lists the three."""
    assert wanted_images() == "auto"

    monkeypatch.setenv("IMAGES", "steal")
    with pytest.raises(UsageError, match=r"^IMAGES=steal is none of: auto, pull, build\.$"):
        wanted_images()


def test_mirror_may_be_named_for_both_images(monkeypatch):
    """A mirror is named by reference and digest."""
    monkeypatch.setenv("NODE_IMAGE", f"mirror.example:5000/kindest/node:v1{DIGEST}")
    monkeypatch.setenv("BASE_IMAGE", f"mirror.example/debian{DIGEST}")
    engine = Engine()

    assert _plan(engine).pull
    assert engine.pulled == [
        f"mirror.example:5000/kindest/node:v1{DIGEST}",
        f"mirror.example/debian{DIGEST}",
    ]


def test_image_of_a_mirror_must_be_pinned(monkeypatch):
    """A tag may move between two runs, so a digest is required."""
    monkeypatch.setenv("NODE_IMAGE", "mirror.example/node:v1")

    with pytest.raises(UsageError, match=r"^NODE_IMAGE=mirror\.example/node:v1 must end with"):
        published_node(kubernetes_set())


def test_pull_is_shown_in_tenths():
    """The progress is in MiB, over all layers."""
    mib, said = 2**20, []
    steps = [
        {"status": "Downloading", "id": layer, "progressDetail": {"current": n, "total": 10 * mib}}
        for layer, n in (("a", mib), ("a", 3 * mib // 2), ("a", 10 * mib))
    ]

    pull(Engine(events=[{"status": "Pulling"}, *steps]), f"node:v1{DIGEST}", said.append)

    assert said == ["pulling node:v1", "node:v1: 1 of 10 MiB", "node:v1: 10 of 10 MiB"]


def test_silent_registry_is_given_up():
    """The engine itself would wait for ever."""
    silent = SimpleNamespace(get=queue.Queue().get)
    engine = Engine(events=iter(silent.get, None))

    with pytest.raises(PullError, match=r"^the image registry sent nothing for 0\.1 s$"):
        pull(engine, f"node:v1{DIGEST}", lambda _: None, stalled=0.1)
