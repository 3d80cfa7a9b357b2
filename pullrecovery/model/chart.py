"""A rendered chart and the images that its values name, as frozen data."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NamedImage:
    """An image reference that the values set for one container.

    `key` is the values key, such as `initContainers[0].image`. `file` is the values file that
    overrides all others for this key.
    """

    key: str
    reference: str
    file: Path


@dataclass(frozen=True)
class RenderedChart:
    """The output of `helm template`; `error` is Helm's message if the command failed.

    `origins` pairs each values key of the image with the file that overrides all others for it.
    `containers` are the images that the values set for single containers.
    """

    images: tuple[str, ...]
    error: str = ""
    origins: tuple[tuple[str, Path], ...] = ()
    containers: tuple[NamedImage, ...] = ()

    def origin(self, key: str) -> Path | None:
        """The values file that overrides all others for `key`; None if no file sets it."""
        return dict(self.origins).get(key)
