"""The checks of a manifest before it is stored, and the blobs that it needs.

Source: the OCI image specification, and CNCF distribution v3.1 where the specification allows both:
an index may name manifests that are missing.
"""

import json
from collections.abc import Iterator
from email.message import Message
from typing import Any, Final

from ghcr_emulator.storage.files import Digest

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
_IMAGES: Final = frozenset({OCI_MANIFEST, _DOCKER_MANIFEST})
_INDEXES: Final = frozenset({OCI_INDEX, _DOCKER_LIST})

LARGEST: Final = 4 * 1024 * 1024
_SCHEMA: Final = 2
# Layers that a registry need not have, by a part of their media type.
_ELSEWHERE: Final = ("nondistributable", "foreign")


class ManifestError(ValueError):
    """A document is no manifest of its media type; the message is one sentence."""


def media_type_of(header: str) -> str:
    """Return the media type of a Content-Type header, without its parameters."""
    message = Message()
    message["content-type"] = header
    return message.get_content_type()


def needed_blobs(media_type: str, content: bytes) -> list[Digest]:
    """Return the blobs that the repository must have before it accepts a manifest.

    Raises ManifestError for a document that does not fit its media type.
    """
    document = _document(media_type, content)
    if media_type in _INDEXES:
        for each in _descriptors(document, "manifests"):
            _digest(each)
        return []
    return [_digest(each) for each in _image_descriptors(document)]


def _document(media_type: str, content: bytes) -> dict[str, Any]:
    if media_type not in _IMAGES | _INDEXES:
        raise ManifestError(f"{media_type} is no media type of a manifest")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError("a manifest must be JSON") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != _SCHEMA:
        raise ManifestError(f"a manifest must have the schemaVersion {_SCHEMA}")
    if document.get("mediaType", media_type) != media_type:
        raise ManifestError("the manifest's mediaType must be that of its Content-Type")
    if ("manifests" in document) is not (media_type in _INDEXES):
        raise ManifestError("an index has manifests, and nothing else has")
    return document


def _image_descriptors(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    config = document.get("config")
    if not isinstance(config, dict):
        raise ManifestError("a manifest must have a config")
    yield config
    for layer in _descriptors(document, "layers"):
        media_type = str(layer.get("mediaType"))
        if not any(word in media_type for word in _ELSEWHERE):
            yield layer


def _descriptors(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ManifestError(f"{key} must be a list of descriptors")
    return entries


def _digest(descriptor: dict[str, Any]) -> Digest:
    digest = Digest.parse(str(descriptor.get("digest")))
    if digest is None:
        raise ManifestError("a descriptor must have a digest")
    return digest
