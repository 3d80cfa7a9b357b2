"""The shipped workflows: pinned actions, least permissions, and the pages that name them."""

import re

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT

OURS, SAMPLES = (
    SUITE_ROOT / ".github" / "workflows",
    SUITE_ROOT / "sample" / ".github" / "workflows",
)
GATE = SAMPLES / "gate.yml"
FILES = sorted([*OURS.glob("*.yml"), *SAMPLES.glob("*.yml")])


def _load(file):
    return YAML(typ="safe").load(file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SUITE_ROOT).as_posix())
def test_actions_are_pinned_by_full_commit_id(file):
    """A tag may be moved; it is a comment beside the id."""
    used = re.findall(r"(?m)^\s*(?:- )?uses: (.*)$", file.read_text())

    assert used
    assert [
        each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)
    ] == []


def test_each_release_job_has_least_permissions():
    """Only the job that publishes can get a token of PyPI, and it has no checkout."""
    document = _load(OURS / "release.yml")
    jobs = document["jobs"]

    assert document["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs.items() if "permissions" in job} == {
        "image": {"contents": "read", "packages": "write"},
        "publish": {"id-token": "write"},
    }
    assert "checkout" not in str(jobs["publish"]["steps"])


def test_nightly_can_only_push_packages():
    """The suite runs without a right to write."""
    document = _load(OURS / "nightly.yml")
    writing = [
        name for name, job in document["jobs"].items() if "write" in str(job.get("permissions"))
    ]

    assert document["permissions"] == {"contents": "read"}
    assert writing == ["suite-image"]
    assert document["jobs"]["suite-image"]["permissions"] == {
        "contents": "read",
        "packages": "write",
    }


def test_each_gate_job_has_least_permissions():
    """A job without `permissions` has none, and only the promoting job may write."""
    document = _load(GATE)

    assert document["permissions"] == {}
    assert {name: job["permissions"] for name, job in document["jobs"].items()} == {
        "judge": {"contents": "read"},
        "sign": {"contents": "read", "packages": "write", "statuses": "write"},
        "promote": {"contents": "write"},
    }


def test_signing_key_is_in_own_job():
    """No job that has the commit has the key, and its checkout stores no token."""
    jobs = _load(GATE)["jobs"]
    key = "secrets.PULL_RECOVERY_GATE_KEY"

    holding = {name for name, job in jobs.items() if key in str(job)}
    steps = [step for step in jobs["sign"]["steps"] if key in str(step)]
    checkouts = {name: [_checked_out(step) for step in job["steps"]] for name, job in jobs.items()}

    assert holding == {"sign"}
    assert [step["name"] for step in steps] == ["Sign the verdict"]
    assert key not in str({**jobs["sign"], "steps": []})
    assert [name for name, places in checkouts.items() if "target" in places] == [
        "judge",
        "promote",
    ]
    assert all(
        step["with"]["persist-credentials"] is False
        for step in jobs["judge"]["steps"]
        if _checked_out(step)
    )


def test_gate_workflow_matches_hook_version():
    """The hook holds a verdict of another version, so both are the changelog's newest."""
    steps = [step for job in _load(GATE)["jobs"].values() for step in job["steps"]]
    applications = [_load(file) for file in (SUITE_ROOT / "sample" / "argocd").glob("*.yaml")]
    hooks = [
        application["spec"]["sources"][1]["helm"]["parameters"] for application in applications
    ]
    images = [each["value"] for hook in hooks for each in hook if each["name"] == "gate.image"]

    changelog = (SUITE_ROOT / "CHANGELOG.md").read_text()
    released = re.search(r"(?m)^## (\d\S+)", changelog)[1]
    suites = [step["with"]["ref"] for step in steps if _checked_out(step) == "suite"]
    assert suites == [f"v{released}"] * 3
    assert len(images) == len(applications) > 0
    assert [image for image in images if not image.endswith(f":{released}")] == []


def _checked_out(step):
    """Return the directory of a step's checkout; '' for a step without one."""
    return step["with"]["path"] if str(step.get("uses")).startswith("actions/checkout@") else ""


def test_gate_page_refers_to_the_workflow_file():
    """The page does not repeat the content of the file."""
    page = (SUITE_ROOT / "docs" / "gate.md").read_text()

    assert "(../sample/.github/workflows/gate.yml)" in page
    assert "runs-on:" not in page
