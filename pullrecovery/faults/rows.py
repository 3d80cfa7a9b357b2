"""The definition of a fault: how to cause it, and which symptom must be observed."""

from collections.abc import Callable
from dataclasses import dataclass

from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import ChartSymptom, Symptom, printed
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Cause
from pullrecovery.model.wiring import SERVICE_ACCOUNT, VALUES
from pullrecovery.monorepo.image_values import chart_has


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
    symptom: Symptom
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

    def symptom_in(self, sandbox: Sandbox) -> Symptom:
        """Return the symptom; without a cluster, what the chart or a client shows of the fault."""
        if sandbox.in_cluster or not self.symptom.needs_cluster:
            return self.symptom
        return ChartSymptom() if self.reg == "REG-005" else printed("")


def fits(fault: Fault, workload: Workload) -> bool:
    """Whether the workload's chart has what the fault breaks."""
    chart = workload.chart
    return all((chart / need).is_file() or chart_has(workload, need) for need in fault.needs)


def wirings_of(workload: Workload) -> tuple[str, ...]:
    """The ways of wiring that a chart supports.

    The default ServiceAccount only works for charts without a ServiceAccount of their own.
    """
    own_account = workload.pull_secrets_key.startswith("serviceAccount.")
    return (VALUES,) if own_account else (VALUES, SERVICE_ACCOUNT)
