"""The sets of variables for child processes, and their use for every child."""

import ast

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.variables import BASE, LOCALE, OWN, VariableSet, inherited
from pullrecovery.lab.lock import MARK

PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "canary",
    "DATABASE_URL": "canary",
    "GHCR_TOKEN": "canary",
    "GH_TOKEN": "canary",
    "GITHUB_TOKEN": "canary",
    "LD_PRELOAD": "canary",
    "GIT_DIR": "canary",
    "NODE_OPTIONS": "canary",
    "PULL_RECOVERY_GATE_KEY": "canary",
    "PULL_RECOVERY_SECRETS_FD": "canary",
}
# These programs are started directly, each with a complete environment.
PROCESSES = {
    "devtools/conformance/suite.py",
    "ghcr_emulator/storage/distribution.py",
    "pullrecovery/lab/registry/loopback.py",
    "pullrecovery/lab/engine/dockerd.py",
    "pullrecovery/common/process.py",
}
STARTERS = ("Popen", "create_subprocess_exec", "create_subprocess_shell", "check_output")


@pytest.mark.parametrize("chosen", [(), OWN, *[(each,) for each in VariableSet]], ids=str)
def test_planted_variable_is_in_no_set(chosen):
    """CLUSTER alone has the logins of clouds, which the programs of a kubeconfig use."""
    cloud = {"AWS_SECRET_ACCESS_KEY"} if VariableSet.CLUSTER in chosen else set()

    assert set(inherited(chosen, PLANTED)) == cloud | set(LOCALE)


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        (VariableSet.NETWORK, "https_proxy"),
        (VariableSet.APT, "APT_CONFIG"),
        (VariableSet.CLUSTER, "KUBECONFIG"),
        (VariableSet.DOCKER, "DOCKER_HOST"),
        (VariableSet.GIT_REMOTE, "SSH_AUTH_SOCK"),
        (VariableSet.GO, "GOPROXY"),
        (VariableSet.NPM, "npm_config_registry"),
        (VariableSet.PIP, "PIP_INDEX_URL"),
        (VariableSet.PYTHON, "PYTHONPATH"),
        (VariableSet.SUITE, "IMAGES"),
    ],
)
def test_set_has_its_variable(chosen, name):
    """A child gets the variable only if its caller names the set."""
    given = {name: "x", "PATH": "/bin"}

    assert inherited([chosen], given) == {**given, **LOCALE}
    assert inherited([], given) == {"PATH": "/bin", **LOCALE}


def test_locale_of_the_user_is_not_handed_on():
    """LANGUAGE comes before LC_ALL where a program translates its messages."""
    user = {"LANG": "de_DE.UTF-8", "LANGUAGE": "de", "LC_ALL": "de_DE.UTF-8", "LC_MESSAGES": "de"}

    assert inherited([*VariableSet], user) == {"LC_ALL": "C.UTF-8"}


def test_suite_has_what_its_tests_hand_on():
    """The tests build sites, tools and images, and do not use a user's cluster."""
    parts = {
        VariableSet.APT,
        VariableSet.DOCKER,
        VariableSet.GO,
        VariableSet.NPM,
        VariableSet.PIP,
        VariableSet.PYTHON,
    }

    for part in parts:
        assert set(part.value) <= set(VariableSet.SUITE.value)
    assert "KUBECONFIG" not in VariableSet.SUITE.value
    assert not set(BASE) & set(VariableSet.SUITE.value)


def test_every_child_has_the_mark_of_its_run():
    """The next run finds leftover processes of a killed run by the mark."""
    assert MARK in BASE


def test_every_variable_read_is_kept():
    """Every variable that the package reads is kept at its start."""
    read = {
        node.args[0].value
        for file in (SUITE_ROOT / "pullrecovery").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "os.environ.get"
        and isinstance(node.args[0], ast.Constant)
    }
    read |= {"NODE_IMAGE", "BASE_IMAGE", "GATE_REVISION", "PULL_RECOVERY_GATE_PUBLIC_KEY"}

    assert {"KUBERNETES", "DOCKER_HOST", "XDG_CACHE_HOME"} <= read
    assert set(inherited(OWN, dict.fromkeys(read, "x"))) == read | set(LOCALE)


def test_every_process_is_started_in_one_place():
    """A module that starts processes otherwise must set the environment, and is listed here."""
    starting = {
        file.relative_to(SUITE_ROOT).as_posix()
        for package in ("pullrecovery", "ghcr_emulator", "devtools")
        for file in (SUITE_ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and (
            ast.unparse(node.func).split(".")[-1] in STARTERS
            or ast.unparse(node.func) == "subprocess.run"
        )
    }

    assert starting == PROCESSES
