"""The order of the tiers: the first that does not pass is the last that runs."""

import time
from dataclasses import replace

import pytest

from pullrecovery.common.errors import PullRecoveryError, UsageError
from pullrecovery.gate.run.tiers import Step, run_tiers
from pullrecovery.gate.verdict.document import Decision, decide
from pullrecovery.model.verdict import Cause, fails, passes
from tests.fakes.verdicts import JUDGED

RENDER, DOCS, EXISTS, RUNS = (f"frontend REG-00{number}" for number in (5, 7, 2, 6))


def _says(**verdicts):
    return lambda: {RENDER: passes(), DOCS: passes(), **verdicts}


def _steps(static=None, registry=None, lab=None, within=20.0):
    return [
        Step("static", (RENDER, DOCS), static or _says(), within),
        Step("registry", (EXISTS,), registry or (lambda: {EXISTS: passes()}), within),
        Step("lab", (RUNS,), lab or (lambda: {RUNS: passes()}), within),
    ]


def _ended(judgement):
    return {tier.name: tier.ended for tier in judgement.tiers}


def _decision(judgement):
    return decide(judgement.checks, (JUDGED,), partial=False, doubts=judgement.doubts)


def _raises(error):
    def judge():
        raise error

    return judge


def test_passing_tier_runs_next():
    """The revision is promoted if all tiers pass."""
    judgement = run_tiers(_steps())

    assert _ended(judgement) == {"static": "passed", "registry": "passed", "lab": "passed"}
    assert set(judgement.checks.run) == {RENDER, DOCS, EXISTS, RUNS}
    assert _decision(judgement) == (Decision.PROMOTE, ())


def test_holding_tier_stops_later_ones():
    """A chart with the wrong tag needs no cluster to fail."""
    judgement = run_tiers(
        _steps(static=lambda: {RENDER: fails(Cause.WRONG_TAG, "dev", "set it"), DOCS: passes()}),
    )

    assert _ended(judgement) == {"static": "held", "registry": "not-run", "lab": "not-run"}
    assert judgement.checks.missing == (EXISTS, RUNS)
    decision, reasons = _decision(judgement)
    assert decision is Decision.HOLD
    assert reasons[0] == f"{RENDER}: render.wrong-tag"


def test_later_check_may_fail_early():
    """REG-002 reads the workflow in an early tier, and the registry later."""
    broken = fails(Cause.UNKNOWN)
    judgement = run_tiers(
        _steps(static=lambda: {RENDER: passes(), DOCS: passes(), EXISTS: broken}),
    )

    assert _ended(judgement)["static"] == "held"
    assert EXISTS in judgement.checks.run


def test_optional_failure_is_only_shown():
    """REG-008 holds nothing where target.yaml does not require it."""
    judgement = run_tiers(
        _steps(static=lambda: {RENDER: passes(), DOCS: fails(Cause.PAGE_MISSING)}), optional=[DOCS]
    )

    assert _ended(judgement)["lab"] == "passed"
    assert [each.check for each in judgement.checks.failed] == [DOCS]
    assert _decision(judgement)[0] is Decision.PROMOTE


def test_hanging_tier_is_inconclusive():
    """A timeout is no verdict on the revision."""
    started = time.monotonic()
    judgement = run_tiers(_steps(registry=lambda: time.sleep(30), within=0.3))

    assert time.monotonic() - started < 5
    assert _ended(judgement) == {"static": "passed", "registry": "timed-out", "lab": "not-run"}
    assert judgement.doubts == ("registry: the deadline of 0.3 s has passed",)
    assert _decision(judgement)[0] is Decision.INCONCLUSIVE


def test_unready_lab_is_stopped(monkeypatch):
    """The preparation of a tier has a timeout of its own."""
    monkeypatch.setattr("pullrecovery.gate.run.tiers.READY_WITHIN", 0.3)
    steps = _steps()
    steps[1] = replace(steps[1], prepare=lambda: time.sleep(30))

    judgement = run_tiers(steps)

    assert _ended(judgement) == {"static": "passed", "registry": "timed-out", "lab": "not-run"}


def test_preparation_is_not_tier_time():
    """A first start of the lab takes minutes, and the tier seconds."""
    steps = _steps(within=2.0)
    steps[0] = replace(steps[0], prepare=lambda: time.sleep(0.3))

    assert run_tiers(steps).tiers[0].seconds < 0.3


@pytest.mark.parametrize("error", [PullRecoveryError("the engine is gone"), OSError("no disk")])
def test_crashed_tier_is_inconclusive(error):
    """A failure of the harness is no failure of the revision."""
    judgement = run_tiers(_steps(lab=_raises(error)))

    assert _ended(judgement)["lab"] == "broke-down"
    assert judgement.doubts == (f"lab: {error}",)
    assert _decision(judgement)[0] is Decision.INCONCLUSIVE


def test_wrong_usage_ends_the_gate():
    """Wrong usage is raised, because there is nothing to judge."""
    with pytest.raises(UsageError):
        run_tiers(_steps(static=_raises(UsageError("no such chart"))))


def test_own_mistake_is_no_verdict():
    """A programming error ends with a traceback, which is no promotion."""
    with pytest.raises(ZeroDivisionError):
        run_tiers(_steps(lab=_raises(ZeroDivisionError())))


def test_the_seconds_of_each_tier_are_said():
    """The output has the seconds of each tier; a warm lab takes less than half a minute."""
    said = []

    run_tiers(_steps(), say=said.append)

    assert [line.split()[:2] for line in said] == [
        ["static", "passed"],
        ["registry", "passed"],
        ["lab", "passed"],
    ]


def test_skipped_check_is_missing():
    """A tier that omits one of its checks does not pass."""
    judgement = run_tiers(_steps(static=lambda: {RENDER: passes()}))

    assert _decision(judgement) == (Decision.INCONCLUSIVE, (f"{DOCS} was not run",))
