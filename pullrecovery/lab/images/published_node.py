"""The published images that the lab starts from if an image registry answers."""

import os
import re

from pullrecovery.common.errors import UsageError
from pullrecovery.lab.tools.versions import KubernetesSet

# Debian 12.12, the release that mmdebstrap bootstraps if no image can be pulled.
_BASE = (
    "debian:bookworm-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c"
)
_PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def published_node(versions: KubernetesSet) -> str:
    """Return the node image of `versions`, or that in NODE_IMAGE; always with its digest."""
    return _named("NODE_IMAGE") or versions.node_image


def published_base() -> str:
    """Return the Debian image under the lab's own images, or that in BASE_IMAGE."""
    return _named("BASE_IMAGE") or _BASE


def _named(variable: str) -> str:
    """Return the image in `variable`, such as one of a mirror; raises UsageError if not pinned."""
    image = os.environ.get(variable, "")
    if image and not _PINNED.fullmatch(image):
        raise UsageError(f"{variable}={image} must end with the image's digest, @sha256:….")
    return image
