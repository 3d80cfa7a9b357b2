"""The gate's hook before a sync, as a plain Job: it lets through what it has seen to be good.

Whatever else becomes of it, or of what it asks, the Job fails within its deadline, and so Argo CD
holds the sync; and no probe is left.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc.jwk import OKPKey
from kubernetes import client as k8s

from fixtures.gate.gate_hook import JOB_WITHIN, REVISION
from ghcr_emulator.client import Hang, Outage, switched
from pullrecovery.gate.verdict.signing import sign

pytestmark = pytest.mark.waits

OTHER = "0" * 40
HELM = "pkg:golang/helm.sh/helm/v3"


def _hanging(job):
    """The registry gives the workload's own credential no answer: the probe waits."""
    package = job.sandbox.workload.image.package
    return Hang(repository=package, route="manifest", credential=job.sandbox.credential.name)


def _held(ended, code, *words):
    """Whether the Job failed in time, by this exit code and in these words, on one line."""
    assert (ended.condition, ended.code) == ("Failed", code), ended
    assert ended.seconds < JOB_WITHIN, ended
    assert ended.said.count("\n") == 0, ended
    missing = [word for word in words if word not in ended.said]
    return missing == [] or ended


def test_signed_revision_with_pull_is_promoted(hook_job):
    """The registry's log has the pull of this digest by a node with the workload's credential."""
    mark = hook_job.sandbox.lab_world.mark()

    ended = hook_job.run()

    assert (ended.condition, ended.code) == ("Complete", 0), ended
    assert ended.said.startswith(f"promote: {hook_job.sandbox.workload.name} at {REVISION}: ")
    pulls = hook_job.sandbox.lab_world.pulls(since=mark, digest=hook_job.digest)
    assert hook_job.sandbox.credential.name in {pull.credential for pull in pulls}
    assert hook_job.probe_goes()


def test_first_sync_may_lack_service_account(hook_job):
    """What the chart will give it is in the values, and is tried under the hook's own account."""
    ended = hook_job.run("gate.serviceAccount=not-there-yet")

    assert (ended.condition, ended.code) == ("Complete", 0), ended
    assert hook_job.probe_goes()


def test_hook_with_unpullable_image_holds(hook_job):
    """Its pod would wait for ever: the Job's deadline ends it."""
    missing = f"{hook_job.image.partition('@')[0]}:never-pushed"

    ended = hook_job.run(f"gate.image={missing}", "gate.activeDeadline=10")

    assert (ended.condition, ended.reason) == ("Failed", "DeadlineExceeded"), ended
    assert not hook_job.probe_exists()


def test_evicted_hook_holds_and_removes_probe(hook_job):
    """No second attempt is made, and nothing asks for one."""
    with switched(hook_job.sandbox.lab_world.control, _hanging(hook_job)):
        hook_job.start()
        hook_job.await_probe()
        (pod,) = hook_job.pods()
        eviction = k8s.V1Eviction(metadata=k8s.V1ObjectMeta(name=pod.metadata.name))
        hook_job.core.create_namespaced_pod_eviction(
            pod.metadata.name, hook_job.namespace, eviction
        )

        ended = hook_job.ended()

        assert (ended.condition, ended.reason) == ("Failed", "BackoffLimitExceeded"), ended
        assert hook_job.probe_goes()


def test_hook_without_rights_names_them(hook_job):
    """As where nobody applied the RoleBinding."""
    hook_job.rights.delete_namespaced_role_binding("gate", hook_job.namespace)

    ended = hook_job.run()

    assert _held(ended, 2, f"{hook_job.namespace}:gate", "cannot create resource") is True


def test_hook_whose_deadline_passes_holds(hook_job):
    """It says what it waited for, and takes the probe away before the Job's deadline does."""
    with switched(hook_job.sandbox.lab_world.control, _hanging(hook_job)):
        ended = hook_job.run("gate.deadline=15")

        assert _held(ended, 2, "the probe ", "not after") is True
        assert hook_job.probe_goes()


def test_registry_that_is_down_holds(hook_job):
    """And blames it, not the revision."""
    outage = Outage(repository=hook_job.sandbox.workload.image.package)

    with switched(hook_job.sandbox.lab_world.control, outage):
        ended = hook_job.run()

    assert _held(ended, 2, "external.server-error") is True
    assert not hook_job.probe_exists()


def test_missing_pull_secret_holds_with_cause(hook_job):
    """The hook's own credential pulls: it is the workload's that is judged."""
    hook_job.sandbox.delete_secret()

    ended = hook_job.run()

    assert _held(ended, 1, "secret.missing", "kubectl -n ") is True
    assert hook_job.probe_goes()


def _expired(verdict):
    past = timedelta(hours=2)
    return replace(verdict, issued=verdict.issued - past, expires=verdict.expires - past)


def _other_digest(verdict):
    (judged,) = verdict.workloads
    return replace(verdict, workloads=(replace(judged, image=f"sha256:{'1' * 64}"),))


def _skipped(verdict):
    checks = replace(verdict.checks, run=(), skipped=verdict.checks.declared)
    return replace(verdict, checks=checks).decided()


VERDICTS = {
    "of-another-revision": (lambda v: replace(v, revision=OTHER), f"on revision {OTHER}"),
    "of-another-digest": (_other_digest, "the image judged is sha256:1111"),
    "expired": (_expired, "the verdict expired at"),
    "of-nothing-but-skips": (_skipped, "was not judged"),
}


@pytest.mark.parametrize(("change", "why"), VERDICTS.values(), ids=VERDICTS.keys())
def test_verdict_that_is_not_on_this_is_held(hook_job, change, why):
    """Before anything is pulled."""
    hook_job.keep(change(hook_job.judged()))

    ended = hook_job.run()

    assert _held(ended, 1, why) is True
    assert not hook_job.probe_exists()


def test_verdict_that_was_edited_is_held(hook_job):
    """Whoever can write to the registry cannot write a verdict."""
    other = sign(hook_job.judged(), OKPKey.generate_key("Ed25519")).split(".")[2]
    hook_job.keep(hook_job.judged(), edit=lambda text: f"{text.rpartition('.')[0]}.{other}")

    ended = hook_job.run()

    assert _held(ended, 1, "the signature does not fit") is True


def test_revision_without_a_verdict_is_held(hook_job):
    """As one that the gate was never asked about."""
    ended = hook_job.run(f"gate.revision={OTHER}")

    assert _held(ended, 1, "there is no verdict on this revision") is True


def test_suites_image_says_what_is_in_it(sbom):
    """Debian's packages, Python's and Helm's modules; its schema was checked when it was made."""
    beside, inside = sbom
    found = {part["purl"].partition("@")[0] for part in json.loads(beside)["components"]}

    assert {"pkg:deb/debian/python3", "pkg:pypi/kubernetes", HELM} <= found
    assert inside == beside
