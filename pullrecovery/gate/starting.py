"""A revision's workloads started in the lab, as their charts are, and judged where they run."""

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.diagnosis.rollout import rolled_out
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.gate.judging import Verdicts, judge_running
from pullrecovery.keyring import DATA_KEYS, DOCKER_CONFIG_JSON
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.seeding import LabWorld
from pullrecovery.memory import Memory
from pullrecovery.model import Cause, Verdict, Visibility, Workload
from pullrecovery.observation import Credential
from pullrecovery.observe import observe_pull
from pullrecovery.observe.cluster import observe_deployment, observe_pods
from pullrecovery.observe.events import Recorder
from pullrecovery.process import CommandError
from pullrecovery.redaction import protect
from pullrecovery.wait import WaitError, wait_for
from pullrecovery.world import World

# Seconds. What is not up by then is judged as it is.
_UP_WITHIN = 60.0
_HOOKS_WITHIN = 30
_LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Place:
    """A namespace of one workload's own, with its pull secret, and the view into it."""

    world: World
    workload: Workload
    recorder: Recorder

    def settled(self) -> bool:
        """Whether its pods are all new and Ready, or one waits for an image."""
        deployment = observe_deployment(self.world, self.workload)
        pods = observe_pods(self.world, self.workload, deployment)
        return rolled_out(deployment, pods) or bool(stuck_containers(pods))


def judge_started(lab_world: LabWorld) -> Verdicts:
    """Deploy every workload of the world's target, see it run, and judge what is in the cluster.

    What the charts render is deployed as it is: nothing is wired or corrected. Nothing stays.
    """
    found: dict[str, Verdict] = {}
    with ExitStack() as stack:
        places = [
            stack.enter_context(_place(lab_world, workload))
            for workload in lab_world.world.target.workloads
        ]
        refused = [_deploy(place) for place in places]
        for place, words in zip(places, refused, strict=True):
            if not words:
                _await(place)
            verdicts = judge_running(observe_pull(place.world, place.workload))
            found |= {name: _with_words(each, words) for name, each in verdicts.items()}
    return found


def _with_words(verdict: Verdict, words: str) -> Verdict:
    """Helm's own words beside what is not there for them."""
    if verdict.cause is not Cause.NOT_DEPLOYED or not words:
        return verdict
    return replace(verdict, evidence=f"{verdict.evidence}; Helm: {words}")


@contextmanager
def _place(lab_world: LabWorld, workload: Workload) -> Iterator[Place]:
    """A namespace that only this run has; it goes at the end, its pods after it."""
    world, name = lab_world.world, f"{workload.namespace}-{secrets.token_hex(3)}"
    # By the label of what a run must not leave: the next one removes it if this one is killed.
    metadata = k8s.V1ObjectMeta(name=name, labels={LABEL: "scenario"})
    world.core.create_namespace(k8s.V1Namespace(metadata=metadata))
    recorder = Recorder(world.core, name)
    try:
        wait_for(
            f"ServiceAccount {name}/default", lambda: _has_account(world, name), bool, timeout=30
        )
        if workload.visibility is Visibility.PRIVATE:
            _put_secret(world, name, lab_world.mint().credential)
        recorder.start()
        own = replace(world, events=recorder, memory=Memory())
        yield Place(own, replace(workload, namespace=name), recorder)
    finally:
        recorder.end()
        world.core.delete_namespace(name)


def _has_account(world: World, namespace: str) -> bool:
    try:
        world.core.read_namespaced_service_account("default", namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return False
    return True


def _put_secret(world: World, namespace: str, credential: Credential) -> None:
    """The target's pull secret, with a token of its own that may read and nothing else."""
    document = {"auths": {world.target.registry: {"auth": protect(credential.auth)}}}
    body = k8s.V1Secret(
        metadata=k8s.V1ObjectMeta(name=world.target.pull_secret),
        type=DOCKER_CONFIG_JSON,
        string_data={DATA_KEYS[DOCKER_CONFIG_JSON]: json.dumps(document)},
    )
    world.core.create_namespaced_secret(namespace, body)


def _deploy(place: Place) -> str:
    """Install the chart; returns Helm's words where it refuses, for what is then judged."""
    try:
        place.world.helm.upgrade(place.workload, within=_HOOKS_WITHIN)
    except CommandError as error:
        return error.output.strip()
    return ""


def _await(place: Place) -> None:
    """Wait until there is something to judge; where nothing comes, that is judged, too."""
    name = place.workload.name
    try:
        wait_for(
            f"{name} is up",
            place.settled,
            bool,
            timeout=_UP_WITHIN,
            interval=_LOOK_EVERY,
            pause=place.recorder.pause,
        )
    except WaitError:
        return
