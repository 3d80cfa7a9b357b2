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
from pullrecovery.gate.verdict.publish import keep_verdict
from pullrecovery.gate.verdict.registry_store import verdict_tag
from pullrecovery.gate.verdict.signing import Expected, read, refusals
from pullrecovery.gate.verdict.verify import REQUIRED, read_signed
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Telling:
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


def run_telling(telling: Telling, http: httpx.Client | None = None) -> int:
    """Tell it; returns 0 where it was told, whatever it says. The key must have signed it.

    It is a success only where a verifier would take it for the images that it is about.
    Raises VerdictError where it is no verdict, and StatusError where GitHub does not take it.
    """
    verdict = read(read_signed(telling.verdict), verifying_key(telling.key))
    now = datetime.now(UTC)
    told = said(verdict, now, refusals(verdict, _expected(verdict, telling, now)))
    if telling.to == "promoter":
        print(promoter_manifest(told, telling.repository, telling.namespace, url=telling.url))
        return int(Exit.HOLDS)
    if not _REPOSITORY.fullmatch(telling.repository):
        raise UsageError(f"--repository {telling.repository!r} is not owner/name, as at GitHub.")
    token = _token(from_stdin=telling.token_from_stdin)
    client = http or httpx.Client(
        base_url=os.environ.get("GITHUB_API_URL") or ADDRESS, timeout=_TIMEOUT
    )
    where = post_status(told, telling.repository, token, url=telling.url, http=client)
    print(f"{told.state}: {told.description}", f"  {where}", sep="\n")
    return int(Exit.HOLDS)


def _expected(verdict: GateVerdict, telling: Telling, now: datetime) -> Expected:
    """What a verifier asks for that knows neither the target nor the registry."""
    return Expected(
        revision=verdict.revision,
        target=verdict.target,
        deployed={judged.name: judged.deployed for judged in verdict.workloads},
        images={judged.name: judged.image for judged in verdict.workloads},
        criteria=REQUIRED,
        suite=suite_version(),
        suite_commit=suite_commit(),
        now=now,
        worlds=frozenset(telling.worlds),
        max_age=telling.max_age,
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
class Keeping:
    """Which verdict is to be put beside the images that it is about, and by whom."""

    verdict: Path
    key: Path | None
    login: str


def run_keeping(keeping: Keeping, http: httpx.Client | None = None) -> int:
    """Push the verdict into the repository of every image it is about; returns 0.

    The token is that of GHCR_TOKEN. Raises VerdictError where the key did not sign it, and
    PullRecoveryError where a registry does not take it.
    """
    signed = read_signed(keeping.verdict)
    verdict = read(signed, verifying_key(keeping.key))
    token = secret(TOKEN)
    if not token:
        raise UsageError(f"Set {TOKEN} to a token that may write the images' packages.")
    credential = Credential(keeping.login, token)
    client = http or httpx.Client(timeout=_TIMEOUT)
    images = dict.fromkeys((each.reference, each.image) for each in verdict.workloads)
    for reference, image in images:
        place = parse_reference(reference)
        registry = RegistryClient(place.registry, client)
        tag = keep_verdict(
            registry,
            place.path,
            image,
            verdict_tag(verdict.target, verdict.revision),
            signed.strip(),
            credential,
        )
        print(f"{place.repository}:{tag} is the verdict on {image or 'an image without a digest'}")
    return int(Exit.HOLDS)
