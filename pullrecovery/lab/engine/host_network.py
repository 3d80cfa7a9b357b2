"""Record the host's network before an engine starts, and restore it after the engine stops."""

import json
import shlex
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pullrecovery.common.process import run

_BRIDGE = "docker0"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TABLES = ("filter", "nat")


def remember(file: Path) -> None:
    """Record the host's network before the engine's first start; later calls change nothing."""
    if file.exists():
        return
    before = {
        "bridge": Path(f"/sys/class/net/{_BRIDGE}").exists(),
        "forwarding": _FORWARDING.read_text().strip(),
        "policy": _forward_policy(),
        "rules": {table: _rules(table) for table in _TABLES},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(before))


def put_back(file: Path, engine_data: Path, *, keep_rules: bool) -> None:
    """Remove the bridge, rules and mounts of the stopped engine, and restore its settings.

    `keep_rules` says that another engine runs, which uses the bridge and the rules as well.
    """
    unmount_below(engine_data)
    if not file.exists():
        return
    before = json.loads(file.read_text())
    file.unlink()
    if keep_rules:
        return
    if not before["bridge"]:
        _remove_bridge()
    if shutil.which("iptables"):
        for table in _TABLES:
            _remove_rules(table, before.get("rules", {}).get(table, ()))
        run(["iptables", "-P", "FORWARD", before["policy"]])
    _FORWARDING.write_text(before["forwarding"])


def unmount_below(folder: Path) -> None:
    """Unmount `folder` and everything mounted under it."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    ours = [mount for mount in mounts if Path(mount).is_relative_to(folder)]
    for mount in sorted(ours, reverse=True):
        run(["umount", "--lazy", mount])


def _rules(table: str) -> list[str]:
    """Return the chains and rules of a table, as `iptables -S` prints them.

    Empty without iptables.
    """
    if not shutil.which("iptables"):
        return []
    return run(["iptables", "-t", table, "-S"]).splitlines()


def _forward_policy() -> str:
    if not shutil.which("iptables"):
        return "ACCEPT"
    rules = run(["iptables", "-S", "FORWARD"]).splitlines()
    return rules[0].split()[-1]


def _remove_bridge() -> None:
    if Path(f"/sys/class/net/{_BRIDGE}").exists():
        run(["ip", "link", "delete", _BRIDGE])


def _remove_rules(table: str, before: Sequence[str]) -> None:
    """Remove the engine's chains and rules that did not exist `before`, rules first.

    Rules of another engine or of the user under the same names are not removed.
    """
    iptables = ["iptables", "-t", table]
    came = list((Counter(_rules(table)) - Counter(before)).elements())
    for rule in (rule for rule in came if rule.startswith("-A ") and _is_engines(rule)):
        run([*iptables, "-D", *shlex.split(rule)[1:]])
    chains = [rule.split()[1] for rule in came if rule.startswith("-N DOCKER")]
    for verb in ("-F", "-X"):
        for chain in chains:
            run([*iptables, verb, chain])


def _is_engines(rule: str) -> bool:
    return "DOCKER" in rule or _BRIDGE in rule
