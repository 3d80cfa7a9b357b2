"""REG-001: identify the image.

For the deployed chart, find repository and tag: log in, request the manifest, and list the tags if
it is missing. The verdict comes from the output of docker and crane on the runner.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.diagnosis.external import external
from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.diagnosis.reference import take_image
from pullrecovery.model.image_reference import LATEST
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import ImageIdentity
from pullrecovery.model.observed import Observed
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause, Verdict, fails, passes, unknown
from pullrecovery.observe.registry import login_command
from pullrecovery.registry.client_output import Meaning, meaning_of, meaning_of_probe
from pullrecovery.registry.failures import failure_of_command
from pullrecovery.registry.media_types import names_image
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.world.world import World

_SHOWN = 10
_NEAR = 3
# docker 20.10 supports none of these media types, and reports "no such manifest".
_UNKNOWN_TO_DOCKER = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
_CAUSES = {
    Meaning.NO_CREDENTIAL: (
        Cause.OPERATOR_NOT_LOGGED_IN,
        "log in with a token that has read:packages: {log_in}",
    ),
    Meaning.MISSING_OR_PRIVATE: (
        Cause.OPERATOR_NOT_LOGGED_IN,
        (
            "log in with a token that has read:packages, as only then it shows whether the image"
            " is there: {log_in}"
        ),
    ),
    Meaning.REJECTED: (
        Cause.OPERATOR_REJECTED,
        "make a new token with read:packages, then {log_in}",
    ),
    Meaning.SCOPE_MISSING: (
        Cause.OPERATOR_SCOPE_MISSING,
        "give the token (a classic one) the scope read:packages, then {log_in}",
    ),
    Meaning.SSO_MISSING: (
        Cause.OPERATOR_SSO_MISSING,
        "authorise the token for the organisation's SSO, then {log_in}",
    ),
    Meaning.CLASSIC_FORBIDDEN: (
        Cause.OPERATOR_CLASSIC_FORBIDDEN,
        (
            "have an owner of {owner} allow classic tokens in its settings, as packages are read"
            " with no other personal token, then {log_in}"
        ),
    ),
    Meaning.FORBIDDEN: (
        Cause.OPERATOR_FORBIDDEN,
        (
            "have read access given in the package's settings, or use the token of one who has it,"
            " then {log_in}"
        ),
    ),
    Meaning.REPOSITORY_UNKNOWN: (
        Cause.REPOSITORY_UNKNOWN,
        (
            "correct {repository} in target.yaml if it is misspelt; if not, the first push makes it"
            " (REG-002)"
        ),
    ),
    Meaning.INVALID_REFERENCE: (Cause.OWNER_IN_CAPITALS, "write it in lower case: {lower}"),
}


class DisagreementError(PullRecoveryError):
    """The registry gave the clients another answer than the suite's own probe."""


def _judge(observation: Observed) -> Verdict:
    """Passes if the registry gives the operator the digest and the tags of the wanted image.

    Raises DisagreementError if the suite's own probe received another answer.
    """
    identity, platforms = observation.identity, observation.optional(Observed.platforms)
    verdict = judge_identity(identity, observation.target.login, platforms)
    if verdict.cause is Cause.TAG_UNKNOWN:
        return replace(verdict, fix=take_image(observation, existing_image(identity)))
    return verdict


reg_001 = Criterion(
    "REG-001", needs=(Observed.identity,), uses=(Observed.platforms, Observed.chart), judge=_judge
)


def judge_identity(
    identity: ImageIdentity, login: str, platforms: tuple[str, ...] | NotObserved
) -> Verdict:
    """Judge the identity of one image, which must support all `platforms`, as os/arch.

    `login` is the login of the target's operator.
    """
    meaning = _meaning(identity)
    _check_agreement(identity, meaning)
    if meaning is Meaning.FOUND:
        return _judge_found(identity, platforms)
    if meaning is Meaning.MANIFEST_UNKNOWN:
        return _judge_missing(identity)
    if meaning is Meaning.UNREACHABLE:
        return _judge_unreachable(identity)
    cause, fix = _CAUSES.get(meaning, (Cause.UNKNOWN, READ))
    return fails(cause, f"{identity.reference}: {_evidence(identity)}", _fix(identity, fix, login))


def _meaning(seen: ImageIdentity) -> Meaning:
    """The meaning of the first failed command; FOUND if none failed."""
    for ran in (seen.login, seen.digest, seen.manifest, seen.tags):
        if ran is not None and meaning_of(ran) is not Meaning.FOUND:
            return _as_asked(seen, meaning_of(ran))
    # For an index, the configuration is that of one image, so only an outage counts.
    out_of_reach = meaning_of(seen.config) is Meaning.UNREACHABLE
    return Meaning.UNREACHABLE if out_of_reach else Meaning.FOUND


def _as_asked(seen: ImageIdentity, meaning: Meaning) -> Meaning:
    """UNCLEAR for an answer that only anonymous requests get, if the operator is logged in."""
    anonymous = (Meaning.NO_CREDENTIAL, Meaning.MISSING_OR_PRIVATE)
    return Meaning.UNCLEAR if seen.login and meaning in anonymous else meaning


def _evidence(seen: ImageIdentity) -> str:
    """The last output line of every failed command, including docker's."""
    ran = (seen.login, seen.inspect, seen.digest, seen.tags)
    said = (f"`{each.command}`: {each.said}" for each in ran if each is not None and each.rc != 0)
    return "; ".join(said)


def _check_agreement(seen: ImageIdentity, meaning: Meaning) -> None:
    """Raise DisagreementError if the suite's probe has another answer, or another digest."""
    probed = _as_asked(seen, meaning_of_probe(seen.probe))
    # Clients reject an invalid name on their own; an outage may end between two requests.
    if meaning is Meaning.INVALID_REFERENCE or Meaning.UNREACHABLE in (meaning, probed):
        return
    same = meaning is probed
    if same and meaning is Meaning.FOUND:
        same = seen.digest.stdout.strip() == seen.probe.digest
    if not same:
        clients = _evidence(seen) or f"the digest {seen.digest.stdout.strip()}"
        raise DisagreementError(
            f"{seen.reference}: the clients in the runner were told: {clients}; the harness:"
            f" {seen.probe}, digest {seen.probe.digest or 'none'}. {Guard.TWO_WITNESSES}."
        )


def _fix(seen: ImageIdentity, fix: str, login: str) -> str:
    """Fill in the placeholders of a fix."""
    reference = seen.reference
    return fix.format(
        log_in=login_command(reference.registry, Credential(login, "")),
        repository=reference.repository,
        owner=reference.path.partition("/")[0],
        lower=replace(reference, path=reference.path.lower()),
    )


def _judge_unreachable(seen: ImageIdentity) -> Verdict:
    """The verdict if no client got a usable answer; the first that failed gives the cause."""
    met = [(failure, ran) for ran in seen.commands if (failure := failure_of_command(ran))]
    said = "; ".join(f"`{ran.command}`: {ran.said}" for _, ran in met)
    return external(met[0][0], f"{seen.reference}: {said}; the suite's own question: {seen.probe}")


def _judge_missing(seen: ImageIdentity) -> Verdict:
    """The verdict if the repository exists and the wanted tag or digest does not."""
    parsed, tags = seen.reference, listed_tags(seen)
    named = parsed.digest or parsed.tag
    evidence = f"{parsed.repository} has no {named}: {_evidence(seen)}"
    if not tags:
        push = f"run the workflow that pushes {seen.reference} (REG-002)"
        return fails(Cause.IMAGE_MISSING, f"{evidence}; it has no tag at all", push)
    near = ", ".join(nearest_tags(named, tags)) or "none is near"
    fix = f"take {parsed.repository}:{_choose(named, tags)}, in target.yaml and in the values"
    there = f"{evidence}; there are: {_shorten(tags)}; nearest: {near}"
    return fails(Cause.TAG_UNKNOWN, there, fix)


def _judge_found(seen: ImageIdentity, platforms: tuple[str, ...] | NotObserved) -> Verdict:
    """The verdict if the image exists: are its platforms complete, and can docker read it."""
    image = _describe(seen)
    spoilt = _judge_content(seen)
    if spoilt:
        return spoilt
    evidence = f"{seen.reference} is {image.digest} for {', '.join(image.platforms)}"
    wanted = () if isinstance(platforms, NotObserved) else platforms
    lacking = [platform for platform in wanted if platform not in image.platforms]
    if lacking:
        push = f"push an image for {', '.join(lacking)} too (REG-002)"
        return fails(Cause.PLATFORM_MISSING, f"{evidence}, not for {', '.join(lacking)}", push)
    if seen.inspect.stdout.strip() != "2" and image.media_type not in _UNKNOWN_TO_DOCKER:
        said = f"{evidence}; but `{seen.inspect.command}`: {seen.inspect.said}"
        return fails(Cause.UNKNOWN, said, READ)
    if isinstance(platforms, NotObserved):
        return unknown(platforms.reason)
    return passes(f"{evidence}; tags: {_shorten(listed_tags(seen))}")


def _judge_content(seen: ImageIdentity) -> Verdict | None:
    """Whether the manifest's bytes match its digest, and its parts exist."""
    push = f"run the workflow that pushes {seen.reference} (REG-002) anew"
    digest = seen.digest.stdout.strip()
    found = f"sha256:{hashlib.sha256(seen.manifest.stdout.encode()).hexdigest()}"
    if found != digest:
        evidence = (
            f"`{seen.manifest.command}` printed a manifest of {found}, its digest is {digest}"
        )
        return fails(Cause.DIGEST_MISMATCH, evidence, push)
    missing = [part for part, probe in seen.parts if probe.missing]
    if missing:
        evidence = f"{seen.reference} is {digest}, and lacks {', '.join(missing)}"
        return fails(Cause.PART_MISSING, evidence, push)
    return None


@dataclass(frozen=True)
class _Described:
    digest: str
    media_type: str
    platforms: tuple[str, ...]


def _describe(seen: ImageIdentity) -> _Described:
    """Parse digest, media type and platforms from crane's output."""
    try:
        manifest: dict[str, Any] = json.loads(seen.manifest.stdout)
        if "manifests" in manifest:
            listed = (entry.get("platform") or {} for entry in manifest["manifests"])
            # An index also lists attestations, which have no platform.
            platforms = [each for each in map(_platform, listed) if "unknown" not in each]
        else:
            platforms = [_platform(json.loads(seen.config.stdout))]
    except (ValueError, AttributeError, TypeError) as error:
        raise PullRecoveryError(
            f"{seen.reference}: crane printed a manifest that cannot be read: {error}"
        ) from error
    unique = tuple(dict.fromkeys(platforms))
    return _Described(seen.digest.stdout.strip(), str(manifest.get("mediaType", "")), unique)


def _platform(described: dict[str, Any]) -> str:
    return f"{described.get('os', 'unknown')}/{described.get('architecture', 'unknown')}"


def listed_tags(seen: ImageIdentity) -> list[str]:
    """The image tags that `crane ls` printed, oldest push first, in GHCR's order."""
    printed = seen.tags.stdout.split() if seen.tags.rc == 0 else []
    return [tag for tag in printed if names_image(tag)]


def nearest_tags(wanted: str, tags: list[str]) -> list[str]:
    """At most three of `tags`: those that begin as `wanted` does, then those spelt like it."""
    begun = [tag for tag in tags if tag.startswith(wanted) or wanted.startswith(tag)]
    return list(dict.fromkeys([*begun, *get_close_matches(wanted, tags, _NEAR)]))[:_NEAR]


def _choose(wanted: str, tags: list[str]) -> str:
    """The nearest tag, else `latest`, else the newest."""
    near = nearest_tags(wanted, tags)
    if near:
        return near[0]
    return LATEST if LATEST in tags else tags[-1]


def _shorten(tags: list[str]) -> str:
    """The newest tags, and the number of the others."""
    more = len(tags) - _SHOWN
    shown = ", ".join(tags[-_SHOWN:]) or "none"
    return f"{shown} and {more} older" if more > 0 else shown


def log_in(world: World, credential: Credential, *, dry_run: bool = False) -> Change:
    """Log in on the runner; raises PullRecoveryError with docker's message on failure.

    The login is not stored: later commands on the runner log in again. The change is that of
    docker's configuration, without the token.
    """
    registry = world.target.registry
    if not dry_run:
        (ran,) = world.runner.run([login_command(registry, credential)], credential=credential)
        if ran.rc != 0:
            raise PullRecoveryError(f"`{ran.command}`: {ran.said}")
    after = f'{{"auths": {{"{registry}": {{"auth": "…"}}}}}}'
    diff = diff_of("{}", after, "~/.docker/config.json")
    return Change(f"logged in to {registry} as {credential.login}", diff)


def existing_image(seen: ImageIdentity) -> Image:
    """The image to use if the wanted tag is missing: the one with the nearest existing tag.

    Raises PullRecoveryError if there is none: then only a push helps (REG-002).
    """
    parsed, tags = seen.reference, listed_tags(seen)
    if not tags:
        raise PullRecoveryError(
            f"{parsed.repository} has no tag to take; run the workflow that pushes one (REG-002)."
        )
    return Image(parsed.repository, _choose(parsed.digest or parsed.tag, tags))


def take_existing_image(seen: ImageIdentity) -> tuple[Image, Change]:
    """The image to want from now on, and the change to target.yaml; nothing is written.

    An image that exists is used unchanged.
    """
    if _meaning(seen) is Meaning.FOUND:
        kept = Image(seen.reference.repository, seen.reference.tag or LATEST)
        return kept, Change(f"{seen.reference} is there already")
    image = existing_image(seen)
    diff = diff_of(f"image: {seen.reference}", f"image: {image.reference}", "target.yaml")
    return image, Change(f"took {image.reference}", diff)
