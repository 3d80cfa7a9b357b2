"""REG-005: the chart's values name the right image."""

from pullrecovery.diagnosis.reference import diagnose_chart
from pullrecovery.model.observed import Observed
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Verdict, passes
from pullrecovery.monorepo.image_values import corrections
from pullrecovery.monorepo.values_file import edited
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion


def _judge(observation: Observed) -> Verdict:
    """Passes if every rendered reference is the wanted one; compares text, without a registry."""
    return diagnose_chart(observation, observation.chart) or passes()


reg_005 = Criterion("REG-005", needs=(Observed.chart,), judge=_judge)


def correct_values(workload: Workload, *, dry_run: bool = False) -> Change:
    """Make the values name only the wanted image, each in the file that overrides the others.

    Repository and tag are set, a digest is emptied, and the images of single containers are set.
    Everything else stays, including comments. If nothing is wrong, nothing is written.
    """
    edits = corrections(workload)
    before = {edit.file: edit.file.read_text() for edit in edits}
    after = {
        file: edited(text, {edit.key: edit.change for edit in edits if edit.file == file})
        for file, text in before.items()
    }
    changed = [file for file in after if after[file] != before[file]]
    for file in [] if dry_run else changed:
        file.write_text(after[file])
    if not changed:
        return Change(f"the values name {workload.image.reference} already")
    diffs = (diff_of(before[file], after[file], str(file)) for file in changed)
    names = ", ".join(file.name for file in changed)
    return Change(f"set {workload.image.reference} in {names}", "\n".join(diffs))
