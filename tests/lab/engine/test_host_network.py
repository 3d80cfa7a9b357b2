"""The lab removes its own changes to the packet filter, and nothing else."""

import shlex

import pytest

from pullrecovery.lab.engine import host_network as traces

USERS = {
    "filter": [
        "-P FORWARD ACCEPT",
        "-N DOCKER-USER",
        "-A FORWARD -i docker0 -j ACCEPT",
        '-A FORWARD -s 10.0.0.0/8 -m comment --comment "to DOCKER hosts" -j ACCEPT',
        "-A DOCKER-USER -s 192.0.2.7/32 -j DROP",
    ],
    "nat": ["-P POSTROUTING ACCEPT"],
}
ENGINES = {
    "filter": ["-N DOCKER", "-A FORWARD -o docker0 -j DOCKER", "-A FORWARD -i docker0 -j ACCEPT"],
    "nat": ["-N DOCKER", "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"],
}


class PacketFilter:
    """A fake packet filter: tables of rules, changed by the lab's calls of iptables."""

    def __init__(self, tables):
        self.tables = {name: list(rules) for name, rules in tables.items()}

    def add(self, tables):
        for name, rules in tables.items():
            self.tables[name] += rules

    def __call__(self, command):
        table = command[2] if command[1] == "-t" else "filter"
        verb, *words = command[3:] if command[1] == "-t" else command[1:]
        rules = self.tables[table]
        if verb == "-S":
            return "\n".join(rules if not words else [rules[0]])
        if verb == "-D":
            rules.remove(next(rule for rule in rules if shlex.split(rule) == ["-A", *words]))
        elif verb == "-F":
            rules[:] = [rule for rule in rules if not rule.startswith(f"-A {words[0]} ")]
        elif verb == "-X":
            rules.remove(f"-N {words[0]}")
        return ""


@pytest.fixture(name="start")
def _start(monkeypatch, tmp_path):
    """Return a function for a machine with these rules, which the lab has recorded."""
    forwarding = tmp_path / "ip_forward"
    forwarding.write_text("0")
    monkeypatch.setattr(traces, "_FORWARDING", forwarding)
    monkeypatch.setattr(traces, "_remove_bridge", lambda: None)
    monkeypatch.setattr(traces.shutil, "which", lambda _: "/usr/sbin/iptables")
    monkeypatch.setattr(traces, "unmount_below", lambda _: None)

    def start(tables):
        machine = PacketFilter(tables)
        monkeypatch.setattr(traces, "run", machine)
        traces.remember(tmp_path / "before.json")
        return machine

    return start


def test_rules_of_the_user_survive_the_lab(start, tmp_path):
    """Rules of the user stay even if they name docker0, or DOCKER, or are in such a chain."""
    machine = start(USERS)
    machine.add(ENGINES)

    traces.put_back(tmp_path / "before.json", tmp_path, keep_rules=False)

    assert {name: sorted(rules) for name, rules in machine.tables.items()} == {
        name: sorted(rules) for name, rules in USERS.items()
    }


def test_foreign_rules_stay(start, tmp_path):
    """A user may open a port while the lab runs."""
    machine = start(USERS)
    machine.add(ENGINES)
    machine.add({"filter": ["-A INPUT -p tcp --dport 8080 -j ACCEPT"]})

    traces.put_back(tmp_path / "before.json", tmp_path, keep_rules=False)

    opened = "-A INPUT -p tcp --dport 8080 -j ACCEPT"
    assert sorted(machine.tables["filter"]) == sorted([*USERS["filter"], opened])
