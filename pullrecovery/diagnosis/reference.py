"""What is wrong with an image reference, beside the wanted one."""

from pullrecovery.model import Cause, Verdict, fails
from pullrecovery.observation import Observation
from pullrecovery.reference import parse_reference


def missing_image(seen: Observation, evidence: str) -> Verdict:
    """The wanted reference has no manifest."""
    push = f"run the workflow that pushes {seen.workload.image.reference} (REG-002)"
    return fails(Cause.IMAGE_MISSING, evidence, push)


def diagnose_reference(seen: Observation, image: str) -> Verdict | None:
    """What is wrong with `image` by itself, or beside the wanted one; None if nothing is."""
    wanted = seen.workload.image
    parsed = parse_reference(image)
    file = seen.workload.values_file
    edit = f"set image.repository and image.tag to those of {wanted.reference} in {file}"
    if parsed.problem:
        return fails(Cause.INVALID_REFERENCE, f"{image}: {parsed.problem}", edit)
    if parsed.repository != wanted.repository:
        return fails(Cause.WRONG_REPOSITORY, f"{image} is not of {wanted.repository}", edit)
    if image != wanted.reference:
        return fails(Cause.WRONG_TAG, f"{image} is not {wanted.reference}", edit)
    return None
