"""Check the causes of known kubelet messages, and of an unknown one."""

from dataclasses import replace

import pytest

from pullrecovery.diagnosis.pull import diagnose_pull
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.model.observed import all_parts
from pullrecovery.model.verdict import Cause, fails
from tests.fakes import recorded
from tests.fakes.recorded import GOOD, REFERENCE, REPOSITORY, TAG

LOWER = "repository name (ByteQuester/hosting-monorepo) must be lowercase"


def _diagnose(seen):
    return diagnose_pull(all_parts(seen), stuck_containers(seen.pods)[0])


KNOWN = {
    "anonymous, no Secret": (recorded.ANONYMOUS, recorded.no_secret(), Cause.SECRET_MISSING),
    "anonymous, other server": (
        recorded.ANONYMOUS,
        recorded.wrong_server(),
        Cause.SECRET_WRONG_SERVER,
    ),
    "anonymous, not wired": (recorded.ANONYMOUS, recorded.unwired(), Cause.NOT_WIRED),
    "anonymous, wired too late": (
        recorded.ANONYMOUS,
        recorded.pod(pull_secrets=("other",)),
        Cause.PODS_STALE,
    ),
    "oauth token refused": (
        recorded.REJECTED,
        recorded.answered(recorded.BAD_TOKEN),
        Cause.CREDENTIAL_REJECTED,
    ),
    "403 with a body, 2.3.4": (
        recorded.NO_SCOPE,
        recorded.answered(recorded.SCOPE_DENIED),
        Cause.SCOPE_MISSING,
    ),
    "403 without a body, 2.1, scope": (
        recorded.FORBIDDEN_2_1,
        recorded.answered(recorded.SCOPE_DENIED),
        Cause.SCOPE_MISSING,
    ),
    "403 without a body, 2.1, grant": (
        recorded.FORBIDDEN_2_1,
        recorded.answered(recorded.READ_DENIED),
        Cause.PERMISSION_MISSING,
    ),
    "not found": (
        recorded.not_found(REFERENCE),
        replace(GOOD, wanted=recorded.NO_TAG),
        Cause.IMAGE_MISSING,
    ),
}

KNOWN |= {
    "no platform": (recorded.NO_PLATFORM, GOOD, Cause.PLATFORM_MISSING),
    "other bytes": (recorded.OTHER_BYTES, GOOD, Cause.DIGEST_MISMATCH),
    "other length": (
        recorded.OTHER_BYTES.replace("unexpected commit digest", "failed size validation"),
        GOOD,
        Cause.DIGEST_MISMATCH,
    ),
    "no part": (recorded.NO_PART, GOOD, Cause.PART_MISSING),
}

NOT_KNOWN = {
    "words nobody has seen": "failed to pull image: the moon is in the wrong phase",
    "no words": "",
}


@pytest.mark.parametrize(("text", "seen", "cause"), KNOWN.values(), ids=KNOWN)
def test_known_text_leads_to_its_cause(text, seen, cause):
    """The message says what failed, and the other observations say why."""
    assert _diagnose(recorded.waiting(text, seen)) == fails(cause)


@pytest.mark.parametrize("text", NOT_KNOWN.values(), ids=NOT_KNOWN)
def test_unknown_text_is_unknown_and_kept(text):
    """No cause is guessed: the kubelet's message is the evidence."""
    verdict = _diagnose(recorded.waiting(text))

    assert verdict == fails(Cause.UNKNOWN)
    assert verdict.evidence == f"ErrImagePull: {text}"
    assert verdict.fix == "read the message; no known cause fits it"


@pytest.mark.parametrize(
    ("reason", "cause", "fix"),
    [
        ("ErrImageNeverPull", Cause.NEVER_PULLED, "--set image.pullPolicy=IfNotPresent"),
        ("ImageInspectError", Cause.IMAGE_UNREADABLE, "crictl rmi"),
    ],
)
def test_reason_of_the_kubelets_own_is_enough(reason, cause, fix):
    """These reasons are the kubelet's own, without a request to the registry."""
    verdict = _diagnose(recorded.waiting(recorded.NEVER_PULLED, reason=reason))

    assert verdict == fails(cause)
    assert fix in verdict.fix


@pytest.mark.parametrize(
    ("image", "cause", "evidence"),
    [
        (
            f"{recorded.TYPO}:{TAG}",
            Cause.WRONG_REPOSITORY,
            f"{recorded.TYPO}:{TAG} is not of {REPOSITORY}",
        ),
        (f"{REPOSITORY}:dev", Cause.WRONG_TAG, f"{REPOSITORY}:dev is not {REFERENCE}"),
        (
            f"{recorded.CAPITALS}:{TAG}",
            Cause.INVALID_REFERENCE,
            f"{recorded.CAPITALS}:{TAG}: {LOWER}",
        ),
    ],
    ids=["repository", "tag", "capitals"],
)
def test_wrong_image_is_named_beside_wanted(image, cause, evidence):
    """The mistake is in the values, and the fix names the file to edit."""
    verdict = _diagnose(recorded.misrendered(image, recorded.not_found(image)))

    assert (verdict.cause, verdict.evidence) == (cause, evidence)
    edit, _, command = verdict.fix.partition(", then ")
    assert edit.endswith("in charts/frontend/values-dev.yaml")
    assert command == recorded.GOOD.workload.upgrade_command


def test_unrendered_image_means_old_release():
    """The values are right, so the release needs an upgrade."""
    image = f"{REPOSITORY}:dev"

    verdict = _diagnose(recorded.waiting(recorded.not_found(image), image=image))

    assert verdict == fails(Cause.RELEASE_STALE)
    assert verdict.fix.startswith("helm upgrade --install frontend ")


def test_evidence_repeats_registry_message():
    """Containerd 2.1 omits the registry's message, so the suite's probe gets it."""
    seen = recorded.answered(recorded.SCOPE_DENIED)

    verdict = _diagnose(recorded.waiting(recorded.FORBIDDEN_2_1, seen))

    assert verdict.evidence == (
        "Secret frontend-dev/ghcr-credentials: the registry answered 403: denied: "
        "permission_denied: The token provided does not match expected scopes. "
        "(the token of its entry ghcr.io)"
    )
    assert "the scope read:packages, then kubectl" in verdict.fix


@pytest.mark.parametrize(
    "reason",
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    ],
)
def test_container_waiting_for_image_is_stuck(reason):
    """Every reason of the kubelet for a missing image counts."""
    stuck = stuck_containers(recorded.waiting("text", reason=reason).pods)

    assert [(one.pod.name, one.said) for one in stuck] == [
        ("frontend-6d5f8c7b9-x2v4q", f"{reason}: text")
    ]


@pytest.mark.parametrize("reason", ["", "ContainerCreating", "CrashLoopBackOff"])
def test_other_waiting_container_is_not_stuck(reason):
    """A crash is not a failed pull."""
    assert stuck_containers(recorded.waiting("text", reason=reason).pods) == []


def test_sidecar_can_be_stuck():
    """Init containers and sidecars are checked, too."""
    good = GOOD.pods[0].containers[0]
    bad = recorded.waiting(recorded.ANONYMOUS).pods[0].containers[0]

    stuck = stuck_containers(recorded.pod(containers=(good, bad)).pods)

    assert [one.container for one in stuck] == [bad]


SILENT = f'Back-off pulling image "{recorded.REFERENCE}"'
FAILED = f'Failed to pull image "{recorded.REFERENCE}": '


def test_back_off_is_explained_by_event():
    """Kubelets before 1.32 have the reason in events only; the container's last one counts."""
    seen = recorded.pod(
        recorded.waiting(SILENT, reason="ImagePullBackOff"),
        events=(
            recorded.event("Failed", FAILED + recorded.REJECTED),
            recorded.event("Failed", FAILED + recorded.ANONYMOUS),
            recorded.event("Failed", FAILED + recorded.REJECTED, container="other"),
            recorded.event("Failed", "Error: ErrImagePull"),
        ),
    )

    (stuck,) = stuck_containers(seen.pods)

    assert stuck.container.waiting_message == f"{SILENT}: ErrImagePull: {recorded.ANONYMOUS}"
    assert stuck.container.waiting_reason == "ImagePullBackOff"


def test_back_off_without_event_stays():
    """A back-off without an event keeps its own text."""
    (stuck,) = stuck_containers(recorded.waiting(SILENT, reason="ImagePullBackOff").pods)

    assert stuck.container.waiting_message == SILENT


def test_back_off_that_says_why_needs_no_event():
    """The status is newer than any event."""
    seen = recorded.pod(
        recorded.backing_off(recorded.REJECTED),
        events=(recorded.event("Failed", FAILED + recorded.ANONYMOUS),),
    )

    (stuck,) = stuck_containers(seen.pods)

    assert stuck.container.waiting_message.endswith(recorded.REJECTED)


@pytest.mark.parametrize(
    ("later", "stuck"),
    [((), True), (("Pulling",), True), (("Pulling", "Pulled"), False), (("Started",), False)],
    ids=["nothing", "another attempt", "pulled", "started"],
)
def test_failed_pull_is_known_by_event_first(later, stuck):
    """The event precedes the status; an image that was pulled since then is healthy."""
    seen = recorded.pod(
        recorded.waiting("", reason="ContainerCreating"),
        events=(
            recorded.event("Failed", FAILED + recorded.ANONYMOUS),
            recorded.event("Failed", "Error: ErrImagePull"),
            *(recorded.event(reason, reason) for reason in later),
        ),
    )

    found = [one.said for one in stuck_containers(seen.pods)]

    assert found == ([f"ErrImagePull: {recorded.ANONYMOUS}"] if stuck else [])


def test_starting_container_is_not_stuck():
    """A starting container has no image yet, and no failed pull."""
    seen = recorded.pod(recorded.waiting("", reason="ContainerCreating"), events=())

    assert stuck_containers(seen.pods) == []
