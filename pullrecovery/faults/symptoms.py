"""The symptoms of faults: where each shows, and how to look for it.

A new kind of symptom is one class here that derives from Symptom.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from pullrecovery.common.process import CommandError
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.grant_answers import grant_answers
from pullrecovery.faults.rollout import LOOK_EVERY, await_rollout, pods_of
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.docs import observe_docs
from pullrecovery.observe.registry import observe_identity, wanted_digest
from pullrecovery.observe.workflow import (
    dispatch,
    play_workflow,
    push_of_change,
    push_of_release,
)

SYMPTOM_WITHIN = 90.0


class RunOn(StrEnum):
    """What starts a run of the workflow."""

    CHANGE = "change"
    RELEASE = "release"
    HAND = "hand"


EVENTS = {
    RunOn.CHANGE: push_of_change,
    RunOn.RELEASE: push_of_release,
    RunOn.HAND: dispatch,
}


@dataclass(frozen=True)
class Shown:
    """The observed symptom: the kubelet's reason or the client's command, and its message.

    `failed` is the time of the first failed pull, or of the clients' first request.
    """

    reason: str
    message: str
    failed: datetime


@dataclass(frozen=True)
class NotShown:
    """What a look found in place of the symptom; if `final`, no later look finds it either."""

    state: object
    final: bool = False


class Symptom(ABC):
    """What must be observed of a fault, and where.

    `surface` is where it shows. A symptom that `needs_cluster` has another one in a run without a
    cluster (`Fault.symptom_in`). `deploy_error` is a pattern of the deployer's error, if the
    symptom is that the deployment fails.
    """

    surface: ClassVar[str]
    needs_cluster: ClassVar[bool] = True

    @property
    def deploy_error(self) -> str:
        return ""

    @property
    @abstractmethod
    def awaited(self) -> str:
        """The sentence that an error has for a symptom that does not show."""

    def prepare(self, sandbox: Sandbox, *, deployed: bool) -> None:  # noqa: B027
        """Do what must be done before the first look.

        `deployed` is whether the release is deployed in a cluster. By default, nothing is done.
        """

    @abstractmethod
    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        """Look once; `since` is when the looks began."""


def await_symptom(symptom: Symptom, sandbox: Sandbox, *, deployed: bool) -> Shown:
    """Wait until the symptom shows; raises WaitError if it does not, or can no longer.

    `deployed` is whether the release is deployed in a cluster.
    """
    symptom.prepare(sandbox, deployed=deployed)
    since, recorder = datetime.now(UTC), sandbox.recorder
    seen = wait_for(
        symptom.awaited,
        lambda: symptom.check(sandbox, since),
        lambda look: isinstance(look, Shown),
        failed=lambda look: isinstance(look, NotShown) and look.final,
        describe=lambda look: look.state if isinstance(look, NotShown) else look,
        timeout=SYMPTOM_WITHIN,
        interval=LOOK_EVERY,
        pause=recorder.pause if recorder else None,
    )
    assert isinstance(seen, Shown)  # noqa: S101 - for mypy; wait_for returns nothing else
    return seen


@dataclass(frozen=True)
class PodSymptom(Symptom):
    """The kubelet's status of a broken pod: one of `reasons`, with `message` in its text.

    `before_2_3_3` is the text of a containerd older than 2.3.3, which says less.
    """

    surface: ClassVar[str] = "pod"

    reasons: frozenset[str]
    message: re.Pattern[str]
    before_2_3_3: re.Pattern[str] | None = None

    @property
    def awaited(self) -> str:
        return f"the pod shows {'/'.join(sorted(self.reasons))}"

    def text_of(self, containerd: str) -> re.Pattern[str]:
        """The text to expect of that version of containerd."""
        older = tuple(map(int, containerd.split("."))) < (2, 3, 3)
        return self.before_2_3_3 if older and self.before_2_3_3 else self.message

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        text = self.text_of(sandbox.lab_world.lab.versions.containerd)
        waiting = [
            (stuck.container.waiting_reason, stuck.container.waiting_message)
            for stuck in stuck_containers(pods_of(sandbox))
        ]
        for reason, message in waiting:
            if reason in self.reasons and text.search(message):
                # The look may precede the watch event.
                failed = sandbox.recording.first_failure(since) or datetime.now(UTC)
                return Shown(reason, message, failed)
        return NotShown(waiting)


@dataclass(frozen=True)
class SilentPullSymptom(Symptom):
    """A pull that has begun and neither ends nor fails: the pod has no event after its beginning.

    The message is the event, and its time is that of the event.
    """

    surface: ClassVar[str] = "pod"

    @property
    def awaited(self) -> str:
        return "a pull begins"

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:  # noqa: ARG002
        pods = pods_of(sandbox)
        for pod in pods:
            for event in () if pod.ready else pod.events:
                if event.reason == "Pulling":
                    return Shown("ContainerCreating", str(event), event.time)
        return NotShown(pods)


@dataclass(frozen=True)
class ClientSymptom(Symptom):
    """The output of a failing client on the runner: `message` is in its last lines.

    The pods are healthy meanwhile.
    """

    surface: ClassVar[str] = "registry"
    needs_cluster: ClassVar[bool] = False

    message: re.Pattern[str]

    @property
    def awaited(self) -> str:
        return f"a client prints {self.message.pattern}"

    def prepare(self, sandbox: Sandbox, *, deployed: bool) -> None:
        _await_pods(sandbox, deployed=deployed)

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        identity = observe_identity(sandbox.world, sandbox.workload.image.parsed)
        failed = [(client.command, client.said) for client in identity.commands if client.rc != 0]
        for command, said in failed:
            if self.message.search(said):
                return Shown(command, said, since)
        return NotShown(failed)


def _await_pods(sandbox: Sandbox, *, deployed: bool) -> None:
    """Wait for the rollout of a release whose pods do not show the fault."""
    if deployed:
        await_rollout(sandbox, SYMPTOM_WITHIN)


@dataclass(frozen=True)
class ChartSymptom(Symptom):
    """The output of `helm template` if no pod shows the fault: another image, or an error."""

    surface: ClassVar[str] = "rendered chart"
    needs_cluster: ClassVar[bool] = False

    @property
    def awaited(self) -> str:
        return "the chart renders another image, or not at all"

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        chart = observe_chart(sandbox.world.helm, sandbox.workload)
        wrong = [image for image in chart.images if image != sandbox.workload.image.reference]
        if chart.error or wrong:
            return Shown("helm template", chart.error or ", ".join(wrong), since)
        return NotShown(f"it renders {', '.join(chart.images)}", final=True)


@dataclass(frozen=True)
class WorkflowSymptom(Symptom):
    """The result of a workflow run: `message` is in its last line, or in what the run left.

    `event` starts the run.
    """

    surface: ClassVar[str] = "workflow run"
    needs_cluster: ClassVar[bool] = False

    message: re.Pattern[str]
    event: RunOn

    @property
    def awaited(self) -> str:
        return f"a run shows {self.message.pattern}"

    def prepare(self, sandbox: Sandbox, *, deployed: bool) -> None:  # noqa: ARG002
        """Run the workflow; the run ends on its own, so there is no waiting."""
        world, image = sandbox.world, sandbox.workload.image
        sandbox.run = play_workflow(world, image, EVENTS[self.event](world.target))

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        run = sandbox.run
        if run is None:
            return NotShown("the workflow was not run", final=True)
        wanted = f"{sandbox.workload.image.repository}:{run.played.sha}: {run.probe}"
        ended = "; ".join([run.played.said, *([wanted] if run.played.succeeded else [])])
        if self.message.search(ended):
            return Shown(str(run.played.event), ended, since)
        return NotShown(f"it ended with: {ended}", final=True)


@dataclass(frozen=True)
class ApiSymptom(Symptom):
    """The answer of GitHub's API or of the cluster: `message` is in one of its lines.

    The pods are healthy meanwhile.
    """

    surface: ClassVar[str] = "api"

    message: re.Pattern[str]

    @property
    def awaited(self) -> str:
        return f"GitHub or the cluster answers {self.message.pattern}"

    def prepare(self, sandbox: Sandbox, *, deployed: bool) -> None:
        _await_pods(sandbox, deployed=deployed)

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        answers = grant_answers(sandbox)
        for asked, line in answers:
            match = self.message.search(line)
            if match:
                return Shown(asked, match[0], since)
        return NotShown(answers)


@dataclass(frozen=True)
class DocsSymptom(Symptom):
    """The state of the docs site: `message` is in the output of its build or browser (`reason`).

    Neither a cluster nor a workload is involved, so such a fault runs once.
    """

    surface: ClassVar[str] = "docs"
    needs_cluster: ClassVar[bool] = False

    reason: str
    message: re.Pattern[str]

    @property
    def awaited(self) -> str:
        return f"the docs show {self.message.pattern}"

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        docs = observe_docs(sandbox.world)
        if isinstance(docs, NotObserved):
            return NotShown(docs.reason, final=True)
        match = self.message.search(docs.site.shown)
        if match:
            line = docs.site.shown[match.start() :].splitlines()[0]
            return Shown(self.reason, line, since)
        # A build shows the same later on.
        return NotShown(docs.site.shown, final=True)


@dataclass(frozen=True)
class HelmSymptom(Symptom):
    """Helm's error for a chart that it cannot render, or that the API server rejects."""

    surface: ClassVar[str] = "chart"

    message: re.Pattern[str]

    @property
    def awaited(self) -> str:
        return f"the deployer says {self.message.pattern}"

    @property
    def deploy_error(self) -> str:
        return self.message.pattern

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:
        """Deploy once more; the error must be the same as before."""
        deployer = sandbox.world.deployer
        try:
            if DeployFeature.DRY_RUN in deployer.features:
                sandbox.world.helm.upgrade(sandbox.workload, dry_run=True)
            else:
                deployer.upgrade(sandbox.workload)
        except CommandError as error:
            if self.message.search(error.output):
                return Shown(f"{deployer.name} upgrade", error.output.strip(), since)
            raise
        return NotShown(f"{deployer.name} deploys {sandbox.workload.name}", final=True)


@dataclass(frozen=True)
class ReleaseSymptom(Symptom):
    """The state of a broken release in which no pod waits for an image.

    `shown` gets the Deployment, its pods and the wanted digest; it returns a description of the
    expected state, and '' for any other state.
    """

    surface: ClassVar[str] = "release"

    what: str
    shown: Callable[[DeploymentStatus, tuple[PodStatus, ...], str], str]

    @property
    def awaited(self) -> str:
        return self.what

    def check(self, sandbox: Sandbox, since: datetime) -> Shown | NotShown:  # noqa: ARG002
        world, image = sandbox.world, sandbox.workload.image
        deployment = observe_deployment(world, sandbox.workload)
        pods = observe_pods(world, sandbox.workload, deployment)
        state = self.shown(deployment, pods, wanted_digest(world, image))
        if state:
            return Shown(self.what, state, datetime.now(UTC))
        return NotShown((deployment, pods))


def printed(message: str) -> ClientSymptom:
    """The symptom of a failing client on the runner whose last lines match `message`."""
    return ClientSymptom(text(message))


def text(message: str) -> re.Pattern[str]:
    """A pattern that may match across lines."""
    return re.compile(message, re.DOTALL)


def refused(message: str) -> HelmSymptom:
    """The symptom of a failing Helm whose output matches `message`."""
    return HelmSymptom(text(message))


def api_answers(message: str) -> ApiSymptom:
    """The symptom of a line of GitHub or of the cluster that matches `message`."""
    return ApiSymptom(re.compile(message, re.IGNORECASE))


def run_shows(message: str, event: RunOn = RunOn.CHANGE) -> WorkflowSymptom:
    """The symptom of a run of the workflow, or of its absence, that ends with `message`."""
    return WorkflowSymptom(text(message), event)


def pull_error(message: str, *, before_2_3_3: str = "") -> PodSymptom:
    """The symptom of a failed pull, at once or in back-off, whose text matches `message`."""
    reasons = frozenset({"ErrImagePull", "ImagePullBackOff"})
    return PodSymptom(reasons, text(message), text(before_2_3_3) if before_2_3_3 else None)
