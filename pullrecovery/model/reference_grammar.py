"""The grammar of image references, as the kubelet and the clients apply it.

Source: github.com/distribution/reference v0.6.0 (ParseNormalizedNamed) and
github.com/opencontainers/go-digest v1.0.0, which Kubernetes 1.37 uses.
"""

import re

_HUB, _OLD_HUB, _OFFICIAL, _LOCALHOST = "docker.io", "index.docker.io", "library/", "localhost"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_ALGORITHM = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*"
_DIGEST = rf"{_ALGORITHM}:[0-9a-fA-F]{{32,}}"
_REFERENCE = re.compile(rf"({_REGISTRY})/({_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LONGEST_PATH = 255
# Hexadecimal digits of each algorithm's digest, which must be lower case.
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


def split_reference(text: str) -> tuple[str, str, str, str]:
    """Registry, path, tag and digest of a reference; tag and digest may be ''.

    A name without a registry is one of Docker Hub: `nginx` is `docker.io/library/nginx`. Raises
    ValueError with the reason if the reference is invalid.
    """
    if _IDENTIFIER.fullmatch(text):
        raise ValueError(f"invalid repository name ({text}), it is a 64-digit identifier")
    registry, rest = _registry_of(text)
    path = rest.partition(":")[0]
    if path.lower() != path:
        raise ValueError(f"repository name ({path}) must be lowercase")
    found = _REFERENCE.fullmatch(f"{registry}/{rest}")
    if not found:
        raise ValueError(_invalid_part(text))
    registry, path, tag, digest = (part or "" for part in found.groups())
    if len(path) > _LONGEST_PATH:
        raise ValueError(f"repository name must not be more than {_LONGEST_PATH} characters")
    _check_digest(digest)
    return registry, path, tag, digest


def split_loosely(text: str) -> tuple[str, str, str, str]:
    """Registry, path, tag and digest of an invalid reference, as far as they can be told apart."""
    rest, _, digest = text.partition("@")
    registry, rest = _registry_of(rest)
    path, _, tag = rest.partition(":")
    return registry, path, tag, digest


def _invalid_part(text: str) -> str:
    """Which part of a reference has the wrong form."""
    registry, path, tag, digest = split_loosely(text)
    checks = (
        (_REGISTRY, registry, f"{registry!r} is no registry host"),
        (_PATH, path, f"{path!r} is no repository name"),
        (rf"(?:{_TAG})?", tag, f"{tag!r} is no tag"),
        (rf"(?:{_DIGEST})?", digest, f"{digest!r} is no digest"),
    )
    wrong = (said for pattern, part, said in checks if not re.fullmatch(pattern, part))
    return next(wrong, "a tag or digest is missing after its separator")


def _registry_of(text: str) -> tuple[str, str]:
    """The registry that a reference names, by default Docker Hub, and the rest of the text."""
    first, slash, rest = text.partition("/")
    if not slash:
        return _HUB, _OFFICIAL + text
    named = "." in first or ":" in first or first == _LOCALHOST or first.lower() != first
    registry, path = (first, rest) if named else (_HUB, text)
    registry = _HUB if registry == _OLD_HUB else registry
    if registry == _HUB and "/" not in path:
        path = _OFFICIAL + path
    return registry, path


def _check_digest(digest: str) -> None:
    """Raise ValueError for a digest that no registry can have."""
    algorithm, _, digits = digest.partition(":")
    if not digest:
        return
    if algorithm not in _DIGEST_LENGTHS:
        raise ValueError(f"unsupported digest algorithm {algorithm}")
    if len(digits) != _DIGEST_LENGTHS[algorithm]:
        raise ValueError("invalid checksum digest length")
    if digits != digits.lower():
        raise ValueError("invalid checksum digest format")
