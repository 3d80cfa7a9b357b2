"""The options and exit codes of `python -m pullrecovery`."""

import os
import subprocess
import sys

import pytest

from devtools import __main__ as tools
from pullrecovery import __main__ as command_line
from pullrecovery.cli.options import with_argocd
from pullrecovery.common.errors import Exit, LabError, PullRecoveryError, UsageError
from pullrecovery.common.suite_files import SUITE_ROOT

_RUN_ACCEPTANCE = "pullrecovery.cli.run_acceptance.run_acceptance"
_RUN_LAB = "pullrecovery.cli.run_lab.run"


def _acceptance(folder):
    command = [sys.executable, "-m", "pullrecovery", "acceptance", "--target", str(folder)]
    # The paths of engines lead nowhere, so none is found.
    lonely = {**os.environ, "ENGINE": "never", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    return subprocess.run(
        command, cwd=SUITE_ROOT, env=lonely, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.parametrize(
    "words",
    [[], ["fly"], ["lab"], ["lab", "fly"], ["acceptance", "--fly"]],
    ids=["nothing", "unknown command", "no action", "unknown action", "unknown option"],
)
def test_wrong_words_end_with_4(words, capsys):
    """Argparse's own exit code 2 would mean that the harness failed."""
    with pytest.raises(SystemExit) as caught:
        command_line.main(words)

    assert caught.value.code == 4
    assert "\nerror: " in capsys.readouterr().err


def test_unproven_kubernetes_exits_4(capsys):
    """The command exits before the lab starts."""
    assert command_line.main(["lab", "up", "--kubernetes", "1.9"]) == 4
    assert capsys.readouterr().err.startswith("error: KUBERNETES=1.9 is not a known set")


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["acceptance"], []),
        (["acceptance", "--"], []),
        (["acceptance", "--target", "t", "--", "-k", "secret"], ["-k", "secret"]),
    ],
    ids=["none", "empty", "-k"],
)
def test_words_after_two_dashes_are_pytests(words, given):
    """`make acceptance ARGS="-k secret"` passes its arguments after two dashes."""
    assert command_line._parser().parse_args(words).pytest == given


@pytest.mark.parametrize("option", [[], ["--allow-cluster-objects"]], ids=["left-out", "allowed"])
def test_option_allows_cluster_objects(monkeypatch, option):
    """Pytest gets the option too, because the tests deploy the charts."""
    given = []
    monkeypatch.setattr(_RUN_ACCEPTANCE, lambda *_, extra, **__: given.extend(extra) or 0)

    assert command_line.main(["acceptance", *option, "--", "-x"]) == 0

    assert given == ["-x", *option]


@pytest.mark.parametrize(
    ("words", "variable", "wanted"),
    [
        ([], None, True),
        ([], "1", True),
        ([], "0", False),
        (["--no-argocd"], None, False),
        (["--argocd"], "0", True),
    ],
    ids=["neither", "ARGOCD=1", "ARGOCD=0", "--no-argocd", "--argocd over ARGOCD=0"],
)
@pytest.mark.parametrize("command", [["acceptance"], ["lab", "up"]], ids=["acceptance", "lab"])
def test_argocd_is_left_out_on_request(monkeypatch, command, words, variable, wanted):
    """A run and a lab have Argo CD by default."""
    monkeypatch.delenv("ARGOCD", raising=False)
    if variable is not None:
        monkeypatch.setenv("ARGOCD", variable)

    options = command_line._parser().parse_args([*command, *words])

    assert with_argocd(options) is wanted


@pytest.mark.parametrize("value", ["false", "no", "00", " "])
@pytest.mark.parametrize(
    "command",
    [["acceptance"], ["acceptance", "--no-argocd"], ["lab", "up"]],
    ids=" ".join,
)
def test_argocd_variable_takes_two_values(monkeypatch, capsys, command, value):
    """ARGOCD=false is a usage error, and does not start Argo CD."""
    monkeypatch.setattr(_RUN_ACCEPTANCE, lambda *_, **__: pytest.fail("it is run"))
    monkeypatch.setattr(_RUN_LAB, lambda *_, **__: pytest.fail("it is raised"))
    monkeypatch.setenv("ARGOCD", value)

    assert command_line.main(command) == 4
    said = f"error: ARGOCD={value} is neither 0, which leaves Argo CD out, nor 1.\n"
    assert capsys.readouterr().err == said


def test_bench_refuses_unknown_value_of_argocd(monkeypatch, capsys):
    """The benchmark reads the variable ARGOCD too."""
    monkeypatch.setattr(tools, "run_bench", lambda *_, **__: pytest.fail("it is run"))
    monkeypatch.setenv("ARGOCD", "false")

    assert tools.main(["bench"]) == 4
    assert "ARGOCD=false is neither 0" in capsys.readouterr().err


def test_argocd_variable_stops_no_removal(monkeypatch):
    """A wrong value of ARGOCD does not prevent the removal of a lab."""
    monkeypatch.setenv("ARGOCD", "false")
    monkeypatch.setattr(_RUN_LAB, lambda *_, argocd: argocd)

    assert command_line.main(["lab", "down"]) == 0


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("no such target"), 4, "error: no such target\n"),
        (LabError("no engine"), 2, "error: no engine\n"),
        (PullRecoveryError("ghp_" + "S3nt1nel" * 4), 2, "error: [redacted]\n"),
        (
            KeyboardInterrupt(),
            2,
            "error: interrupted; run the same command again to go on\n",
        ),
    ],
    ids=["usage", "lab", "secret", "interrupt"],
)
def test_own_error_is_one_line_with_code(monkeypatch, capsys, error, code, said):
    """An expected error prints no traceback and no secret."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(_RUN_LAB, fail)

    assert command_line.main(["lab", "status"]) == code
    assert capsys.readouterr().err == said


def test_exit_codes_are_the_documented_ones():
    """The exit codes equal those in result.json."""
    assert {code.name: code.value for code in Exit} == {
        "PASS": 0,
        "FAIL": 1,
        "UNKNOWN": 2,
        "USAGE": 4,
    }


def test_wrong_target_ends_with_4_before_lab_starts(tmp_path):
    """Each mistake of target.yaml is one line, and nothing is started."""
    (tmp_path / "target.yaml").write_text("schema: 1\npullSecrets: ghcr-credentials\n")

    done = _acceptance(tmp_path)

    assert done.returncode == 4
    assert done.stdout == ""
    first, *later = done.stderr.splitlines()
    assert first == f"error: {tmp_path}/target.yaml:1: the target lacks 'name'"
    assert all(line.startswith(f"    | {tmp_path}/target.yaml:") for line in later)
    assert "target.yaml:2: the target has no key 'pullSecrets'" in later[-1]


def test_missing_target_exits_4(tmp_path):
    """The directory of the target may be misspelt."""
    done = _acceptance(tmp_path)

    assert done.returncode == 4
    assert done.stderr == (
        f"error: {tmp_path}/target.yaml: no such file; "
        "TARGET must be a folder that holds a target.yaml.\n"
    )
