"""Properties of workflow files: how they are read, matched and edited."""

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.yaml_reading import load_yaml
from pullrecovery.model.filter_patterns import matches
from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause
from pullrecovery.model.workflow_file import (
    DISPATCH,
    PUSH,
    Event,
    UnreadableWorkflowError,
    WorkflowFile,
    parse,
    render,
    with_image_renamed,
)
from pullrecovery.tasks.workflow_edits import edited, fixes
from tests.fakes.recorded import GOOD
from tests.properties.mutations import TREES, mutated_yaml

TEXT = (SUITE_ROOT / "sample/.github/workflows/ci.yml").read_text()
FILTERED = """\
on:
  push:
    branches-ignore: ["docs/**"]
    paths-ignore: [apps/**, "!apps/frontend/**"]
    tags-ignore: ["v0*"]
jobs:
  build:
    runs-on: {labels: [self-hosted, linux]}
    permissions: read-all
    steps:
      - run: docker push ghcr.io/bytequester/backend
"""
WORKFLOWS = mutated_yaml([TEXT, FILTERED])
PUSHES = st.builds(
    Event,
    st.sampled_from((PUSH, DISPATCH)),
    st.sampled_from(("refs/heads/main", "refs/tags/v1.0.0", "refs/heads/docs/x")),
    st.sampled_from(((), ("apps/frontend/x", "README.md"))),
)
PATTERNS = st.text("ab*?+[]!-/.", max_size=12)
EDITS = [cause for cause in Cause if fixes(cause)]
TARGET = GOOD.target


def _parsed(text):
    """The document, or None if the error is the clear one."""
    try:
        return parse(text)
    except UnreadableWorkflowError as error:
        assert re.match(r"\d+: \S", str(error))
        return None


@given(text=WORKFLOWS, event=PUSHES)
def test_mutated_workflow_is_read_or_located_error(text, event):
    """Every question has an answer for a workflow that is a mapping."""
    if _parsed(text) is None:
        return
    file = WorkflowFile(text)

    assert all(file.packages_level(job) for job in file.jobs)
    assert isinstance(file.refusal(event), str)
    assert isinstance(file.is_filtered_by_path(event), bool)
    assert isinstance(file.trigger, str)
    assert isinstance(file.entry_of(Image("ghcr.io/bytequester/backend", "v1")), str)
    assert all(isinstance(name, str) for name in (*file.runners, *file.actions))
    assert all(isinstance(name, str) for name in file.other_repositories)
    assert 1 <= file.line("jobs", "images", "steps", 0, "uses") <= text.count("\n") + 1


@given(text=WORKFLOWS)
def test_rendered_workflow_means_the_same(text):
    """A workflow that is read can be written again."""
    document = _parsed(text)
    if document is not None:
        same = _rounded(load_yaml(render(document), "")) == _rounded(load_yaml(text, ""))
        # Without the operands: pytest takes minutes to compare long texts.
        assert same


def _rounded(node):
    """The types and values of a document; ruamel.yaml writes the last digit of a float wrongly."""
    if isinstance(node, dict):
        return [(_rounded(key), _rounded(value)) for key, value in node.items()]
    if isinstance(node, list):
        return [_rounded(item) for item in node]
    return f"{node:.6g}" if isinstance(node, float) else repr(node)


@given(text=WORKFLOWS, cause=st.sampled_from(EDITS))
@example(text="on: push\n", cause=Cause.PACKAGES_NOT_WRITABLE)
@example(text="on: push\njobs: {}\n", cause=Cause.NOT_LOGGED_IN)
@example(text="on: push\njobs: {build: }\n", cause=Cause.NOT_LOGGED_IN)
@example(text="on: push\njobs: {build: }\n", cause=Cause.PACKAGES_NOT_WRITABLE)
@example(text="on: {push: {branches-ignore: main}}\n", cause=Cause.NO_PUSH_TRIGGER)
@example(text="on: {push: {paths-ignore: 5}}\n", cause=Cause.CHANGE_FILTERED)
def test_edited_workflow_is_read_and_fixed(text, cause):
    """An edit of a workflow that is read gives one, whose triggers are as the target wants."""
    if _parsed(text) is None:
        return
    try:
        after = WorkflowFile(edited(text, cause, TARGET))
    except UnreadableWorkflowError as error:
        assert re.match(r"\d+: \S", str(error))
        return

    assert _parsed(after.text) is not None
    wanted = TARGET.workflow
    if cause is Cause.NO_DISPATCH:
        assert after.refusal(Event(DISPATCH, "refs/heads/main")) == ""
    if cause is Cause.NO_TAG_TRIGGER:
        assert after.refusal(Event(PUSH, f"refs/tags/{wanted.release}")) == ""
    if cause is Cause.NO_PUSH_TRIGGER:
        assert after.is_filtered_by_path(Event(PUSH, f"refs/heads/{wanted.branch}"))
    if cause is Cause.PACKAGES_NOT_WRITABLE:
        assert all(after.packages_level(job) == "write" for job in after.jobs)


@given(text=WORKFLOWS, old=st.sampled_from(("backend", "frontend", "[", ".*", "")))
def test_renamed_image_keeps_the_workflow_readable(text, old):
    """A name is no regular expression, and a new one may have backslashes."""
    if _parsed(text) is not None and old:
        assert isinstance(with_image_renamed(text, old, "new-name"), str)


@given(name=st.text("ab-/.", max_size=12), patterns=st.lists(PATTERNS, max_size=4))
def test_any_filter_pattern_is_matched(name, patterns):
    """A last pattern that includes everything includes every name, and one that is it excludes."""
    assert isinstance(matches(name, patterns), bool)
    assert matches(name, [*patterns, "**"]) is True
    assert matches(name, [*patterns, "**", "!**"]) is False
    assert matches(name, [*patterns, "!x"]) == matches(name, patterns)


@given(name=st.text("ab-/", min_size=1, max_size=12), places=st.sets(st.integers(0, 11)))
def test_widened_pattern_still_matches(name, places):
    """A `?` of one letter or a `**` in place of a letter takes no name away."""
    wide = "".join("**" if at in places else letter for at, letter in enumerate(name))
    optional = "".join(f"{letter}?" if at in places else letter for at, letter in enumerate(name))

    assert matches(name, [name])
    assert matches(name, [wide])
    assert matches(name, [optional])


@given(on=TREES, event=PUSHES)
def test_any_trigger_is_read(on, event):
    """What stands under `on` is a name, a list or a mapping, or a mistake."""
    text = json.dumps({"on": on, "jobs": {}})
    if _parsed(text) is not None:
        assert isinstance(WorkflowFile(text).refusal(event), str)
        assert isinstance(WorkflowFile(text).trigger, str)
