"""Parts of the lab without a container engine: versions, plan, Go modules, kind's file."""

import io
import os
import re
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.lab.cluster.kind_cluster import KindCluster
from pullrecovery.lab.cluster.tool_environment import applied
from pullrecovery.lab.paths import Paths, default_paths
from pullrecovery.lab.progress import Phase, Progress
from pullrecovery.lab.tools import golang, toolchain
from pullrecovery.lab.tools.toolchain import Tool, Toolchain
from pullrecovery.lab.tools.versions import kubernetes_set


@pytest.fixture(name="paths")
def _paths(tmp_path):
    return Paths(tmp_path / "cache", tmp_path / "state")


@pytest.fixture(name="go")
def _go(tmp_path):
    """Return a compiler that builds a program of the last argument, or fails with an error."""
    go = tmp_path / "go"
    go.write_text(
        "#!/bin/sh\n"
        "[ -e broken.go ] && { echo 'broken.go:1: expected package' >&2; exit 1; }\n"
        'while [ "$1" != -o ]; do shift; done\n'
        'echo made > "$2/program"\n'
    )
    go.chmod(0o755)
    return go


@pytest.fixture(name="tool")
def _tool(tmp_path):
    source = tmp_path / "module"
    source.mkdir()
    (source / "go.mod").write_text("module m\n")
    return Tool("program", source, (".",))


@pytest.mark.parametrize("wanted", ["", "1.37", "1.37.2"])
def test_kubernetes_is_chosen_by_version(wanted):
    """Without a version the default is chosen."""
    assert kubernetes_set(wanted).kubernetes == "1.37.2"


def test_unproven_kubernetes_is_usage_error():
    """The error lists the versions."""
    with pytest.raises(UsageError, match=r"^KUBERNETES=1\.9 is not a known set; use one of: "):
        kubernetes_set("1.9")


def test_folders_follow_the_xdg_variables(monkeypatch, tmp_path):
    """Without the variables the directories are the usual ones below HOME."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    paths = default_paths()

    assert paths.cache == tmp_path / "c" / "pull-recovery"
    assert paths.state == tmp_path / ".local" / "state" / "pull-recovery"


def test_go_must_be_recent(monkeypatch, tmp_path):
    """Versions are compared by number, not by text."""
    for name, version in [("a", "1.9"), ("b", "1.26.0"), ("c", "1.26")]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text(f"module {name}\n\ngo {version}\n")
    monkeypatch.setattr(golang, "MODULES", tmp_path)

    assert golang.required_version() == (1, 26, 0)


def test_go_fetches_nothing_unverified(paths):
    """Go fetches no other toolchain, and uses nothing of the user's."""
    environment = golang.go_environment(paths, target_os="linux")

    assert environment["GOFLAGS"] == "-mod=readonly -modcacherw"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOMODCACHE"].startswith(str(paths.cache))


def test_tool_is_built_once(paths, go, tool):
    """The second run reuses the tool."""
    tools, said = Toolchain(paths, go), []

    tools.build([tool], said.append)
    tools.build([tool], said.append)

    assert tools.binary(tool).read_text() == "made\n"
    assert said == ["building program from its Go module", "built program"]


def test_changed_source_is_another_tool(paths, go, tool):
    """Another target or linker flag gives another tool too."""
    tools = Toolchain(paths, go)
    before = tools.folder(tool)

    (tool.source / "main.go").write_text("package main\n")

    others = [
        Tool("program", tool.source, (".",), "darwin"),
        Tool("program", tool.source, ("./x",)),
    ]
    assert len({before, tools.folder(tool), *map(tools.folder, others)}) == 4


def test_failed_build_leaves_nothing(paths, go, tool):
    """The next run builds again."""
    (tool.source / "broken.go").touch()
    tools = Toolchain(paths, go)

    with pytest.raises(LabError, match=r"Building program in .* failed:\nbroken\.go:1: expected"):
        tools.build([tool], lambda _: None)

    assert not tools.is_built(tool)
    assert list(paths.tools.iterdir()) == []


@pytest.mark.parametrize(
    ("machine", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("arm64", "arm64")]
)
def test_processor_is_named_as_go_names_it(monkeypatch, machine, arch):
    """Each system has its own name for a processor."""
    monkeypatch.setattr("platform.machine", lambda: machine)

    assert toolchain.go_arch() == arch


def test_unsupported_processor_is_named(monkeypatch):
    """The error is one sentence before a build."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(LabError, match=r"^This machine's processor, riscv64, is neither"):
        toolchain.go_arch()


def test_kubernetes_has_kubeadm_version():
    """Without the version every component reports v0.0.0."""
    flags = toolchain.kubernetes("1.37.2").link_flags.split()

    assert "k8s.io/component-base/version.gitVersion=v1.37.2" in flags
    assert "k8s.io/client-go/pkg/version.gitMinor=37" in flags


def test_kind_config_is_rendered(paths):
    """The file has its directories and the node image, and is otherwise unchanged."""
    cluster = KindCluster(paths, "pull-recovery/node:1", manager_class=object)

    key = cluster.render()

    config = YAML(typ="safe").load(cluster.rendered.read_text())
    assert config["name"] == "pull-recovery"
    assert [node["image"] for node in config["nodes"]] == ["pull-recovery/node:1"]
    assert str(paths.certs) in [m["hostPath"] for m in config["nodes"][0]["extraMounts"]]
    assert "${" not in cluster.rendered.read_text()
    assert cluster.render() == key


def test_other_image_changes_cluster(paths):
    """The cluster is created again."""
    keys = {KindCluster(paths, image, manager_class=object).render() for image in ("a", "b")}

    assert len(keys) == 2


@pytest.mark.parametrize(("cgroup", "drivers"), [("1", ["cgroupfs"]), ("2", [])])
def test_kubelet_makes_cgroups_on_v1(paths, cgroup, drivers):
    """Containerd's driver changes with the kubelet's; under version 2 both are kind's defaults."""
    cluster = KindCluster(paths, "a", manager_class=object, cgroup=cgroup)

    cluster.render()

    config = YAML(typ="safe").load(cluster.rendered.read_text())
    kubelet = [YAML(typ="safe").load(patch) for patch in config["kubeadmConfigPatches"]]
    assert [each["cgroupDriver"] for each in kubelet if "cgroupDriver" in each] == drivers
    runtimes = [patch for patch in config["containerdConfigPatches"] if "SystemdCgroup" in patch]
    assert ["SystemdCgroup = false" in runtime for runtime in runtimes] == [True for _ in drivers]


def test_cluster_without_kubeconfig_is_not_ready(paths):
    """No other cluster gets a request."""
    readiness = KindCluster(paths, "", manager_class=object).readiness()

    assert readiness.missing == ("no kubeconfig",)
    assert not readiness.ready


def test_environment_is_put_back(monkeypatch):
    """A variable that was not set is unset again, even after an error."""
    monkeypatch.setenv("KEPT", "old")
    monkeypatch.delenv("MADE", raising=False)

    with pytest.raises(ValueError, match=r"^new new$"), applied({"KEPT": "new", "MADE": "new"}):
        raise ValueError(f"{os.environ['KEPT']} {os.environ['MADE']}")

    assert os.environ["KEPT"] == "old"
    assert "MADE" not in os.environ


def test_progress_lists_done_and_remaining():
    """Each phase has one line."""
    out = io.StringIO()
    progress = Progress(("engine", "tools", "cluster"), out=out)

    with progress.phase("engine") as phase:
        phase.note("using the running one")

    assert re.fullmatch(
        r"    engine: using the running one\n"
        r"  \+ engine +\d\.\d s    left: tools, cluster\n",
        out.getvalue(),
    )
    assert progress.seconds.keys() == {"engine"}


@pytest.mark.parametrize("error", [LabError, KeyboardInterrupt], ids=lambda error: error.__name__)
def test_progress_says_where_it_stopped(error):
    """The exception is raised unchanged."""
    out = io.StringIO()

    with pytest.raises(error), Progress(("engine",), out=out).phase("engine"):
        raise error

    assert re.fullmatch(rf"  x engine +\d\.\d s  stopped: {error.__name__}\n", out.getvalue())


def test_silent_phase_prints_heartbeat():
    """The heartbeat distinguishes a slow build from a hung one."""
    out, beats = io.StringIO(), [False, False, True]
    ended = SimpleNamespace(wait=lambda _: beats.pop(0))
    phase = Phase(Progress((), out=out), "tools", ended=ended)
    phase.note("kubelet: 400 packages compiled", show=False)

    phase.beat()

    assert out.getvalue() == "    tools: kubelet: 400 packages compiled (0 s)\n" * 2
