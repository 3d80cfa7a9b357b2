"""Start a revision's charts in the lab unchanged, and judge them there."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kubernetes import client as k8s

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.clean_up import CleanUp
from pullrecovery.common.process import CommandError
from pullrecovery.common.redaction import protect
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.diagnosis.rollout import rolled_out
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.gate.run.judge import Verdicts, judge_running
from pullrecovery.kube.events import EventRecorder
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.lab.chart_namespace import make_chart_namespace
from pullrecovery.lab.seed import LabWorld
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.model.verdict import Cause, Verdict
from pullrecovery.observe import observe_pull
from pullrecovery.registry.keyring import DATA_KEYS, DOCKER_CONFIG_JSON
from pullrecovery.world.world import World

# Seconds. What is not up by then is judged as it is.
_UP_WITHIN = 60.0
_HOOKS_WITHIN = 30
_LOOK_EVERY = 1.0
# The API server's message for a pod that needs more privileges than the sandbox allows.
_POD_SECURITY = "violates PodSecurity"


@dataclass(frozen=True)
class StartNamespace:
    """A namespace for one workload, with its pull secret, and the world to observe it."""

    world: World
    workload: Workload
    recorder: EventRecorder

    def settled(self) -> bool:
        """Return whether all pods are new and Ready, one waits for its image, or none may run."""
        deployment = observe_deployment(self.world, self.workload)
        pods = observe_pods(self.world, self.workload, deployment)
        refused = _POD_SECURITY in deployment.replica_failure
        return refused or rolled_out(deployment, pods) or bool(stuck_containers(pods))


def judge_started(lab_world: LabWorld) -> Verdicts:
    """Deploy every workload of the world's target, wait for it, and judge what is in the cluster.

    Charts are deployed as they are: nothing is wired or corrected. Everything is deleted
    afterwards.
    """
    found: dict[str, Verdict] = {}
    with CleanUp() as clean_up:
        places = [
            clean_up.enter(_start_namespace(lab_world, workload))
            for workload in lab_world.target.workloads
        ]
        refused = [_deploy(place) for place in places]
        for place, words in zip(places, refused, strict=True):
            if not words:
                _await(place)
            verdicts = judge_running(observe_pull(place.world, place.workload))
            found |= {name: _with_words(each, words) for name, each in verdicts.items()}
    return found


def _with_words(verdict: Verdict, words: str) -> Verdict:
    """Add Helm's message to a verdict that the release is not deployed."""
    if verdict.cause is not Cause.NOT_DEPLOYED or not words:
        return verdict
    return replace(verdict, evidence=f"{verdict.evidence}; Helm: {words}")


@contextmanager
def _start_namespace(lab_world: LabWorld, workload: Workload) -> Iterator[StartNamespace]:
    """Create a namespace for this run only; delete the release and the namespace at the end."""
    name, core = f"{workload.namespace}-{secrets.token_hex(3)}", lab_world.core
    own = replace(workload, namespace=name)
    with CleanUp() as clean_up:
        # The next run removes it if this run is killed.
        clean_up.add(lambda: tolerate_missing(lambda: core.delete_namespace(name)))
        chart_namespace = make_chart_namespace(lab_world, name)
        clean_up.add(chart_namespace.forget)
        world = replace(lab_world, helm=chart_namespace.helm)
        # The chart's hooks are not run.
        clean_up.add(lambda: world.helm.uninstall(own, hooks=False))
        recorder = EventRecorder(core, name)
        clean_up.add(recorder.end)
        if workload.visibility is Visibility.PRIVATE:
            _put_secret(world, name, lab_world.issue_token())
        recorder.start()
        observed = replace(world, events=recorder)
        yield StartNamespace(observed, own, recorder)


def _put_secret(world: World, namespace: str, credential: Credential) -> None:
    """Create the target's pull secret with a new token that may only read."""
    document = {"auths": {world.target.registry: {"auth": protect(credential.auth)}}}
    body = k8s.V1Secret(
        metadata=k8s.V1ObjectMeta(name=world.target.pull_secret),
        type=DOCKER_CONFIG_JSON,
        string_data={DATA_KEYS[DOCKER_CONFIG_JSON]: json.dumps(document)},
    )
    world.core.create_namespaced_secret(namespace, body)


def _deploy(place: StartNamespace) -> str:
    """Install the chart; return Helm's message if it fails, for the verdict, else ''."""
    try:
        place.world.helm.upgrade(place.workload, within=_HOOKS_WITHIN)
    except CommandError as error:
        return error.output.strip()
    return ""


def _await(place: StartNamespace) -> None:
    """Wait until there is something to judge; after the timeout, the current state is judged."""
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
