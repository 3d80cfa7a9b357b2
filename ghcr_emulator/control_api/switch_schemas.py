"""Reading a switch from the JSON that the control port is given."""

import ssl
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from ghcr_emulator.faults import kinds as faults
from ghcr_emulator.faults.kinds import Fault
from ghcr_emulator.faults.matching import Match
from ghcr_emulator.faults.tls_listener import tls
from ghcr_emulator.protocol.routes import Route
from ghcr_emulator.state.json_schema import Document, DocumentError

_MATCH: Final = tuple(field.name for field in fields(Match))
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Order:
    """A switch as it was asked for; `seconds` is how long it lasts, `count` how many hits."""

    fault: Fault
    match: Match
    count: int | None
    seconds: int | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a fault is read, the keys it has, and the keys that every switch of its sort has."""

    read: Callable[[Document], Fault]
    keys: tuple[str, ...] = ()
    common: tuple[str, ...] = (*_MATCH, "count", "seconds")


def _outage(document: Document) -> Fault:
    status = document.number("status", 503)
    if status not in faults.OUTAGES:
        raise DocumentError(f"'status' must be one of {_list(faults.OUTAGES)}")
    return faults.Outage(status, _choice(document, "body", faults.BODIES) or "json")


def _slow(document: Document) -> Fault:
    delay = _positive(document, "delay")
    rate = _positive(document, "bytes_per_second")
    if delay is None and rate is None:
        raise DocumentError("one of 'delay' and 'bytes_per_second' must be there")
    return faults.Slow(delay or 0, rate or 0)


def _certificate(document: Document) -> Fault:
    chain, key = document.pem("certificate"), document.pem("key")
    # OpenSSL reads files alone. The folder is open to this user alone, and gone at once.
    with tempfile.TemporaryDirectory(prefix="ghcr-certificate-") as folder:
        chain_file, key_file = Path(folder, "tls.crt"), Path(folder, "tls.key")
        chain_file.write_text(chain)
        key_file.write_text(key)
        try:
            return faults.Certificate(tls(chain_file, key_file))
        except ssl.SSLError:
            raise DocumentError("'certificate' and 'key' are no certificate and its key") from None


_AT_DOOR: Final = ("count", "seconds")
KINDS: Final = {
    "rate-limit": _Kind(lambda _: faults.RateLimit()),
    "outage": _Kind(_outage, ("status", "body")),
    "hang": _Kind(lambda _: faults.Hang()),
    "slow": _Kind(_slow, ("delay", "bytes_per_second")),
    "close": _Kind(lambda _: faults.Break(reset=False)),
    "reset": _Kind(lambda _: faults.Break(reset=True)),
    "truncate": _Kind(lambda _: faults.Truncate()),
    "wrong-bytes": _Kind(lambda _: faults.WrongBytes()),
    "wrong-digest": _Kind(lambda _: faults.WrongDigest()),
    "missing": _Kind(lambda _: faults.Missing()),
    "certificate": _Kind(_certificate, ("certificate", "key"), _AT_DOOR),
    "plain-http": _Kind(lambda _: faults.PlainHttp(), (), _AT_DOOR),
    # Whom the kernel refuses nobody counts.
    "refuse": _Kind(lambda _: faults.Refuse(), (), ("seconds",)),
}


def read_order(text: bytes) -> Order:
    """Read a switch; raises DocumentError for anything that its kind does not know."""
    every = {key for kind in KINDS.values() for key in (*kind.keys, *kind.common)}
    name = _choice(Document(text, {"kind", *every}), "kind", list(KINDS))
    if name is None:
        raise DocumentError(f"'kind' is missing: it is one of {_list(KINDS)}")
    kind = KINDS[name]
    document = Document(text, {"kind", *kind.keys, *kind.common})
    return Order(
        kind.read(document),
        _match(document),
        _positive(document, "count"),
        _positive(document, "seconds"),
    )


def _match(document: Document) -> Match:
    route = _choice(document, "route", list(Route))
    match = Match(
        route=None if route is None else Route(route),
        method=_choice(document, "method", _METHODS),
        repository=_text(document, "repository"),
        reference=_text(document, "reference"),
        credential=_text(document, "credential"),
        anonymous=document.flag("anonymous"),
    )
    if match.anonymous and match.credential:
        raise DocumentError("'anonymous' and 'credential' exclude each other")
    return match


def _text(document: Document, key: str) -> str | None:
    return document.text(key) if key in document else None


def _choice(document: Document, key: str, allowed: Collection[str]) -> str | None:
    text = _text(document, key)
    if text is not None and text not in allowed:
        raise DocumentError(f"{key!r} must be one of {_list(allowed)}")
    return text


def _positive(document: Document, key: str) -> int | None:
    if key not in document:
        return None
    number = document.number(key, 0)
    if number < 1:
        raise DocumentError(f"{key!r} must be 1 or more")
    return number


def _list(allowed: Collection[object]) -> str:
    return ", ".join(str(one) for one in allowed)
