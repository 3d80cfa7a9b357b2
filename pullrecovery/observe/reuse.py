"""Looks that cost seconds, had anew only where what they depend on has changed."""

import hashlib
from collections.abc import Hashable

from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.observation import ImageIdentity
from pullrecovery.model.target import Workload
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.registry import observe_identity
from pullrecovery.registry.failures import failure_of_command
from pullrecovery.world.read_only import ReadOnlyWorld


def current_identity(world: ReadOnlyWorld, reference: str) -> ImageIdentity:
    """What the operator's clients print of `reference`.

    They are asked again where the registry would tell them something else: where the operator is
    another, or the registry answers the suite's own questions otherwise than it did.
    """
    inputs = _answers(world, reference)
    seen = world.memory.reuse("identity", inputs, lambda: observe_identity(world, reference))
    if any(map(failure_of_command, seen.commands)):
        # The suite's own way to the registry may be free of it, and then does not tell its end.
        world.memory.forget("identity")
    return seen


def current_chart(world: ReadOnlyWorld, workload: Workload) -> RenderedChart:
    """What the chart renders, had anew where one of its files or values files has changed."""
    inputs = (workload.name, workload.namespace, _digest(workload))
    return world.memory.reuse("chart", inputs, lambda: observe_chart(world.helm, workload))


def _answers(world: ReadOnlyWorld, reference: str) -> Hashable:
    """What the registry says of the reference to the operator; None where tags are in question."""
    parsed, operator = parse_reference(reference), world.operator
    named = parsed.digest or parsed.tag or "latest"
    manifest = world.registry.manifest(parsed.path, named, operator)
    if manifest.missing:
        # Then the verdict is of the tags that there are, and anybody may push one meanwhile.
        return None
    return reference, operator, manifest, world.registry.tags(parsed.path, operator)


def _digest(workload: Workload) -> str:
    """Of the names and contents of the chart's files and of the values files, in their order."""
    found = hashlib.sha256()
    files = sorted(path for path in workload.chart.rglob("*") if path.is_file())
    for path in (*files, *workload.values):
        content = path.read_bytes()
        found.update(f"{path} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()
