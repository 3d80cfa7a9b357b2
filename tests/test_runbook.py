"""The runbook's commands, the page that lists them, and which worker plays them."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fixtures.scenario import runbook
from fixtures.scenario.runbook import Terminal, namespace_of, pytest_collection_modifyitems
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.model.observation import Credential, Ran
from pullrecovery.monorepo.target_yaml import load_target

PAGE = (REPOSITORY / "docs" / "runbook.md").read_text()
TESTS = (REPOSITORY / "acceptance" / runbook.FILE).read_text()
TARGET = load_target(REPOSITORY / "sample")
COMMANDS = [
    text
    for told in (
        runbook.LOGIN,
        runbook.INSPECT,
        runbook.LIST,
        runbook.CREATE_SECRET,
        runbook.GET_SECRET,
        runbook.PATCH_ACCOUNT,
        runbook.GET_ACCOUNT,
        runbook.DELETE_PODS,
        runbook.TEMPLATE,
        runbook.UPGRADE,
        runbook.WATCH,
        runbook.SYNC,
    )
    for text in (told.values() if isinstance(told, dict) else [told])
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_listed_on_the_page(command):
    """As it is typed, but for the pipes, which a table needs escaped."""
    assert f"`{command}`" in PAGE.replace("\\|", "|")


def test_page_names_tests_that_are_there():
    """Every test of the file is on the page, and no other."""
    named = set(re.findall(r"`(test_\w+)", PAGE))

    assert named == set(re.findall(r"(?m)^def (test_\w+)", TESTS))


@pytest.mark.parametrize(
    ("test", "namespace"),
    [
        ("acceptance/test_runbook.py::test_a[inspect-frontend-docker]", "frontend-dev"),
        ("acceptance/test_runbook.py::test_a[backend-dev]", "backend-dev"),
        ("acceptance/test_reg_003_pull_secret.py::test_a[secret-missing-backend-dev]", ""),
    ],
)
def test_runbook_runs_in_worker_of_its_namespace(test, namespace):
    """Tests that share a literal namespace run one after the other."""
    assert namespace_of(test) == namespace


@pytest.mark.parametrize(
    ("workloads", "left"),
    [(TARGET.workloads, 2), (TARGET.workloads[1:], 1)],
    ids=["the sample", "a target without one of the names"],
)
def test_runbook_needs_the_names_it_is_typed_with(monkeypatch, workloads, left):
    """On another target its commands name nothing that is there."""
    found = replace(TARGET, workloads=workloads)
    monkeypatch.setattr(runbook, "target_of", lambda _: found)
    names = ("acceptance/test_runbook.py::test_a[frontend-dev]", "acceptance/test_world.py::test_b")
    items = [SimpleNamespace(nodeid=name) for name in names]

    pytest_collection_modifyitems(None, items)

    assert len(items) == left


class Runner:
    """A runner that keeps what is typed, and prints the same for each line."""

    def __init__(self):
        self.first, self.files = [], {}

    def run(self, _, *, first, credential, files):
        self.first, self.files = first, files
        assert credential.token not in "".join(first)
        return tuple(Ran(text, 0, "printed\n", "") for text in first)


def test_terminal_types_lines_as_they_are(tmp_path):
    """With its settings before each, a checkout's files, and what was printed in the report."""
    runner, recorded = Runner(), {}
    world = SimpleNamespace(runner=runner)
    lab = SimpleNamespace(
        has_cluster=True, cluster=SimpleNamespace(kubeconfig_within=lambda: b"kubeconfig")
    )
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "values.yaml").write_text("image: {}\n")
    shell = Terminal(SimpleNamespace(world=world, lab=lab), recorded.__setitem__, "docker-29")

    ran = shell.type("one | two", token=Credential("ByteQuester", "secret"), checkout=tmp_path)

    link, typed = runner.first
    assert "docker-29" in link
    assert typed.endswith("\nexport KUBECONFIG\none | two")
    assert runner.files == {
        "checkout/": b"",
        "checkout/charts/values.yaml": b"image: {}\n",
        "kubeconfig": b"kubeconfig",
    }
    assert [each.command for each in ran] == ["one | two"]
    assert recorded == {"$ one | two": "printed\n"}
