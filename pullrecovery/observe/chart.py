"""What the chart renders."""

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML

from pullrecovery.deploy.helm import Helm
from pullrecovery.model import Workload
from pullrecovery.observation import ChartSeen
from pullrecovery.process import CommandError


def observe_chart(helm: Helm, workload: Workload) -> ChartSeen:
    """Render the chart and collect every image reference of every pod template."""
    try:
        rendered = helm.template(workload)
    except CommandError as error:
        return ChartSeen((), error.output.strip())
    documents = YAML(typ="safe").load_all(rendered)
    return ChartSeen(tuple(image for document in documents for image in _images(document)))


def _images(node: Any) -> Iterator[str]:
    """Every `image` of every `containers` and `initContainers` list, wherever it stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (str(container.get("image", "")) for container in value)
            else:
                yield from _images(value)
    elif isinstance(node, list):
        for item in node:
            yield from _images(item)
