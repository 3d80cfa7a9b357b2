"""The grammar of repository names, tags and digests.

Source: the OCI distribution specification, "Pulling manifests" and "Digests". GHCR's names begin
with an owner, so they have two parts or more: `owner/package`, `owner/package/sub`.
"""

import re
from typing import Final

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})+")
_OWNER: Final = re.compile(_COMPONENT)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,128}")
# The grammar of a digest, before its algorithm is checked: `sha256:what-is-no-hex` matches.
_DIGEST_FORM: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
# Distribution's upload ids are UUIDs. A dot is excluded, so that no id is a relative path.
_UPLOAD: Final = re.compile(r"[A-Za-z0-9_=-]+")

_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_LONGEST_REPOSITORY: Final = 255


def is_repository(name: str) -> bool:
    """Return whether `name` is a lower-case `owner/package` name of at most 255 characters."""
    return len(name) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(name) is not None


def is_owner(name: str) -> bool:
    """Return whether `name` can be the first part of a repository name."""
    return _OWNER.fullmatch(name) is not None


def is_tag(text: str) -> bool:
    """Return whether `text` is a tag: at most 128 characters, no colon."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Return whether `text` has the form `algorithm:hex`."""
    return _DIGEST.fullmatch(text) is not None


def has_digest_form(text: str) -> bool:
    """Return whether `text` looks like a digest, even if no content can have that digest."""
    return _DIGEST_FORM.fullmatch(text) is not None


def is_upload(text: str) -> bool:
    """Return whether `text` can be the id of an upload."""
    return _UPLOAD.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Return whether `text` can be the emulator's own name for a credential."""
    return _LABEL.fullmatch(text) is not None


def owner_of(repository: str) -> str:
    """Return the first part of a repository name."""
    return repository.partition("/")[0]
