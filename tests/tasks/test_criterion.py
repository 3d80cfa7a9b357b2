"""Check what each criterion declares, and that its function reads exactly that."""

from dataclasses import fields, replace

import pytest

from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import Observation, unobserved
from pullrecovery.model.observed import Observed, Part, Source, UndeclaredPartError
from pullrecovery.model.verdict import Outcome, passes, unknown
from pullrecovery.tasks import CRITERIA, criteria_of, judge
from pullrecovery.tasks.criterion import Criterion
from tests.fakes.recorded import GOOD
from tests.fakes.situations import SUBJECTS

REASON = NotObserved("the API server forbids it")
SITUATIONS = [seen for situations in SUBJECTS.values() for seen in situations.values()]
# Without these the criterion judges less: no run was asked for, or Helm deploys.
FURTHER = {Observed.run, Observed.application}
USES = [(reg, part) for reg, each in CRITERIA.items() for part in each.uses]


def _criterion(judge):
    return Criterion("REG-009", (Observed.chart,), judge, uses=(Observed.secret,))


def _without(observation, part):
    return replace(observation, **{part.name: REASON})


def test_sources_follow_from_needs():
    """The tiers of the gate, and what runs without a cluster, are these."""
    assert criteria_of(Source.FILES) == {"REG-005", "REG-007"}
    assert criteria_of(Source.REGISTRY) == {"REG-001", "REG-002"}
    assert criteria_of(Source.CLUSTER) == {"REG-003", "REG-004", "REG-006", "REG-008"}


def test_each_part_can_be_declared():
    """The names of the parts are those of the observation's fields."""
    declared = {name for name, part in vars(Observed).items() if isinstance(part, Part)}

    assert declared == {field.name for field in fields(Observation)} - {"target", "workload"}


def test_unobserved_world_passes_nothing():
    """Every criterion is unknown, for the same reason."""
    verdicts = judge(unobserved(GOOD.target, GOOD.workload, REASON.reason))

    assert set(verdicts) == set(CRITERIA)
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.UNKNOWN}
    assert {verdict.evidence for verdict in verdicts.values()} == {REASON.reason}


@pytest.mark.parametrize("reg", CRITERIA)
def test_each_needed_part_is_needed(reg):
    """Without any one of them, the outcome is unknown."""
    for part in CRITERIA[reg].needs:
        assert CRITERIA[reg](_without(GOOD, part)) == unknown("")


@pytest.mark.parametrize("reg", CRITERIA)
def test_criterion_reads_what_it_declares(reg, monkeypatch):
    """In some situation of docs/verdicts.md each declared part is read, and no other ever."""
    read = set()

    def note(name):
        original = getattr(Observed, name)

        def reading(observed, part):
            read.add(part)
            return original(observed, part)

        return reading

    monkeypatch.setattr(Observed, "needed", note("needed"))
    monkeypatch.setattr(Observed, "optional", note("optional"))

    for seen in SITUATIONS:
        CRITERIA[reg](seen)

    assert read == {*CRITERIA[reg].needs, *CRITERIA[reg].uses}


@pytest.mark.parametrize(("reg", "part"), USES, ids=[f"{reg}-{part}" for reg, part in USES])
def test_missing_used_part_hides_no_failure(reg, part):
    """The criterion is still judged, or unknown; a failure does not become a pass."""
    for seen in SITUATIONS:
        before, after = CRITERIA[reg](seen), CRITERIA[reg](_without(seen, part))

        assert before.passes or not after.passes or part in FURTHER


def test_undeclared_part_cannot_be_read():
    """Reading one is an error of the criterion, and no outcome."""

    def judge_pods(observation):
        assert observation.chart is GOOD.chart
        assert observation.optional(Observed.secret) is GOOD.secret
        return passes(str(observation.pods))

    with pytest.raises(UndeclaredPartError, match="pods is not among what is needed"):
        _criterion(judge_pods)(GOOD)


def test_used_part_is_not_there_as_needed():
    """A part that may be NotObserved can only be read as such."""

    def judge_secret(observation):
        return passes(observation.secret.name)

    with pytest.raises(UndeclaredPartError, match="secret"):
        _criterion(judge_secret)(GOOD)


def test_undeclared_part_is_not_optional():
    """A part that may be NotObserved must be declared as well."""

    def judge_grant(observation):
        return passes(str(observation.optional(Observed.grant)))

    with pytest.raises(UndeclaredPartError, match="grant is not declared"):
        _criterion(judge_grant)(GOOD)
