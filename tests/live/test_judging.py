"""What was not seen is no verdict: a criterion that needs it cannot be told, the others can."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import ForbiddenError, PullRecoveryError, UnseenError
from pullrecovery.kube.secrets import observe_secret
from pullrecovery.live.advice import advise
from pullrecovery.live.judging import Outcome, judge_live, pulls_seen
from pullrecovery.live.look import Unseen, _part
from pullrecovery.model.verdict import Cause
from pullrecovery.tasks import CRITERIA
from pullrecovery.tasks.reg_003_pull_secret import reg_003
from tests.fakes import printed, recorded
from tests.fakes.recorded import GOOD

FORBIDDEN = ForbiddenError("list pods in frontend-dev", "pods is forbidden")
SEEN = replace(GOOD, identity=printed.good())
PARTS = ("chart", "secret", "deployment", "pods", "identity", "grant", "workflow", "docs")


def _outcomes(seen):
    return {reg: judge_live(reg, seen).outcome for reg in CRITERIA}


def test_all_holds_where_all_was_seen():
    """What the rest of this file takes something away from."""
    assert set(_outcomes(SEEN).values()) == {Outcome.HOLDS}


@pytest.mark.parametrize("part", PARTS)
def test_part_that_was_not_seen_lets_nothing_hold_for_it(part):
    """At least one criterion needs it, and says which verb is missing; none raises."""
    seen = replace(SEEN, **{part: Unseen(FORBIDDEN)})

    judged = {reg: judge_live(reg, seen) for reg in CRITERIA}

    untold = [each for each in judged.values() if each.outcome is Outcome.CANNOT_TELL]
    assert untold
    assert {each.why for each in untold} == {str(FORBIDDEN)}
    assert Outcome.FAILS not in {each.outcome for each in judged.values()}


def test_criterion_that_does_not_need_the_part_is_judged():
    """Pods are REG-004's and REG-006's, and the needless secret's; the Secret is none of them."""
    outcomes = _outcomes(replace(SEEN, pods=Unseen(FORBIDDEN)))

    told = {reg for reg, outcome in outcomes.items() if outcome is Outcome.HOLDS}
    assert told >= {"REG-001", "REG-002", "REG-003", "REG-005", "REG-007"}
    assert outcomes["REG-006"] is Outcome.CANNOT_TELL


@pytest.mark.parametrize(
    "read",
    [bool, len, iter, hash, lambda part: part.name, lambda part: part == 1],
    ids=["bool", "len", "iter", "hash", "attribute", "equality"],
)
def test_unseen_part_cannot_be_read_in_any_way(read):
    """An empty list of pods would be an answer."""
    with pytest.raises(ForbiddenError):
        read(Unseen(FORBIDDEN))


def test_part_that_rests_on_an_unseen_one_is_unseen_for_the_same_reason():
    """The pods of a Deployment that may not be listed."""
    deployment = Unseen(FORBIDDEN)

    with pytest.raises(ForbiddenError):
        bool(_part(lambda: deployment.exists))


def test_error_that_is_none_of_ours_is_not_swallowed():
    """It is a mistake in the suite, and must show."""
    with pytest.raises(ZeroDivisionError):
        _part(lambda: 1 / 0)


def test_registry_that_does_not_answer_is_no_failure_of_the_target():
    """Its cause is external, and is told; that is all that can be."""
    seen = recorded.answered(recorded.OUTAGE, seen=SEEN)

    judged = judge_live("REG-003", seen)

    assert judged.outcome is Outcome.CANNOT_TELL
    assert judged.verdict.cause is Cause.REFUSED


def test_external_cause_beside_another_is_a_failure():
    """The other one is there, whatever the registry does."""
    seen = recorded.answered(recorded.OUTAGE, recorded.BAD_TOKEN, seen=SEEN)

    assert judge_live("REG-003", seen).outcome is Outcome.FAILS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visibility": "", "status": 403}, "does not say who may read"),
        ({"visibility": "", "status": 0}, "status none"),
        ({"tokens": (replace(GOOD.grant.tokens[0], status=403, message="rate limit"),)}, "403"),
        ({"tokens": (replace(GOOD.grant.tokens[0], status=401, message="Bad"),)}, "401 Bad"),
    ],
)
def test_grant_that_github_does_not_tell_does_not_hold(changes, said):
    """In the lab other rows would show it; here it would pass for nothing."""
    judged = judge_live("REG-008", recorded.grant(SEEN, **changes))

    assert judged.outcome is Outcome.CANNOT_TELL
    assert said in judged.why


def test_token_that_nobody_knows_grants_nothing():
    """GitHub and the registry say so both; that it cannot pull is REG-003's."""
    unknown = replace(GOOD.grant.tokens[0], status=401, scopes=None, message="Bad credentials")
    seen = recorded.grant(recorded.answered(recorded.BAD_TOKEN, seen=SEEN), tokens=(unknown,))

    assert judge_live("REG-008", seen).outcome is Outcome.HOLDS
    assert judge_live("REG-003", seen).outcome is Outcome.FAILS


def test_missing_secret_is_sure_where_no_others_may_be_listed():
    """Only whether there is one like it elsewhere cannot be told, and that is said."""

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


def test_pull_is_told_by_event_digest_and_time():
    """There is no log of the registry's."""
    (pull,) = pulls_seen(GOOD)

    assert pull.image_id.endswith(recorded.DIGEST)
    assert pull.said.startswith("Successfully pulled image")
    assert pull.at.startswith("2026-11-24T03:20:49")


def test_event_that_is_gone_is_not_made_up():
    """The API server keeps them for an hour."""
    (pull,) = pulls_seen(recorded.pod(events=()))

    assert (pull.said, pull.at) == ("", "")


def test_dry_run_that_needs_more_than_it_may_see_says_so():
    """The verdict's own command stands all the same."""

    class Core:
        def read_namespaced_secret(self, *_):
            raise ForbiddenError("get secrets/ghcr-credentials in frontend-dev", "no")

    world = SimpleNamespace(core=Core(), target=GOOD.target, reader=GOOD.secret.credentials[0])
    verdict = reg_003(recorded.no_secret())

    advice = advise(world, GOOD, "REG-003", verdict)

    assert "cannot be told" in advice
    assert "get secrets/ghcr-credentials" in advice


def test_nothing_is_advised_for_what_no_task_mends():
    """Whoever changed something then would break it."""
    verdict = judge_live("REG-003", recorded.answered(recorded.OUTAGE, seen=SEEN)).verdict

    assert "Nothing is mended for" in advise(SimpleNamespace(), SEEN, "REG-003", verdict)


def test_disagreement_of_two_answers_is_no_verdict():
    """One of them is wrong, and nobody knows which."""
    identity = replace(SEEN.identity, probe=recorded.NO_TAG)

    judged = judge_live("REG-001", replace(SEEN, identity=identity))

    assert judged.outcome is Outcome.CANNOT_TELL


def test_every_refusal_to_tell_is_one_of_ours():
    """`PullRecoveryError` is what is caught."""
    assert issubclass(UnseenError, PullRecoveryError)
    assert issubclass(ForbiddenError, UnseenError)
