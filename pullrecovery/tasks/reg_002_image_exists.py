"""REG-002: the image exists.

The workflow pushes on the branch and on tags. Run it, by a trivial change or by hand, and verify
that the wanted tag is in the registry.
"""

from pullrecovery.diagnosis.external import diagnose_probe
from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.diagnosis.workflow import diagnose_run, diagnose_workflow, run_command
from pullrecovery.model.observation import Observation
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails, passes
from pullrecovery.model.workflow_file import WorkflowFile
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.workflow_edits import edited
from pullrecovery.world.world import World


def reg_002(observation: Observation) -> Verdict:
    """Passes if the wanted tag has an image for the nodes, and the workflow would push it.

    If the workflow was run, that run must also have left an image for its commit.
    """
    target, image = observation.target, observation.workload.image
    found = diagnose_workflow(observation.workflow, target, image)
    # A run of a faulty workflow adds no information.
    if observation.run and not found:
        failed = diagnose_run(observation.run, observation.workflow, target, image)
        found += [failed] if failed else []
    missing = _diagnose_wanted(observation)
    return all_named(*found, missing) or passes(_evidence(observation))


def _diagnose_wanted(observation: Observation) -> Verdict | None:
    """Diagnose the wanted tag in the registry."""
    wanted, reference = observation.wanted, observation.workload.image.reference
    if wanted.missing:
        push = f"have an image pushed, and take its tag: {run_command(observation.target)}"
        return fails(Cause.IMAGE_MISSING, f"{reference}: {wanted}", push)
    if not wanted.ok:
        return diagnose_probe(reference, wanted) or fails(
            Cause.UNKNOWN, f"{reference}: {wanted}", READ
        )
    needed = observation.identity.platforms if observation.identity else ()
    lacking = [each for each in needed if each not in wanted.platforms]
    # If the registry reports no platforms, the platform is not judged here.
    if wanted.platforms and lacking:
        evidence = f"{reference} is for {', '.join(wanted.platforms)}"
        push = f"have {observation.target.workflow.path} build for {', '.join(lacking)} too"
        return fails(Cause.PLATFORM_MISSING, f"{evidence}, not for {', '.join(lacking)}", push)
    return None


def _evidence(observation: Observation) -> str:
    there = f"{observation.workload.image.reference} is {observation.wanted.digest}"
    if observation.run is None:
        return there
    run = observation.run
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
