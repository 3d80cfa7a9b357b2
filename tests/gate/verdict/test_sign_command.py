"""The command `gate sign`: it checks a record again in a process of its own, and signs it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pullrecovery.__main__ import main
from pullrecovery.common.errors import UsageError
from pullrecovery.gate.verdict.document import (
    Checks,
    Failure,
    VerdictError,
    from_document,
    to_document,
)
from pullrecovery.gate.verdict.sign_command import Signing, run_sign
from pullrecovery.gate.verdict.signing import read
from pullrecovery.gate.verdict.verify import REQUIRED
from pullrecovery.model.verdict import Cause
from tests.fakes.verdicts import JUDGED, KEY, OTHER_REVISION, REVISION, pem, public, verdict

NAMES = tuple(f"frontend {each}" for each in sorted(REQUIRED))
WRONG_TAG = Failure("frontend REG-005", Cause.WRONG_TAG, "dev", "set image.tag")


def _document(**changes):
    """Return a current record that promotes, but for `changes`, with its decision."""
    now = datetime.now(UTC)
    fields = {"issued": now, "expires": now + timedelta(hours=1)}
    fields |= {"checks": Checks(declared=NAMES, run=NAMES)}
    return to_document(verdict(**(fields | changes)))


def _text(**changes):
    return json.dumps(_document(**changes))


def _edited(**changes):
    """Return a record that was changed after its decision."""
    return json.dumps(_document() | changes)


@pytest.fixture
def signing(tmp_path, monkeypatch):
    """Return a function that signs a text with a key in a file."""
    monkeypatch.delenv("PULL_RECOVERY_GATE_KEY", raising=False)
    key = tmp_path / "gate.key"
    key.write_text(pem(KEY))
    key.chmod(0o600)

    def make(text, **changes):
        (tmp_path / "verdict.json").write_text(text)
        fields = {"record": tmp_path / "verdict.json", "key": key, "revision": REVISION}
        return Signing(**(fields | {"out": tmp_path / "verdict.jws"} | changes))

    return make


def test_complete_record_is_signed(signing, capsys):
    """The signed content equals the judged record."""
    text = _text()
    made = signing(text)

    assert run_sign(made) == 0

    assert read(made.out.read_text(), public()) == from_document(json.loads(text))
    assert capsys.readouterr().out.startswith(f"signed promote on {REVISION} with ")


def test_held_record_is_signed_too(signing):
    """A held commit needs a signed verdict that shows why."""
    held = _text(checks=Checks(declared=NAMES, run=NAMES[:3], failed=(WRONG_TAG,)))
    made = signing(held)

    assert run_sign(made) == 0
    assert read(made.out.read_text(), public()).decision == "hold"


REFUSED = {
    "no JSON": ("{", "is no JSON"),
    "too deep": ("[" * 100_000, "is no JSON"),
    "no object": ("[]", "does not fit gate-verdict.schema.json"),
    "field of another type": (_edited(partial="no"), "partial: 'no' is not of type 'boolean'"),
    "path as a target": (_edited(target="../x"), "target: '../x' does not match"),
    "field too many": (_edited(by="somebody"), "'by' was unexpected"),
    "checks of another type": (_edited(checks=[]), "checks: [] is not of type 'object'"),
    "time of no clock": (_edited(issued="yesterday"), "no verdict of schema 1"),
    "promotion of nothing": (
        _edited(checks=to_document(verdict(checks=Checks()))["checks"]),
        "says promote, and from its checks follows cannot-tell",
    ),
    "promotion in spite of a failure": (
        _edited(checks=_document(checks=Checks(NAMES, (), NAMES, (), (WRONG_TAG,)))["checks"]),
        "follows hold: frontend REG-005: render.wrong-tag",
    ),
    "promotion with a check not run": (
        _edited(checks=_document(checks=Checks(NAMES, (), NAMES[1:]))["checks"]),
        "follows cannot-tell: frontend REG-001 was not run",
    ),
    "fewer checks declared": (
        _text(checks=Checks(NAMES[1:], (), NAMES[1:])),
        "frontend REG-001 was not judged",
    ),
    "failure made optional": (
        _text(checks=Checks(NAMES, ("frontend REG-005",), NAMES, (), (WRONG_TAG,))),
        "frontend REG-005 was optional",
    ),
    "workload twice": (_text(workloads=(JUDGED, JUDGED)), "has a workload twice"),
    "other revision": (_text(revision=OTHER_REVISION), f"on revision {OTHER_REVISION}, and not on"),
    "other suite": (_text(suite="0.0.9"), "is of suite 0.0.9, and not of"),
    "other commit of the suite": (_text(suite_commit="f" * 40), f"suite is {'f' * 40}, and not"),
    "expired": (
        _text(expires=datetime.now(UTC) - timedelta(minutes=1)),
        "the verdict expired at",
    ),
    "judged long ago": (
        _text(issued=datetime.now(UTC) - timedelta(hours=3)),
        "over 2 hours ago",
    ),
    "judged in the future": (
        _text(issued=datetime.now(UTC) + timedelta(hours=3)),
        "issued in the future",
    ),
    "held one of another revision": (
        _text(revision=OTHER_REVISION, doubts=("late",)),
        f"on revision {OTHER_REVISION}, and not on",
    ),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_incomplete_record_is_not_signed(signing, text, reason):
    """The error has one reason, and an earlier signature is removed."""
    made = signing(text)
    made.out.write_text("signed before")

    with pytest.raises(VerdictError) as error:
        run_sign(made)

    assert reason in str(error.value)
    assert not made.out.exists()


def test_key_is_not_opened_for_a_wrong_record(signing, tmp_path):
    """The error of the record comes first, whatever the key is."""
    with pytest.raises(VerdictError):
        run_sign(signing("{", key=tmp_path / "none.key"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o777])
def test_key_others_may_read_signs_nothing(signing, mode, tmp_path):
    """Every user who can read the key could sign verdicts."""
    (tmp_path / "gate.key").chmod(mode)

    with pytest.raises(UsageError, match="chmod 600"):
        run_sign(signing(_text()))


def test_record_without_a_key_is_wrong_usage(signing):
    """A verifier cannot use an unsigned verdict."""
    with pytest.raises(UsageError, match="A private key is needed"):
        run_sign(signing(_text(), key=None))


def test_key_of_the_environment_signs(signing, monkeypatch, capsys):
    """CI systems pass secrets in the environment; the options have their own defaults."""
    monkeypatch.setenv("PULL_RECOVERY_GATE_KEY", pem(KEY))
    made = signing(_text())

    assert main(["gate", "sign", "--in", str(made.record), "--revision", REVISION]) == 0
    assert read(made.out.read_text(), public()).revision == REVISION


def test_unreadable_record_exits_4(tmp_path, capsys):
    """An unreadable record is one line, as every wrong usage."""
    assert main(["gate", "sign", "--in", str(tmp_path / "none.json")]) == 4
    assert "none.json cannot be read" in capsys.readouterr().err
