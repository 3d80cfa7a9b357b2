"""What must never be printed, in one place."""

import base64
import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote, quote_plus

_PLACEHOLDER = "[redacted]"
_PATTERNS = (
    # GitHub's own token prefixes: classic, fine-grained, OAuth, app, refresh.
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{8,}"),
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{8,}"),
    # As a header line, and as a dict of headers is printed.
    re.compile(
        r"""(?i)(authorization\\*["']?\s*[:=]\s*\\*["']?(?:bearer|basic|token)\s+)[^\s"'\\,}]+"""
    ),
    # Of a URL; what is before the digest of an image is its tag.
    re.compile(r"(//[^/\s:@]*:)[^/\s@]+(?=@(?!sha\d+:))"),
    # Its line breaks may be escaped, as JSON has them.
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL),
    # Behind backslashes too, as JSON within JSON has its quotes.
    re.compile(r'((?:auth|password|token|\.dockerconfigjson)\\*"\s*:\s*\\*")[^"\\]+'),
    re.compile(r"(\.dockerconfigjson:\s*)[A-Za-z0-9+/=]{8,}"),
)
# A shorter secret is found in too much that is none.
_ENCODED_FROM = 8
_URL_SAFE = str.maketrans("+/", "-_")
# What belongs to the same text in base64, as the login before a token does.
_BASE64 = r"[A-Za-z0-9+/_=-]*"
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
        for encoded in _encoded(secret):
            if encoded in text:
                text = re.sub(f"{_BASE64}{re.escape(encoded)}{_BASE64}", _PLACEHOLDER, text)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda m: (m.group(1) if m.groups() else "") + _PLACEHOLDER, text)
    return text


@cache
def _encoded(secret: str) -> frozenset[str]:
    """Return what `secret` becomes in a URL, and in the base64 of a text that it is a part of."""
    if len(secret) < _ENCODED_FROM:
        return frozenset()
    plain = frozenset(_in_base64(secret.encode()))
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)} - {secret}
    return plain | in_urls | {each.translate(_URL_SAFE) for each in plain}


def _in_base64(secret: bytes) -> Iterator[str]:
    """One string for each of the three places that a secret can begin at in a group of base64."""
    for before in range(3):
        # The ends depend on the text around it.
        begin, end = (4 if before else 0), (before + len(secret)) // 3 * 4
        yield base64.b64encode(bytes(before) + secret)[begin:end].decode()
