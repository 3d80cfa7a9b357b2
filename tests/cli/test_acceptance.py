"""The end of `acceptance`: checks after the last test, and the exit code."""

import io
import json

import pytest

from pullrecovery.cli import run_acceptance as acceptance_run
from pullrecovery.lab.chart_needs import Needs
from pullrecovery.lab.leak_check import find_secrets
from pullrecovery.lab.progress import Progress
from pullrecovery.report.records import read_result
from pullrecovery.report.result import ResultFile
from tests.fakes import recorded
from tests.fakes.reported import OK, PASS, config, report, validate

TOKEN = "S3nt1nel" * 4
NEEDS = Needs(("frontend: ClusterRole reads",), ("backend: Deployment api: hostPath volumes",))
SECRETS = {
    "classic token": f"token ghp_{TOKEN}",
    "fine-grained token": f"token github_pat_11ABCDEFG0_{TOKEN}",
    "docker login": '{"auths": {"ghcr.io": {}}}',
    "docker login in JSON": json.dumps({"message": '{"auths":{"ghcr.io":{}}}'}),
    "docker login in XML": "<failure message='{&quot;auths&quot;: {&quot;ghcr.io&quot;'/>",
    "docker login in base64": ".dockerconfigjson: eyJhdXRocyI6eyJnaGNyLmlvIjp7fX19",
    "planted value": f"canary+{'0a' * 16}/1=",
}


@pytest.fixture(name="place")
def _place(tmp_path, monkeypatch):
    """Return the paths of a run and its result."""
    place = tmp_path / "result.json"
    monkeypatch.setattr(acceptance_run, "_RESULT", place)
    return place


def _close(place, leaks, exitstatus=OK):
    """End a run whose tests passed; return its exit code and the file."""
    file = ResultFile(config(place, keyword="secret"))
    report(file, PASS)
    file.pytest_sessionfinish(exitstatus)
    progress = Progress(("tests",), out=io.StringIO(), seconds={"cluster": 13.5, "tests": 2.0})
    code = acceptance_run._close(leaks, {"kubernetes": "1.37.2"}, progress, NEEDS)
    return code, read_result(place)


def test_clean_run_keeps_test_exit_code(place):
    """The result has the phases of the whole command."""
    code, result = _close(place, [])

    assert code == result.run.exit == 0
    assert result.run.phases == {"cluster": 13.5, "tests": 2.0}
    assert result.run.versions["kubernetes"] == "1.37.2"
    assert result.leaks == ()
    assert result.run.skipped_objects == ("frontend: ClusterRole reads",)
    assert result.run.rejected_pods == ("backend: Deployment api: hostPath volumes",)
    validate(result)


def test_leak_turns_pass_into_unknown(place):
    """A leak of one scenario could change the next one, so the run is unknown."""
    code, result = _close(place, ["namespace backend-dev-9b056f"])

    assert code == result.run.exit == 2
    assert result.leaks == ("namespace backend-dev-9b056f",)
    validate(result)


@pytest.mark.usefixtures("place")
def test_missing_result_is_unknown():
    """A result is missing where pytest itself was killed."""
    out = io.StringIO()

    code = acceptance_run._close([], {}, Progress((), out=out), NEEDS)

    assert code == 2
    assert out.getvalue() == ("error: the tests wrote no result.json, so the outcome is unknown\n")


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_secret_in_output_is_leak(tmp_path, text):
    """The error names the file with the secret, and not its content."""
    file = tmp_path / "junit.xml"
    file.write_text(f"before {text} after")

    leaks = find_secrets([file, tmp_path], {"the output": text.encode()})

    assert leaks == [f"secret in {file}", "secret in the output"]


def test_report_without_secrets_is_no_leak(tmp_path):
    """The kubelet's messages about tokens are no leak."""
    file = tmp_path / "result.json"
    file.write_text(recorded.REJECTED)

    assert find_secrets([file], {"the output": b"ghcr.io/bytequester/backend"}) == []
