"""Check REG-002: what the workflow would push, what its run pushed, and the edit that fixes it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT as PROJECT
from pullrecovery.diagnosis.workflow import pushed_references, run_command
from pullrecovery.model.probe import Probe
from pullrecovery.model.verdict import Cause, fails, passes
from pullrecovery.model.workflow_file import BRANCHES, DISPATCH, PUSH, TAGS, Event, WorkflowFile
from pullrecovery.model.workflow_run import (
    DockerCall,
    LintFinding,
    Pushed,
    StepLog,
    WorkflowEvent,
    WorkflowRun,
)
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks.reg_002_image_exists import fix_workflow, reg_002
from pullrecovery.tasks.workflow_edits import edited
from tests.fakes.recorded import (
    COMMIT,
    DIGEST,
    GOOD,
    NO_TAG,
    OUTAGE,
    READ_DENIED,
    REHEARSAL,
    WORKFLOW,
)
from tests.fakes.recorded import REPOSITORY as IMAGE

CHANGE = Event(PUSH, f"{BRANCHES}main", ("apps/frontend/.revision",))
THERE = Probe("registry", 200, digest=DIGEST)
DENIED = "denied: permission_denied: write_package"


def _file(old, new):
    assert old in WORKFLOW.text
    file = WorkflowFile(WORKFLOW.text.replace(old, new))
    return replace(GOOD, workflow=replace(GOOD.workflow, file=file))


def _calls(*calls, failed=""):
    """Return the observation of a workflow that makes these docker calls."""
    found = tuple(DockerCall("images", at, tuple(words.split())) for at, words in enumerate(calls))
    rehearsal = replace(REHEARSAL, calls=found, failed=failed)
    return replace(GOOD, workflow=replace(GOOD.workflow, rehearsal=rehearsal))


def _pushing(*references):
    return _calls("login ghcr.io", *(f"push {reference}" for reference in references))


def _run(*steps, probe=THERE, listed=DIGEST, pushed=DIGEST, event=CHANGE, refused=""):
    failed = any(step.result == "failure" for step in steps)
    done = (Pushed(COMMIT, pushed),) if pushed else ()
    played = WorkflowEvent(event, COMMIT, refused, not failed and not refused, steps, done)
    return replace(GOOD, run=WorkflowRun(played, probe, listed))


def pushed():
    """Return the observation of a run that pushed what it should."""
    return _run(StepLog("images", 4, "Push", "success", ""))


def _failed(step, output):
    return StepLog("images", step, "Some step", "failure", output)


STATIC = {
    "not YAML": (
        replace(GOOD, workflow=replace(GOOD.workflow, error="7: not valid YAML", rehearsal=None)),
        Cause.WORKFLOW_INVALID,
        "ci.yml:7: not valid YAML",
    ),
    "found by actionlint": (
        replace(
            GOOD,
            workflow=replace(
                GOOD.workflow,
                findings=(LintFinding(12, "permissions", "no such level"),),
                rehearsal=None,
            ),
        ),
        Cause.WORKFLOW_INVALID,
        "ci.yml:12: no such level",
    ),
    "not YAML, in words with a colon": (
        replace(
            GOOD, workflow=replace(GOOD.workflow, error="7: mapping: no value", rehearsal=None)
        ),
        Cause.WORKFLOW_INVALID,
        "ci.yml:7: mapping: no value",
    ),
    "two findings of actionlint": (
        replace(
            GOOD,
            workflow=replace(
                GOOD.workflow,
                findings=(
                    LintFinding(12, "permissions", "no such level"),
                    LintFinding(3, "x", "y"),
                ),
                rehearsal=None,
            ),
        ),
        Cause.WORKFLOW_INVALID,
        "ci.yml:12: no such level; ",
    ),
    "not rehearsed": (
        replace(GOOD, workflow=replace(GOOD.workflow, rehearsal=None)),
        Cause.UNKNOWN,
        "was not rehearsed",
    ),
    "no branch": (
        _file("branches: [main]", "branches: [dev]"),
        Cause.NO_PUSH_TRIGGER,
        "ci.yml:4: main is not among branches",
    ),
    "no tags": (_file('    tags: ["v*"]\n', ""), Cause.NO_TAG_TRIGGER, "for branches alone"),
    "not by hand": (
        _file("  workflow_dispatch:\n", ""),
        Cause.NO_DISPATCH,
        "not `on: workflow_dispatch`",
    ),
    "change filtered": (
        _file("branches: [main]", "branches: [main]\n    paths: [docs/**]"),
        Cause.CHANGE_FILTERED,
        "not among paths",
    ),
    "packages read": (
        _file("packages: write", "packages: read"),
        Cause.PACKAGES_NOT_WRITABLE,
        "ci.yml:10: job images has `packages: read`",
    ),
    "packages read, by the job's own permissions": (
        _file("  images:\n", "  images:\n    permissions:\n      packages: read\n"),
        Cause.PACKAGES_NOT_WRITABLE,
        "job images has `packages: read`",
    ),
    "login to another registry": (
        _calls("login docker.io", f"push {IMAGE}:{COMMIT}", f"push {IMAGE}:latest"),
        Cause.NOT_LOGGED_IN,
        "never logs in to ghcr.io",
    ),
    "another registry, without a login": (
        _calls("push localhost:5000/bytequester/hosting-monorepo"),
        Cause.PUSHES_ELSEWHERE,
        "pushes localhost:5000/bytequester/hosting-monorepo, not",
    ),
    "another name, without a login": (
        _calls("push ghcr.io/bytequester/backend:latest"),
        Cause.PUSHES_MISNAMED,
        "ghcr.io/bytequester/backend",
    ),
    "no login": (_calls(f"push {IMAGE}:{COMMIT}", f"push {IMAGE}:latest"), Cause.NOT_LOGGED_IN, ""),
    "another registry": (
        _pushing("localhost:5000/bytequester/hosting-monorepo:latest"),
        Cause.PUSHES_ELSEWHERE,
        "localhost:5000",
    ),
    "docker's own registry": (
        _pushing("bytequester/hosting-monorepo:latest"),
        Cause.PUSHES_ELSEWHERE,
        "",
    ),
    "Docker Hub by its name": (
        _pushing("docker.io/bytequester/hosting-monorepo:latest"),
        Cause.PUSHES_ELSEWHERE,
        "docker.io",
    ),
    "another name altogether": (_pushing("ghcr.io/x/y:1"), Cause.PUSHES_MISNAMED, "ghcr.io/x/y"),
    "another name": (
        _pushing("ghcr.io/bytequester/backend:latest", f"{IMAGE}-web:{COMMIT}"),
        Cause.PUSHES_MISNAMED,
        "hosting-monorepo-web, not",
    ),
    "capitals": (
        _pushing("ghcr.io/ByteQuester/hosting-monorepo:latest"),
        Cause.PUSHES_CAPITALS,
        "ghcr.io/ByteQuester/hosting-monorepo",
    ),
    "no commit": (_pushing(f"{IMAGE}:1", f"{IMAGE}:latest"), Cause.COMMIT_NOT_TAGGED, COMMIT),
    "no latest": (_pushing(f"{IMAGE}:{COMMIT}"), Cause.LATEST_NOT_TAGGED, ""),
    "nothing": (_pushing(), Cause.PUSH_DISABLED, "pushes nothing"),
    "failed before the push": (_calls(failed="step 'Test'"), Cause.PUSH_DISABLED, "step 'Test'"),
}

RUNS = {
    "no run": (_run(refused="it is not there", event=CHANGE), Cause.NO_PUSH_TRIGGER),
    "no run by hand": (
        _run(refused="no", event=Event(DISPATCH, f"{BRANCHES}main")),
        Cause.NO_DISPATCH,
    ),
    "build failed": (_run(_failed(3, "no such stage")), Cause.BUILD_FAILED),
    "base denied in the build": (_run(_failed(3, DENIED)), Cause.BUILD_FAILED),
    "push denied": (_run(_failed(4, f"The push refers to x\n{DENIED}")), Cause.PUSH_DENIED),
    "push of the build's own step denied": (
        _run(_failed(3, f"The push refers to x\n{DENIED}")),
        Cause.PUSH_DENIED,
    ),
    "green, nothing pushed by the log": (_run(pushed=""), Cause.UNKNOWN),
    "another step failed": (_run(_failed(0, "no space left")), Cause.UNKNOWN),
    "green, nothing there": (_run(probe=NO_TAG, listed=""), Cause.NOTHING_PUSHED),
    "green, registry away": (_run(probe=OUTAGE), Cause.REFUSED),
    "another digest": (_run(pushed=f"sha256:{'0' * 64}"), Cause.UNKNOWN),
    "not in the packages API": (_run(listed=""), Cause.UNKNOWN),
}


@pytest.mark.parametrize(("seen", "cause", "words"), STATIC.values(), ids=STATIC)
def test_non_pushing_workflow_is_named(seen, cause, words):
    """The workflow fails even though an earlier push's image exists."""
    verdict = reg_002(seen)

    assert verdict == fails(cause)
    assert words in verdict.evidence
    assert verdict.fix


@pytest.mark.parametrize(("seen", "cause"), RUNS.values(), ids=RUNS)
def test_run_that_left_no_image_is_named(seen, cause):
    """The workflow file is correct, and only its run shows the cause."""
    assert reg_002(seen) == fails(cause)


def test_pushing_run_has_commit_and_digest():
    """Registry, packages API and log agree on commit and digest."""
    verdict = reg_002(pushed())

    assert verdict == passes()
    assert f"push of refs/heads/main pushed {COMMIT} as {DIGEST}" in verdict.evidence


def test_run_of_wrong_workflow_adds_nothing():
    """The cause is the mistake in the workflow, and not what its run did."""
    seen = replace(_file("packages: write", "packages: read"), run=RUNS["push denied"][0].run)

    assert [one.cause for one in reg_002(seen).named] == [Cause.PACKAGES_NOT_WRITABLE]


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        (NO_TAG, Cause.IMAGE_MISSING),
        (OUTAGE, Cause.REFUSED),
        (READ_DENIED, Cause.UNKNOWN),
        (replace(THERE, platforms=("linux/s390x",)), Cause.PLATFORM_MISSING),
    ],
)
def test_wanted_tag_needs_node_platform(wanted, cause):
    """A tag without an image for the nodes fails, however good the workflow is."""
    assert reg_002(replace(GOOD, wanted=wanted)) == fails(cause)


def test_workflow_causes_come_first():
    """A workflow must be fixed before it is run, so its causes come first."""
    seen = replace(_file("packages: write", "packages: read"), wanted=NO_TAG)

    causes = [one.cause for one in reg_002(seen).named]
    assert causes == [Cause.PACKAGES_NOT_WRITABLE, Cause.IMAGE_MISSING]


def test_every_way_to_push_by_docker_is_read():
    """`docker push`, `docker push --all-tags` and a build with `--push` all count."""
    calls = [
        DockerCall("a", 0, tuple(words.split()))
        for words in (
            "build -t r/x:1 --tag=r/x:2 .",
            "tag r/x:1 r/x:3",
            "push --all-tags r/x",
            "image push r/y:1",
            "buildx build --push --tag r/z:1 .",
            "pull r/w:1",
        )
    ]

    assert pushed_references(calls) == ("r/x:1", "r/x:2", "r/x:3", "r/y:1", "r/z:1")


def test_start_command_is_manual_if_possible():
    """The command dispatches the workflow if it can, or else makes a change that starts it."""
    target = GOOD.target

    assert run_command(target) == (
        "gh workflow run ci.yml --repo ByteQuester/hosting-monorepo --ref main"
    )
    by_push = replace(target, workflow=replace(target.workflow, dispatch=False))
    assert "apps/frontend to main" in run_command(by_push)


@pytest.fixture(name="target")
def _target(tmp_path):
    """Return the sample with a copy of its workflow."""
    target = load_target(PROJECT / "sample")
    copy = tmp_path / "ci.yml"
    copy.write_text(WORKFLOW.text)
    return replace(target, workflow=replace(target.workflow, file=copy))


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("branches: [main]", "branches: [dev]", Cause.NO_PUSH_TRIGGER),
        ("    branches: [main]\n", "", Cause.NO_PUSH_TRIGGER),
        ("branches: [main]", "branches-ignore: [main]", Cause.NO_PUSH_TRIGGER),
        ('    tags: ["v*"]\n', "", Cause.NO_TAG_TRIGGER),
        ("  workflow_dispatch:\n", "", Cause.NO_DISPATCH),
        ("branches: [main]", "branches: [main]\n    paths: [docs/**]", Cause.CHANGE_FILTERED),
        (
            "branches: [main]",
            "branches: [main]\n    paths-ignore: [apps/**]",
            Cause.CHANGE_FILTERED,
        ),
        ("packages: write", "packages: read", Cause.PACKAGES_NOT_WRITABLE),
        ("permissions:\n  contents: read\n  packages: write\n", "", Cause.PACKAGES_NOT_WRITABLE),
    ],
)
def test_edit_changes_only_named_parts(target, old, new, cause):
    """Comments stay, a second edit changes nothing, and the rule passes afterwards."""
    broken = WORKFLOW.text.replace(old, new, 1)

    fixed = edited(broken, cause, target)

    seen = replace(GOOD, workflow=replace(GOOD.workflow, file=WorkflowFile(fixed)))
    assert reg_002(seen) == passes()
    assert "# No concurrency group" in fixed
    assert edited(fixed, cause, target) == fixed


@pytest.mark.parametrize("on", ["push", "[push]", "{push: {tags: ['v*']}}"])
def test_trigger_is_added_to_every_form(target, on):
    """`on` may be a name, a list or a mapping."""
    text = f"on: {on}\njobs: {{}}\n"

    fixed = edited(edited(text, Cause.NO_DISPATCH, target), Cause.NO_PUSH_TRIGGER, target)

    file = WorkflowFile(fixed)
    assert not file.refusal(Event(DISPATCH, f"{BRANCHES}main"))
    assert not file.refusal(CHANGE)


def test_added_release_keeps_branch(target):
    """A filter of tags only would exclude branches, so the branch is added too."""
    fixed = WorkflowFile(edited("on: push\njobs: {}\n", Cause.NO_TAG_TRIGGER, target))

    assert not fixed.refusal(CHANGE)
    assert not fixed.refusal(Event(PUSH, f"{TAGS}v1.0.0"))


def test_unguessable_steps_use_target_facts(target):
    """The new steps push every workload's image by commit and `latest`; other steps stay."""
    fixed = edited(WORKFLOW.text, Cause.PUSH_DISABLED, target)

    job = YAML(typ="safe").load(fixed)["jobs"]["images"]
    assert job["strategy"]["matrix"]["include"] == [
        {"repository": "ghcr.io/bytequester/hosting-monorepo", "app": "apps/frontend"},
        {"repository": "ghcr.io/bytequester/frontend-sample", "app": "apps/frontend"},
        {"repository": "ghcr.io/bytequester/backend", "app": "apps/backend"},
    ]
    assert job["timeout-minutes"] == 10
    assert [step.get("uses", "").partition("@")[0] for step in job["steps"]] == [
        "actions/checkout",
        "",
    ]
    assert "--password-stdin" in job["steps"][1]["run"]
    assert "# A release may be cut" in fixed
    assert edited(fixed, Cause.PUSH_DISABLED, target) == fixed


@pytest.mark.parametrize("cause", [Cause.PUSH_DENIED, Cause.IMAGE_MISSING, Cause.UNKNOWN])
def test_unfixable_cause_keeps_workflow(target, cause):
    """These causes need the package's settings or a run, and no edit."""
    assert edited(WORKFLOW.text, cause, target) == WORKFLOW.text


def test_dry_run_writes_nothing(target):
    """A dry run shows the change and writes no file."""
    world = SimpleNamespace(target=target)
    file = target.workflow.file
    file.write_text(WORKFLOW.text.replace("  workflow_dispatch:\n", ""))
    before = file.read_text()

    change = fix_workflow(world, fails(Cause.NO_DISPATCH), dry_run=True)
    assert file.read_text() == before
    assert "+  workflow_dispatch:" in change.diff

    assert fix_workflow(world, fails(Cause.NO_DISPATCH)).diff == change.diff
    again = fix_workflow(world, fails(Cause.NO_DISPATCH))
    assert (again.summary, again.diff) == (".github/workflows/ci.yml needs no edit", "")
