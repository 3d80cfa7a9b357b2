"""The layout of the repository, and the equality of facts that two files contain."""

import ast
import re
import subprocess

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.paths import NAME
from pullrecovery.lab.tools.golang import MODULES
from pullrecovery.lab.tools.versions import SETS, kubernetes_set

PACKAGE = sorted((SUITE_ROOT / "pullrecovery").rglob("*.py"))
LOCKS = [
    SUITE_ROOT / "requirements.lock",
    *(SUITE_ROOT / "pullrecovery").rglob("*.lock"),
    *(SUITE_ROOT / "tests").rglob("*.lock"),
]
# The text is in two parts, so that this file does not match itself.
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("root", "work"))


def _name(file):
    return file.relative_to(SUITE_ROOT).as_posix()


def _stems(folder, prefix=""):
    files = (SUITE_ROOT / folder).glob(f"{prefix}reg_*.py")
    return {file.stem.removeprefix(prefix) for file in files}


def _require(module, package):
    """Return the version of `package` in the go.mod of the toolchain's `module`."""
    text = (MODULES / module / "go.mod").read_text()
    return re.search(rf"(?m)^(?:require )?\s*{re.escape(package)} v(\S+)", text)[1]


def _tracked():
    """Return the text files that git tracks, or will track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=SUITE_ROOT, capture_output=True, text=True, check=True)
    paths = (SUITE_ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def _make_targets(text):
    """Return the targets of make in a page's code spans and blocks."""
    return set(re.findall(r"(?m)(?:`|^\s*(?:\$ )?)make ([a-z][a-z-]*)", text))


def _offenders(words, files):
    return sorted(
        f"{_name(file)}: {word}"
        for file in files
        for word in words
        if word in file.read_text(errors="replace")
    )


@pytest.mark.parametrize("page", ["README.md", "docs/install.md", "docs/commands.md"])
def test_readme_targets_are_in_makefile(page):
    """Every command that a newcomer types first works."""
    told = _make_targets((SUITE_ROOT / page).read_text())
    made = set(re.findall(r"(?m)^([a-z][a-z-]*):", (SUITE_ROOT / "Makefile").read_text()))

    assert "doctor" in told
    assert told <= made


def test_make_targets_are_phony_and_explained():
    """A file of that name would stop a target, and `make help` lists those with a ##."""
    text = (SUITE_ROOT / "Makefile").read_text()
    phony = re.search(r"(?m)^\.PHONY: (.*)$", text)[1].split()
    explained = re.findall(r"(?m)^([a-z][a-z-]*):.* ## ", text)

    assert sorted(phony) == sorted(explained)


def test_task_files_share_one_stem():
    """One name finds all files of a task."""
    tasks = _stems("pullrecovery/tasks")

    assert tasks >= {
        "reg_003_pull_secret",
        "reg_004_wiring",
        "reg_005_right_values",
        "reg_006_redeploy",
    }
    assert _stems("acceptance", "test_") == tasks
    assert _stems("pullrecovery/faults") == tasks


def test_no_file_names_home_folder():
    """A home directory exists on one machine only."""
    files = [file for file in _tracked() if file.suffix not in {".sum", ".mod"}]

    assert len(files) > 100
    assert _offenders(MACHINE_PATHS, files) == []


@pytest.mark.parametrize("lock", LOCKS, ids=_name)
def test_lock_has_hashes_and_no_url(lock):
    """The user chooses the registry of packages, and the hash fixes their content."""
    lines = lock.read_text().splitlines()
    known = re.compile(
        r"[\w.-]+(\[[\w, -]+\])?==\S+( ;.*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|\s*#.*"
    )
    others = [line for line in lines if not known.fullmatch(line)]

    assert any("--hash=sha256:" in line for line in lines)
    assert others == []
    assert not [line for line in lines if "://" in line]


@pytest.mark.parametrize("versions", SETS, ids=lambda each: each.kubernetes)
def test_kubernetes_version_matches_module(versions):
    """The build uses the module, and messages use the set."""
    module = f"kubernetes-{versions.minor}"

    assert _require(module, "k8s.io/kubernetes") == versions.kubernetes


@pytest.mark.parametrize("versions", SETS, ids=lambda each: each.kubernetes)
def test_containerd_version_matches_module(versions):
    """The message of a pod for a failed pull depends on the version."""
    module = f"containerd-{versions.containerd.rpartition('.')[0]}"

    assert _require(module, "github.com/containerd/containerd/v2") == versions.containerd


def test_default_set_is_kubernetes_1_37():
    """That containerd repeats GHCR's own sentence behind a 403."""
    versions = kubernetes_set()

    assert (versions.kubernetes, versions.containerd) == ("1.37.2", "2.3.4")


@pytest.mark.parametrize("versions", SETS, ids=lambda each: each.kubernetes)
def test_node_image_is_named_by_its_digest(versions):
    """A tag may be moved."""
    assert re.fullmatch(r"kindest/node:v[\d.]+@sha256:[0-9a-f]{64}", versions.node_image)


def test_cluster_has_expected_name():
    """The plugin pytest-kubernetes deletes the cluster of this name, which is the lab's."""
    config = YAML(typ="safe").load((SUITE_ROOT / "kind-config.yaml").read_text())

    assert config["name"] == NAME == "pull-recovery"


@pytest.mark.parametrize("file", PACKAGE, ids=_name)
def test_functions_are_short(file):
    """A function has at most 40 lines; a file may be of any length."""
    functions = (
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    long = [node.name for node in functions if node.end_lineno - node.lineno >= 40]

    assert long == []
