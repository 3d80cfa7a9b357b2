"""The lab does not use a user's own cluster, registry and login."""

import ast
from types import SimpleNamespace

import pytest

from pullrecovery.common.errors import LabError
from pullrecovery.common.secret_variables import NAMES
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.cluster.kind_cluster import KIND_LABEL, KindCluster
from pullrecovery.lab.cluster.tool_environment import tool_environment
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.paths import NAME, Paths

# These packages have a user whose own GitHub they read.
USERS = ("cli/run_live.py", "live/", "gate/", "common/secret_variables.py")
_MODULE = "pullrecovery.common.secret_variables"


@pytest.fixture
def paths(tmp_path):
    """Return directories of a lab that does not exist."""
    return Paths(tmp_path / "cache", tmp_path / "state")


def _engine(*networks):
    """Return an engine with one node of the lab's name, on these networks."""
    attrs = {"NetworkSettings": {"Networks": {name: {} for name in networks}}}
    nodes = [SimpleNamespace(name="node", attrs=attrs)] if networks else []

    def found(*, all, filters):  # noqa: A002
        assert filters == {"label": f"{KIND_LABEL}={NAME}"}
        return nodes

    return SimpleNamespace(containers=SimpleNamespace(list=found))


def test_foreign_cluster_is_refused(paths):
    """A cluster of the lab's name may be a user's, and would be deleted."""
    cluster = KindCluster(paths, "", manager_class=object)

    with pytest.raises(LabError, match="that is not the lab's"):
        cluster.exists(_engine("kind"))
    assert cluster.exists(_engine(NAME, "other"))
    assert not cluster.exists(_engine())


def test_lab_tools_ignore_kubeconfig(paths, monkeypatch):
    """kind, kubectl and Helm get the lab's own kubeconfig."""
    monkeypatch.setenv("KUBECONFIG", "/home/somebody/.kube/config")
    tools = SimpleNamespace(folder=lambda _: "/tools")

    environment = tool_environment(tools, "/kubectl", Engine("unix:///x", owned=True), paths)

    assert environment["KUBECONFIG"] == str(paths.kubeconfig)


def _reads_a_secret(node):
    if isinstance(node, ast.ImportFrom) and node.module == _MODULE:
        return {alias.name for alias in node.names} != {"enter"}
    return isinstance(node, ast.Constant) and node.value in NAMES


def test_only_live_and_gate_read_user_token():
    """No other module of the code reads the token."""
    readers = [
        name
        for file in (SUITE_ROOT / "pullrecovery").rglob("*.py")
        if any(_reads_a_secret(node) for node in ast.walk(ast.parse(file.read_text())))
        for name in [file.relative_to(SUITE_ROOT / "pullrecovery").as_posix()]
        if not name.startswith(USERS)
    ]

    assert readers == []
