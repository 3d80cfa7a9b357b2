"""Observe what the chart renders, and which of its values files overrides the others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pullrecovery.common.process import CommandError
from pullrecovery.common.yaml_reading import UnreadableYamlError, load_all_yaml
from pullrecovery.model.chart import NamedImage, RenderedChart
from pullrecovery.model.target import Workload
from pullrecovery.monorepo.image_values import IMAGE_KEYS, container_images, file_of
from pullrecovery.world.read_only import HelmReads

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
# A volume that is an image (KEP-4639) names it by its `reference`.
_VOLUMES = "volumes"


def observe_chart(helm: HelmReads, workload: Workload) -> RenderedChart:
    """Render the chart, including hooks, and collect every image reference."""
    origins = tuple(_origins(workload))
    try:
        rendered = helm.template(workload)
    except CommandError as error:
        return RenderedChart((), error.output.strip(), origins=origins)
    try:
        documents = load_all_yaml(rendered, f"what the chart of {workload.name} renders")
        containers = tuple(NamedImage(*each) for each in container_images(workload))
        return RenderedChart(tuple(_images(documents)), origins=origins, containers=containers)
    except (UnreadableYamlError, ValueError) as error:
        # For example a number of some thousand digits, which Python does not convert to text.
        return RenderedChart((), str(error), origins=origins)


def _origins(workload: Workload) -> Iterator[tuple[str, Path]]:
    for key in IMAGE_KEYS:
        file = file_of(workload, key)
        if file:
            yield key, file


def _images(node: Any) -> Iterator[str]:
    """Every image that pod specs below `node` name, for containers and for volumes."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _CONTAINERS and isinstance(value, list):
                yield from (str(each.get("image", "")) for each in value if isinstance(each, dict))
            elif key == _VOLUMES and isinstance(value, list):
                yield from _of_volumes(value)
            else:
                yield from _images(value)
    elif isinstance(node, list):
        for item in node:
            yield from _images(item)


def _of_volumes(volumes: list[Any]) -> Iterator[str]:
    """The references of image volumes; a volume without a reference names no image."""
    for volume in volumes:
        image = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(image, dict) and "reference" in image:
            yield str(image["reference"])
