"""REG-004: wire the pull secret to the workload.

A, preferred: the chart's own values key. B, fallback: the namespace's default ServiceAccount, whose
pods must then be recreated; it has no effect for a chart with its own ServiceAccount.
"""

from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from pullrecovery.diagnosis.grant import is_meant_to_be_public
from pullrecovery.diagnosis.wiring import diagnose_pods, diagnose_wiring
from pullrecovery.model.observed import Observed
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Cause, Verdict, passes
from pullrecovery.monorepo.values_file import edited
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.world.world import World

# Causes for which naming the Secret in the default ServiceAccount has no effect.
BY_VALUES_ALONE = frozenset({Cause.WIRING_HIDDEN, Cause.WIRED_TO_OTHER_ACCOUNT})


def _judge(observation: Observed) -> Verdict:
    """Passes if the ServiceAccount or the pod template names the Secret and live pods have it.

    Without a Deployment neither exists, which REG-006 reports. For a package that should be public
    there is nothing to wire; needless wiring belongs to REG-008.
    """
    if is_meant_to_be_public(observation.workload):
        return passes("the package is meant to be public, and nothing is to be wired")
    if not observation.deployment.exists:
        return passes("nothing is deployed that could be wired")
    return diagnose_wiring(observation) or diagnose_pods(observation, observation.pods) or passes()


reg_004 = Criterion(
    "REG-004",
    needs=(Observed.deployment, Observed.pods),
    uses=(Observed.wiring, Observed.pull_secrets, Observed.application),
    judge=_judge,
)


def wire_values(world: World, workload: Workload, *, dry_run: bool = False) -> Change:
    """Wiring A: add the Secret to the chart's values key, preserving the existing list."""
    file, key, name = workload.values_file, workload.pull_secrets_key, world.target.pull_secret
    before = file.read_text()
    after = edited(before, {key: lambda old: _with(old, {"name": name})})
    diff = diff_of(before, after, file.name)
    if not diff:
        return Change(f"{key} in {file.name} names {name} already")
    if not dry_run:
        file.write_text(after)
    return Change(f"{key} in {file.name} {_now(dry_run=dry_run)} {name}", diff)


def wire_service_account(world: World, workload: Workload, *, dry_run: bool = False) -> Change:
    """Wiring B: add the Secret to the default ServiceAccount, preserving its other entries."""
    core, namespace, name = world.core, workload.namespace, world.target.pull_secret
    account = core.read_namespaced_service_account("default", namespace)
    before = [{"name": entry.name} for entry in account.image_pull_secrets or ()]
    after = _with(before, {"name": name})
    what = f"ServiceAccount {namespace}/default"
    if after == before:
        return Change(f"{what} names {name} already")
    if not dry_run:
        # Merged into the list by name, so that concurrent changes to other entries are not lost.
        core.patch_namespaced_service_account(
            "default",
            namespace,
            {"imagePullSecrets": [{"name": name}]},
            _content_type="application/strategic-merge-patch+json",
        )
    return Change(
        f"{what} {_now(dry_run=dry_run)} {name}", diff_of(_text(before), _text(after), what)
    )


def _now(*, dry_run: bool) -> str:
    return "would name" if dry_run else "now names"


def _text(entries: list[Any]) -> str:
    buffer = StringIO()
    YAML().dump({"imagePullSecrets": entries}, buffer)
    return buffer.getvalue()


def _with(entries: object, wanted: dict[str, str]) -> list[Any]:
    listed = list(entries) if isinstance(entries, list) else []
    return listed if wanted in listed else [*listed, wanted]
