"""Media types of manifests, in the order containerd names them; and tags that no image is under."""

import re

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
ACCEPT_MANIFESTS = ", ".join((*MANIFESTS, "*/*"))
# Of what stands beside an image: the gate's verdicts, and the fallback for referrers (OCI
# distribution specification 1.1), under which cosign keeps its signatures, too.
_ARTIFACT = re.compile(
    r"verdict-[0-9a-f]{40}([0-9a-f]{24})?-[\w.-]+|sha256-[0-9a-f]{64}(\.[a-z]+)?", re.ASCII
)


def names_image(tag: str) -> bool:
    """Whether a tag can be one of an image, and not of what is kept beside one."""
    return not _ARTIFACT.fullmatch(tag)
