"""Check REG-001: from the output of docker and crane to a verdict and its fix."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause, fails, passes, unknown
from pullrecovery.registry.client_output import Meaning, meaning_of, meaning_of_probe
from pullrecovery.tasks.changes import Change
from pullrecovery.tasks.reg_001_image_identity import (
    DisagreementError,
    existing_image,
    judge_identity,
    log_in,
    nearest_tags,
    take_existing_image,
)
from tests.fakes import printed
from tests.fakes.printed import (
    DIGEST,
    OCI,
    REFERENCE,
    REPOSITORY,
    TAG,
    good,
    index,
    manifest,
    missing,
)

LOGIN = "ByteQuester"
OTHER = "sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
BY_DIGEST = f"{REPOSITORY}@{DIGEST}"

CAUSES = {
    "nobody, private": (printed.NOT_LOGGED_IN, Cause.OPERATOR_NOT_LOGGED_IN),
    "nobody, missing or private": (printed.MISSING_OR_PRIVATE, Cause.OPERATOR_NOT_LOGGED_IN),
    "rejected": (printed.REJECTED, Cause.OPERATOR_REJECTED),
    "no scope": (printed.NO_SCOPE, Cause.OPERATOR_SCOPE_MISSING),
    "no SSO": (printed.NO_SSO, Cause.OPERATOR_SSO_MISSING),
    "no classic tokens": (printed.NO_CLASSIC, Cause.OPERATOR_CLASSIC_FORBIDDEN),
    "forbidden": (printed.MAY_NOT_READ, Cause.OPERATOR_FORBIDDEN),
    "repository unknown": (printed.REPOSITORY_UNKNOWN, Cause.REPOSITORY_UNKNOWN),
    "tag unknown": (missing("latest", TAG[:-1]), Cause.TAG_UNKNOWN),
    "tag unknown to distribution": (
        missing("latest", docker=f"no such manifest: {REFERENCE}"),
        Cause.TAG_UNKNOWN,
    ),
    "no tag at all": (missing(), Cause.IMAGE_MISSING),
    "owner in capitals": (printed.CAPITALS, Cause.OWNER_IN_CAPITALS),
    "rate limited": (printed.RATE_LIMITED, Cause.RATE_LIMITED),
    "no image for amd64": (
        good(config=replace(good().config, stdout='{"architecture":"arm64","os":"linux"}')),
        Cause.PLATFORM_MISSING,
    ),
}


def _words(text, rc=1):
    return CommandResult("crane digest x", rc, "", text)


def _judge(seen, platforms=("linux/amd64",)):
    return judge_identity(seen, LOGIN, platforms)


@pytest.mark.parametrize(
    "reference",
    [REFERENCE, f"{REPOSITORY}:latest", BY_DIGEST],
    ids=["commit", "latest", "digest"],
)
def test_image_in_good_order_is_identified(reference):
    """The verdict names the image, its platforms and the other tags, for each way to name it."""
    verdict = _judge(good(reference=reference))

    assert verdict == passes()
    assert str(verdict) == (f"pass: {reference} is {DIGEST} for linux/amd64; tags: latest, {TAG}")


def test_public_image_needs_no_login():
    """A public image passes without a login."""
    assert _judge(good(login=None)) == passes()


def test_index_platforms_are_listed():
    """An attestation in an index has no platform."""
    seen = printed.containing(index("amd64", "arm64"))

    assert "for linux/amd64, linux/arm64;" in _judge(seen).evidence
    assert _judge(seen, ("linux/riscv64",)) == fails(Cause.PLATFORM_MISSING)


def test_unlisted_nodes_are_no_pass():
    """Whether the image serves every node is unknown, and other causes are still named."""
    nodes = NotObserved("the API server forbids to list nodes")

    assert _judge(good(), nodes) == unknown(nodes.reason)
    assert _judge(printed.REJECTED, nodes) == fails(Cause.OPERATOR_REJECTED)


@pytest.mark.parametrize("content", [manifest(OCI), index("amd64")], ids=["image", "index"])
def test_oci_image_hidden_from_old_docker_exists(content):
    """An OCI manifest exists if crane finds it; docker 20.10 accepts none and reports none."""
    said = f"no such manifest: {REFERENCE}\n"
    blind = replace(good().inspect, rc=1, stdout="", stderr=said)
    seen = printed.containing(content, inspect=blind)

    assert _judge(seen) == passes()


def test_manifest_of_other_digest_is_refused():
    """A manifest with another digest is refused, as containerd would refuse it."""
    seen = good(manifest=replace(good().manifest, stdout=manifest(OCI)))

    verdict = _judge(seen)

    assert verdict == fails(Cause.DIGEST_MISMATCH)
    assert DIGEST in verdict.evidence
    assert "REG-002" in verdict.fix


def test_image_that_lacks_a_layer_is_not_there():
    """An image without one of its layers fails, as its manifest only lists what must be fetched."""
    gone = Probe("registry", 404, "BLOB_UNKNOWN", "blob unknown to registry")
    seen = good(parts=((OTHER, gone), (DIGEST, Probe("registry", 200))))

    verdict = _judge(seen)

    assert verdict == fails(Cause.PART_MISSING)
    assert verdict.evidence.endswith(f"and lacks {OTHER}")
    assert _judge(good(parts=((DIGEST, Probe("registry", 200)),))) == passes()


def test_docker_not_found_is_not_ignored():
    """If docker finds none and crane finds one, the answers disagree and nothing passes."""
    blind = replace(good().inspect, rc=1, stdout="", stderr=f"no such manifest: {REFERENCE}\n")

    verdict = _judge(good(inspect=blind))

    assert verdict == fails(Cause.UNKNOWN)
    assert "no such manifest" in verdict.evidence


@pytest.mark.parametrize(("seen", "cause"), CAUSES.values(), ids=CAUSES)
def test_cause_has_output_and_fix(seen, cause):
    """Each cause has the clients' output as evidence, and a fix."""
    verdict = _judge(seen)

    assert verdict == fails(cause)
    assert verdict.evidence.count("ghcr.io/")
    assert verdict.fix
    assert "{" not in verdict.fix


@pytest.mark.parametrize(
    "seen",
    [printed.NOT_LOGGED_IN, printed.REJECTED, printed.NO_SCOPE, printed.NO_SSO],
    ids=["nobody", "rejected", "scope", "SSO"],
)
def test_login_is_shown_without_token(seen):
    """The token is read from a file, so that no process list shows it."""
    assert "docker login ghcr.io -u ByteQuester --password-stdin < " in _judge(seen).fix


def test_client_output_is_evidence():
    """Each output is quoted with the command that printed it."""
    evidence = _judge(printed.NO_SCOPE).evidence

    scopes = "permission_denied: The token provided does not match expected scopes."
    assert (
        f"`docker manifest inspect {REFERENCE} | jq .schemaVersion`: denied: {scopes}" in evidence
    )
    assert f"`crane ls {REPOSITORY}`: Error: reading tags for" in evidence


def test_uppercase_owner_is_lowercased():
    """The fix has the reference in lower case, ready to copy."""
    assert _judge(printed.CAPITALS).fix == f"write it in lower case: {REFERENCE}"


def test_missing_tag_has_nearest_tags():
    """The verdict names the nearest existing tags to choose from."""
    short = f"{REPOSITORY}:{TAG[:7]}"

    verdict = _judge(missing("latest", TAG, reference=short))

    assert f"has no {TAG[:7]}: " in verdict.evidence
    assert verdict.evidence.endswith(f"there are: latest, {TAG}; nearest: {TAG}")
    assert verdict.fix == f"take {REFERENCE}, in target.yaml and in the values"


def test_many_tags_are_shortened_to_the_newest():
    """GHCR lists tags in the order of their pushes, so the newest are last."""
    verdict = _judge(missing(*(f"v{number}" for number in range(25))))

    assert "there are: v15, v16, " in verdict.evidence
    assert ", v24 and 15 older; nearest: none is near" in verdict.evidence
    assert verdict.fix.startswith(f"take {REPOSITORY}:v24,")


def test_verdict_tag_is_never_proposed():
    """A verdict of the gate has a tag in the same repository, but no pod can run it."""
    verdict, signature = f"verdict-{TAG}-shop", f"sha256-{'0' * 64}.sig"

    found = _judge(missing("latest", verdict, signature))

    assert f"take {REPOSITORY}:latest," in found.fix
    assert verdict not in found.evidence
    assert signature not in found.evidence


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        (TAG[:7], [TAG]),
        (f"{TAG}-amd64", [TAG]),
        ("v1.4.1", ["v1.4.0"]),
        ("lastest", ["latest"]),
        ("dev", []),
    ],
    ids=["short commit", "with a suffix", "next version", "misspelt", "none"],
)
def test_nearest_tags_begin_or_are_spelt_alike(wanted, near):
    """Half a commit, an unreleased version and two swapped letters find the nearest tags."""
    assert nearest_tags(wanted, ["latest", "v1.4.0", TAG, "main"]) == near


@pytest.mark.parametrize(
    ("tags", "wanted", "chosen"),
    [
        (("old", TAG, "latest"), TAG[:7], TAG),
        (("old", "latest", "new"), "dev", "latest"),
        (("old", "new"), "dev", "new"),
    ],
    ids=["nearest", "latest", "newest"],
)
def test_tag_that_exists_is_taken(tags, wanted, chosen):
    """The remediation takes the tag that the verdict names."""
    seen = missing(*tags, reference=f"{REPOSITORY}:{wanted}")

    assert existing_image(seen) == Image(REPOSITORY, chosen)
    assert _judge(seen).fix.startswith(f"take {REPOSITORY}:{chosen},")


def test_taking_image_shows_target_change():
    """The change shows the new tag; it is empty if the wanted tag exists."""
    image, change = take_existing_image(missing("latest", reference=f"{REPOSITORY}:dev"))

    assert image == Image(REPOSITORY, "latest")
    assert change.summary == f"took {REPOSITORY}:latest"
    assert f"-image: {REPOSITORY}:dev" in change.diff
    assert f"+image: {REPOSITORY}:latest" in change.diff
    assert take_existing_image(good()) == (
        Image(REPOSITORY, TAG),
        Change(f"{REFERENCE} is there already"),
    )


def test_where_no_tag_exists_the_push_is_named():
    """A package without any tag has none to take, and REG-002 pushes one."""
    with pytest.raises(PullRecoveryError, match=r"has no tag to take; run the workflow .*REG-002"):
        existing_image(missing())
    assert "REG-002" in _judge(missing()).fix


@pytest.mark.parametrize(
    ("seen", "probe", "clients"),
    [
        (good(), Probe("registry", 200, digest=OTHER), f"the digest {DIGEST}"),
        (
            good(),
            Probe("registry", 404, "MANIFEST_UNKNOWN", "manifest unknown"),
            f"the digest {DIGEST}",
        ),
        (missing("latest"), Probe("registry", 200, digest=DIGEST), "`docker manifest inspect "),
        (printed.NOT_LOGGED_IN, Probe("registry", 200, digest=DIGEST), "`docker manifest inspect "),
        (printed.NO_SCOPE, Probe("token", 403, "DENIED", "denied"), "`docker manifest inspect "),
    ],
    ids=["another digest", "not there", "there", "let in", "another refusal"],
)
def test_disagreeing_answers_are_not_judged(seen, probe, clients):
    """A disagreement names both answers, and is no failure of the criterion."""
    with pytest.raises(DisagreementError) as told:
        _judge(replace(seen, probe=probe))

    assert f"the clients in the runner were told: {clients}" in str(told.value)
    assert f"{probe}, digest {probe.digest or 'none'}. " in str(told.value)


@pytest.mark.parametrize(
    ("seen", "probe", "verdict"),
    [
        (printed.RATE_LIMITED, good().probe, fails(Cause.RATE_LIMITED)),
        (good(), Probe("network", 0, "ConnectError", "refused"), passes()),
    ],
    ids=["for the clients", "for the harness"],
)
def test_outage_between_probes_is_no_disagreement(seen, probe, verdict):
    """An outage may begin or end between two probes."""
    assert _judge(replace(seen, probe=probe)) == verdict


@pytest.mark.parametrize("seen", [printed.NOT_LOGGED_IN, printed.MISSING_OR_PRIVATE])
def test_anonymous_refusal_is_unknown_when_logged_in(seen):
    """An anonymous refusal after a login contradicts itself, so no cause is guessed."""
    assert _judge(replace(seen, login=printed.LOGGED_IN)) == fails(Cause.UNKNOWN)


def test_invalid_manifest_is_harness_error():
    """A manifest that is no JSON is an error of the harness, and not a verdict."""
    garbled = replace(good().manifest, stdout="<html>")

    with pytest.raises(PullRecoveryError, match="a manifest that cannot be read"):
        _judge(good(manifest=garbled))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('Error: Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host', "UNREACHABLE"),
        ("Error: GET https://ghcr.io/v2/x: unexpected status code 502 Bad Gateway", "UNREACHABLE"),
        ("received unexpected HTTP status: 503 Service Unavailable", "UNREACHABLE"),
        ("tls: failed to verify certificate: x509: certificate signed by", "UNREACHABLE"),
        ("no such manifest: ghcr.io/bytequester/x:dev", "MANIFEST_UNKNOWN"),
        ("name unknown", "REPOSITORY_UNKNOWN"),
        ('Error response from daemon: Get "https://ghcr.io/v2/": denied: denied', "REJECTED"),
        ("Error: something else", "UNCLEAR"),
        ("", "UNCLEAR"),
    ],
)
def test_words_of_a_client_have_a_meaning(text, meaning):
    """Each message has a meaning; an unclear one leads to no cause."""
    assert meaning_of(_words(text)) is Meaning[meaning]


@pytest.mark.parametrize("rc", [124, 137])
def test_killed_client_has_no_answer(rc):
    """`timeout` exits with this code after it killed the client."""
    assert meaning_of(_words("", rc)) is Meaning.UNREACHABLE


def test_harness_answer_has_same_rules():
    """The harness's answer has the clients' meanings, so that the two can be compared."""
    forbidden = Probe("registry", 403, "DENIED", "permission_denied: read_package")

    assert meaning_of_probe(forbidden) is Meaning.FORBIDDEN
    assert meaning_of_probe(Probe("registry", 503)) is Meaning.UNREACHABLE
    assert meaning_of_probe(Probe("registry", 200)) is Meaning.FOUND


class Runner:
    """Answers every login in one way, and records its input."""

    def __init__(self, answer):
        self.answer, self.given = answer, []

    def run(self, commands, *, first=(), credential=None):
        self.given.append((tuple(commands), tuple(first), credential))
        return (self.answer,)


def _world(answer):
    return SimpleNamespace(target=SimpleNamespace(registry="ghcr.io"), runner=Runner(answer))


def test_remediation_logs_in_with_new_token():
    """The command does not contain the token."""
    world, credential = _world(printed.LOGGED_IN), Credential(LOGIN, "ghp_n3w")

    dry = log_in(world, credential, dry_run=True)
    assert world.runner.given == []
    done = log_in(world, credential)

    assert dry == done
    assert done.summary == "logged in to ghcr.io as ByteQuester"
    assert '+{"auths": {"ghcr.io": ' in done.diff
    assert credential.token not in str(done)
    ((commands, _, given),) = world.runner.given
    assert commands == ('docker login ghcr.io -u ByteQuester --password-stdin < "$TOKEN_FILE"',)
    assert given == credential


def test_failed_login_is_no_remediation():
    """The error has docker's message."""
    with pytest.raises(PullRecoveryError, match=r"`docker login .*: denied: denied$"):
        log_in(_world(printed.LOGIN_DENIED), Credential(LOGIN, "ghp_0ld"))
