"""Hints for errors of the machine (full disk, no network) that other programs report."""

import re

_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_UNREACHED = re.compile(
    r"dial tcp|no such host|Temporary failure|Could not resolve|Network is unreachable"
    r"|Connection refused|i/o timeout|NewConnectionError|TLS handshake timeout",
    re.IGNORECASE,
)
_FREE_SPACE = (
    "The disk is full: free some space, or set XDG_CACHE_HOME to a folder with more; what was"
    " finished is kept, and the next run goes on from there."
)
_LOOK_AT_NETWORK = (
    "A package registry cannot be reached: look at the network, and at HTTPS_PROXY, GOPROXY and"
    " PIP_INDEX_URL if there is a proxy or a mirror; the next run goes on from here."
)
_FIXES = ((_FULL, _FREE_SPACE), (_UNREACHED, _LOOK_AT_NETWORK))


def fix_for_error(text: str) -> str:
    """Return the fix for the error in `text`, or '' if none is known."""
    return next((fix for pattern, fix in _FIXES if pattern.search(text)), "")
