"""Check that a criterion is unknown if a part that it needs was not observed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import ForbiddenError, NotObservedError, PullRecoveryError
from pullrecovery.kube.secrets import observe_secret
from pullrecovery.live.fix_text import advise
from pullrecovery.live.judging import judge_live, live_pulls
from pullrecovery.live.observe_live import _attempt, as_answered
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.verdict import Cause, Outcome
from pullrecovery.observe import there
from pullrecovery.tasks import CRITERIA
from pullrecovery.tasks.reg_003_pull_secret import reg_003
from tests.fakes import printed, recorded
from tests.fakes.recorded import GOOD

FORBIDDEN = ForbiddenError("list pods in frontend-dev", "pods is forbidden")
NOT_OBSERVED = NotObserved(str(FORBIDDEN))
SEEN = replace(GOOD, identity=printed.good())
PARTS = ("chart", "secret", "deployment", "pods", "identity", "grant", "workflow", "docs")


SILENT = replace(GOOD.grant.tokens[0], status=403, scopes=None, message="rate limit")
WIDE = replace(GOOD.grant.tokens[0], scopes=frozenset({"read:packages", "repo"}))


def _answered(seen):
    """Return the observation as the live world makes it."""
    return replace(seen, grant=as_answered(seen.grant, seen.secret, seen.workload.image))


def _outcomes(seen):
    return {reg: judge_live(reg, seen).outcome for reg in CRITERIA}


def test_all_holds_where_all_was_seen():
    """The baseline: every criterion passes if everything was observed."""
    assert set(_outcomes(SEEN).values()) == {Outcome.PASS}


@pytest.mark.parametrize("part", PARTS)
def test_unobserved_part_is_unknown(part):
    """At least one criterion needs the part and names the missing verb; none raises."""
    seen = replace(SEEN, **{part: NOT_OBSERVED})

    verdicts = [judge_live(reg, seen) for reg in CRITERIA]

    unknown = [verdict for verdict in verdicts if verdict.outcome is Outcome.UNKNOWN]
    assert unknown
    assert {verdict.evidence for verdict in unknown} == {str(FORBIDDEN)}
    assert Outcome.FAIL not in {verdict.outcome for verdict in verdicts}


def test_independent_criterion_is_judged():
    """Only REG-004, REG-006 and the needless secret need pods; REG-003 does not."""
    outcomes = _outcomes(replace(SEEN, pods=NOT_OBSERVED))

    told = {reg for reg, outcome in outcomes.items() if outcome is Outcome.PASS}
    assert told >= {"REG-001", "REG-002", "REG-003", "REG-005", "REG-007"}
    assert outcomes["REG-006"] is Outcome.UNKNOWN


def test_forbidden_part_is_not_observed():
    """The reason is the message of the API server's answer."""

    def forbidden():
        raise FORBIDDEN

    assert _attempt(forbidden) == NOT_OBSERVED


def test_dependent_part_has_same_reason():
    """The pods of a Deployment that may not be listed have the same reason."""
    assert _attempt(lambda: there(NOT_OBSERVED)) == NOT_OBSERVED


def test_foreign_error_is_not_swallowed():
    """Any other error is a mistake in the suite, and is raised."""
    with pytest.raises(ZeroDivisionError):
        _attempt(lambda: 1 / 0)


def test_silent_registry_is_no_target_failure():
    """The cause is external, so the outcome is unknown and names it."""
    seen = recorded.answered(recorded.OUTAGE, observation=SEEN)

    judged = judge_live("REG-003", seen)

    assert judged.outcome is Outcome.UNKNOWN
    assert judged.cause is Cause.REFUSED


def test_external_cause_with_other_fails():
    """The other cause is certain, whatever the registry answers."""
    seen = recorded.answered(recorded.OUTAGE, recorded.BAD_TOKEN, observation=SEEN)

    assert judge_live("REG-003", seen).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visibility": "", "status": 403}, "does not say who may read"),
        ({"visibility": "", "status": 0}, "status none"),
        ({"tokens": (replace(GOOD.grant.tokens[0], status=403, message="rate limit"),)}, "403"),
        ({"tokens": (replace(GOOD.grant.tokens[0], status=401, message="Bad"),)}, "401 Bad"),
    ],
)
def test_untold_grant_is_unknown(changes, said):
    """In the lab other rows would show it; here it would be a false pass."""
    judged = judge_live("REG-008", _answered(recorded.grant(SEEN, **changes)))

    assert judged.outcome is Outcome.UNKNOWN
    assert said in judged.evidence


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"visibility": "public", "tokens": (SILENT,)}, Cause.PACKAGE_NOT_PRIVATE),
        ({"visibility": "", "tokens": (WIDE,)}, Cause.TOKEN_TOO_WIDE),
        ({"tokens": (SILENT, WIDE)}, Cause.TOKEN_TOO_WIDE),
    ],
    ids=["visibility and a silent token", "token without visibility", "one of two tokens"],
)
def test_answered_part_of_grant_is_judged(changes, cause):
    """What GitHub did answer is enough for a failure."""
    verdict = judge_live("REG-008", _answered(recorded.grant(SEEN, **changes)))

    assert (verdict.outcome, verdict.cause) == (Outcome.FAIL, cause)


def test_unknown_token_grants_nothing():
    """GitHub and the registry agree that the token is unknown; REG-003 covers the pull."""
    unknown = replace(GOOD.grant.tokens[0], status=401, scopes=None, message="Bad credentials")
    seen = recorded.grant(
        recorded.answered(recorded.BAD_TOKEN, observation=SEEN), tokens=(unknown,)
    )

    assert judge_live("REG-008", _answered(seen)).outcome is Outcome.PASS
    assert judge_live("REG-003", seen).outcome is Outcome.FAIL


def test_missing_secret_is_certain_without_list():
    """Only a similar Secret elsewhere is unknown, and the verdict says so."""

    def forbid(*_, **__):
        raise ForbiddenError("list secrets in all namespaces", "forbidden")

    def missing(*_):
        raise ApiException(status=404)

    core = SimpleNamespace(
        read_namespaced_secret=missing,
        list_secret_for_all_namespaces=forbid,
        list_namespaced_secret=forbid,
    )
    secret = observe_secret(SimpleNamespace(core=core, target=GOOD.target), GOOD.workload)

    verdict = reg_003(replace(GOOD, secret=secret))

    assert verdict.cause is Cause.SECRET_MISSING
    assert "not allowed to list secrets in all namespaces" in verdict.evidence


def test_pull_has_event_digest_and_time():
    """The live world has no log of the registry."""
    (pull,) = live_pulls(GOOD)

    assert pull.image_id.endswith(recorded.DIGEST)
    assert pull.event.startswith("Successfully pulled image")
    assert pull.at.startswith("2026-11-24T03:20:49")


def test_event_that_is_gone_is_not_made_up():
    """The API server keeps events for an hour."""
    (pull,) = live_pulls(recorded.pod(events=()))

    assert (pull.event, pull.at) == ("", "")


def test_dry_run_without_access_says_so():
    """The verdict's own command is still printed."""

    class Core:
        def read_namespaced_secret(self, *_):
            raise ForbiddenError("get secrets/ghcr-credentials in frontend-dev", "no")

    world = SimpleNamespace(core=Core(), target=GOOD.target, reader=GOOD.secret.credentials[0])
    verdict = reg_003(recorded.no_secret())

    advice = advise(world, GOOD, "REG-003", verdict)

    assert "cannot be told" in advice
    assert "get secrets/ghcr-credentials" in advice


def test_unfixable_cause_has_no_fix():
    """A change of the target during an outage would break it."""
    verdict = judge_live("REG-003", recorded.answered(recorded.OUTAGE, observation=SEEN))

    assert "No remediation fixes" in advise(SimpleNamespace(), SEEN, "REG-003", verdict)


def test_disagreement_is_unknown():
    """One of the two answers is wrong, and it is unknown which."""
    identity = replace(SEEN.identity, probe=recorded.NO_TAG)

    judged = judge_live("REG-001", replace(SEEN, identity=identity))

    assert judged.outcome is Outcome.UNKNOWN


def test_every_unknown_is_own_error():
    """Callers catch `PullRecoveryError`."""
    assert issubclass(NotObservedError, PullRecoveryError)
    assert issubclass(ForbiddenError, NotObservedError)
