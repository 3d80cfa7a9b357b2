"""REG-005: the chart's values name the right image."""

from pullrecovery.diagnosis.reference import diagnose_reference
from pullrecovery.model import Cause, Verdict, Workload, fails, holds
from pullrecovery.observation import Observation
from pullrecovery.values import edit_values


def reg_005(seen: Observation) -> Verdict:
    """Holds when every rendered reference is the wanted one; text only, no registry is asked."""
    if seen.chart.error:
        remedy = f"helm template {seen.workload.name} {seen.workload.chart} says where"
        return fails(Cause.RENDER_FAILED, seen.chart.error, remedy)
    if not seen.chart.images:
        return fails(Cause.RENDER_FAILED, "the chart renders no container", "look at its templates")
    for image in seen.chart.images:
        wrong = diagnose_reference(seen, image)
        if wrong:
            return wrong
    return holds()


def correct_values(workload: Workload) -> str:
    """Set repository and tag to the wanted ones in the file that has the last word."""
    file = workload.values_file
    edit_values(file, "image.repository", lambda _: workload.image.repository)
    edit_values(file, "image.tag", lambda _: workload.image.tag)
    return f"set image.repository and image.tag in {file.name}"
