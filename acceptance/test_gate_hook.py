"""The gate's hook as a plain Job: it promotes only what it has verified.

In every other case the Job fails within its deadline, so that Argo CD holds the sync, and no probe
pod remains.
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
    """The registry does not answer the workload's own credential, so the probe waits."""
    package = job.sandbox.workload.image.package
    return Hang(repository=package, route="manifest", credential=job.sandbox.credential.name)


def _held(ended, code, *words):
    """Return whether the Job failed in time with this exit code and these words, on one line."""
    assert (ended.condition, ended.code) == ("Failed", code), ended
    assert ended.seconds < JOB_WITHIN, ended
    assert ended.said.count("\n") == 0, ended
    missing = [word for word in words if word not in ended.said]
    return missing == [] or ended


def test_signed_revision_with_pull_is_promoted(hook_job):
    """The registry's log has a node's pull of this digest with the workload's credential."""
    mark = hook_job.sandbox.lab_world.mark()

    ended = hook_job.run()

    assert (ended.condition, ended.code) == ("Complete", 0), ended
    assert ended.said.startswith(f"promote: {hook_job.sandbox.workload.name} at {REVISION}: ")
    pulls = hook_job.sandbox.lab_world.pulls(since=mark, digest=hook_job.digest)
    assert hook_job.sandbox.credential.name in {pull.credential for pull in pulls}
    assert hook_job.probe_goes()


def test_first_sync_may_lack_service_account(hook_job):
    """The probe runs under the hook's own account, with the pull secrets of the chart's values.

    The chart creates its ServiceAccount only in the first sync.
    """
    ended = hook_job.run("gate.serviceAccount=not-there-yet")

    assert (ended.condition, ended.code) == ("Complete", 0), ended
    assert hook_job.probe_goes()


def test_hook_with_unpullable_image_holds(hook_job):
    """The hook's own pod would wait forever; the Job's deadline ends it."""
    missing = f"{hook_job.image.partition('@')[0]}:never-pushed"

    ended = hook_job.run(f"gate.image={missing}", "gate.activeDeadline=10")

    assert (ended.condition, ended.reason) == ("Failed", "DeadlineExceeded"), ended
    assert not hook_job.probe_exists()


def test_evicted_hook_holds_and_removes_probe(hook_job):
    """The Job makes no second attempt after an eviction."""
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
    """The RoleBinding of the hook was never applied."""
    hook_job.rights.delete_namespaced_role_binding("gate", hook_job.namespace)

    ended = hook_job.run()

    assert _held(ended, 2, f"{hook_job.namespace}:gate", "cannot create resource") is True


def test_hook_whose_deadline_passes_holds(hook_job):
    """The hook reports what it waited for, and deletes the probe before the Job's deadline."""
    with switched(hook_job.sandbox.lab_world.control, _hanging(hook_job)):
        ended = hook_job.run("gate.deadline=15")

        assert _held(ended, 2, "the probe ", "not after") is True
        assert hook_job.probe_goes()


def test_registry_that_is_down_holds(hook_job):
    """The hook reports the registry as the cause, and not the revision."""
    outage = Outage(repository=hook_job.sandbox.workload.image.package)

    with switched(hook_job.sandbox.lab_world.control, outage):
        ended = hook_job.run()

    assert _held(ended, 2, "external.server-error") is True
    assert not hook_job.probe_exists()


def test_missing_pull_secret_holds_with_cause(hook_job):
    """The workload's credential is judged, even though the hook's own credential can pull."""
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
    """The hook holds the sync before anything is pulled."""
    hook_job.keep(change(hook_job.judged()))

    ended = hook_job.run()

    assert _held(ended, 1, why) is True
    assert not hook_job.probe_exists()


def test_verdict_that_was_edited_is_held(hook_job):
    """An account that may write to the registry cannot forge a verdict."""
    other = sign(hook_job.judged(), OKPKey.generate_key("Ed25519")).split(".")[2]
    hook_job.keep(hook_job.judged(), edit=lambda text: f"{text.rpartition('.')[0]}.{other}")

    ended = hook_job.run()

    assert _held(ended, 1, "the signature does not fit") is True


def test_revision_without_a_verdict_is_held(hook_job):
    """The gate never judged this revision."""
    ended = hook_job.run(f"gate.revision={OTHER}")

    assert _held(ended, 1, "there is no verdict on this revision") is True


def test_suites_image_says_what_is_in_it(sbom):
    """The SBOM has packages of Debian and Python, and Helm's modules.

    The build has checked it against its schema.
    """
    beside, inside = sbom
    found = {part["purl"].partition("@")[0] for part in json.loads(beside)["components"]}

    assert {"pkg:deb/debian/python3", "pkg:pypi/kubernetes", HELM} <= found
    assert inside == beside
