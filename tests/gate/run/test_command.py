"""The command `gate`: its files, its output and its exit codes."""

import io
import json
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pullrecovery.__main__ import main
from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.gate.run import command
from pullrecovery.gate.run.command import GateRequest, run_gate
from pullrecovery.gate.run.tiers import Judgement
from pullrecovery.gate.verdict.document import Checks, Failure, Tier
from pullrecovery.gate.verdict.signing import read
from pullrecovery.lab.chart_needs import Needs
from pullrecovery.lab.paths import Paths
from pullrecovery.model.verdict import Cause
from pullrecovery.tasks import CRITERIA
from tests.fakes.verdicts import IMAGE, KEY, pem, public
from tests.gate.verdict.test_document import SCHEMA

TIERS = (Tier("static", "passed", 0.1),)


def _judged(revision, *failed, doubts=()):
    """Return the outcome of a gate that ran every check of the sample."""
    names = revision.checks(frozenset(CRITERIA))
    return Judgement(Checks(declared=names, run=names, failed=failed), TIERS, doubts)


@pytest.fixture
def gate(monkeypatch, tmp_path):
    """Replace the lab with a given outcome."""
    monkeypatch.setattr(command, "default_paths", lambda: Paths(tmp_path / "c", tmp_path / "s"))
    monkeypatch.setattr(command, "locked", lambda *_: nullcontext())

    def judging(judge):
        class Gate:
            needs = Needs(("frontend: ClusterRole reads",), ("frontend: Job seed: privileged",))

            def __init__(self, paths, versions, revision, *_):
                self.revision = revision

            def judge(self):
                self.revision.images |= {w.name: IMAGE for w in self.revision.target.workloads}
                return judge(self.revision)

        monkeypatch.setattr(command, "LabGate", Gate)

    judging(_judged)
    return judging


@pytest.fixture
def gate_request(sample, tmp_path, monkeypatch):
    """Return a request for the sample's commit without a signature, and a key."""
    monkeypatch.delenv("PULL_RECOVERY_GATE_KEY", raising=False)
    (tmp_path / "gate.key").write_text(pem(KEY))
    (tmp_path / "gate.key").chmod(0o600)

    def make(**changes):
        fields = {
            "folder": sample[0],
            "revision": "HEAD",
            "kubernetes": "",
            "key": None,
            "out": tmp_path / "out",
            "valid": timedelta(hours=2),
            "within": 60.0,
            "seed": True,
        }
        return GateRequest(**(fields | changes))

    return make


def test_promoted_revision_has_signed_verdict(gate, gate_request, sample, capsys, tmp_path):
    """The exit code is 0, and the verdict has commit, charts and images, and lasts two hours."""
    assert run_gate(gate_request(key=tmp_path / "gate.key")) == 0

    verdict = read((gate_request().out / "verdict.jws").read_text(), public())
    assert verdict.revision == sample[1]
    assert verdict.expires - verdict.issued == timedelta(hours=2)
    assert {workload.image for workload in verdict.workloads} == {IMAGE}
    Draft202012Validator(SCHEMA).validate(
        json.loads((gate_request().out / "verdict.json").read_text())
    )
    out = capsys.readouterr().out
    assert out.startswith(f"promote: hosting-monorepo at {sample[1]}\n")
    assert "  skipped, as it is cluster-scoped: frontend: ClusterRole reads\n" in out
    assert "  rejected, as it needs more than baseline: frontend: Job seed: privileged\n" in out


def test_held_revision_prints_cause_and_fix(gate, gate_request, capsys):
    """The exit code is 1, and the output does not name the temporary directory of the commit."""

    def judge(revision):
        file = revision.target.workloads[0].values[-1]
        remedy = f"set image.tag in {file}"
        return _judged(revision, Failure("frontend REG-005", Cause.WRONG_TAG, "dev", remedy))

    gate(judge)
    assert run_gate(gate_request()) == 1

    said = capsys.readouterr().out
    assert "because  frontend REG-005: render.wrong-tag" in said
    assert "fix   set image.tag in charts/frontend/values-dev.yaml" in said
    assert json.loads((gate_request().out / "verdict.json").read_text())["decision"] == "hold"


def test_held_revision_prints_no_chart_command(gate, gate_request, capsys):
    """Helm prints what a chart passes to `fail`; terminals and CI systems must not interpret it."""
    words = "seen\x1b]0;title\x07\n::add-mask::a\r::error::b ##[error]c"
    failure = Failure("frontend REG-005", Cause.RENDER_FAILED, words, words)
    gate(lambda revision: _judged(revision, failure, doubts=(words,)))

    assert run_gate(gate_request()) == 1

    printed = capsys.readouterr().out
    assert printed.count("add-mask") == 3
    assert [line for line in printed.splitlines() if line.lstrip().startswith("::")] == []
    assert "##[" not in printed
    assert [each for each in printed if not each.isprintable() and each != "\n"] == []


def test_held_revision_says_the_order_of_fixes(gate, gate_request, capsys):
    """The order is by workload, where more than one of its criteria failed."""
    failed = [
        Failure(check, Cause.WRONG_TAG, "seen", "do")
        for check in ("frontend REG-006", "frontend REG-005", "backend REG-006")
    ]
    gate(lambda revision: _judged(revision, *failed))

    assert run_gate(gate_request()) == 1

    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  fix ")]
    assert said == ["  fix frontend: first REG-005, then REG-006"]


def test_a_doubt_is_2_and_no_promotion(gate, gate_request):
    """The exit code of a timeout is 2, which is no pass."""
    gate(lambda revision: _judged(revision, doubts=("lab: late",)))

    assert run_gate(gate_request()) == 2
    assert (
        json.loads((gate_request().out / "verdict.json").read_text())["decision"] == "cannot-tell"
    )


def test_verdict_without_key_is_unsigned(gate, gate_request, capsys):
    """A verdict without a key is for readers; a verifier finds no signature."""
    assert run_gate(gate_request()) == 0

    assert not (gate_request().out / "verdict.jws").exists()
    assert "NOT signed" in capsys.readouterr().out


@pytest.mark.parametrize("error", [LabError("no engine"), UsageError("no such version")])
def test_crashed_gate_leaves_no_old_verdict(gate, gate_request, error):
    """The old promotion must not stay for a run that reached no verdict."""
    run_gate(gate_request())

    def judge(_):
        raise error

    gate(judge)
    with pytest.raises(type(error)):
        run_gate(gate_request())
    assert list(gate_request().out.iterdir()) == []


def test_wrong_key_ends_before_lab(gate, gate_request, tmp_path):
    """A first run takes twenty minutes, so the key is checked before it."""
    gate(lambda _: pytest.fail("the lab was raised"))

    with pytest.raises(UsageError, match="cannot be read"):
        run_gate(gate_request(key=tmp_path / "none.key"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o777])
def test_key_that_others_may_read_is_refused(gate, gate_request, tmp_path, mode):
    """Every user who can read the key could sign verdicts."""
    gate(lambda _: pytest.fail("the lab was started"))
    (tmp_path / "gate.key").chmod(mode)

    with pytest.raises(UsageError, match=r"gate\.key has mode 0\d{3}: .*chmod 600"):
        run_gate(gate_request(key=tmp_path / "gate.key"))


def test_judging_process_opens_no_key(gate, gate_request, monkeypatch, tmp_path):
    """Another process opens the key after the judging process has ended."""
    opened, real = [], io.open

    def spy(file, *arguments, **options):
        opened.append(str(file))
        return real(file, *arguments, **options)

    monkeypatch.setattr("io.open", spy)
    monkeypatch.setattr("builtins.open", spy)
    commands = []
    monkeypatch.setattr(command, "run", lambda argv, **_: commands.append(argv))

    assert run_gate(gate_request(key=tmp_path / "gate.key")) == 0

    assert [each for each in opened if "verdict.json" in each]
    assert [each for each in opened if "gate.key" in each] == []
    (argv,) = commands
    assert argv[1:5] == ["-m", "pullrecovery", "gate", "sign"]
    assert f"--key={tmp_path / 'gate.key'}" in argv


def test_key_in_environment_is_refused(gate, gate_request, monkeypatch):
    """The code of the judged commit could read a key in the environment."""
    gate(lambda _: pytest.fail("the lab was started"))
    monkeypatch.setenv("PULL_RECOVERY_GATE_KEY", pem(KEY))

    with pytest.raises(UsageError, match="sign the record that is judged with `gate sign`"):
        run_gate(gate_request())


def test_registry_images_are_read_with_user_token(gate, gate_request, monkeypatch):
    """The verdict says so; in the world `lab` the variable is not read."""
    assert run_gate(gate_request()) == 0
    with pytest.raises(UsageError, match="Set GHCR_TOKEN to a token that may read"):
        run_gate(gate_request(live=True))

    monkeypatch.setenv("GHCR_TOKEN", "ghp_" + "x" * 36)
    assert run_gate(gate_request(live=True)) == 0
    assert json.loads((gate_request().out / "verdict.json").read_text())["world"] == "live"


def test_gate_leaves_nothing_behind(gate, gate_request, tmp_path):
    """The commit is written to a directory of the lab's state, which is empty afterwards."""
    seen = []

    def judge(revision):
        seen.append(revision.target.root)
        return _judged(revision)

    gate(judge)
    run_gate(gate_request())

    assert seen[0].is_relative_to(tmp_path / "s")
    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--within", "0"], "0 is no number of seconds above 0"),
        (["--valid", "never"], "never is no number of hours above 0"),
        (["--target", str(Path(__file__).parent / "nowhere")], "nowhere is no folder"),
        (["verify"], "the following arguments are required: --revision"),
        (["commit-status"], "the following arguments are required: --repository"),
        (["keep", "--verdict", "none.jws"], "none.jws cannot be read"),
    ],
)
def test_wrong_usage_is_4_and_one_line(arguments, said, capsys, monkeypatch, tmp_path):
    """Make and pipelines get an exit code that no verdict has."""
    try:
        code = main(["gate", *arguments])
    except SystemExit as ended:
        code = ended.code

    assert code == 4
    assert said in capsys.readouterr().err
