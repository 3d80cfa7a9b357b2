"""REG-002: the image exists.

The workflow pushes on the branch and on tags. Run it, by a trivial change or by hand, and verify
that the wanted tag is in the registry.
"""

from pullrecovery.diagnosis.external import diagnose_probe
from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.diagnosis.workflow import diagnose_run, diagnose_workflow, run_command
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails, passes, unknown
from pullrecovery.model.workflow_file import WorkflowFile
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.tasks.workflow_edits import edited
from pullrecovery.world.world import World


def _judge(observation: Observed) -> Verdict:
    """Passes if the wanted tag has an image for the nodes, and the workflow would push it.

    If the workflow was run, that run must also have left an image for its commit.
    """
    target, image = observation.target, observation.workload.image
    run, platforms = observation.optional(Observed.run), observation.optional(Observed.platforms)
    wrong = diagnose_workflow(observation.workflow, target, image)
    # A run of a faulty workflow adds no information.
    if not isinstance(run, NotObserved) and not wrong:
        failed = diagnose_run(run, observation.workflow, target, image)
        wrong += [failed] if failed else []
    named = all_named(*wrong, _diagnose_wanted(observation))
    if named is None and isinstance(platforms, NotObserved):
        return unknown(platforms.reason)
    return named or passes(_evidence(observation))


reg_002 = Criterion(
    "REG-002",
    needs=(Observed.workflow, Observed.wanted),
    uses=(Observed.platforms, Observed.run),
    judge=_judge,
)


def _diagnose_wanted(observation: Observed) -> Verdict | None:
    """Diagnose the wanted tag in the registry."""
    wanted, reference = observation.wanted, observation.workload.image.reference
    if wanted.missing:
        push = f"have an image pushed, and take its tag: {run_command(observation.target)}"
        return fails(Cause.IMAGE_MISSING, f"{reference}: {wanted}", push)
    if not wanted.ok:
        return diagnose_probe(reference, wanted) or fails(
            Cause.UNKNOWN, f"{reference}: {wanted}", READ
        )
    platforms = observation.optional(Observed.platforms)
    needed = () if isinstance(platforms, NotObserved) else platforms
    lacking = [platform for platform in needed if platform not in wanted.platforms]
    # If the registry reports no platforms, the platform is not judged here.
    if wanted.platforms and lacking:
        evidence = f"{reference} is for {', '.join(wanted.platforms)}"
        push = f"have {observation.target.workflow.path} build for {', '.join(lacking)} too"
        return fails(Cause.PLATFORM_MISSING, f"{evidence}, not for {', '.join(lacking)}", push)
    return None


def _evidence(observation: Observed) -> str:
    there = f"{observation.workload.image.reference} is {observation.wanted.digest}"
    run = observation.optional(Observed.run)
    if isinstance(run, NotObserved):
        return there
    return f"{there}; {run.played.event} pushed {run.played.sha} as {run.probe.digest}"


def fix_workflow(world: World, verdict: Verdict, *, dry_run: bool = False) -> Change:
    """Edit the workflow for every cause that the verdict names; other comments are preserved.

    Idempotent. Raises UnreadableWorkflowError if the file is not YAML.
    """
    target = world.target
    file = target.workflow.file
    before = file.read_text(encoding="utf-8")
    after = before
    for cause in (one.cause for one in verdict.named):
        if cause is not None:
            after = edited(after, cause, target)
    if WorkflowFile(after).document == WorkflowFile(before).document:
        return Change(f"{target.workflow.path} needs no edit")
    if not dry_run:
        file.write_text(after, encoding="utf-8")
    return Change(f"edited {target.workflow.path}", diff_of(before, after, target.workflow.path))
