"""The definition of a fault: how to cause it, and which symptom must be observed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Cause
from pullrecovery.monorepo.image_values import chart_has

VALUES = "values"
SERVICE_ACCOUNT = "service-account"


@dataclass(frozen=True)
class PodSymptom:
    """The kubelet's status of a broken pod: one of `reasons`, with `message` in its text.

    `before_2_3_3` is the text of a containerd older than 2.3.3, which says less.
    """

    surface: ClassVar[str] = "pod"

    reasons: frozenset[str]
    message: re.Pattern[str]
    before_2_3_3: re.Pattern[str] | None = None

    def text_of(self, containerd: str) -> re.Pattern[str]:
        """The text to expect of that version of containerd."""
        older = tuple(map(int, containerd.split("."))) < (2, 3, 3)
        return self.before_2_3_3 if older and self.before_2_3_3 else self.message


@dataclass(frozen=True)
class ClientSymptom:
    """The output of a failing client on the runner: `message` is in its last lines.

    The pods are healthy meanwhile.
    """

    surface: ClassVar[str] = "registry"

    message: re.Pattern[str]


class ChartSymptom:
    """The output of `helm template` if no pod shows the fault: another image, or an error."""

    surface: ClassVar[str] = "rendered chart"


class RunOn(StrEnum):
    """What starts a run of the workflow."""

    CHANGE = "change"
    RELEASE = "release"
    HAND = "hand"


@dataclass(frozen=True)
class WorkflowSymptom:
    """The result of a workflow run: `message` is in its last line, or in what the run left.

    `event` starts the run.
    """

    surface: ClassVar[str] = "workflow run"

    message: re.Pattern[str]
    event: RunOn


@dataclass(frozen=True)
class ApiSymptom:
    """The answer of GitHub's API or of the cluster: `message` is in one of its lines.

    The pods are healthy meanwhile.
    """

    surface: ClassVar[str] = "api"

    message: re.Pattern[str]


@dataclass(frozen=True)
class DocsSymptom:
    """The state of the docs site: `message` is in the output of its build or browser (`reason`).

    Neither a cluster nor a workload is involved, so such a fault runs once.
    """

    surface: ClassVar[str] = "docs"

    reason: str
    message: re.Pattern[str]


@dataclass(frozen=True)
class HelmSymptom:
    """Helm's error for a chart that it cannot render, or that the API server rejects."""

    surface: ClassVar[str] = "chart"

    message: re.Pattern[str]


@dataclass(frozen=True)
class ReleaseSymptom:
    """The state of a broken release in which no pod waits for an image.

    `shown` gets the Deployment, its pods and the wanted digest; it returns a description of the
    expected state, and '' for any other state.
    """

    surface: ClassVar[str] = "release"

    what: str
    shown: Callable[[DeploymentStatus, tuple[PodStatus, ...], str], str]


@dataclass(frozen=True)
class Fault:
    """One fault: `break_it` breaks a healthy sandbox in which nothing is deployed yet.

    `must_fail` is the exact set of criteria that fail. `wirings` are the ways of wiring that affect
    the fault: it runs with each of them, and with no other; if empty, the wiring does not matter,
    and the fault runs once on each workload. `helm_says` is Helm's expected error when the fault is
    deployed, '' if Helm must succeed; `sync_says` is the expected error of Argo CD. `features` are
    the deployer's features that the fault needs. `needs` are values keys, or a file name, that the
    chart must have. With `organisation`, the image belongs to an organisation of the scenario's
    own, whose rules the fault may change. A fault `of_a_secret` does not apply to a workload whose
    package is public.

    If not `deployed`, the workload is deployed only after everything is fixed, and until then the
    criteria of the cluster are not judged. Such a fault runs only for the target's first workload,
    unless it is the first fault of its task.
    """

    id: str
    reg: str
    cause: Cause
    must_fail: frozenset[str]
    symptom: (
        PodSymptom
        | ClientSymptom
        | HelmSymptom
        | ReleaseSymptom
        | DocsSymptom
        | ApiSymptom
        | WorkflowSymptom
    )
    break_it: Callable[[Sandbox], None]
    wirings: tuple[str, ...] = ()
    organisation: bool = False
    after_deploy: Callable[[Sandbox], None] = lambda _: None
    helm_says: str = ""
    sync_says: str = ""
    features: frozenset[DeployFeature] = frozenset()
    needs: tuple[str, ...] = ()
    of_a_secret: bool = False
    deployed: bool = True


def printed(message: str) -> ClientSymptom:
    """The symptom of a failing client on the runner whose last lines match `message`."""
    return ClientSymptom(re.compile(message, re.DOTALL))


def text(message: str) -> re.Pattern[str]:
    """A pattern that may match across lines."""
    return re.compile(message, re.DOTALL)


def refused(message: str) -> HelmSymptom:
    """The symptom of a failing Helm whose output matches `message`."""
    return HelmSymptom(re.compile(message, re.DOTALL))


def told(message: str) -> ApiSymptom:
    """The symptom of a line of GitHub or of the cluster that matches `message`."""
    return ApiSymptom(re.compile(message, re.IGNORECASE))


def fits(fault: Fault, workload: Workload) -> bool:
    """Whether the workload's chart has what the fault breaks."""
    chart = workload.chart
    return all((chart / need).is_file() or chart_has(workload, need) for need in fault.needs)


def run_shows(message: str, event: RunOn = RunOn.CHANGE) -> WorkflowSymptom:
    """The symptom of a run of the workflow, or of its absence, that ends with `message`."""
    return WorkflowSymptom(re.compile(message, re.DOTALL), event)


def wirings_of(workload: Workload) -> tuple[str, ...]:
    """The ways of wiring that a chart supports.

    The default ServiceAccount only works for charts without a ServiceAccount of their own.
    """
    own_account = workload.pull_secrets_key.startswith("serviceAccount.")
    return (VALUES,) if own_account else (VALUES, SERVICE_ACCOUNT)


def pull_error(message: str, *, before_2_3_3: str = "") -> PodSymptom:
    """The symptom of a failed pull, at once or in back-off, whose text matches `message`."""
    reasons = frozenset({"ErrImagePull", "ImagePullBackOff"})
    older = re.compile(before_2_3_3, re.DOTALL) if before_2_3_3 else None
    return PodSymptom(reasons, re.compile(message, re.DOTALL), older)
