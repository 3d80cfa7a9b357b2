"""`gate keep` and `gate commit-status`: a signed verdict put where others find it.

Beside the images, for the hook; at GitHub or as a manifest for GitOps Promoter, for people.
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
    """Which verdict is to be told, and to whom.

    `repository` is GitHub's (owner/name), or the name of Promoter's GitRepository in `namespace`.
    It is told as a success if it was found in one of `worlds`, and at most `max_age` ago.
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
    """Tell it; returns 0 where it was told, whatever it says. The key must have signed it.

    It is a success only where a verifier would take it for the images that it is about.
    Raises VerdictError where it is no verdict, and StatusError where GitHub does not take it.
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
    """What a verifier asks for that knows neither the target nor the registry."""
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
    """Which verdict is to be put beside the images that it is about, and by whom."""

    verdict: Path
    key: Path | None
    login: str


def run_publish(publish_request: PublishRequest, http: httpx.Client | None = None) -> int:
    """Push the verdict into the repository of every image it is about; returns 0.

    The token is that of GHCR_TOKEN. Raises VerdictError where the key did not sign it, and
    PullRecoveryError where a registry does not take it.
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
