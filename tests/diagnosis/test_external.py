"""Check that external causes are told apart by messages and errors, and are never remediated."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from fixtures.scenario.remediation import Remediation
from pullrecovery.diagnosis.external import GRACE, diagnose_silence, external
from pullrecovery.diagnosis.pull import diagnose_pull
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.external import FAULTS
from pullrecovery.model.observation import KubeEvent
from pullrecovery.model.observed import all_parts
from pullrecovery.model.probe import Probe, RegistryFailure
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails, passes
from pullrecovery.tasks import CRITERIA, judge
from pullrecovery.tasks.fixable import NothingToFixError, check_fixable
from pullrecovery.tasks.reg_001_image_identity import judge_identity
from pullrecovery.tasks.reg_006_redeploy import redeploy
from tests.fakes import printed, recorded
from tests.fakes.outages import LOOKUP, PODS
from tests.fakes.recorded import GOOD

WAITING_ROWS = [fault for fault in FAULTS if fault.patience is None]


def test_every_row_that_has_words_was_seen():
    """Every fault with a message has a recorded one, which its symptom matches."""
    assert PODS.keys() == {fault.id for fault in WAITING_ROWS}
    for fault in WAITING_ROWS:
        assert fault.symptom.message.search(PODS[fault.id][0]), fault.id


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_external_fault_has_no_task(fault):
    """An external fault has no task, so no recovery is counted for it."""
    assert fault.cause.external
    assert fault.reg == ""
    assert fault.must_fail <= CRITERIA.keys()
    assert {"REG-001", "REG-006"} <= fault.must_fail
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.id)


def test_external_faults_cover_every_cause():
    """Every external cause has a fault that produces it."""
    names = [fault.id for fault in FAULTS]

    assert sorted(set(names)) == sorted(names)
    assert {fault.cause for fault in FAULTS} == {cause for cause in Cause if cause.external}


@pytest.mark.parametrize("failure", RegistryFailure)
def test_verdict_names_contact_and_grace(failure):
    """The verdict says whom to contact and how long to wait, and suggests no edit."""
    verdict = external(failure, "seen")

    assert verdict == fails(Cause(f"external.{failure}"))
    assert verdict.fix.startswith("change nothing and wait: ")
    assert f"{GRACE} s" in verdict.fix
    assert re.search(r"ask who\w+ ", verdict.fix)


@pytest.mark.parametrize(("text", "failure"), PODS.values(), ids=PODS)
def test_pod_and_probe_together_make_the_cause(text, failure):
    """The evidence has both observations, and who made the second."""
    probe = Probe("network", 0, "ConnectError", "said so", cut=failure)
    seen = recorded.waiting(text, replace(GOOD, wanted=probe))

    verdict = diagnose_pull(all_parts(seen), stuck_containers(seen.pods)[0])

    assert verdict == fails(Cause(f"external.{failure}"))
    assert text in verdict.evidence
    assert "; and the suite's own question: no answer came: connecterror: said so" in (
        verdict.evidence
    )


def test_client_is_a_second_observation_too():
    """A client's error counts if the suite's own probe takes another route than the node."""
    text, _ = PODS["dns-name-not-resolved"]
    digest = replace(printed.good().digest, rc=1, stderr=f'Error: Get "x": {LOOKUP}i/o timeout')
    seen = recorded.waiting(text, replace(GOOD, identity=printed.good(digest=digest)))

    verdict = diagnose_pull(all_parts(seen), stuck_containers(seen.pods)[0])

    assert f"; and `{digest.command}`: Error: Get" in verdict.evidence


def test_pod_is_named_with_registry_answer():
    """The failure may be over, or one node's only."""
    seen = recorded.waiting(PODS["connection-refused"][0])

    verdict = diagnose_pull(all_parts(seen), stuck_containers(seen.pods)[0])

    assert verdict == fails(Cause.REFUSED)
    assert verdict.evidence.endswith("; but the suite's own question: the registry answered 200")


def pulling(*reasons, ready=False):
    """Return the observation of a pod with these events."""
    time = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    events = tuple(KubeEvent(time, time, "uid", reason, "said") for reason in reasons)
    return recorded.pod(ready=ready, events=events)


HANGS = Probe("network", 0, "ReadTimeout", "timed out", cut=RegistryFailure.TIMED_OUT)


def test_silent_pull_is_external_if_probe_hangs():
    """Containerd reports nothing for minutes, so the probe's timeout is the evidence."""
    seen = replace(pulling("Scheduled", "Pulling"), wanted=HANGS)

    assert diagnose_silence(all_parts(seen)) == fails(Cause.TIMED_OUT)
    assert judge(seen)["REG-006"] == fails(Cause.TIMED_OUT)


@pytest.mark.parametrize(
    "seen",
    [
        replace(pulling("Scheduled"), wanted=HANGS),
        replace(pulling("Pulling", "Pulled"), wanted=HANGS),
        replace(pulling("Pulling", "Failed"), wanted=HANGS),
        replace(pulling("Pulling", ready=True), wanted=HANGS),
        pulling("Pulling"),
    ],
    ids=["not begun", "ended", "failed", "ready", "answered"],
)
def test_pod_waiting_otherwise_is_not_silent(seen):
    """No cause is guessed from waiting only."""
    assert diagnose_silence(all_parts(seen)) is None


CLIENTS = {
    "429": (printed.RATE_LIMITED, Cause.RATE_LIMITED),
    "refused at login": (
        replace(
            printed.NOT_LOGGED_IN,
            login=replace(
                printed.LOGIN_DENIED,
                stderr='Get "https://ghcr.io/v2/": dial tcp 1.1.1.1:443: connect: connection refused',
            ),
        ),
        Cause.REFUSED,
    ),
    "blob cut": (
        printed.good(
            config=replace(
                printed.good().config, rc=1, stderr="Error: fetching config: unexpected EOF"
            )
        ),
        Cause.TRUNCATED,
    ),
    "ended": (
        printed.good(digest=replace(printed.good().digest, rc=124, stdout="")),
        Cause.TIMED_OUT,
    ),
}


@pytest.mark.parametrize(("seen", "cause"), CLIENTS.values(), ids=CLIENTS)
def test_clients_name_same_cause_as_pod(seen, cause):
    """The first failing command and the suite's own probe are the evidence."""
    verdict = judge_identity(seen, "ByteQuester", ("linux/amd64",))

    assert verdict == fails(cause)
    assert "the suite's own question: " in verdict.evidence


@pytest.mark.parametrize("verdict", [passes(), fails(Cause.SECRET_MISSING, "gone", "make it")])
def test_fixable_cause_is_accepted(verdict):
    """A cause that is not external does not prevent a remediation."""
    check_fixable(verdict)


@pytest.mark.parametrize("first", [None, fails(Cause.NOT_WIRED, "unwired", "wire it")])
def test_external_cause_is_refused_with_advice(first):
    """One external cause among several prevents it: observations in an outage are unsure."""
    verdict = all_named(first, external(RegistryFailure.DNS, "lookup failed"))

    with pytest.raises(NothingToFixError, match=r"fixes external\.dns: lookup .*change nothing"):
        check_fixable(verdict)


def test_redeployment_is_refused_before_changes():
    """The error is raised before the world, which is None here, is used."""
    with pytest.raises(NothingToFixError):
        redeploy(None, GOOD.workload, external(RegistryFailure.DNS, "lookup failed"))


def test_refused_remediation_changes_nothing():
    """A refused remediation does nothing, and is not marked as done."""
    broken = SimpleNamespace(judged={"REG-006": external(RegistryFailure.DNS, "lookup failed")})
    fix = Remediation(broken, lambda *_: pytest.fail("it was done"), user=None)

    with pytest.raises(NothingToFixError):
        fix()

    assert (fix.done, fix.mark) == ([], -1)


def test_external_cause_does_not_pass():
    """An outage is never a pass."""
    assert isinstance(external(RegistryFailure.DNS, "x"), Verdict)
    assert not external(RegistryFailure.DNS, "x").passes
