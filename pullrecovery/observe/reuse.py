"""Repeat slow observations only if something they depend on has changed."""

import hashlib
from collections.abc import Hashable

from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.image_reference import Reference
from pullrecovery.model.observation import ImageIdentity
from pullrecovery.model.target import Workload
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.registry import observe_identity
from pullrecovery.registry.failures import failure_of_command
from pullrecovery.world.read_only import ReadOnlyWorld


def current_identity(world: ReadOnlyWorld, reference: Reference) -> ImageIdentity:
    """The output of the operator's clients for `reference`, cached.

    The clients run again if the registry may answer differently: the operator has changed, or the
    registry's answers to the suite's own probes have changed.
    """
    inputs = _answers(world, reference)
    return world.memory.reuse(
        "identity", inputs, lambda: observe_identity(world, reference), keep=_met_no_failure
    )


def _met_no_failure(identity: ImageIdentity) -> bool:
    """Whether no client met a failure, whose end the suite's own probes may not show."""
    return not any(map(failure_of_command, identity.commands))


def current_chart(world: ReadOnlyWorld, workload: Workload) -> RenderedChart:
    """The rendered chart, rendered again if one of its files or values files has changed."""
    inputs = (workload.name, workload.namespace, _digest(workload))
    return world.memory.reuse("chart", inputs, lambda: observe_chart(world.helm, workload))


def _answers(world: ReadOnlyWorld, reference: Reference) -> Hashable:
    """The registry's answers for the operator, and what is asked; None if tags decide."""
    operator = world.operator
    manifest = world.registry.manifest(reference.path, reference.named, operator)
    if manifest.missing:
        # The verdict then depends on the existing tags, and anyone may push one meanwhile.
        return None
    tags = world.registry.tags(reference.path, operator)
    return reference, operator, manifest, tags, world.platforms, world.cluster is None


def _digest(workload: Workload) -> str:
    """A digest over the names and contents of the chart's files and the values files, in order."""
    found = hashlib.sha256()
    files = sorted(path for path in workload.chart.rglob("*") if path.is_file())
    for path in (*files, *workload.values):
        content = path.read_bytes()
        found.update(f"{path} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()
