"""Diagnose an image reference by comparing it with the wanted one."""

import json
import re
from pathlib import Path

from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause, Verdict, fails

# Helm's message, with either schema library: "at '/image/tag': got number, want string".
_TAG_NOT_TEXT = re.compile(r"image[./]tag'?: (got number|Invalid type\. Expected: string)")
_REFUSED = re.compile(r"don't meet the specifications of the schema")
# For example "at '/image/repository': minLength: got 0, want 1".
_REFUSED_KEY = re.compile(r"at '/(\S+)':")


def missing_image(observation: Observed, evidence: str) -> Verdict:
    """The verdict that the wanted reference has no manifest."""
    push = f"run the workflow that pushes {observation.workload.image.reference} (REG-002)"
    return fails(Cause.IMAGE_MISSING, evidence, push)


def diagnose_chart(observation: Observed, chart: RenderedChart) -> Verdict | None:
    """Diagnose the rendered chart; None if it names the wanted image and no other."""
    if chart.error:
        return _diagnose_error(observation, chart.error)
    if not chart.images:
        return fails(Cause.RENDER_FAILED, "the chart renders no container", "look at its templates")
    wrong = (diagnose_reference(observation, image) for image in chart.images)
    return next((verdict for verdict in wrong if verdict), None)


def _diagnose_error(observation: Observed, said: str) -> Verdict:
    if _TAG_NOT_TEXT.search(said):
        edit = f"put the tag in quotes: {_set(observation, 'image.tag')}"
        return fails(Cause.TAG_NOT_TEXT, said, edit)
    if _REFUSED.search(said):
        return fails(Cause.VALUES_REFUSED, said, _correct_refused(observation, said))
    fix = f"{READ}; this says where: {observation.workload.template_command}"
    return fails(Cause.RENDER_FAILED, said, fix)


def _correct_refused(observation: Observed, said: str) -> str:
    """The edit of the key that Helm names, if the schema rejects its value."""
    named = _REFUSED_KEY.search(said)
    key = named[1].replace("/", ".") if named else ""
    if key in _wanted(observation.workload.image):
        return _set(observation, key)
    file = observation.workload.place_of(observation.workload.values_file)
    return observation.workload.upgrade_after(
        f"correct {key or 'the key that Helm names'} in {file}"
    )


def diagnose_reference(observation: Observed, image: str) -> Verdict | None:
    """Diagnose `image` on its own and against the wanted one; None if it is correct."""
    wanted = observation.workload.image
    if image == wanted.reference:
        return None
    parsed = parse_reference(image)
    chart = observation.optional(Observed.chart)
    if not isinstance(chart, NotObserved) and {wanted.reference, image} <= set(chart.images):
        return _diagnose_container(observation, chart, image)
    edit = _set(observation, "image.repository", "image.tag")
    if parsed.problem:
        return fails(Cause.INVALID_REFERENCE, f"{image}: {parsed.problem}", edit)
    if parsed.registry != wanted.registry:
        evidence = f"{image} is of {parsed.registry}, not of {wanted.registry}"
        return fails(Cause.WRONG_REGISTRY, evidence, edit)
    if parsed.repository != wanted.repository:
        return fails(Cause.WRONG_REPOSITORY, f"{image} is not of {wanted.repository}", edit)
    if parsed.digest:
        unset = _set(observation, "image.digest")
        evidence = f"{image} is pinned by its digest, so that the tag {wanted.tag} is not used"
        return fails(Cause.DIGEST_PINNED, evidence, unset)
    edit = _set(observation, "image.tag")
    return fails(Cause.WRONG_TAG, f"{image} is not {wanted.reference}", edit)


def _diagnose_container(observation: Observed, chart: RenderedChart, image: str) -> Verdict:
    """Diagnose one container, init container or hook whose image differs from the chart's."""
    wanted = observation.workload.image.reference
    evidence = f"{image} is the image of one container, beside {wanted}"
    workload = observation.workload
    edits = [
        f"{container.key}: {wanted} in {workload.place_of(container.file)}"
        for container in chart.containers
        if container.reference == image
    ]
    file = workload.place_of(workload.values_file)
    edit = f"set {' and '.join(edits)}" if edits else f"name {wanted} for it too, in {file}"
    return fails(Cause.CONTAINER_IMAGE, evidence, workload.upgrade_after(edit))


def take_image(observation: Observed, image: Image) -> str:
    """The edits that make another image of the repository the wanted one, and the command after."""
    edit = _set(observation, "image.tag", image=image)
    return f"want {image.reference} in target.yaml, and {edit}"


def _set(observation: Observed, *keys: str, image: Image | None = None) -> str:
    """The edit that sets these values keys to the wanted image, and the command that follows it."""
    values = _wanted(image or observation.workload.image)
    place_of = observation.workload.place_of
    edits = (f"{key}: {values[key]} in {place_of(_file(observation, key))}" for key in keys)
    return observation.workload.upgrade_after(f"set {' and '.join(edits)}")


def _wanted(image: Image) -> dict[str, str]:
    """The values of the keys that name an image, as YAML; a tag may look like a number."""
    return {
        "image.repository": image.repository,
        "image.tag": json.dumps(image.tag),
        "image.digest": '""',
    }


def _file(observation: Observed, key: str) -> Path:
    """The file to edit: the one that overrides all others for `key`."""
    chart = observation.optional(Observed.chart)
    origin = None if isinstance(chart, NotObserved) else chart.origin(key)
    return origin or observation.workload.values_file
