"""What is wrong with an image reference, beside the wanted one."""

import re
from pathlib import Path

from pullrecovery.diagnosis.advice import READ
from pullrecovery.model import Cause, Verdict, fails
from pullrecovery.observation import Observation
from pullrecovery.reference import parse_reference

# Helm's words, with either library for schemas: "at '/image/tag': got number, want string".
_TAG_NOT_TEXT = re.compile(r"image[./]tag'?: (got number|Invalid type\. Expected: string)")
_REFUSED = re.compile(r"don't meet the specifications of the schema")


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
    said, wanted = seen.chart.error, seen.workload.image
    if _TAG_NOT_TEXT.search(said):
        edit = f'put the tag in quotes, image.tag: "{wanted.tag}", in {_file(seen, "image.tag")}'
        return fails(Cause.TAG_NOT_TEXT, said, edit)
    if _REFUSED.search(said):
        edit = f"correct the key that Helm names in {seen.workload.values_file}"
        return fails(Cause.VALUES_REFUSED, said, edit)
    remedy = f"helm template {seen.workload.name} {seen.workload.chart} says where; {READ}"
    return fails(Cause.RENDER_FAILED, said, remedy)


def diagnose_reference(seen: Observation, image: str) -> Verdict | None:
    """What is wrong with `image` by itself, or beside the wanted one; None if nothing is."""
    wanted = seen.workload.image
    if image == wanted.reference:
        return None
    parsed = parse_reference(image)
    if wanted.reference in seen.chart.images and image in seen.chart.images:
        return _diagnose_container(seen, image)
    both = f"set image.repository and image.tag to those of {wanted.reference}"
    edit = f"{both} in {_file(seen, 'image.repository')}"
    if parsed.problem:
        return fails(Cause.INVALID_REFERENCE, f"{image}: {parsed.problem}", edit)
    if parsed.registry != wanted.registry:
        evidence = f"{image} is of {parsed.registry}, not of {wanted.registry}"
        return fails(Cause.WRONG_REGISTRY, evidence, edit)
    if parsed.repository != wanted.repository:
        return fails(Cause.WRONG_REPOSITORY, f"{image} is not of {wanted.repository}", edit)
    if parsed.digest:
        unset = f'set image.digest to "" in {_file(seen, "image.digest")}'
        evidence = f"{image} is pinned by its digest, so that the tag {wanted.tag} is not used"
        return fails(Cause.DIGEST_PINNED, evidence, unset)
    edit = f"{both} in {_file(seen, 'image.tag')}"
    return fails(Cause.WRONG_TAG, f"{image} is not {wanted.reference}", edit)


def _diagnose_container(seen: Observation, image: str) -> Verdict:
    """The chart's image is right, and one container, init container or hook has another."""
    wanted = seen.workload.image.reference
    evidence = f"{image} is the image of one container, beside {wanted}"
    edit = f"set that container's own image to {wanted}, or take it out, in the values"
    return fails(Cause.CONTAINER_IMAGE, evidence, f"{edit} ({seen.workload.values_file})")


def _file(seen: Observation, key: str) -> Path:
    """The file to edit: the one that has the last word on `key`."""
    return seen.chart.origin(key) or seen.workload.values_file
