"""What a fault is: how to bring a cause about, and what must then be seen."""

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
    """What the kubelet must say of the broken pod: one of `reasons`, with `message` in its text.

    `before_2_3_3` is the text where containerd is older than that and says less.
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
    """What a client in the runner must print: `message` in the last words of one that fails.

    The pods are in good order meanwhile.
    """

    surface: ClassVar[str] = "registry"

    message: re.Pattern[str]


class ChartSymptom:
    """What `helm template` shows, where there is no pod to show it: another image, or an error."""

    surface: ClassVar[str] = "rendered chart"


class RunOn(StrEnum):
    """What starts a run of the workflow."""

    CHANGE = "change"
    RELEASE = "release"
    HAND = "hand"


@dataclass(frozen=True)
class WorkflowSymptom:
    """What a run of the workflow must show: `message` in how it ended, and in what it left.

    `event` is what starts it.
    """

    surface: ClassVar[str] = "workflow run"

    message: re.Pattern[str]
    event: RunOn


@dataclass(frozen=True)
class ApiSymptom:
    """What GitHub's API or the cluster must tell: `message` in one of its lines.

    The pods are in good order meanwhile.
    """

    surface: ClassVar[str] = "api"

    message: re.Pattern[str]


@dataclass(frozen=True)
class DocsSymptom:
    """What the docs site must show: `message` in what its build or a browser (`reason`) says.

    No cluster has a part in it, and no workload: such a fault is played once.
    """

    surface: ClassVar[str] = "docs"

    reason: str
    message: re.Pattern[str]


@dataclass(frozen=True)
class HelmSymptom:
    """What Helm must say of a chart that it cannot render, or that the API server does not take."""

    surface: ClassVar[str] = "chart"

    message: re.Pattern[str]


@dataclass(frozen=True)
class ReleaseSymptom:
    """What the release must look like where no pod waits for an image, and all is not well.

    `shown` is given the Deployment, its pods and the wanted digest; it says what it sees, and ''
    where it is not that.
    """

    surface: ClassVar[str] = "release"

    what: str
    shown: Callable[[DeploymentStatus, tuple[PodStatus, ...], str], str]


@dataclass(frozen=True)
class Fault:
    """One row: `break_it` spoils the good ground, before and after which nothing is deployed.

    `must_fail` is the exact set of criteria that fail. `wirings` are the ways of
    wiring that change what becomes of it: it is played in each of them, and in no other. None
    named: it is the same in all, and each is met on some workload. `helm_says` is what Helm must
    fail with when the fault is deployed, '' where it must not fail; `sync_says` is the same of Argo
    CD. `features` are what a deployer must have to bring it about. `needs` are what it spoils in
    a chart that has it: values keys, or a file's name. `organisation` says that the image is to
    belong to an organisation of the scenario's own, whose rules the fault may change. A fault
    `of_a_secret` has no place on a workload whose package is public.
    Where it is not `deployed`, the workload is only once all is mended, and until then the criteria
    of the cluster are not judged; it is played for the target's first workload alone, unless it is
    the first of its task.
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
    """A client in the runner that fails, with `message` in its last words."""
    return ClientSymptom(re.compile(message, re.DOTALL))


def text(message: str) -> re.Pattern[str]:
    """A pattern that may be met across lines."""
    return re.compile(message, re.DOTALL)


def refused(message: str) -> HelmSymptom:
    """Helm that fails, with `message` in its words."""
    return HelmSymptom(re.compile(message, re.DOTALL))


def told(message: str) -> ApiSymptom:
    """A line of GitHub's or the cluster's that matches `message`."""
    return ApiSymptom(re.compile(message, re.IGNORECASE))


def fits(fault: Fault, workload: Workload) -> bool:
    """Whether the workload's chart has what the fault spoils."""
    chart = workload.chart
    return all((chart / need).is_file() or chart_has(workload, need) for need in fault.needs)


def run_shows(message: str, event: RunOn = RunOn.CHANGE) -> WorkflowSymptom:
    """A run of the workflow, or the lack of one, that ends with `message`."""
    return WorkflowSymptom(re.compile(message, re.DOTALL), event)


def wirings_of(workload: Workload) -> tuple[str, ...]:
    """The default ServiceAccount serves only charts that do not bring their own."""
    own_account = workload.pull_secrets_key.startswith("serviceAccount.")
    return (VALUES,) if own_account else (VALUES, SERVICE_ACCOUNT)


def pull_error(message: str, *, before_2_3_3: str = "") -> PodSymptom:
    """A failed pull, seen at once or in back-off, whose text matches `message`."""
    reasons = frozenset({"ErrImagePull", "ImagePullBackOff"})
    older = re.compile(before_2_3_3, re.DOTALL) if before_2_3_3 else None
    return PodSymptom(reasons, re.compile(message, re.DOTALL), older)
