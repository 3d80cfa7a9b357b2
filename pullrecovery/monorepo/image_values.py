"""Where a workload's values name an image, and which edits set the wanted image there."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml
from pullrecovery.model.target import Image, Workload
from pullrecovery.monorepo.values_file import Change, becomes

IMAGE_KEYS = ("image.repository", "image.tag", "image.digest")


class Edit(NamedTuple):
    """One key of one file, and the new value for it."""

    file: Path
    key: str
    change: Change


def naming(image: Image) -> dict[str, str]:
    """The values that name an image, by their dotted keys."""
    return {"image.repository": image.repository, "image.tag": image.tag}


def file_of(workload: Workload, key: str) -> Path | None:
    """The values file that overrides all others for the dotted `key`; None if no file has it."""
    having = [file for file in _files(workload) if _has(_load(file), key)]
    return having[-1] if having else None


def chart_has(workload: Workload, key: str) -> bool:
    """Whether the chart's own values have the dotted `key`, so that its templates may use it."""
    own = workload.chart / "values.yaml"
    return own.is_file() and _has(_load(own), key)


def corrections(workload: Workload) -> list[Edit]:
    """The edits that make every image in the values the wanted one; right values need no edit.

    Each edit is in the file that overrides all others for its key. An image of a single container,
    as in a list of init containers, is edited in its own place.
    """
    edits = []
    for key, value in naming(workload.image).items():
        file = file_of(workload, key) or workload.values_file
        if not _same(_find(_load(file), key), value):
            edits.append(Edit(file, key, becomes(value)))
    digest = file_of(workload, "image.digest")
    if digest and _find(_load(digest), "image.digest"):
        edits.append(Edit(digest, "image.digest", becomes("")))
    return [*edits, *_containers(workload)]


def container_images(workload: Workload) -> Iterator[tuple[str, str, Path]]:
    """Key, reference and file of each image that the values set for one container.

    A list item is named by its index: `initContainers[0].image`.
    """
    for file in _files(workload):
        document = _load(file)
        for key in _own_images(document):
            if file != file_of(workload, key):
                continue
            value = _find(document, key)
            if isinstance(value, str):
                yield key, value, file
                continue
            for at, item in enumerate(value):
                if _is_container(item):
                    yield f"{key}[{at}].image", item["image"], file


def _same(value: Any, wanted: str) -> bool:
    """Whether a value is the wanted text; a number that looks like the wanted tag is not."""
    return isinstance(value, str) and value == wanted


def _containers(workload: Workload) -> Iterator[Edit]:
    reference = workload.image.reference
    for file in _files(workload):
        document = _load(file)
        for key in _own_images(document):
            value = _find(document, key)
            named = (
                [value] if isinstance(value, str) else [entry["image"] for entry in _listed(value)]
            )
            if file == file_of(workload, key) and set(named) != {reference}:
                yield Edit(file, key, lambda old: _with_image(old, reference))


def _own_images(node: Any, path: str = "") -> Iterator[str]:
    """Dotted keys of values that have a whole reference: a list of containers, or an `image`."""
    for key, value in node.items() if isinstance(node, dict) else ():
        here = f"{path}{key}"
        whole = key == "image" and path and isinstance(value, str) and value
        listed = isinstance(value, list) and any(_is_container(item) for item in value)
        if whole or listed:
            yield here
        else:
            yield from _own_images(value, f"{here}.")


def _listed(items: Any) -> list[Any]:
    return [item for item in items if _is_container(item)]


def _is_container(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("image"), str)


def _with_image(old: Any, reference: str) -> Any:
    if not isinstance(old, list):
        return reference
    for item in _listed(old):
        item["image"] = reference
    return old


def _files(workload: Workload) -> tuple[Path, ...]:
    """The values files in Helm's order: a later one overrides an earlier one."""
    own = workload.chart / "values.yaml"
    return tuple(file for file in (own, *workload.values) if file.is_file())


def _load(file: Path) -> Any:
    """The file's document, read-only; a file that is not YAML names no image, and Helm says why."""
    try:
        return _parsed(file.read_text(encoding="utf-8"))
    except (UnreadableYamlError, OSError, UnicodeDecodeError):
        return None


@cache
def _parsed(text: str) -> Any:
    # Cached: scenarios read the same few charts, and parsing values takes ten milliseconds.
    return load_yaml(text, "values")


def _has(node: Any, key: str) -> bool:
    """Whether `key` exists, or a value that is not a mapping is in its path and hides it."""
    for part in key.split("."):
        if not isinstance(node, dict):
            return node is not None
        if part not in node:
            return False
        node = node[part]
    return True


def _find(node: Any, key: str) -> Any:
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
