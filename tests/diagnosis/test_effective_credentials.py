"""Check which credentials a pod pulls with: those of all its Secrets, in the kubelet's order."""

from dataclasses import replace

import pytest

from pullrecovery.diagnosis.credential import diagnose_credential, effective_entries
from pullrecovery.model.observation import PullSecret, PullSecretEntry
from pullrecovery.model.probe import Credential, RegistryFailure
from pullrecovery.model.verdict import Cause, fails, passes
from pullrecovery.tasks.reg_003_pull_secret import reg_003
from pullrecovery.tasks.reg_006_redeploy import reg_006
from tests.fakes import recorded
from tests.fakes.recorded import GOOD, TOKEN

KIND = "kubernetes.io/dockerconfigjson"


def _entry(server, probe, token=TOKEN):
    return PullSecretEntry(server, Credential("ByteQuester", token), probe)


def _beside(seen, *entries, problem=""):
    """Return the observation with another Secret, which pods have after the target's."""
    servers = tuple(entry.server for entry in entries)
    other = PullSecret("other", "frontend-dev", True, KIND, servers, problem, entries)
    seen = replace(seen, pull_secrets=(*seen.pull_secrets, other))
    return recorded.pod(seen, pull_secrets=("ghcr-credentials", "other"))


def test_one_accepted_entry_is_enough():
    """The kubelet tries the next entry if the registry refuses the first."""
    assert (
        diagnose_credential(
            GOOD.target, recorded.answered(recorded.BAD_TOKEN, recorded.ACCEPTED).secret
        )
        is None
    )


def test_every_refused_entry_is_named():
    """The entry that the kubelet tries first comes first, as in its error."""
    seen = recorded.answered(recorded.SCOPE_DENIED, recorded.BAD_TOKEN)

    verdict = reg_006(recorded.waiting(recorded.TWO_REFUSED, seen))

    assert verdict == reg_003(seen) == fails(Cause.SCOPE_MISSING)
    assert [one.cause for one in verdict.others] == [Cause.CREDENTIAL_REJECTED]


def test_most_specific_entry_is_tried_first():
    """The more specific server comes first, whichever Secret it is in."""
    broad, narrow = (
        _entry("ghcr.io", recorded.ACCEPTED),
        _entry("ghcr.io/bytequester", recorded.BAD_TOKEN),
    )
    seen = _beside(recorded.secret(entries=(broad,)), narrow)

    assert effective_entries(seen.pull_secrets, seen.pods[0], seen.workload.image) == (
        narrow,
        broad,
    )


def test_refused_pod_with_fixed_secret_waits():
    """A pod stays in its back-off, while a new pod pulls at once."""
    verdict = reg_006(recorded.backing_off(recorded.REJECTED))

    assert verdict == fails(Cause.PODS_STALE)
    assert "by now" in verdict.evidence
    assert verdict.fix.startswith("kubectl -n frontend-dev delete pod ")


def test_readable_missing_image_is_missing():
    """One entry is refused, and the other may read but finds no image."""
    text = f"[{recorded.REJECTED}, {recorded.not_found(recorded.REFERENCE)}]"
    seen = recorded.answered(recorded.BAD_TOKEN, recorded.NO_TAG)

    verdict = reg_006(recorded.waiting(text, replace(seen, wanted=recorded.NO_TAG)))

    assert verdict == fails(Cause.IMAGE_MISSING)


@pytest.mark.parametrize("error", [recorded.NOT_BASE64, recorded.NO_COLON])
def test_undecodable_secret_is_named(error):
    """The Secret blocks the pod's others, and the evidence is Go's error."""
    seen = recorded.undecoded(error, _beside(GOOD, problem="its `auth` is not base64"))

    verdict = reg_006(seen)

    assert effective_entries(seen.pull_secrets, seen.pods[0], seen.workload.image) == ()
    assert verdict == fails(Cause.SECRET_UNREADABLE)
    assert verdict.evidence.endswith("Secret frontend-dev/other: its `auth` is not base64")


def test_entry_without_token_is_anonymous():
    """`{"auths":{"ghcr.io":{}}}` matches, but has no credential."""
    seen = recorded.secret(entries=(_entry("ghcr.io", recorded.ANONYMOUS_PROBE, token=""),))

    verdict = reg_006(recorded.waiting(recorded.ANONYMOUS, seen))

    assert verdict == reg_003(seen) == fails(Cause.CREDENTIAL_EMPTY)


def test_missing_secret_is_found_elsewhere():
    """Pods can use Secrets of their own namespace only."""
    verdict = reg_003(recorded.no_secret(in_namespaces=("a", "b", "c", "d", "e")))

    assert verdict == fails(Cause.SECRET_MISSING)
    assert verdict.evidence.endswith("it is in a, b, c and 2 more")


def test_secret_of_other_name_can_be_copied():
    """The command needs no new token, and leaves none in an annotation."""
    verdict = reg_003(recorded.no_secret(other_names=("ghcr-credential",)))

    assert verdict == fails(Cause.SECRET_WRONG_NAME)
    assert "get secret ghcr-credential " in verdict.fix
    assert "--server-side" in verdict.fix


@pytest.mark.parametrize(
    ("probe", "cause", "fix"),
    [
        (recorded.SSO_DENIED, Cause.SSO_MISSING, "authorise the token"),
        (recorded.CLASSIC_DENIED, Cause.CLASSIC_FORBIDDEN, "have an owner of bytequester allow"),
        (recorded.READ_DENIED, Cause.PERMISSION_MISSING, "give the token's owner read access"),
        (recorded.SCOPE_DENIED, Cause.SCOPE_MISSING, "give the token, which must be a classic"),
        (recorded.BAD_TOKEN, Cause.CREDENTIAL_REJECTED, "make a new token"),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else "",
)
def test_each_refusal_has_own_fix(probe, cause, fix):
    """Each refusal needs another action at github.com."""
    verdict = reg_003(recorded.answered(probe))

    assert verdict == fails(cause)
    assert verdict.fix.startswith(fix)


def test_fine_grained_token_is_called_so():
    """GHCR gives the same answer for a fine-grained token as for a missing scope."""
    entry = _entry("ghcr.io", recorded.SCOPE_DENIED, token="github_pat_11AAAA")

    verdict = reg_003(recorded.secret(entries=(entry,)))

    assert verdict == fails(Cause.SCOPE_MISSING)
    assert verdict.evidence.endswith("(the fine-grained token of its entry ghcr.io)")


NOT_TRIED = {
    "refused": (recorded.OUTAGE, Cause.REFUSED),
    "timeout": (replace(recorded.OUTAGE, cut=RegistryFailure.TIMED_OUT), Cause.TIMED_OUT),
    "429": (replace(recorded.BAD_TOKEN, status=429), Cause.RATE_LIMITED),
    "503": (replace(recorded.BAD_TOKEN, status=503), Cause.SERVER_ERROR),
    "500": (replace(recorded.SCOPE_DENIED, status=500, message=""), Cause.SERVER_ERROR),
    "401": (replace(recorded.SCOPE_DENIED, status=401, message="unauthorized"), Cause.UNKNOWN),
    "401-token": (replace(recorded.BAD_TOKEN, status=401), Cause.UNKNOWN),
}


@pytest.mark.parametrize(("probe", "cause"), NOT_TRIED.values(), ids=NOT_TRIED)
def test_untried_secret_is_not_blamed(probe, cause):
    """An outage or an unknown answer is not the Secret's fault, and never a pass."""
    verdict = reg_003(recorded.answered(probe))

    assert verdict == fails(cause)
    assert verdict.evidence.startswith("Secret frontend-dev/ghcr-credentials: ")
    assert verdict.fix


def test_secret_without_tag_passes():
    """An empty or missing package is REG-002's cause, and not the Secret's."""
    assert reg_003(recorded.answered(recorded.NO_TAG)) == passes()
