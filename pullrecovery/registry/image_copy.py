"""Read images from a registry and push them to another, byte by byte.

Source: the OCI distribution specification, pulls and pushes.
"""

import hashlib
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import urljoin

import httpx

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.media_types import ACCEPT_MANIFESTS

_PIECE = 1 << 20


class TransferError(PullRecoveryError):
    """An image could not be read completely, or could not be pushed."""


class PackageTransfer:
    """One package of a registry with a bearer token for it; methods raise TransferError."""

    def __init__(
        self,
        registry: RegistryClient,
        credential: Credential | None,
        package: str,
        actions: str,
    ) -> None:
        """Request a token; `actions` are the actions of its scope, as `pull,push`."""
        token = registry.token(package, actions, credential)
        self._where = f"{registry.host}/{package}"
        if isinstance(token, Probe):
            raise TransferError(f"{self._where}: {token}")
        self._http, self._base = registry.http, f"https://{registry.host}/v2/{package}/"
        self._authorization = {"Authorization": f"Bearer {token}"}

    def manifest(self, digest: str) -> tuple[bytes, str]:
        """The bytes of a manifest, verified against its digest, and its media type."""
        answer = self._ask("GET", f"manifests/{digest}", 200, headers={"Accept": ACCEPT_MANIFESTS})
        actual = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if actual != digest:
            raise TransferError(f"{self._where}@{digest} has the bytes of {actual}")
        return answer.content, answer.headers["content-type"].partition(";")[0]

    def put_manifest(self, reference: str, content: bytes, kind: str) -> None:
        """Push a manifest under a tag or its digest; `kind` is its media type."""
        self._ask(
            "PUT", f"manifests/{reference}", 201, content=content, headers={"Content-Type": kind}
        )

    def has(self, digest: str) -> bool:
        """Whether the package has a blob."""
        url = urljoin(self._base, f"blobs/{digest}")
        return self._http.head(url, headers=self._authorization).status_code in (200, 307)

    def read_blob(self, digest: str, file: IO[bytes]) -> None:
        """Write a blob to `file`, following the registry's redirect to its location."""
        url, hashed = urljoin(self._base, f"blobs/{digest}"), hashlib.sha256()
        headers = {**self._authorization, "Accept-Encoding": "identity"}
        # httpx does not send the token to another host after a redirect.
        with self._http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise TransferError(f"{self._where}@{digest}: {answer.status_code}")
            for piece in answer.iter_bytes(_PIECE):
                hashed.update(piece)
                file.write(piece)
        if f"sha256:{hashed.hexdigest()}" != digest:
            raise TransferError(f"{self._where}@{digest} does not have the bytes of its digest")

    def put_blob(self, digest: str, file: IO[bytes]) -> None:
        """Push a blob: the content of `file` from its start to its current position."""
        started = self._ask("POST", "blobs/uploads/", 202)
        place = httpx.URL(urljoin(self._base, started.headers["location"]))
        url = str(place.copy_merge_params({"digest": digest}))
        length = str(file.tell())
        self._ask("PUT", url, 201, content=_pieces(file), headers={"Content-Length": length})

    def _ask(self, method: str, path: str, wanted: int, **request: Any) -> httpx.Response:
        headers = {**self._authorization, **request.pop("headers", {})}
        url = urljoin(self._base, path)
        answer = self._http.request(method, url, headers=headers, **request)
        if answer.status_code != wanted:
            answered = f"{answer.status_code} {answer.text[:200]}"
            raise TransferError(f"{self._where}: {method} {path}: {answered}")
        return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE):
        yield piece
