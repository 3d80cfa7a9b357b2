"""Redact secrets in everything that is printed."""

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
    # As a header line, and as Python prints a dict of headers.
    re.compile(
        r"""(?i)(authorization\\*["']?\s*[:=]\s*\\*["']?(?:bearer|basic|token)\s+)[^\s"'\\,}]+"""
    ),
    # In a URL; the text before the digest of an image is its tag.
    re.compile(r"(//[^/\s:@]*:)[^/\s@]+(?=@(?!sha\d+:))"),
    # The line breaks may be escaped, as in JSON.
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL),
    # The quotes may be escaped with backslashes, as in JSON within JSON.
    re.compile(r'((?:auth|password|token|\.dockerconfigjson)\\*"\s*:\s*\\*")[^"\\]+'),
    re.compile(r"(\.dockerconfigjson:\s*)[A-Za-z0-9+/=]{8,}"),
)
# The encoded forms of a shorter secret occur in too much harmless text.
_ENCODED_FROM = 8
_URL_SAFE = str.maketrans("+/", "-_")
# Text around the secret in the base64 of a longer text, such as the login before a token.
_BASE64 = r"[A-Za-z0-9+/_=-]*"
_known: set[str] = set()


def protect(secret: str) -> str:
    """Register `secret` so that `redact` removes it everywhere; returns it."""
    if secret:
        _known.add(secret)
    return secret


def redact(text: str) -> str:
    """Return `text` with every registered secret, and all text shaped like one, replaced."""
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
    """Return the forms of `secret` in a URL, and in the base64 of a text that contains it."""
    if len(secret) < _ENCODED_FROM:
        return frozenset()
    plain = frozenset(_in_base64(secret.encode()))
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)} - {secret}
    return plain | in_urls | {encoded.translate(_URL_SAFE) for encoded in plain}


def _in_base64(secret: bytes) -> Iterator[str]:
    """One string for each of the three offsets of a secret in a group of base64."""
    for before in range(3):
        # The characters at both ends depend on the surrounding text.
        begin, end = (4 if before else 0), (before + len(secret)) // 3 * 4
        yield base64.b64encode(bytes(before) + secret)[begin:end].decode()
