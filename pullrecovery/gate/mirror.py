"""An image of the real registry, byte by byte in the lab's: so that the very digest is started.

Source: the OCI distribution specification, pulls and pushes.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urljoin

import httpx

from pullrecovery.errors import PullRecoveryError
from pullrecovery.model import Image
from pullrecovery.observation import Credential, Probe
from pullrecovery.oci_types import ACCEPT_MANIFESTS
from pullrecovery.registry import RegistryClient

_PIECE = 1 << 20


class MirrorError(PullRecoveryError):
    """An image could not be read whole, or not be put into the lab."""


@dataclass(frozen=True)
class Side:
    """A registry and who asks it: one that may read here, or write there."""

    registry: RegistryClient
    credential: Credential | None


def mirror(image: Image, digest: str, source: Side, target: Side) -> None:
    """Copy the image with the digest `digest`, and put it under the image's tag.

    An index is copied with all that it names. What is there already is not sent again.
    Raises MirrorError with the words of the registry that did not play along.
    """
    try:
        reader = _Access(source, image.package, "pull")
        writer = _Access(target, image.package, "pull,push")
        content, kind = _copy(reader, writer, digest)
        writer.put_manifest(image.tag, content, kind)
    except httpx.HTTPError as error:
        problem = f"{type(error).__name__}: {error}"
        raise MirrorError(f"{image.reference} cannot be copied: {problem}") from error


def _copy(reader: "_Access", writer: "_Access", digest: str) -> tuple[bytes, str]:
    """Copy a manifest with all that it names; returns its bytes and its media type."""
    content, kind = reader.manifest(digest)
    document: dict[str, Any] = json.loads(content)
    for child in document.get("manifests", ()):
        written, child_kind = _copy(reader, writer, child["digest"])
        writer.put_manifest(child["digest"], written, child_kind)
    for part in [*_config(document), *document.get("layers", ())]:
        if not writer.has(part["digest"]):
            with TemporaryFile() as file:
                reader.read_blob(part["digest"], file)
                writer.put_blob(part["digest"], file)
    return content, kind


def _config(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [document["config"]] if "config" in document else []


class _Access:
    """One package of a registry, with a bearer token for it."""

    def __init__(self, side: Side, package: str, actions: str) -> None:
        token = side.registry.token(package, actions, side.credential)
        self._where = f"{side.registry.host}/{package}"
        if isinstance(token, Probe):
            raise MirrorError(f"{self._where}: {token}")
        self._http, self._base = side.registry.http, f"https://{side.registry.host}/v2/{package}/"
        self._authorization = {"Authorization": f"Bearer {token}"}

    def manifest(self, digest: str) -> tuple[bytes, str]:
        """The bytes of a manifest, which are those of its digest, and its media type."""
        answer = self._ask("GET", f"manifests/{digest}", 200, headers={"Accept": ACCEPT_MANIFESTS})
        found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if found != digest:
            raise MirrorError(f"{self._where}@{digest} has the bytes of {found}")
        return answer.content, answer.headers["content-type"].partition(";")[0]

    def put_manifest(self, reference: str, content: bytes, kind: str) -> None:
        self._ask(
            "PUT", f"manifests/{reference}", 201, content=content, headers={"Content-Type": kind}
        )

    def has(self, digest: str) -> bool:
        url = urljoin(self._base, f"blobs/{digest}")
        return self._http.head(url, headers=self._authorization).status_code in (200, 307)

    def read_blob(self, digest: str, file: IO[bytes]) -> None:
        """Write a blob to `file`, wherever the registry says that it is."""
        url, found = urljoin(self._base, f"blobs/{digest}"), hashlib.sha256()
        headers = {**self._authorization, "Accept-Encoding": "identity"}
        # Where it leads to another host, httpx leaves the token behind.
        with self._http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise MirrorError(f"{self._where}@{digest}: {answer.status_code}")
            for piece in answer.iter_bytes(_PIECE):
                found.update(piece)
                file.write(piece)
        if f"sha256:{found.hexdigest()}" != digest:
            raise MirrorError(f"{self._where}@{digest} does not have the bytes of its digest")

    def put_blob(self, digest: str, file: IO[bytes]) -> None:
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
            said = f"{answer.status_code} {answer.text[:200]}"
            raise MirrorError(f"{self._where}: {method} {path}: {said}")
        return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE):
        yield piece
