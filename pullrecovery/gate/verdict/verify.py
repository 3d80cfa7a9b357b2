"""The `gate verify` command decides whether a signed verdict lets a revision through now."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import httpx

from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.secret_variables import TOKEN, secret
from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.gate.commit import checked_out, target_in
from pullrecovery.gate.defaults import VALID_FOR
from pullrecovery.gate.releases import Deployed, chart_digest
from pullrecovery.gate.verdict.keys import verifying_key
from pullrecovery.gate.verdict.signing import VerdictExpectation, verify
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Target
from pullrecovery.registry.client import RegistryClient
from pullrecovery.tasks import CRITERIA, applicable, optional_criteria

# Used without a target: the criteria that apply to every target and are never optional.
REQUIRED = frozenset(CRITERIA) - {"REG-007", "REG-008"}
_IMAGE = re.compile(r"(?P<workload>[^=]+)=(?P<digest>sha256:[0-9a-f]{64})")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ANSWER_WITHIN = 30.0


@dataclass(frozen=True)
class Claim:
    """What a verdict is to let through; `images` are the current ones, as `WORKLOAD=DIGEST`.

    With a `folder` of the target, the charts are compared too, and digests that are not given are
    read from the registry. Without one, `target` is the target's name and `namespace` the one that
    the workloads are deployed to. The verdict must be of one of `worlds` and at most `max_age` old.
    """

    verdict: Path
    key: Path | None
    revision: str
    folder: Path | None
    images: tuple[str, ...]
    worlds: tuple[str, ...] = ("live",)
    max_age: timedelta = VALID_FOR
    target: str = ""
    namespace: str = ""


def run_verify(claim: Claim, http: httpx.Client | None = None) -> int:
    """Print `promote`, or every reason to hold; return 0 or 1.

    `http` is the client for a registry that is not on the internet.
    """
    key, signed = verifying_key(claim.key), read_signed(claim.verdict)
    expected = _expected(claim, http or httpx.Client(timeout=_ANSWER_WITHIN))
    reasons = verify(signed, key, expected)
    if not reasons:
        print(f"promote: {expected.revision}, by a verdict that {key.thumbprint()} signed")
        return int(Exit.PASS)
    print(f"hold: {expected.revision}", *(f"  because  {reason}" for reason in reasons), sep="\n")
    return int(Exit.FAIL)


def read_signed(file: Path) -> str:
    """Return the text of a signed verdict; raises UsageError if the file cannot be read."""
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The verdict {file} cannot be read: {error}") from error


def _expected(claim: Claim, http: httpx.Client) -> VerdictExpectation:
    given = _given(claim.images)
    if claim.folder is None:
        if not _COMMIT.fullmatch(claim.revision):
            raise UsageError(f"{claim.revision!r} is no full commit id; only git can say which.")
        if not given:
            raise UsageError("Name the images with --image, or the target's folder with --target.")
        if not (claim.target and claim.namespace):
            raise UsageError("Name --target-name and --namespace, or the target with --target.")
        place = Deployed(claim.namespace, "", ())
        deployed = dict.fromkeys(given, place)
        return _claimed(claim, claim.revision, claim.target, given, deployed, criteria=REQUIRED)
    with (
        TemporaryDirectory(prefix="pull-recovery-") as scratch,
        checked_out(claim.folder, claim.revision, Path(scratch)) as commit,
    ):
        target = target_in(commit.folder, claim.folder)
        criteria = frozenset(applicable(target)) - optional_criteria(target)
        charts = {workload.name: chart_digest(workload) for workload in target.workloads}
        deployed = {workload.name: Deployed.of(workload) for workload in target.workloads}
        images = _known(target, given, http)
        return _claimed(
            claim, commit.sha, target.name, images, deployed, criteria=criteria, charts=charts
        )


def _claimed(
    claim: Claim,
    revision: str,
    target: str,
    images: Mapping[str, str],
    deployed: Mapping[str, Deployed],
    *,
    criteria: frozenset[str],
    charts: Mapping[str, str] = MappingProxyType({}),
) -> VerdictExpectation:
    return VerdictExpectation(
        revision=revision,
        target=target,
        deployed=deployed,
        images=images,
        criteria=criteria,
        suite=suite_version(),
        suite_commit=suite_commit(),
        now=datetime.now(UTC),
        charts=charts,
        worlds=frozenset(claim.worlds),
        max_age=claim.max_age,
    )


def _given(images: Sequence[str]) -> dict[str, str]:
    found = {text: _IMAGE.fullmatch(text) for text in images}
    wrong = next((text for text, match in found.items() if match is None), None)
    if wrong is not None:
        raise UsageError(f"--image {wrong}: it is WORKLOAD=sha256: and 64 hex digits.")
    return {match["workload"]: match["digest"] for match in found.values() if match}


def _known(target: Target, given: Mapping[str, str], http: httpx.Client) -> dict[str, str]:
    """Return the digest of each workload's wanted image: as given, else the registry's current one.

    Without a digest nothing is let through, so a registry's refusal is a reason to hold.
    """
    unknown = given.keys() - {workload.name for workload in target.workloads}
    if unknown:
        raise UsageError(f"--image {min(unknown)}=…: the target has no such workload.")
    token = secret(TOKEN)
    credential = Credential(target.login, token) if token else None
    registry = RegistryClient(target.registry, http)
    return {
        workload.name: given.get(workload.name)
        or registry.manifest(workload.image.package, workload.image.tag, credential).digest
        for workload in target.workloads
    }
