"""An image reference in its parts, as the kubelet splits it."""

from dataclasses import dataclass

from pullrecovery.model.reference_grammar import split_loosely, split_reference


@dataclass(frozen=True)
class Reference:
    """An image reference split into its parts; `problem` says why it is invalid, '' if valid."""

    registry: str
    path: str
    tag: str
    digest: str
    problem: str

    @property
    def repository(self) -> str:
        return f"{self.registry}/{self.path}"


def parse_reference(text: str) -> Reference:
    """Split `registry/path[:tag][@digest]`; an invalid reference is returned with its problem."""
    try:
        return Reference(*split_reference(text), problem="")
    except ValueError as error:
        return Reference(*split_loosely(text), problem=str(error))
