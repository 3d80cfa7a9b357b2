"""What must never be printed, in one place."""

import re

_PLACEHOLDER = "[redacted]"
_PATTERNS = (
    # GitHub's own token prefixes: classic, fine-grained, OAuth, app, refresh.
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{8,}"),
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{8,}"),
    re.compile(r"(?i)(authorization:\s*(?:bearer|basic)\s+)\S+"),
    # Behind backslashes too, as JSON within JSON has its quotes.
    re.compile(r'((?:auth|password|token|\.dockerconfigjson)\\*"\s*:\s*\\*")[^"\\]+'),
    re.compile(r"(\.dockerconfigjson:\s*)[A-Za-z0-9+/=]{8,}"),
)
_known: set[str] = set()


def protect(secret: str) -> str:
    """Remember `secret` so that `redact` removes it wherever it turns up; returns it."""
    if secret:
        _known.add(secret)
    return secret


def redact(text: str) -> str:
    """Return `text` with every known secret and everything shaped like one replaced."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, _PLACEHOLDER)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda m: (m.group(1) if m.groups() else "") + _PLACEHOLDER, text)
    return text
