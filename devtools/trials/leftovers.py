"""Take snapshots of the machine outside of the lab, and compare them."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import docker

from pullrecovery.common.process import run
from pullrecovery.lab.engine.dockerd import engine_processes
from pullrecovery.lab.engine.select_engine import user_engine
from pullrecovery.lab.lock import marked_processes, name_of
from pullrecovery.lab.paths import LABEL, NAME, Paths

Snapshot = dict[str, list[str]]

_FILES = ("/etc/hosts", "/etc/resolv.conf", "~/.docker", "~/.kube", "~/.config/helm")
_FOLDERS = ("/", "/etc", "/run", "/var/lib", "~", "~/.local", "~/.cache")


def snapshot(paths: Paths, temporary: Path) -> Snapshot:
    """Return everything that the lab may touch on this machine, by kind, without the cache.

    `temporary` is the TMPDIR of the runs, because other programs change files in the machine's own.
    """
    asked: dict[str, Callable[[], Iterable[str]]] = {
        "links": lambda: _lines("ip", "-oneline", "link", strip_counters=True),
        "rules": lambda: _rules("iptables-save"),
        "rules of IPv6": lambda: _rules("ip6tables-save"),
        "forwarding": lambda: [_text(Path("/proc/sys/net/ipv4/ip_forward"))],
        "network namespaces": lambda: _lines("ip", "netns"),
        "mounts": _mounts,
        "processes": lambda: [*map(str, engine_processes()), *left_running(paths)],
        "files": _files,
        "folders": lambda: _folders(paths),
        "temporary files": lambda: map(str, temporary.iterdir()),
        "objects of the engine": _engine_objects,
    }
    return {kind: sorted(ask()) for kind, ask in asked.items()}


def difference(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what was added and removed, one line each."""
    lines = []
    for kind, old in before.items():
        new = after[kind]
        lines += [f"{kind}: + {line}" for line in new if line not in old]
        lines += [f"{kind}: - {line}" for line in old if line not in new]
    return lines


def left_running(paths: Paths) -> list[str]:
    """Return every process that a run of this lab started and that still runs."""
    return [name_of(each) for each, mark in marked_processes() if mark == str(paths.state)]


def _lines(*command: str, strip_counters: bool = False) -> list[str]:
    if not shutil.which(command[0]):
        return []
    lines = run(command).splitlines()
    return [line.partition(" mtu ")[0] for line in lines] if strip_counters else lines


def _rules(command: str) -> list[str]:
    """Return the packet filter's rules without counters and comments."""
    lines = _lines(command)
    return [line.partition(" [")[0] for line in lines if not line.startswith("#")]


def _text(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _mounts() -> list[str]:
    mounts = Path("/proc/mounts")
    return [" ".join(line.split()[:3]) for line in _text(mounts).splitlines()]


def _files() -> list[str]:
    """Return size and modification time of the user's files."""
    found = [Path(name).expanduser() for name in _FILES]
    every = [each for path in found for each in (path, *path.rglob("*")) if each.is_file()]
    return [f"{each} {each.stat().st_size} {each.stat().st_mtime_ns}" for each in every]


def _folders(paths: Paths) -> list[str]:
    """Return the names in some directories, without the cache, which is not removed."""
    folders = [Path(name).expanduser() for name in _FOLDERS]
    kept = {paths.cache, paths.cache.parent, paths.state.parent, paths.state.parent.parent}
    return [
        str(each)
        for folder in folders
        if folder.is_dir()
        for each in folder.iterdir()
        if each not in kept
    ]


def _engine_objects() -> list[str]:
    """Return containers, networks and volumes of the user's engine, if there is one."""
    engine = user_engine()
    if not engine:
        return []
    client = engine.client()
    containers = [f"container {each.name}" for each in client.containers.list(all=True)]
    networks = [f"network {each.name}" for each in client.networks.list()]
    volumes = [f"volume {each.name}" for each in client.volumes.list()]
    return [*containers, *networks, *volumes]


def lab_objects(client: docker.DockerClient) -> list[str]:
    """Return the names of the lab's containers, running or not."""
    found = client.containers.list(all=True)
    return sorted(
        str(each.name) for each in found if LABEL in each.labels or NAME in str(each.name)
    )
