"""Describe what a task's remediation would change, from its dry run.

A dry run only reads, and the live world has no call that writes.
"""

from collections.abc import Callable, Mapping
from typing import cast

from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.redaction import redact
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import Observation
from pullrecovery.model.verdict import Cause, Verdict
from pullrecovery.tasks.changes import Change
from pullrecovery.tasks.fixable import check_fixable
from pullrecovery.tasks.reg_001_image_identity import log_in, take_existing_image
from pullrecovery.tasks.reg_002_image_exists import fix_workflow
from pullrecovery.tasks.reg_003_pull_secret import refresh_secret
from pullrecovery.tasks.reg_004_wiring import wire_values
from pullrecovery.tasks.reg_005_right_values import correct_values
from pullrecovery.tasks.reg_006_redeploy import redeploy
from pullrecovery.tasks.reg_008_least_privilege import remove_needless_secret, switch_visibility
from pullrecovery.world.read_only import ReadOnlyWorld
from pullrecovery.world.world import World

DryRun = Callable[[World, Observation, Verdict], Change]


def advise(world: ReadOnlyWorld, observation: Observation, reg: str, verdict: Verdict) -> str:
    """Return the dry run of the remediation for a failed criterion, or '' if there is none."""
    dry_run = _BY_CAUSE.get(verdict.cause) or _BY_TASK.get(reg)
    if dry_run is None:
        return ""
    try:
        check_fixable(verdict)
        return redact(str(dry_run(cast(World, world), observation, verdict)))
    except (PullRecoveryError, ApiException) as error:
        return redact(f"What it would change cannot be told: {error}")


def _identify(world: World, observation: Observation, verdict: Verdict) -> Change:
    identity = observation.identity
    if verdict.cause is Cause.TAG_UNKNOWN and not isinstance(identity, NotObserved):
        return take_existing_image(identity)[1]
    return log_in(world, world.reader, dry_run=True)


def _workflow(world: World, _: Observation, verdict: Verdict) -> Change:
    return fix_workflow(world, verdict, dry_run=True)


def _secret(world: World, observation: Observation, _: Verdict) -> Change:
    return refresh_secret(world, observation.workload, world.reader, dry_run=True)


def _wiring(world: World, observation: Observation, _: Verdict) -> Change:
    return wire_values(world, observation.workload, dry_run=True)


def _values(_: World, observation: Observation, __: Verdict) -> Change:
    return correct_values(observation.workload, dry_run=True)


def _redeploy(world: World, observation: Observation, verdict: Verdict) -> Change:
    return redeploy(world, observation.workload, verdict, dry_run=True)


def _visibility(world: World, observation: Observation, _: Verdict) -> Change:
    return switch_visibility(world, observation.workload, _anonymous, dry_run=True)


def _needless(world: World, observation: Observation, _: Verdict) -> Change:
    return remove_needless_secret(world, observation.workload, _anonymous, dry_run=True)


def _anonymous(*_: object) -> None:
    raise PullRecoveryError("A dry run was to change something.")


_BY_TASK: Mapping[str, DryRun] = {
    "REG-001": _identify,
    "REG-002": _workflow,
    "REG-003": _secret,
    "REG-004": _wiring,
    "REG-005": _values,
    "REG-006": _redeploy,
}
_BY_CAUSE: Mapping[Cause | None, DryRun] = {
    Cause.PACKAGE_NOT_PUBLIC: _visibility,
    Cause.PACKAGE_NOT_PRIVATE: _visibility,
    Cause.SECRET_NEEDLESS: _needless,
}
