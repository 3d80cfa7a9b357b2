"""Secrets in variables: removed from the environment, redacted, and passed on by a pipe."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.lab.live import pytest_configure
from pullrecovery.common import secret_variables
from pullrecovery.common.errors import PullRecoveryError, UsageError
from pullrecovery.common.process import child
from pullrecovery.common.redaction import redact
from pullrecovery.common.secret_variables import (
    DESCRIPTOR,
    NAMES,
    handed_over,
    is_given,
    secret,
    take,
)
from pullrecovery.common.suite_files import SUITE_ROOT

TOKEN = "of-no-known-shape"
# Starts as `python -m pullrecovery` does, and prints its own environment from the system.
PROGRAM = """
import sys
from pathlib import Path
from pullrecovery.common.secret_variables import NAMES, enter, is_given, secret
enter(sys.argv[1:])
print(Path("/proc/self/environ").read_text())
print(*(f"{name}={secret(name)!r},{is_given(name)}" for name in NAMES))
"""


def _started(*argv, **variables):
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", PROGRAM, *argv]
    ended = subprocess.run(
        command, cwd=SUITE_ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return ended.stdout


@pytest.mark.parametrize("name", NAMES)
def test_taken_secret_leaves_the_environment(name, monkeypatch):
    """The secret is known to the program, and is redacted everywhere."""
    monkeypatch.setenv(name, TOKEN)

    assert secret(name) == TOKEN
    assert name not in os.environ
    assert secret(name) == TOKEN
    assert redact(f"<{TOKEN}>") == "<[redacted]>"


def test_unset_secret_is_empty(monkeypatch):
    """An unset secret is empty, and the code that needs it reports that."""
    monkeypatch.delenv("GHCR_TOKEN", raising=False)

    assert secret("GHCR_TOKEN") == ""
    assert not is_given("GHCR_TOKEN")


def test_child_has_no_secret_in_environment():
    """Variables that the suite does not read are removed too, whatever their names."""
    shown, values = _started(
        "acceptance", GHCR_TOKEN=TOKEN, PULL_RECOVERY_GATE_KEY="k3y", CANARY="canary", IMAGES="pull"
    ).splitlines()

    assert TOKEN not in shown
    assert "k3y" not in shown
    assert "canary" not in shown
    assert "IMAGES=pull" in shown
    assert f"GHCR_TOKEN={TOKEN!r},True" in values


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        (["gate", "sign"], "'k3y'"),
        (["gate"], "''"),
        (["gate", "verify"], "''"),
        (["acceptance", "sign"], "''"),
    ],
)
def test_signing_key_reaches_gate_sign_alone(argv, value):
    """Other commands know only that the key was set."""
    *_, values = _started(*argv, PULL_RECOVERY_GATE_KEY="k3y").splitlines()

    assert f"PULL_RECOVERY_GATE_KEY={value},True" in values


@pytest.mark.parametrize(("argv", "kept"), [(["--world", "live"], True), (["gate"], False)])
def test_user_kubeconfig_is_kept_for_live(argv, kept):
    """Programs of a kubeconfig log in by such variables; the lab does not need them."""
    shown, _ = _started(*argv, AWS_PROFILE="somebody").splitlines()

    assert ("AWS_PROFILE=somebody" in shown) is kept


def test_child_is_handed_the_named_secrets(monkeypatch):
    """The child gets the secrets by a file descriptor, not by arguments or environment."""
    monkeypatch.setenv("GHCR_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_TOKEN", "another-one")
    command = [sys.executable, "-c", PROGRAM]
    with handed_over("GHCR_TOKEN") as (variables, descriptors):
        popen = {"stdout": subprocess.PIPE, "pass_fds": descriptors}
        with child(command, env=variables, cwd=SUITE_ROOT, popen=popen) as process:
            shown, values = process.communicate()[0].splitlines()

    assert TOKEN not in shown
    assert f"GHCR_TOKEN={TOKEN!r},True" in values
    assert "GITHUB_TOKEN='',False" in values


def test_handed_over_descriptor_is_closed(monkeypatch):
    """No later child inherits the pipe."""
    monkeypatch.setenv("GHCR_TOKEN", TOKEN)
    with handed_over("GHCR_TOKEN") as (_, (descriptor,)):
        assert not os.get_inheritable(descriptor)

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("descriptor", ["x", "-1", "99999"])
def test_descriptor_that_is_none_is_an_error(descriptor, monkeypatch):
    """The error names the variable, and is no traceback."""
    monkeypatch.setenv(DESCRIPTOR, descriptor)

    with pytest.raises(PullRecoveryError, match="unset it"):
        take()


def test_secret_too_long_for_a_pipe_is_refused(monkeypatch):
    """A write to the pipe would wait for ever, because nothing reads yet."""
    monkeypatch.setenv("GHCR_TOKEN", "x" * 20_000)

    with pytest.raises(UsageError, match=r"GHCR_TOKEN: .* too many"), handed_over("GHCR_TOKEN"):
        pytest.fail("it was written")


def test_password_of_a_proxy_is_redacted(monkeypatch):
    """The password is redacted as it is in the URL, and decoded; a port is no password."""
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:p%40ssw0rd@proxy.example:3128")
    monkeypatch.setenv("GOPROXY", "https://a:s3cr3ts@one.example,https://two.example:8443/x@v1")
    take()

    assert redact("p%40ssw0rd p@ssw0rd s3cr3ts") == "[redacted] [redacted] [redacted]"
    assert redact("two.example:8443/x@v1") == "two.example:8443/x@v1"


SPY = """
import os
from pathlib import Path

def pytest_sessionfinish():
    parent = Path("/proc") / str(os.getppid())
    files = [folder / name for folder in (parent, Path("/proc/self")) for name in ("environ", "cmdline")]
    Path(__file__).with_name("seen").write_text("".join(file.read_text() for file in files))
"""


def test_live_run_and_its_pytest_have_no_token(tmp_path):
    """Both processes know the token, because the run comes to the request to the cluster."""
    (tmp_path / "spy.py").write_text(SPY)
    clusters = [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}]
    contexts = [{"name": "nowhere", "context": {"cluster": "c", "user": "u"}}]
    config = {"contexts": contexts, "clusters": clusters, "users": [{"name": "u", "user": {}}]}
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pullrecovery", "acceptance", "--world", "live"]
    command += ["--target", "sample", "--context", "nowhere", "--reports", str(tmp_path / "out")]
    command += ["--", "-p", "spy", "-k", "REG-001-frontend"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "GHCR_TOKEN": TOKEN,
        "PULL_RECOVERY_GATE_KEY": "s1gning-key",
        "PYTHONPATH": str(tmp_path),
    }
    done = subprocess.run(
        command, cwd=SUITE_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    seen = (tmp_path / "seen").read_text()

    assert done.returncode == 2, done.stderr
    assert "get /version of https://127.0.0.1:9" in done.stdout
    assert "--world" in seen
    assert "KUBECONFIG=" in seen
    assert TOKEN not in seen + done.stdout + done.stderr
    assert "s1gning-key" not in seen


def test_own_pytest_takes_secrets_at_start(monkeypatch):
    """Pytest takes the secrets in the lab too, and passes none to its children."""
    config = SimpleNamespace(getoption=lambda name: {"world": "lab"}[name])
    for name in NAMES:
        monkeypatch.setenv(name, TOKEN)
    pytest_configure(config)

    assert not set(NAMES) & os.environ.keys()
    assert secret("GHCR_TOKEN") == TOKEN


def test_module_loads_little_before_restart():
    """Modules that are loaded before the environment is replaced are loaded twice."""
    program = "import sys, pullrecovery.common.secret_variables; print('docker' in sys.modules)"
    shown = subprocess.check_output([sys.executable, "-c", program], cwd=SUITE_ROOT, text=True)

    assert shown == "False\n"
    assert Path(secret_variables.__file__).is_file()
