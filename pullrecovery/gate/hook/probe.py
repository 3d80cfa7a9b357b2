"""A pod that makes a node pull one image as the workload's pods will, and runs no code of it.

Its command exists in no image: the container cannot start, but the node pulls the image before it
fails. So the probe needs no shell in the image and does nothing of what the image would do next to
the running release.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.diagnosis.stuck import Stuck, stuck_containers
from pullrecovery.kube.workloads import pod_status
from pullrecovery.model.observation import PodStatus

CONTAINER = "probe"
COMMAND = "/pull-recovery/no-such-program"
LABEL = "pullrecovery.dev/gate"
_USER = 65532
_LOOK_EVERY = 0.5
_GONE_WITHIN = 10.0
_CONFLICT = 409


class Pods(Protocol):
    """The pod operations that the hook has in its namespace."""

    def create(self, manifest: dict[str, Any]) -> Any:
        """Create a pod; raises ApiException."""

    def read(self, name: str) -> Any:
        """Return one pod as the API server has it; raises ApiException."""

    def delete(self, name: str) -> None:
        """Delete a pod without a grace period; raises ApiException."""


@dataclass(frozen=True)
class ProbeOwner:
    """The hook's pod, which owns the probe, so that both are deleted together."""

    name: str
    uid: str


@dataclass(frozen=True)
class ProbePod:
    """The probe pod.

    `image` is a reference by digest, `seconds` the pod's activeDeadlineSeconds.
    """

    name: str
    workload: str
    image: str
    service_account: str
    pull_secrets: tuple[str, ...]
    owner: ProbeOwner
    seconds: int

    def manifest(self) -> dict[str, Any]:
        """Return the pod's manifest, which meets the Pod Security Standard `restricted`."""
        owner = {"apiVersion": "v1", "kind": "Pod", "name": self.owner.name, "uid": self.owner.uid}
        labels = {LABEL: "probe", "app.kubernetes.io/part-of": self.workload}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.name, "labels": labels, "ownerReferences": [owner]},
            "spec": {
                "serviceAccountName": self.service_account,
                "imagePullSecrets": [{"name": name} for name in self.pull_secrets],
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "restartPolicy": "Never",
                "activeDeadlineSeconds": self.seconds,
                "terminationGracePeriodSeconds": 0,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": _USER,
                    "runAsGroup": _USER,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [self._container()],
            },
        }

    def _container(self) -> dict[str, Any]:
        amount = {"cpu": "10m", "memory": "32Mi"}
        return {
            "name": CONTAINER,
            "image": self.image,
            # The kubelet asks the registry even if the node has the image, which tests the
            # credential.
            "imagePullPolicy": "Always",
            "command": [COMMAND],
            "resources": {"requests": amount, "limits": amount},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }


@dataclass(frozen=True)
class ProbeState:
    """The state of the probe at one moment.

    `pulled` is the imageID once it is known. `failed` says why the probe cannot go on. `waits` says
    what it waits for, if that is not its image.
    """

    pod: PodStatus | None
    pulled: str = ""
    stuck: Stuck | None = None
    failed: str = ""
    waits: str = ""

    def __str__(self) -> str:
        return self.failed or (self.stuck.said if self.stuck else self.waits or self.pulled)


def pull(
    pods: Pods,
    probe: ProbePod,
    left: Callable[[], float],
    may_end: Callable[[Stuck, float], bool],
) -> ProbeState:
    """Make the node pull the image, delete the probe, and return its last state.

    It ends when the image is pulled or the pod has failed. It also ends when a container waits for
    its image and `may_end`, called with the state and the seconds since it began, returns True
    because waiting longer does not help. `left` returns the remaining seconds. Raises ApiException,
    and WaitError if none of this happens in time.
    """
    _create(pods, probe, left)
    try:
        seen = _await(pods, probe, left, may_end)
    except BaseException:
        # The first error is reported; a probe that cannot be deleted goes with the hook's own pod.
        with suppress(PullRecoveryError, HTTPError):
            _remove(pods, probe.name)
        raise
    _remove(pods, probe.name)
    return seen


def _create(pods: Pods, probe: ProbePod, left: Callable[[], float]) -> None:
    """Create the pod, after deleting one of the same name that an earlier hook left."""
    try:
        pods.create(probe.manifest())
    except ApiException as error:
        if error.status != _CONFLICT:
            raise
        _remove(pods, probe.name)
        within = min(_GONE_WITHIN, left())
        wait_for(
            f"the probe {probe.name} that an earlier hook left is gone",
            lambda: look(pods, probe),
            lambda seen: seen.pod is None,
            timeout=within,
            interval=_LOOK_EVERY,
        )
        pods.create(probe.manifest())


def _await(
    pods: Pods, probe: ProbePod, left: Callable[[], float], may_end: Callable[[Stuck, float], bool]
) -> ProbeState:
    last: list[ProbeState] = []
    since: list[float] = []

    def seen() -> ProbeState:
        last.append(look(pods, probe))
        return last[-1]

    def ended(seen: ProbeState) -> bool:
        if seen.stuck is None:
            return bool(seen.pulled or seen.failed)
        since.append(time.monotonic())
        return may_end(seen.stuck, since[-1] - since[0])

    try:
        return wait_for(
            f"the probe {probe.name} pulls {probe.image}",
            seen,
            ended,
            timeout=left(),
            interval=_LOOK_EVERY,
        )
    except WaitError:
        # At the deadline, the probe is stuck for good if a longer wait would not change `may_end`.
        stuck, waited = last[-1].stuck, since[-1] - since[0] if since else 0.0
        if stuck and may_end(stuck, waited) is may_end(stuck, math.inf):
            return last[-1]
        raise


def look(pods: Pods, probe: ProbePod) -> ProbeState:
    """Return the current state of the probe."""
    manifest = tolerate_missing(pods.read, probe.name)
    if manifest is None:
        return ProbeState(None, failed=f"the probe {probe.name} is gone: somebody deleted it")
    pod = pod_status(manifest, ())
    # An admission webhook may add containers, whose images say nothing about the judged image.
    own = tuple(
        container
        for container in pod.containers
        if container.name == CONTAINER and not container.init
    )
    stuck = stuck_containers((replace(pod, containers=own),))
    # The imageID is set once the container is created, which is after the pull.
    pulled = next((each.image_id for each in own if each.image_id), "")
    if pulled and pulled != probe.image:
        other = f"the node ran {pulled} in its place, and not the judged {probe.image}"
        return ProbeState(pod, failed=f"the probe {probe.name}: {other}")
    if manifest.status.phase == "Failed" and not pulled:
        said = f"{manifest.status.reason}: {manifest.status.message}"
        return ProbeState(pod, failed=f"the probe {probe.name} has failed: {said}")
    waits = "; ".join(_waits(manifest, pod)) or f"phase {manifest.status.phase}"
    return ProbeState(pod, pulled, stuck[0] if stuck else None, waits=waits)


def _waits(manifest: Any, pod: PodStatus) -> list[str]:
    """Return why the probe does not go on: not scheduled, or its container's message."""
    conditions = manifest.status.conditions or ()
    placed = [condition.message for condition in conditions if condition.reason == "Unschedulable"]
    said = [
        f"{container.waiting_reason} {container.waiting_message}".strip()
        for container in pod.containers
    ]
    return [each for each in (*placed, *said) if each]


def _remove(pods: Pods, name: str) -> None:
    """Delete the probe if it exists."""
    try:
        tolerate_missing(pods.delete, name)
    except ApiException as error:
        raise PullRecoveryError(
            f"the probe {name} cannot be removed (pods: delete): {error.status}"
            f" {error.reason}; it goes with the hook's own pod"
        ) from error
