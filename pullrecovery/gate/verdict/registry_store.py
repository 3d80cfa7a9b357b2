"""Fetch the signed verdict on a revision from the image's own repository.

It is an OCI artifact of one layer, under a tag that names the commit and the target (ADR 0018).
"""

import hashlib
import json
from typing import Any

import httpx

from pullrecovery.common.errors import HeldError, PullRecoveryError
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.media_types import ACCEPT_MANIFESTS

LAYER_TYPE = "application/vnd.pullrecovery.verdict.v1+jws"
# Bytes; a verdict has some thousands.
_LONGEST = 1_000_000
# The errors that a document of another form causes.
_WRONG = (ValueError, TypeError, AttributeError)


def verdict_tag(target: str, revision: str) -> str:
    """Return the tag of the verdict on a revision of the target with this name.

    Targets that share a package have one tag each. A tag has at most 128 characters.
    """
    return f"verdict-{revision}-{target}"


def fetch_verdict(
    registry: RegistryClient, package: str, tag: str, credential: Credential | None
) -> str:
    """Return the signed text that `package` has under a `verdict_tag`, without verifying it.

    Raises HeldError if there is none, and PullRecoveryError if it cannot be read.
    """
    try:
        token = registry.token(package, "pull", credential)
        if isinstance(token, Probe):
            raise _refused(f"{package}:{tag}", token)
        reader = _PackageReader(registry, package, token)
        return reader.blob(reader.layer(tag)).decode()
    except (httpx.HTTPError, LookupError, RecursionError, *_WRONG) as error:
        problem = f"{type(error).__name__}: {error}"
        raise PullRecoveryError(f"the verdict {package}:{tag} cannot be read: {problem}") from error


def _refused(what: str, probe: Probe) -> PullRecoveryError:
    return PullRecoveryError(f"the verdict {what} cannot be read: {probe}")


class _PackageReader:
    """Read one package with a bearer token."""

    def __init__(self, registry: RegistryClient, package: str, token: str) -> None:
        self._registry, self._package = registry, package
        self._headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT_MANIFESTS}

    def layer(self, tag: str) -> str:
        """Return the digest of the one layer that contains a verdict."""
        answer = self._get(f"manifests/{tag}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            where = f"{self._registry.host}/{self._package}:{tag}"
            remedy = "run the gate on this revision (docs/gate.md)"
            raise HeldError(f"there is no verdict on this revision, {where} -- fix: {remedy}")
        layers: list[dict[str, Any]] = self._read(answer, tag).get("layers", [])
        fitting = [layer for layer in layers if layer.get("mediaType") == LAYER_TYPE]
        if len(fitting) != 1 or int(fitting[0]["size"]) > _LONGEST:
            raise HeldError(f"{self._package}:{tag} is no verdict of the gate")
        return str(fitting[0]["digest"])

    def blob(self, digest: str) -> bytes:
        """Return a blob, following redirects, after comparing it with its digest."""
        answer = self._get(f"blobs/{digest}")
        if answer.status_code != httpx.codes.OK:
            raise _refused(f"{self._package}@{digest}", _probe(answer))
        if f"sha256:{hashlib.sha256(answer.content).hexdigest()}" != digest:
            raise HeldError(f"the verdict {self._package}@{digest} does not have this digest")
        return answer.content

    def _read(self, answer: httpx.Response, tag: str) -> dict[str, Any]:
        if answer.status_code != httpx.codes.OK:
            raise _refused(f"{self._package}:{tag}", _probe(answer))
        return dict(json.loads(answer.content))

    def _get(self, path: str) -> httpx.Response:
        # On a redirect to another host, httpx does not send the token.
        url = f"https://{self._registry.host}/v2/{self._package}/{path}"
        return self._registry.http.get(url, headers=self._headers, follow_redirects=True)


def _probe(answer: httpx.Response) -> Probe:
    return Probe("registry", answer.status_code, "", answer.text[:200])
