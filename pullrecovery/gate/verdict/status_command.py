"""The `gate keep` and `gate commit-status` commands publish a signed verdict.

`gate keep` puts it beside the images, for the hook. `gate commit-status` sets a status at GitHub or
prints a manifest for GitOps Promoter, for people.
"""

import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.common.secret_variables import STATUS_TOKEN, TOKEN, secret
from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.gate.defaults import VALID_FOR
from pullrecovery.gate.verdict.commit_status import ADDRESS, post_status, promoter_manifest, said
from pullrecovery.gate.verdict.document import GateVerdict
from pullrecovery.gate.verdict.keys import verifying_key
from pullrecovery.gate.verdict.publish import publish_verdict
from pullrecovery.gate.verdict.registry_store import verdict_tag
from pullrecovery.gate.verdict.signing import VerdictExpectation, read, refusals
from pullrecovery.gate.verdict.verify import REQUIRED, read_signed
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_TIMEOUT = 30.0


@dataclass(frozen=True)
class StatusRequest:
    """Which verdict becomes a commit status, and where.

    `repository` is GitHub's (owner/name), or the name of Promoter's GitRepository in `namespace`. A
    promotion is a success only if it was judged in one of `worlds` and is at most `max_age` old.
    """

    verdict: Path
    key: Path | None
    to: str
    repository: str
    namespace: str
    url: str
    token_from_stdin: bool
    worlds: tuple[str, ...] = ("live",)
    max_age: timedelta = VALID_FOR


def run_status(status_request: StatusRequest, http: httpx.Client | None = None) -> int:
    """Set or print the status; return 0 once that is done, whatever the decision is.

    The status is a success only if a verifier would accept the verdict for its images. Raises
    VerdictError if the key did not sign it or it is not a verdict, and StatusError if GitHub
    rejects the status.
    """
    verdict = read(read_signed(status_request.verdict), verifying_key(status_request.key))
    now = datetime.now(UTC)
    told = said(verdict, now, refusals(verdict, _expected(verdict, status_request, now)))
    if status_request.to == "promoter":
        print(
            promoter_manifest(
                told, status_request.repository, status_request.namespace, url=status_request.url
            )
        )
        return int(Exit.PASS)
    if not _REPOSITORY.fullmatch(status_request.repository):
        raise UsageError(
            f"--repository {status_request.repository!r} is not owner/name, as at GitHub."
        )
    token = _token(from_stdin=status_request.token_from_stdin)
    client = http or httpx.Client(
        base_url=os.environ.get("GITHUB_API_URL") or ADDRESS, timeout=_TIMEOUT
    )
    where = post_status(told, status_request.repository, token, url=status_request.url, http=client)
    print(f"{told.state}: {told.description}", f"  {where}", sep="\n")
    return int(Exit.PASS)


def _expected(
    verdict: GateVerdict, status_request: StatusRequest, now: datetime
) -> VerdictExpectation:
    """Return the expectation of a verifier that knows neither the target nor the registry."""
    return VerdictExpectation(
        revision=verdict.revision,
        target=verdict.target,
        deployed={judged.name: judged.deployed for judged in verdict.workloads},
        images={judged.name: judged.image for judged in verdict.workloads},
        criteria=REQUIRED,
        suite=suite_version(),
        suite_commit=suite_commit(),
        now=now,
        worlds=frozenset(status_request.worlds),
        max_age=status_request.max_age,
    )


def _token(*, from_stdin: bool) -> str:
    token = (sys.stdin.read() if from_stdin else secret(STATUS_TOKEN)).strip()
    if not token:
        raise UsageError(
            f"A token that may write statuses is needed: set {STATUS_TOKEN}, or give it on stdin"
            " with --token-stdin."
        )
    return protect(token)


@dataclass(frozen=True)
class PublishRequest:
    """Which verdict to publish beside its images, and the login that pushes it."""

    verdict: Path
    key: Path | None
    login: str


def run_publish(publish_request: PublishRequest, http: httpx.Client | None = None) -> int:
    """Push the verdict into the repository of every image that it is about; return 0.

    The token is GHCR_TOKEN. Raises VerdictError if the key did not sign it, and PullRecoveryError
    if a registry rejects it.
    """
    signed = read_signed(publish_request.verdict)
    verdict = read(signed, verifying_key(publish_request.key))
    token = secret(TOKEN)
    if not token:
        raise UsageError(f"Set {TOKEN} to a token that may write the images' packages.")
    credential = Credential(publish_request.login, token)
    client = http or httpx.Client(timeout=_TIMEOUT)
    images = dict.fromkeys((workload.reference, workload.image) for workload in verdict.workloads)
    for reference, image in images:
        place = parse_reference(reference)
        registry = RegistryClient(place.registry, client)
        tag = publish_verdict(
            registry,
            place.path,
            image,
            verdict_tag(verdict.target, verdict.revision),
            signed.strip(),
            credential,
        )
        print(f"{place.repository}:{tag} is the verdict on {image or 'an image without a digest'}")
    return int(Exit.PASS)
