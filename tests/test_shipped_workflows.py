"""The workflows that ship: pinned actions, least permissions, and the documents that name them."""

import re

import pytest
from ruamel.yaml import YAML

from pullrecovery import __version__
from pullrecovery.lab.paths import REPOSITORY

OURS, SAMPLES = (
    REPOSITORY / ".github" / "workflows",
    REPOSITORY / "sample" / ".github" / "workflows",
)
FILES = sorted([*OURS.glob("*.yml"), *SAMPLES.glob("*.yml")])


def _load(file):
    return YAML(typ="safe").load(file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(REPOSITORY).as_posix())
def test_actions_are_pinned_by_full_commit_id(file):
    """A tag may be moved; its name stands beside the id for people."""
    used = re.findall(r"(?m)^\s*(?:- )?uses: (.*)$", file.read_text())

    assert used
    assert [
        each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)
    ] == []


@pytest.mark.parametrize(
    ("file", "permissions"),
    [
        (OURS / "release.yml", {"contents": "read", "packages": "write"}),
        (
            SAMPLES / "gate.yml",
            {"contents": "write", "packages": "write", "statuses": "write"},
        ),
    ],
    ids=["release", "gate"],
)
def test_workflow_may_do_what_it_needs_and_no_more(file, permissions):
    """Of the token that GitHub gives each run."""
    document = _load(file)

    assert document["permissions"] == permissions
    assert not [job for job in document["jobs"].values() if "permissions" in job]


def test_gate_workflow_has_the_version_of_the_hooks_image():
    """The hook holds a verdict of another version."""
    (job,) = _load(SAMPLES / "gate.yml")["jobs"].values()
    applications = [_load(file) for file in (REPOSITORY / "sample" / "argocd").glob("*.yaml")]
    hooks = [each["spec"]["sources"][1]["helm"]["parameters"] for each in applications]
    images = [each["value"] for hook in hooks for each in hook if each["name"] == "gate.image"]

    (suite,) = [step["with"] for step in job["steps"] if "ref" in step.get("with", {})]
    assert suite["ref"] == f"v{__version__}"
    assert len(images) == len(applications) > 0
    assert [each for each in images if not each.endswith(f":{__version__}")] == []


def test_gate_page_refers_to_the_workflow_file():
    """The page does not repeat what the file has."""
    page = (REPOSITORY / "docs" / "gate.md").read_text()

    assert "(../sample/.github/workflows/gate.yml)" in page
    assert "runs-on:" not in page
