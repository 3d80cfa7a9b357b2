"""What is wrong with an image reference, beside the wanted one."""

import json
import re
from dataclasses import replace
from pathlib import Path

from pullrecovery.diagnosis.advice import READ
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.observation import Observation
from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause, Verdict, fails

# Helm's words, with either library for schemas: "at '/image/tag': got number, want string".
_TAG_NOT_TEXT = re.compile(r"image[./]tag'?: (got number|Invalid type\. Expected: string)")
_REFUSED = re.compile(r"don't meet the specifications of the schema")
# "at '/image/repository': minLength: got 0, want 1".
_REFUSED_KEY = re.compile(r"at '/(\S+)':")


def missing_image(seen: Observation, evidence: str) -> Verdict:
    """The wanted reference has no manifest."""
    push = f"run the workflow that pushes {seen.workload.image.reference} (REG-002)"
    return fails(Cause.IMAGE_MISSING, evidence, push)


def diagnose_chart(seen: Observation) -> Verdict | None:
    """What is wrong with what the chart renders; None if it is the wanted image and no other."""
    if seen.chart.error:
        return _diagnose_error(seen)
    if not seen.chart.images:
        return fails(Cause.RENDER_FAILED, "the chart renders no container", "look at its templates")
    wrong = (diagnose_reference(seen, image) for image in seen.chart.images)
    return next((verdict for verdict in wrong if verdict), None)


def _diagnose_error(seen: Observation) -> Verdict:
    said = seen.chart.error
    if _TAG_NOT_TEXT.search(said):
        edit = f"put the tag in quotes: {_set(seen, 'image.tag')}"
        return fails(Cause.TAG_NOT_TEXT, said, edit)
    if _REFUSED.search(said):
        return fails(Cause.VALUES_REFUSED, said, _correct_refused(seen, said))
    remedy = f"{READ}; this says where: {seen.workload.template_command}"
    return fails(Cause.RENDER_FAILED, said, remedy)


def _correct_refused(seen: Observation, said: str) -> str:
    """The edit of the key that Helm names, where the schema refuses its value."""
    named = _REFUSED_KEY.search(said)
    key = named[1].replace("/", ".") if named else ""
    if key in _wanted(seen):
        return _set(seen, key)
    file = seen.workload.place_of(seen.workload.values_file)
    return seen.workload.upgrade_after(f"correct {key or 'the key that Helm names'} in {file}")


def diagnose_reference(seen: Observation, image: str) -> Verdict | None:
    """What is wrong with `image` by itself, or beside the wanted one; None if nothing is."""
    wanted = seen.workload.image
    if image == wanted.reference:
        return None
    parsed = parse_reference(image)
    if wanted.reference in seen.chart.images and image in seen.chart.images:
        return _diagnose_container(seen, image)
    edit = _set(seen, "image.repository", "image.tag")
    if parsed.problem:
        return fails(Cause.INVALID_REFERENCE, f"{image}: {parsed.problem}", edit)
    if parsed.registry != wanted.registry:
        evidence = f"{image} is of {parsed.registry}, not of {wanted.registry}"
        return fails(Cause.WRONG_REGISTRY, evidence, edit)
    if parsed.repository != wanted.repository:
        return fails(Cause.WRONG_REPOSITORY, f"{image} is not of {wanted.repository}", edit)
    if parsed.digest:
        unset = _set(seen, "image.digest")
        evidence = f"{image} is pinned by its digest, so that the tag {wanted.tag} is not used"
        return fails(Cause.DIGEST_PINNED, evidence, unset)
    edit = _set(seen, "image.tag")
    return fails(Cause.WRONG_TAG, f"{image} is not {wanted.reference}", edit)


def _diagnose_container(seen: Observation, image: str) -> Verdict:
    """The chart's image is right, and one container, init container or hook has another."""
    wanted = seen.workload.image.reference
    evidence = f"{image} is the image of one container, beside {wanted}"
    workload = seen.workload
    named = [each for each in seen.chart.containers if each.reference == image]
    edits = [f"{each.key}: {wanted} in {workload.place_of(each.file)}" for each in named]
    file = workload.place_of(workload.values_file)
    edit = f"set {' and '.join(edits)}" if edits else f"name {wanted} for it too, in {file}"
    return fails(Cause.CONTAINER_IMAGE, evidence, workload.upgrade_after(edit))


def take_image(seen: Observation, image: Image) -> str:
    """The edits that have another image of the same repository wanted, and the command after."""
    wanted = replace(seen, workload=replace(seen.workload, image=image))
    return f"want {image.reference} in target.yaml, and {_set(wanted, 'image.tag')}"


def _set(seen: Observation, *keys: str) -> str:
    """The edit that gives these values keys what is wanted, and the command that follows it."""
    values, place_of = _wanted(seen), seen.workload.place_of
    edits = (f"{key}: {values[key]} in {place_of(_file(seen, key))}" for key in keys)
    return seen.workload.upgrade_after(f"set {' and '.join(edits)}")


def _wanted(seen: Observation) -> dict[str, str]:
    """The values of the keys that name an image, as YAML; a tag may look like a number."""
    image = seen.workload.image
    return {
        "image.repository": image.repository,
        "image.tag": json.dumps(image.tag),
        "image.digest": '""',
    }


def _file(seen: Observation, key: str) -> Path:
    """The file to edit: the one that has the last word on `key`."""
    return seen.chart.origin(key) or seen.workload.values_file
