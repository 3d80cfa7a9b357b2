"""Split the server of a pull secret into host, port and path as the kubelet does.

The kubelet reads a server with Go's net/url and matches its host with Go's path/filepath. Texts are
bytes here, because a percent-encoded server need not be UTF-8. Source: net/url and path/filepath of
Go 1.26, with which Kubernetes 1.37 is built.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_USER = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_HOST = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=:<>\"\x80-\xff]*")
_PORT = re.compile(rb"(?::[0-9]*)?")


@dataclass(frozen=True)
class ServerUrl:
    """The host of a URL, with its port as in `host:port`, and its path without escapes."""

    host: bytes
    path: bytes

    def split_port(self) -> tuple[bytes, bytes]:
        """Host and port apart; a host with several colons has no port."""
        if self.host.startswith(b"["):
            address, _, port = self.host[1:].partition(b"]")
            return (address, port[1:]) if port else (self.host, b"")
        host, colon, port = self.host.rpartition(b":")
        return (host, port) if colon and b":" not in host else (self.host, b"")


def parse_server(text: bytes) -> ServerUrl:
    """Parse `host[:port][/path]`, which has no scheme; raises ValueError if it is no URL."""
    url, _, fragment = text.partition(b"#")
    if _CONTROL.search(url):
        raise ValueError("control character")
    _unescape(fragment)
    address, _, _ = url.partition(b"?")
    authority, slash, path = address.partition(b"/")
    user, _, host = authority.rpartition(b"@")
    if not _USER.fullmatch(user):
        raise ValueError("user")
    _unescape(user)
    return ServerUrl(_host(host), _unescape(slash + path))


def _host(text: bytes) -> bytes:
    """The host without escapes, which may only encode bytes that are not ASCII."""
    if b"[" in text:
        return _ipv6(text)
    _, colon, port = text.partition(b":")
    if not _PORT.fullmatch(colon + port):
        raise ValueError("port")
    if any(int(code, 16) < 0x80 and code != b"25" for code in _ESCAPE.findall(text) if code):
        raise ValueError("escape")
    if not _HOST.fullmatch(_ESCAPE.sub(b"", text)):
        raise ValueError("host")
    return _unescape(text)


def _ipv6(text: bytes) -> bytes:
    """An IPv6 address in brackets, with or without a port."""
    address, bracket, port = text[1:].rpartition(b"]")
    if not text.startswith(b"[") or not bracket or not _PORT.fullmatch(port):
        raise ValueError("brackets")
    try:
        IPv6Address(address.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError) as error:
        raise ValueError("IPv6 address") from error
    return text


def _unescape(text: bytes) -> bytes:
    if b"" in _ESCAPE.findall(text):
        raise ValueError("escape")
    return _ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), text)


def host_matches(pattern: bytes, host: bytes) -> bool:
    """Whether each part of `host` between dots matches the part of `pattern`, which is a glob.

    A pattern that is no glob, such as `[gh`, matches nothing.
    """
    globs, parts = pattern.split(b"."), host.split(b".")
    if len(globs) != len(parts):
        return False
    try:
        return all(
            re.fullmatch(b"".join(_translated(glob)), part, re.DOTALL)
            for glob, part in zip(globs, parts, strict=True)
        )
    except ValueError:
        return False


_RANGE = re.compile(rb"\[(\^?)((?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+)\]", re.DOTALL)
_MEMBER = re.compile(rb"(\\.|[^\\-])(?:-(\\.|[^\\-]))?", re.DOTALL)


def _translated(glob: bytes) -> Iterator[bytes]:
    """The pieces of a regular expression for a glob; raises ValueError for a bad glob."""
    at = 0
    while at < len(glob):
        sign = glob[at : at + 1]
        if sign == b"[":
            members = _RANGE.match(glob, at)
            if not members:
                raise ValueError("range")
            yield _character_class(members[1], members[2])
            at = members.end()
            continue
        if sign == b"\\":
            at += 1
            sign = glob[at : at + 1]
            if not sign:
                raise ValueError("escape")
            yield re.escape(sign)
        else:
            yield {b"*": b"[^/]*", b"?": b"[^/]"}.get(sign, re.escape(sign))
        at += 1


def _character_class(negated: bytes, members: bytes) -> bytes:
    ranges = b""
    for first, last in _MEMBER.findall(members):
        low, high = first[-1:], (last or first)[-1:]
        # No character is a member of a range that is upside down.
        if low <= high:
            ranges += re.escape(low) + b"-" + re.escape(high)
    if not ranges:
        return b"(?s:.)" if negated else b"(?!)"
    return b"[" + negated + ranges + b"]"
