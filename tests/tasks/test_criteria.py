"""Check when each criterion passes, and the exact set of criteria that a fault makes fail."""

from dataclasses import replace

import pytest

from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.probe import Probe
from pullrecovery.model.verdict import Cause, fails, passes, unknown
from pullrecovery.tasks import CRITERIA, judge
from pullrecovery.tasks.reg_004_wiring import reg_004
from pullrecovery.tasks.reg_005_right_values import reg_005
from pullrecovery.tasks.reg_006_redeploy import reg_006, rolled_out
from tests.fakes import printed, recorded
from tests.fakes.recorded import GOOD, REFERENCE, REPOSITORY, TAG

OPAQUE = {"type": "Opaque", "servers": (), "entries": ()}
UNREADABLE = {
    "problem": "its `auth` is not base64",
    "servers": (),
    "entries": (),
}

# A broken workload's state, the cause that its task and REG-006 name, and the failing criteria.
BROKEN = {
    "secret missing": (
        recorded.waiting(recorded.ANONYMOUS, recorded.no_secret()),
        Cause.SECRET_MISSING,
        {"REG-003", "REG-006"},
    ),
    "secret of another type": (
        recorded.waiting(recorded.ANONYMOUS, recorded.secret(**OPAQUE)),
        Cause.SECRET_WRONG_TYPE,
        {"REG-003", "REG-006"},
    ),
    "secret unreadable": (
        recorded.undecoded(recorded.NOT_BASE64, recorded.secret(**UNREADABLE)),
        Cause.SECRET_UNREADABLE,
        {"REG-003", "REG-006"},
    ),
    "secret for another server": (
        recorded.waiting(recorded.ANONYMOUS, recorded.wrong_server()),
        Cause.SECRET_WRONG_SERVER,
        {"REG-003", "REG-006"},
    ),
    "token revoked": (
        recorded.waiting(recorded.REJECTED, recorded.answered(recorded.BAD_TOKEN)),
        Cause.CREDENTIAL_REJECTED,
        {"REG-003", "REG-006"},
    ),
    "token without scope, containerd 2.3.4": (
        recorded.waiting(recorded.NO_SCOPE, recorded.answered(recorded.SCOPE_DENIED)),
        Cause.SCOPE_MISSING,
        {"REG-003", "REG-006"},
    ),
    "token without scope, containerd 2.1": (
        recorded.waiting(recorded.FORBIDDEN_2_1, recorded.answered(recorded.SCOPE_DENIED)),
        Cause.SCOPE_MISSING,
        {"REG-003", "REG-006"},
    ),
    "token not authorised for SSO": (
        recorded.waiting(recorded.NO_SSO, recorded.answered(recorded.SSO_DENIED)),
        Cause.SSO_MISSING,
        {"REG-003", "REG-006", "REG-008"},
    ),
    "organisation forbids classic tokens": (
        recorded.waiting(recorded.NO_CLASSIC, recorded.answered(recorded.CLASSIC_DENIED)),
        Cause.CLASSIC_FORBIDDEN,
        {"REG-003", "REG-006"},
    ),
    "secret of the legacy type, and good": (
        recorded.secret(type="kubernetes.io/dockercfg"),
        Cause.SECRET_WRONG_TYPE,
        {"REG-003"},
    ),
    "owner may not read, containerd 2.3.4": (
        recorded.waiting(recorded.NO_READ, recorded.answered(recorded.READ_DENIED)),
        Cause.PERMISSION_MISSING,
        {"REG-003", "REG-006"},
    ),
    "owner may not read, containerd 2.1": (
        recorded.waiting(recorded.FORBIDDEN_2_1, recorded.answered(recorded.READ_DENIED)),
        Cause.PERMISSION_MISSING,
        {"REG-003", "REG-006"},
    ),
    "not wired": (
        recorded.unwired(recorded.waiting(recorded.ANONYMOUS)),
        Cause.NOT_WIRED,
        {"REG-004", "REG-006"},
    ),
    "pods older than the wiring": (
        recorded.pod(recorded.waiting(recorded.ANONYMOUS), pull_secrets=()),
        Cause.PODS_STALE,
        {"REG-004", "REG-006"},
    ),
    "repository misspelt": (
        recorded.misrendered(
            f"{recorded.TYPO}:{TAG}", recorded.not_found(f"{recorded.TYPO}:{TAG}")
        ),
        Cause.WRONG_REPOSITORY,
        {"REG-005", "REG-006"},
    ),
    "tag dev": (
        recorded.misrendered(f"{REPOSITORY}:dev", recorded.not_found(f"{REPOSITORY}:dev")),
        Cause.WRONG_TAG,
        {"REG-005", "REG-006"},
    ),
    "owner in capitals": (
        recorded.misrendered(
            f"{recorded.CAPITALS}:{TAG}", recorded.MUST_BE_LOWER_CASE, "InvalidImageName"
        ),
        Cause.INVALID_REFERENCE,
        {"REG-005", "REG-006"},
    ),
    "values mended, release not": (
        recorded.waiting(recorded.not_found(f"{REPOSITORY}:dev"), image=f"{REPOSITORY}:dev"),
        Cause.RELEASE_STALE,
        {"REG-006"},
    ),
    "tag deleted": (
        replace(
            recorded.waiting(recorded.not_found(REFERENCE)),
            wanted=recorded.NO_TAG,
            identity=printed.missing(),
        ),
        Cause.IMAGE_MISSING,
        {"REG-001", "REG-002", "REG-006"},
    ),
    "operator not logged in": (
        replace(GOOD, identity=printed.NOT_LOGGED_IN),
        Cause.OPERATOR_NOT_LOGGED_IN,
        {"REG-001"},
    ),
    "operator's token revoked": (
        replace(GOOD, identity=printed.REJECTED),
        Cause.OPERATOR_REJECTED,
        {"REG-001"},
    ),
    "operator's token without scope": (
        replace(GOOD, identity=printed.NO_SCOPE),
        Cause.OPERATOR_SCOPE_MISSING,
        {"REG-001"},
    ),
    "operator may not read": (
        replace(GOOD, identity=printed.MAY_NOT_READ),
        Cause.OPERATOR_FORBIDDEN,
        {"REG-001"},
    ),
}


@pytest.mark.parametrize("reg", CRITERIA)
def test_healthy_workload_passes_criterion(reg):
    """A healthy workload passes every criterion."""
    assert CRITERIA[reg](GOOD) == passes()


@pytest.mark.parametrize(("seen", "cause", "must_fail"), BROKEN.values(), ids=BROKEN)
def test_broken_workload_fails_declared_criteria(seen, cause, must_fail):
    """The task's own criterion and REG-006 fail for the same cause, and no other does."""
    verdicts = judge(seen)

    failing = {reg: verdict for reg, verdict in verdicts.items() if not verdict.passes}
    assert failing == dict.fromkeys(must_fail, fails(cause))


@pytest.mark.parametrize("seen", [row[0] for row in BROKEN.values()], ids=BROKEN)
def test_failing_verdict_has_evidence_and_fix(seen):
    """A failing verdict explains itself without another page, and has no token in it."""
    failing = [verdict for verdict in judge(seen).values() if not verdict.passes]

    assert all(verdict.evidence for verdict in failing)
    assert all(verdict.fix for verdict in failing)
    assert not [verdict for verdict in failing if recorded.TOKEN in str(verdict)]


@pytest.mark.parametrize(
    "text", [recorded.ANONYMOUS, recorded.REJECTED, recorded.NO_SCOPE], ids=lambda text: text[-20:]
)
def test_back_off_has_cause_of_failed_pull(text):
    """ErrImagePull and ImagePullBackOff have one cause: they are one symptom at two times."""
    secret = recorded.answered(recorded.BAD_TOKEN)

    assert reg_006(recorded.backing_off(text, secret)) == reg_006(recorded.waiting(text, secret))
    assert reg_006(recorded.backing_off(text, secret)) == fails(Cause.CREDENTIAL_REJECTED)


def test_secret_in_the_pod_template_wires_it():
    """Charts with `imagePullSecrets` wire the pod template, whatever the ServiceAccount has."""
    seen = recorded.deployment(
        template_pull_secrets=("ghcr-credentials",), service_account_pull_secrets=()
    )

    assert reg_004(seen) == passes()


def test_undeployed_workload_fails_reg_006():
    """Only REG-006 fails without a Deployment, as there is nothing to wire."""
    seen = replace(recorded.deployment(exists=False), pods=())

    assert {reg for reg, verdict in judge(seen).items() if not verdict.passes} == {"REG-006"}


WRONGLY_RENDERED = {
    "no container": ((), Cause.RENDER_FAILED),
    "no tag": ((REPOSITORY,), Cause.WRONG_TAG),
    "moving tag": ((f"{REPOSITORY}:latest",), Cause.WRONG_TAG),
    "digest alone": ((f"{REPOSITORY}@{recorded.OTHER_DIGEST}",), Cause.DIGEST_PINNED),
    "digest beside the tag": ((f"{REFERENCE}@{recorded.OTHER_DIGEST}",), Cause.DIGEST_PINNED),
    "other registry": (
        (f"docker.io/bytequester/hosting-monorepo:{TAG}",),
        Cause.WRONG_REGISTRY,
    ),
    "second container": ((REFERENCE, "ghcr.io/bytequester/backend:dev"), Cause.CONTAINER_IMAGE),
    "no registry": (("nginx:1.29",), Cause.WRONG_REGISTRY),
    "other repository": (("ghcr.io/bytequester/backend:dev",), Cause.WRONG_REPOSITORY),
    "no tag's name": ((f"{REPOSITORY}:-dev",), Cause.INVALID_REFERENCE),
}


@pytest.mark.parametrize(("images", "cause"), WRONGLY_RENDERED.values(), ids=WRONGLY_RENDERED)
def test_wrong_rendered_image_fails_reg_005(images, cause):
    """Every rendered image must equal the wanted reference."""
    assert reg_005(recorded.rendered(*images)) == fails(cause)


NOT_RENDERED = {
    "tag a number": (recorded.TAG_A_NUMBER, Cause.TAG_NOT_TEXT),
    "tag a number, older Helm": (
        recorded.TAG_A_NUMBER.replace(
            "at '/image/tag': got", "image.tag: Invalid type. Expected: string, given"
        ),
        Cause.TAG_NOT_TEXT,
    ),
    "against the schema": (recorded.REPOSITORY_EMPTY, Cause.VALUES_REFUSED),
    "broken template": (
        'Error: template: frontend/templates/deployment.yaml:4:11: no template "x"',
        Cause.RENDER_FAILED,
    ),
}


@pytest.mark.parametrize(("said", "cause"), NOT_RENDERED.values(), ids=NOT_RENDERED)
def test_unrenderable_chart_fails_reg_005(said, cause):
    """The evidence is Helm's error message."""
    verdict = reg_005(recorded.rendered(error=said))

    assert verdict == fails(cause)
    assert verdict.evidence == said
    assert verdict.fix


NOT_ROLLED_OUT = {
    "not deployed": (recorded.deployment(exists=False), Cause.NOT_DEPLOYED),
    "old release": (recorded.deployment(images=(f"{REPOSITORY}:old",)), Cause.RELEASE_STALE),
    "old image under the same tag": (
        recorded.running(image_id=f"{REPOSITORY}@{recorded.OTHER_DIGEST}"),
        Cause.TAG_MOVED,
    ),
    "old pods": (recorded.deployment(current_replica_set="7c9d"), Cause.UNKNOWN),
    "new template not yet seen": (recorded.deployment(observed=False), Cause.UNKNOWN),
    "one pod of two": (recorded.deployment(replicas=2), Cause.UNKNOWN),
    "pod not ready": (recorded.pod(ready=False), Cause.UNKNOWN),
    "no pod": (replace(GOOD, pods=()), Cause.UNKNOWN),
    "scaled to nothing": (
        replace(recorded.deployment(replicas=0), pods=()),
        Cause.SCALED_TO_NOTHING,
    ),
    "paused": (recorded.deployment(paused=True, current_replica_set="7c9d"), Cause.ROLLOUT_PAUSED),
    "built for another processor": (
        recorded.ended("Error 1: exec /web-base: exec format error"),
        Cause.PLATFORM_MISSING,
    ),
    "crashed": (recorded.ended("Error 1: panic"), Cause.UNKNOWN),
    "init container not done": (recorded.in_init("CrashLoopBackOff"), Cause.INIT_PENDING),
    "tag deleted since": (replace(GOOD, wanted=recorded.NO_TAG), Cause.IMAGE_MISSING),
    "registry down": (replace(GOOD, wanted=recorded.OUTAGE), Cause.REFUSED),
}


@pytest.mark.parametrize(("seen", "cause"), NOT_ROLLED_OUT.values(), ids=NOT_ROLLED_OUT)
def test_ready_pods_are_not_enough_for_reg_006(seen, cause):
    """All pods must be Ready, of the newest template and on the wanted digest; one must exist."""
    verdict = reg_006(seen)

    assert verdict == fails(cause)
    assert verdict.evidence
    assert verdict.fix


def _words(verdict):
    return [str(each.cause) for each in verdict.named]


def test_nothing_deployed_fails_reg_006_alone():
    """No pod can lack the pull secret if nothing is deployed, so only REG-006 fails."""
    absent = replace(
        recorded.deployment(exists=False, service_account_pull_secrets=()),
        pods=(),
    )

    verdicts = judge(absent)

    failing = {reg for reg, verdict in verdicts.items() if not verdict.passes}
    assert failing == {"REG-006"}
    assert verdicts["REG-004"].evidence == "nothing is deployed that could be wired"


@pytest.mark.parametrize(
    ("chart", "cause"),
    [
        ({"images": (), "error": recorded.TAG_A_NUMBER}, Cause.TAG_NOT_TEXT),
        ({"images": (f"{REFERENCE} ",)}, Cause.INVALID_REFERENCE),
    ],
    ids=["not rendered", "not taken by the API server"],
)
def test_undeployable_chart_is_named_first(chart, cause):
    """The reason why the chart cannot be deployed comes first, as another upgrade would fail."""
    chart = replace(GOOD.chart, **chart)
    absent = replace(recorded.deployment(exists=False), pods=(), chart=chart)

    assert reg_005(absent) == reg_006(absent) == fails(cause)
    assert _words(reg_006(absent)) == [cause, Cause.NOT_DEPLOYED]
    assert reg_004(absent) == passes()


def test_stuck_containers_are_in_fix_order():
    """Causes are named in the order of the tasks: the Secret before the values."""
    other = f"{REPOSITORY}:dev"
    values = recorded.misrendered(other, recorded.not_found(other))
    secret = recorded.waiting(recorded.ANONYMOUS, recorded.no_secret(), REFERENCE)
    web, side = values.pods[0].containers[0], secret.pods[0].containers[0]
    seen = replace(
        recorded.pod(secret, containers=(replace(web, name="side"), side)),
        chart=replace(GOOD.chart, images=(REFERENCE, other)),
    )

    assert _words(reg_006(seen)) == [Cause.SECRET_MISSING, Cause.CONTAINER_IMAGE]


def test_paused_rollout_is_named_first():
    """A paused rollout comes first, as an upgrade would not change the pods."""
    old = recorded.waiting(recorded.not_found(f"{REPOSITORY}:dev"), image=f"{REPOSITORY}:dev")
    seen = recorded.deployment(old, images=(REFERENCE,), paused=True, current_replica_set="7c9d")

    assert _words(reg_006(seen)) == [Cause.ROLLOUT_PAUSED, Cause.RELEASE_STALE]
    assert "kubectl -n frontend-dev rollout resume deployment/frontend" in reg_006(seen).fix


def test_rollout_ends_with_ready_new_pods():
    """An old pod beside the new one means that the rollout is still in progress."""
    new = GOOD.pods[0]
    old = replace(new, name="frontend-5b4-old", replica_set="5b4")

    assert rolled_out(GOOD.deployment, (new,))
    assert not rolled_out(GOOD.deployment, (new, old))


def test_failed_pull_cause_needs_two_sources():
    """The cause needs the pod's message and the registry's answer; neither suffices alone."""
    seen = recorded.waiting(recorded.REJECTED, recorded.answered(recorded.BAD_TOKEN))

    evidence = reg_006(seen).evidence

    assert f"says ErrImagePull: {recorded.REJECTED}" in evidence
    assert (
        "Secret frontend-dev/ghcr-credentials: the token service answered 403: denied" in evidence
    )


def test_unexplained_message_is_quoted_once():
    """An unknown message is quoted once, as the evidence."""
    evidence = reg_006(recorded.waiting("no such thing")).evidence

    assert evidence == "ErrImagePull: no such thing"


def test_unasked_operator_is_not_passed():
    """A pod's cause needs no client, but REG-001 does not pass without the clients' answers."""
    identity = NotObserved("the operator's clients did not run")

    verdict = CRITERIA["REG-001"](replace(GOOD, identity=identity))

    assert verdict == unknown(identity.reason)
    assert verdict.evidence == identity.reason


def test_silent_registry_is_no_pass():
    """The pods run, but the registry does not say whether with the wanted digest."""
    wanted = Probe("registry", 401, "UNAUTHORIZED", "authentication required")

    verdict = reg_006(replace(GOOD, wanted=wanted))

    assert verdict == fails(Cause.UNKNOWN)
    assert verdict.evidence == f"{REFERENCE}: {wanted}"
    assert verdict.fix
