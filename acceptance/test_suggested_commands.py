"""The commands that verdicts suggest, run in the runner exactly as printed.

A sandbox is broken and judged. The verdict's edits are made in the checkout and its command runs at
the checkout's root; then the criterion passes.
"""

from dataclasses import replace

import pytest

from fixtures.scenario.suggested_commands import command_of, type_in
from ghcr_emulator.client import WorkflowBody
from pullrecovery.observe.workflow import dispatch, play_workflow
from pullrecovery.tasks.reg_002_image_exists import fix_workflow

# Their commands deploy a chart, so its pods must run in the end.
_DEPLOYING = {"REG-004", "REG-005", "REG-006"}


@pytest.mark.suggested("REG-001", "REG-003", "REG-004", "REG-005", "REG-006", "REG-008")
def test_suggested_command_fixes_its_cause(suggested):
    """The first cause of the verdict is fixed, and so are the causes that this uncovers."""
    verdict = suggested.await_cause()
    assert command_of(verdict), verdict

    assert suggested.follow_until_it_passes().passes, suggested.verdict()

    assert suggested.typed[0].command == command_of(verdict)
    if suggested.criterion in _DEPLOYING:
        assert suggested.follow_until_it_passes("REG-006").passes, suggested.verdict("REG-006")


@pytest.mark.argocd
@pytest.mark.suggested("REG-006", deploy="argocd")
def test_suggested_sync_fixes_application(suggested):
    """The command pushes a clone of the branch, or patches the Application, and syncs."""
    verdict = suggested.await_cause()
    assert "argocd app sync" in command_of(verdict)

    assert suggested.follow_until_it_passes().passes, suggested.verdict()

    assert suggested.typed[0].command == command_of(verdict)


@pytest.mark.suggested("REG-002")
def test_suggested_dispatch_pushes_image(suggested, lab_world):
    """The command of gh dispatches the workflow, after the edit or link that the verdict asks for.

    The GHCR emulator records the event, and act runs the workflow for it.
    """
    sandbox, control = suggested.sandbox, lab_world.control
    verdict = suggested.await_cause()
    fix_workflow(replace(sandbox.world, target=sandbox.pushed), verdict)
    target, image = sandbox.target, sandbox.workload.image
    if "Manage Actions access" in verdict.fix:
        writers = [target.login, f"repository:{target.workflow.repository}"]
        control.share_package(image.package, "private", writers, writers)
    _offer_workflow(control, target, target.workflow.repository, dispatch=True)

    ran = type_in(sandbox, command_of(verdict), suggested.issued)

    assert ran.rc == 0, ran.said
    (taken,) = control.dispatches(suggested.issued.name)
    assert ran.stdout.strip().endswith(f"/actions/runs/{taken.run}")
    assert (taken.repository, taken.ref) == (
        target.workflow.repository.lower(),
        target.workflow.branch,
    )
    sandbox.run = play_workflow(sandbox.world, image, dispatch(sandbox.world.target))
    sandbox.workload = replace(sandbox.workload, image=replace(image, tag=sandbox.run.played.sha))
    assert suggested.verdict().passes, suggested.verdict()


@pytest.mark.reg002
def test_gh_says_why_a_workflow_is_not_started(lab_world, make_sandbox):
    """A workflow without the trigger, a token without the scope, and a missing branch."""
    sandbox, target = make_sandbox(), lab_world.target
    repository = f"{target.workflow.repository}-{sandbox.namespace}"
    _offer_workflow(lab_world.control, target, repository, dispatch=False)
    started = f"gh workflow run ci.yml --repo {repository} --ref"
    allowed, packages = lab_world.issue_token(("repo",)), lab_world.issue_token()

    no_trigger = type_in(sandbox, f"{started} {target.workflow.branch}", allowed)
    no_branch = type_in(sandbox, f"{started} gone", allowed)
    no_scope = type_in(sandbox, f"{started} {target.workflow.branch}", packages)

    assert "HTTP 422: Workflow does not have 'workflow_dispatch' trigger" in no_trigger.stderr
    assert "HTTP 422: No ref found for: gone" in no_branch.stderr
    assert "HTTP 404" in no_scope.stderr
    assert 0 not in (no_trigger.rc, no_branch.rc, no_scope.rc)
    assert lab_world.control.dispatches(allowed.name) == []


def _offer_workflow(control, target, repository, *, dispatch):
    """Register the target's workflow in a repository of the GHCR emulator."""
    file = target.workflow.path.rpartition("/")[2]
    refs, writers = [target.workflow.branch], [target.login]
    workflow = WorkflowBody(refs=refs, writers=writers, dispatch=dispatch)
    control.put_workflow(repository, file, workflow)
