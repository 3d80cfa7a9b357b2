"""The host names of the emulator; a request under any other name is answered as by ghcr.io."""

from typing import Final

REGISTRY: Final = "ghcr.io"
BLOBS: Final = "pkg-containers.githubusercontent.com"
API: Final = "api.github.com"
NAMES: Final = (REGISTRY, BLOBS, API)
