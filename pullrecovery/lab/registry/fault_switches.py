"""The stand-in's fault switches, each undone at the end of its block, whatever happens in it.

What each does to a client is docs/fault-switches.md.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Self

from pullrecovery.common.errors import LabError
from pullrecovery.lab.registry.certificates import KeyPair
from pullrecovery.lab.registry.client import Control


@dataclass(frozen=True, kw_only=True)
class Switch:
    """Any switch; it ends by itself after `seconds`, where they are given."""

    kind: ClassVar[str]
    seconds: int | None = None

    def document(self) -> dict[str, Any]:
        """The body for the control API: what is None or False is left out."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {key: value for key, value in values.items() if value not in (None, False)}
        return {"kind": self.kind, **given}


@dataclass(frozen=True, kw_only=True)
class RequestSwitch(Switch):
    """A switch for requests that equal every field given, and for as many as `count`.

    `route` is one of the access log's, `reference` a tag or digest, `credential` the name by which
    the log knows one; `anonymous` asks for requests without one.
    """

    route: str | None = None
    method: str | None = None
    repository: str | None = None
    reference: str | None = None
    credential: str | None = None
    anonymous: bool = False
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class RateLimited(RequestSwitch):
    """429, with GHCR's body."""

    kind = "rate-limit"


@dataclass(frozen=True, kw_only=True)
class Outage(RequestSwitch):
    """500, 502, 503 or 504, with a registry's error, a proxy's page or an empty body."""

    kind = "outage"
    status: Literal[500, 502, 503, 504] = 503
    body: Literal["json", "html", "empty"] = "json"


@dataclass(frozen=True, kw_only=True)
class Hanging(RequestSwitch):
    """No answer until the end of the block."""

    kind = "hang"


@dataclass(frozen=True, kw_only=True)
class Slow(RequestSwitch):
    """An answer after `delay` seconds, with so many bytes a second."""

    kind = "slow"
    delay: int | None = None
    bytes_per_second: int | None = None


@dataclass(frozen=True, kw_only=True)
class Closed(RequestSwitch):
    """The connection is closed without an answer."""

    kind = "close"


@dataclass(frozen=True, kw_only=True)
class Reset(RequestSwitch):
    """The connection is reset without an answer."""

    kind = "reset"


@dataclass(frozen=True, kw_only=True)
class Truncated(RequestSwitch):
    """A manifest or blob is cut in its middle."""

    kind = "truncate"


@dataclass(frozen=True, kw_only=True)
class WrongBytes(RequestSwitch):
    """A manifest or blob does not have its digest."""

    kind = "wrong-bytes"


@dataclass(frozen=True, kw_only=True)
class WrongDigestHeader(RequestSwitch):
    """A manifest's docker-content-digest is a digest that nothing has."""

    kind = "wrong-digest"


@dataclass(frozen=True, kw_only=True)
class Missing(RequestSwitch):
    """A manifest or blob that is there is said not to be."""

    kind = "missing"


@dataclass(frozen=True, kw_only=True)
class OtherCertificate(Switch):
    """Connections are met by another certificate; see pullrecovery.lab.registry.certificates."""

    kind = "certificate"
    pair: KeyPair = field(repr=False)
    count: int | None = None

    def document(self) -> dict[str, Any]:
        given = super().document()
        pair: KeyPair = given.pop("pair")
        return {**given, "certificate": pair.certificate, "key": pair.key}


@dataclass(frozen=True, kw_only=True)
class PlainHttp(Switch):
    """Connections are met by HTTP without TLS, on port 443."""

    kind = "plain-http"
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Refused(Switch):
    """Connections are refused: nobody listens."""

    kind = "refuse"


@dataclass(frozen=True)
class Switched:
    """A switch that is on, or was."""

    control: Control
    name: str

    def hits(self) -> int:
        """How many requests or connections it met; raises LabError where nobody can count."""
        row = next((row for row in self.control.switches() if row["name"] == self.name), None)
        if row is None:
            raise LabError(f"The switch {self.name} is off, and its hits are gone with it.")
        if row["hits"] is None:
            raise LabError(f"The switch {self.name} counts no hits: nobody sees a refusal.")
        return int(row["hits"])

    @classmethod
    def named_anew(cls, control: Control, switch: Switch) -> Self:
        return cls(control, f"{switch.kind}-{secrets.token_hex(4)}")


@contextmanager
def switched(control: Control, switch: Switch) -> Iterator[Switched]:
    """Have a switch on for the length of the block.

    Raises LabError if the stand-in refuses it. At the end it may have been taken off already.
    """
    on = Switched.named_anew(control, switch)
    try:
        control.put_switch(on.name, switch.document())
        yield on
    finally:
        control.drop_switch(on.name)


@contextmanager
def token_revoked(put: Callable[..., None]) -> Iterator[None]:
    """Have a token revoked for the length of the block.

    `put` is one of Control's methods that put a credential, with all of its arguments but
    `revoked` bound: `partial(control.put_credential, "reader", token, "login", scopes)`.
    """
    try:
        put(revoked=True)
        yield
    finally:
        put(revoked=False)


@contextmanager
def package_deleted(
    control: Control, repository: str, restore: Callable[[], None]
) -> Iterator[None]:
    """Have a package deleted for the length of the block.

    `restore` puts it again as it was: `partial(control.put_package, repository, "private", …)`.
    Its content is then there as before. Raises LabError if there is no such package.
    """
    control.delete_package(repository)
    try:
        yield
    finally:
        restore()
