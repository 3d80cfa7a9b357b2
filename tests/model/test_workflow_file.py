"""The file of a workflow: its triggers, the rights of its token, and their lines."""

import pytest

from pullrecovery.model.target import Image
from pullrecovery.model.workflow_file import (
    DISPATCH,
    PUSH,
    Event,
    UnreadableWorkflowError,
    WorkflowFile,
    matches,
    render,
    with_image_renamed,
)
from tests.fakes.recorded import WORKFLOW

MAIN = Event(PUSH, "refs/heads/main", ("apps/frontend/.revision",))
TAG = Event(PUSH, "refs/tags/v1.0.0")
HAND = Event(DISPATCH, "refs/heads/main")


def _on(text):
    return WorkflowFile(f"on: {text}\njobs: {{}}\n")


@pytest.mark.parametrize(
    ("name", "patterns", "taken"),
    [
        ("main", ["main"], True),
        ("main", ["ma?in"], True),
        ("releases/10", ["releases/**"], True),
        ("releases/10", ["releases*"], False),
        ("v1.9.0", ["v[0-9]+.*"], True),
        ("v1.0.0", ["v*", "!v1.*"], False),
        ("v1.0.0", ["!v1.*", "v*"], True),
        ("apps/frontend/x/y", ["apps/**"], True),
        ("apps/frontend/x/y", ["apps/*"], False),
        ("README.md", ["**/README.md"], True),
        ("main.yml", ["main.yml"], True),
        ("mainxyml", ["main.yml"], False),
    ],
)
def test_filter_is_githubs(name, patterns, taken):
    """These are the examples of GitHub's page on filter patterns, and similar ones."""
    assert matches(name, patterns) is taken


@pytest.mark.parametrize("event", [MAIN, TAG, HAND])
@pytest.mark.parametrize("on", ["{push: , workflow_dispatch: }", "[push, workflow_dispatch]"])
def test_unfiltered_workflow_is_started_by_all(on, event):
    """A mapping without filters equals a list of names."""
    assert _on(on).refusal(event) == ""


@pytest.mark.parametrize(
    ("on", "event", "why"),
    [
        ("push", HAND, "it is not `on: workflow_dispatch`, only on push"),
        ("workflow_dispatch", MAIN, "it is not `on: push`, only on workflow_dispatch"),
        ("{push: {tags: ['v*']}}", MAIN, "its push is for tags alone"),
        ("{push: {branches: [main]}}", TAG, "its push is for branches alone"),
        ("{push: {branches: [dev]}}", MAIN, "main is not among branches ['dev']"),
        ("{push: {branches-ignore: [main]}}", MAIN, "main is among branches-ignore ['main']"),
        (
            "{push: {paths: ['docs/**']}}",
            MAIN,
            "apps/frontend/.revision: not among paths ['docs/**']",
        ),
        (
            "{push: {paths-ignore: ['apps/**']}}",
            MAIN,
            "apps/frontend/.revision: among paths-ignore ['apps/**']",
        ),
    ],
)
def test_event_without_start_has_reason(on, event, why):
    """GitHub itself gives no reason, and starts no run."""
    assert _on(on).refusal(event) == why


@pytest.mark.parametrize(
    ("on", "event"),
    [
        ("{push: {paths: ['docs/**']}}", TAG),
        ("{push: {tags: ['v*'], branches: [main]}}", TAG),
        ("{push: {tags: ['v*'], branches: [main]}}", MAIN),
        ("{push: {paths-ignore: ['docs/**']}}", MAIN),
    ],
)
def test_unrelated_filter_allows_event(on, event):
    """Filters of paths do not apply to tags; with both filters, either may start the workflow."""
    assert _on(on).refusal(event) == ""


@pytest.mark.parametrize(
    ("top", "job", "level"),
    [
        ("", "", "read"),
        ("permissions: {packages: write}", "", "write"),
        ("permissions: {contents: read}", "", "none"),
        ("permissions: write-all", "", "write"),
        ("permissions: read-all", "", "read"),
        ("permissions: {}", "", "none"),
        ("permissions: {packages: write}", "permissions: {contents: read}", "none"),
        ("permissions: read-all", "permissions: {packages: write}", "write"),
    ],
)
def test_token_level_is_job_then_workflow(top, job, level):
    """A permission that is not named is `none`, once any is named."""
    file = WorkflowFile(f"{top}\njobs:\n  a:\n    steps: []\n    {job}\n")

    assert file.packages_level("a") == level


def test_line_of_a_key_is_where_it_stands():
    """A missing key has the line of its parent."""
    lines = WORKFLOW.text.splitlines()

    assert lines[WORKFLOW.line("on", "push", "tags") - 1].strip() == 'tags: ["v*"]'
    assert lines[WORKFLOW.line("permissions", "packages") - 1].strip() == "packages: write"
    assert lines[WORKFLOW.line("jobs", "images", "steps", 4) - 1].strip().endswith("the commit")
    assert WORKFLOW.line("on", "release") == WORKFLOW.line("on")


def test_sample_actions_are_read():
    """Actions of other repositories are read with their ref."""
    assert [action.partition("@")[0] for action in WORKFLOW.actions] == ["actions/checkout"]
    assert WORKFLOW.runners == ("ubuntu-latest",)


def test_own_actions_are_not_foreign():
    """An action of the repository itself needs no stub."""
    steps = "[{uses: ./build}, {uses: 'docker://alpine'}, {uses: docker/login-action@v3}]"
    file = WorkflowFile(f"jobs: {{a: {{runs-on: [self-hosted, linux], steps: {steps}}}}}\n")

    assert file.actions == ("docker/login-action@v3",)
    assert file.runners == ("self-hosted", "linux")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("on: [push\n", "2: not valid YAML"),
        ("- push\n", "1: a workflow must be a mapping"),
        ("", "1: a workflow must"),
    ],
)
def test_invalid_workflow_has_line(text, words):
    """Nothing of an invalid workflow can be checked."""
    with pytest.raises(UnreadableWorkflowError, match=words):
        _ = WorkflowFile(text).document


def test_matrix_image_is_renamed():
    """Image and directory are both called `backend` in the sample."""
    renamed = with_image_renamed(WORKFLOW.text, "backend", "backend-2")

    assert "- image: backend-2\n            app: backend\n" in renamed
    assert len(renamed.splitlines()) == len(WORKFLOW.text.splitlines())


def test_foreign_repositories_are_checkouts():
    """A checkout without `repository` is of the workflow's own repository."""
    file = WorkflowFile(
        "jobs:\n  a:\n    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - {uses: actions/checkout@v4, with: {repository: owner/suite, path: suite}}\n"
        "      - {uses: owner/other@v1, with: {repository: owner/none}}\n"
    )

    assert file.other_repositories == ("owner/suite",)
    assert WORKFLOW.other_repositories == ()


@pytest.mark.parametrize(
    ("image", "entry"),
    [("backend", "image:backend"), ("frontend-sample", "image:frontend-sample"), ("web", "")],
)
def test_matrix_entry_is_found_by_image(image, entry):
    """The key of the image counts, and not that of its directory."""
    assert WORKFLOW.entry_of(Image(f"ghcr.io/owner/{image}", "latest")) == entry


def test_matrix_entry_is_found_by_repository():
    """A directory and a repository of another owner do not match."""
    file = WorkflowFile(
        "jobs:\n  a:\n    strategy:\n      matrix:\n        include:\n"
        "          - {app: apps/site, repository: ghcr.io/other/site}\n"
        "          - {app: apps/site, repository: ghcr.io/owner/site}\n"
    )

    entry = file.entry_of(Image("ghcr.io/owner/site", "latest"))

    assert entry == "repository:ghcr.io/owner/site"


def test_image_without_matrix_is_renamed():
    """The name is not replaced within another name, or in a path."""
    text = "jobs:\n  a:\n    env: {IMAGE: web, BASE: web-base, APP: apps/web}\n"

    renamed = with_image_renamed(text, "web", "site")

    assert "{IMAGE: site, BASE: web-base, APP: apps/web}" in renamed


def test_unedited_workflow_is_unchanged():
    """Comments, quotes, and the indentation of lists stay."""
    assert render(WORKFLOW.document) == WORKFLOW.text
