"""Copy an image from the real registry into the lab with an unchanged digest."""

import json
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

import httpx

from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.image_copy import PackageTransfer, TransferError


@dataclass(frozen=True)
class Side:
    """A registry and the credential to read from it or write to it."""

    registry: RegistryClient
    credential: Credential | None


def mirror(image: Image, digest: str, source: Side, target: Side) -> None:
    """Copy the image with the digest `digest`, and push it under the image's tag.

    An index is copied with all that it names. Content that exists already is not sent again. Raises
    TransferError with the message of the registry that failed.
    """
    try:
        reader = PackageTransfer(source.registry, source.credential, image.package, "pull")
        writer = PackageTransfer(target.registry, target.credential, image.package, "pull,push")
        content, kind = _copy(reader, writer, digest)
        writer.put_manifest(image.tag, content, kind)
    except httpx.HTTPError as error:
        problem = f"{type(error).__name__}: {error}"
        raise TransferError(f"{image.reference} cannot be copied: {problem}") from error


def _copy(reader: PackageTransfer, writer: PackageTransfer, digest: str) -> tuple[bytes, str]:
    """Copy a manifest with all that it names; return its bytes and its media type."""
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
