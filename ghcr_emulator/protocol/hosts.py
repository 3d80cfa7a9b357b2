"""The names that the front answers to; under any other it is ghcr.io."""

from typing import Final

REGISTRY: Final = "ghcr.io"
BLOBS: Final = "pkg-containers.githubusercontent.com"
API: Final = "api.github.com"
NAMES: Final = (REGISTRY, BLOBS, API)
