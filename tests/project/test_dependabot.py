"""dependabot.yml: every folder with a pin is looked at, but for those that are old on purpose."""

import subprocess

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.tools.versions import SETS, kubernetes_set

FILES = {"pip": "*.lock", "gomod": "*go.mod", "npm": "*package-lock.json"}


def _folders(pattern):
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    listed = subprocess.run(command, cwd=SUITE_ROOT, capture_output=True, text=True, check=True)
    return {f"/{name}".rpartition("/")[0] or "/" for name in listed.stdout.splitlines()}


def _old():
    """The toolchain's modules that the newest Kubernetes does not use."""
    newest = kubernetes_set()
    old = [versions for versions in SETS if versions != newest]
    modules = {f"kubernetes-{versions.minor}" for versions in old}
    modules |= {f"containerd-{versions.containerd.rpartition('.')[0]}" for versions in old}
    return {f"/pullrecovery/lab/tools/toolchain/{module}" for module in modules}


@pytest.fixture(scope="module", name="updates")
def _updates():
    document = YAML(typ="safe").load((SUITE_ROOT / ".github" / "dependabot.yml").read_text())
    return {each["package-ecosystem"]: {*each["directories"]} for each in document["updates"]}


@pytest.mark.parametrize(("ecosystem", "pattern"), FILES.items())
def test_every_pinned_folder_is_updated(updates, ecosystem, pattern):
    """What is missing is old on purpose, and no folder is listed that has no pin."""
    left_out = _folders(pattern) - updates[ecosystem]

    assert updates[ecosystem] <= _folders(pattern)
    assert {name for name in left_out if not name.endswith(("/etcd-3.6", "/coredns-1.12"))} == (
        _old() if ecosystem == "gomod" else set()
    )


def test_actions_of_both_workflow_folders_are_updated(updates):
    """Dependabot looks in .github/workflows below each folder."""
    assert updates["github-actions"] == {"/", "/sample"}
