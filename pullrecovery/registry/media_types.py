"""Media types of manifests in containerd's order, and tags that do not name an image."""

import re

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
ACCEPT_MANIFESTS = ", ".join((*MANIFESTS, "*/*"))
# Tags of artifacts beside an image: the gate's verdicts, and the fallback tags for referrers (OCI
# distribution specification 1.1), where cosign stores its signatures too.
_ARTIFACT = re.compile(
    r"verdict-[0-9a-f]{40}([0-9a-f]{24})?-[\w.-]+|sha256-[0-9a-f]{64}(\.[a-z]+)?", re.ASCII
)


def names_image(tag: str) -> bool:
    """Whether a tag can name an image, and not an artifact stored beside one."""
    return not _ARTIFACT.fullmatch(tag)
