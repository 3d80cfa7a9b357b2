"""Publish a signed verdict beside its image, where the hook fetches it (ADR 0018)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import httpx

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.gate.verdict.registry_store import LAYER_TYPE
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.media_types import ACCEPT_MANIFESTS

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_NOTHING = b"{}"


def publish_verdict(
    registry: RegistryClient,
    package: str,
    image: str,
    tag: str,
    signed: str,
    credential: Credential,
) -> str:
    """Push a verdict as `tag` beside the image with the digest `image`; return the tag.

    `tag` is its `verdict_tag`; an earlier verdict under it is replaced. `image` is '' if a held
    revision has no image, and then the verdict names no subject. `credential` must be allowed to
    push. Raises PullRecoveryError with the registry's message.
    """
    try:
        token = registry.token(package, "pull,push", credential)
        if isinstance(token, Probe):
            raise PullRecoveryError(f"a verdict cannot be pushed to {package}: {token}")
        writer = _Writer(registry, package, token)
        document = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": LAYER_TYPE,
            "config": writer.blob(_EMPTY, _NOTHING),
            "layers": [writer.blob(LAYER_TYPE, signed.encode())],
            **({"subject": writer.described(image)} if image else {}),
        }
        writer.manifest(tag, json.dumps(document).encode())
    except httpx.HTTPError as error:
        problem = f"{type(error).__name__}: {error}"
        raise PullRecoveryError(f"a verdict cannot be pushed to {package}: {problem}") from error
    return tag


class _Writer:
    """Push to one package with a bearer token."""

    def __init__(self, registry: RegistryClient, package: str, token: str) -> None:
        self._http, self._base = registry.http, f"https://{registry.host}/v2/{package}/"
        self._authorization = {"Authorization": f"Bearer {token}"}

    def described(self, digest: str) -> dict[str, Any]:
        """Return the descriptor of a manifest that the registry has."""
        asked = {"Accept": ACCEPT_MANIFESTS}
        answer = self._call("GET", f"manifests/{digest}", httpx.codes.OK, headers=asked)
        kind = answer.headers.get("content-type", _MANIFEST)
        return {"mediaType": kind, "digest": digest, "size": len(answer.content)}

    def blob(self, kind: str, content: bytes) -> dict[str, Any]:
        """Push a blob in one request; return its descriptor."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        started = self._call("POST", "blobs/uploads/", httpx.codes.ACCEPTED)
        place = urljoin(self._base, started.headers["location"])
        put = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        self._call("PUT", put, httpx.codes.CREATED, content=content)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def manifest(self, tag: str, document: bytes) -> None:
        kind = {"Content-Type": _MANIFEST}
        self._call("PUT", f"manifests/{tag}", httpx.codes.CREATED, headers=kind, content=document)

    def _call(
        self,
        method: str,
        path: str,
        wanted: int,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        answer = self._http.request(
            method,
            urljoin(self._base, path),
            headers={**self._authorization, **(headers or {})},
            content=content,
        )
        if answer.status_code != wanted:
            said = f"{answer.status_code} {answer.text[:200]}"
            raise PullRecoveryError(f"a verdict cannot be pushed: {method} {path}: {said}")
        return answer
