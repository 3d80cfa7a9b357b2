"""Parse image references by the rules that the kubelet applies.

Source: github.com/distribution/reference, the grammar in its package comment.
"""

import re
from dataclasses import dataclass

LATEST = "latest"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


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
    rest, _, digest = text.partition("@")
    registry, slash, path = rest.partition("/")
    if not slash or not _names_host(registry):
        registry, path = "docker.io", rest if slash else f"library/{rest}"
    path, _, tag = path.partition(":")
    return Reference(registry, path, tag, digest, _problem(path, tag, digest))


def _names_host(first: str) -> bool:
    """Whether the first part of a reference is a registry host, not an owner on Docker Hub."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def _problem(path: str, tag: str, digest: str) -> str:
    if path != path.lower():
        return f"repository name ({path}) must be lowercase"
    if not _PATH.fullmatch(path):
        return f"{path!r} is no repository name"
    if tag and not _TAG.fullmatch(tag):
        return f"{tag!r} is no tag"
    if digest and not _DIGEST.fullmatch(digest):
        return f"{digest!r} is no digest"
    return ""
