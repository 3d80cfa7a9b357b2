"""What was seen of a chart, as frozen data."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NamedImage:
    """A reference that values name for one container: its key, such as `initContainers[0].image`.

    `file` is the one that has the last word on it.
    """

    key: str
    reference: str
    file: Path


@dataclass(frozen=True)
class RenderedChart:
    """What `helm template` rendered; `error` holds its words where it failed.

    `origins` pairs each of the image's values keys with the file that has the last word on it.
    `containers` are the images that the values name for single containers.
    """

    images: tuple[str, ...]
    error: str = ""
    origins: tuple[tuple[str, Path], ...] = ()
    containers: tuple[NamedImage, ...] = ()

    def origin(self, key: str) -> Path | None:
        """The file that has the last word on `key`; None if no file has it."""
        return dict(self.origins).get(key)
