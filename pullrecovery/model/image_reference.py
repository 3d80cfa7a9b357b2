"""An image reference in its parts, as the kubelet splits it."""

from dataclasses import dataclass

from pullrecovery.model.reference_grammar import split_loosely, split_reference

LATEST = "latest"


@dataclass(frozen=True)
class Reference:
    """An image reference split into its parts; `problem` says why it is invalid, '' if valid."""

    registry: str
    path: str
    tag: str
    digest: str
    problem: str

    def __str__(self) -> str:
        """The whole reference, always with its registry."""
        tag, digest = f":{self.tag}" * bool(self.tag), f"@{self.digest}" * bool(self.digest)
        return f"{self.repository}{tag}{digest}"

    @property
    def repository(self) -> str:
        return f"{self.registry}/{self.path}"

    @property
    def named(self) -> str:
        """What clients ask the registry for: the digest, the tag, or else `latest`."""
        return self.digest or self.tag or LATEST


def parse_reference(text: str) -> Reference:
    """Split `registry/path[:tag][@digest]`; an invalid reference is returned with its problem."""
    try:
        return Reference(*split_reference(text), problem="")
    except ValueError as error:
        return Reference(*split_loosely(text), problem=str(error))
