"""The fault switches: what each is asked for with, on both sides of the control API.

What each does to a client is docs/fault-switches.md.
"""

from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from ghcr_emulator.documents.model import FromText, Model, Positive, Text, wrong
from ghcr_emulator.protocol.routes import Route


class FaultSwitch(Model):
    """Any switch; it ends by itself after `seconds`, where they are given."""

    called: ClassVar[str] = "switch"
    tagged: ClassVar[bool] = True
    kind: str
    seconds: Positive | None = None


class RequestSwitch(FaultSwitch):
    """A switch for requests that equal every field given, and for as many as `count`.

    `reference` is a tag or digest, as asked for or as found; `credential` the name by which the
    access log knows one; `anonymous` asks for requests without one.
    """

    route: Annotated[Route, FromText] | None = None
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] | None = None
    repository: Text | None = None
    reference: Text | None = None
    credential: Text | None = None
    anonymous: bool = False
    count: Positive | None = None

    @model_validator(mode="after")
    def _check_whom_it_is_for(self) -> Self:
        if self.anonymous and self.credential:
            raise wrong("has both 'anonymous' and 'credential', which exclude each other")
        return self


class RateLimit(RequestSwitch):
    """429, with GHCR's limit for pulls or for pushes in its text and no Retry-After."""

    kind: Literal["rate-limit"] = "rate-limit"


class Outage(RequestSwitch):
    """A 5xx whose body is a registry's error, a proxy's page, or nothing."""

    kind: Literal["outage"] = "outage"
    status: Literal[500, 502, 503, 504] = 503
    body: Literal["json", "html", "empty"] = "json"


class Hang(RequestSwitch):
    """No answer until the switch is taken off; then the usual one."""

    kind: Literal["hang"] = "hang"


class Slow(RequestSwitch):
    """The usual answer after `delay` seconds, and then so many bytes a second."""

    kind: Literal["slow"] = "slow"
    delay: Positive | None = None
    bytes_per_second: Positive | None = None

    @model_validator(mode="after")
    def _check_that_it_is_slow(self) -> Self:
        if self.delay is None and self.bytes_per_second is None:
            raise wrong("needs one of 'delay' and 'bytes_per_second'")
        return self


class Close(RequestSwitch):
    """The connection is closed without an answer."""

    kind: Literal["close"] = "close"


class Reset(RequestSwitch):
    """The connection is reset without an answer."""

    kind: Literal["reset"] = "reset"


class Truncate(RequestSwitch):
    """A manifest or blob is cut in its middle, under a content-length that tells the whole."""

    kind: Literal["truncate"] = "truncate"


class WrongBytes(RequestSwitch):
    """One byte of a manifest or blob is another: its length is right, its digest is not."""

    kind: Literal["wrong-bytes"] = "wrong-bytes"


class WrongDigest(RequestSwitch):
    """The docker-content-digest header of a manifest names a digest that nothing has."""

    kind: Literal["wrong-digest"] = "wrong-digest"


class Missing(RequestSwitch):
    """A manifest or blob that is there is said not to be."""

    kind: Literal["missing"] = "missing"


def _check_pem(text: str) -> str:
    if not text.startswith("-----BEGIN "):
        raise wrong("must be a text in PEM's form")
    return text


class Certificate(FaultSwitch):
    """Connections are met by TLS under another certificate, a chain in PEM, and its key."""

    kind: Literal["certificate"] = "certificate"
    certificate: Annotated[str, AfterValidator(_check_pem)]
    key: Annotated[str, AfterValidator(_check_pem)] = Field(repr=False)
    count: Positive | None = None


class PlainHttp(FaultSwitch):
    """Connections are met by HTTP without TLS, where TLS is expected."""

    kind: Literal["plain-http"] = "plain-http"
    count: Positive | None = None


class Refuse(FaultSwitch):
    """Connections are refused: nobody listens, and nobody counts them."""

    kind: Literal["refuse"] = "refuse"


Answer: TypeAlias = RateLimit | Outage
Break: TypeAlias = Close | Reset
Instead: TypeAlias = Answer | Hang | Break
Alter: TypeAlias = Slow | Truncate | WrongBytes | WrongDigest | Missing
ListenerFault: TypeAlias = Certificate | PlainHttp | Refuse
Fault: TypeAlias = Instead | Alter | ListenerFault


def _kind_or_none(document: Any) -> Any:
    # So that a kind that lacks is told as one that there is not: with those that there are.
    lacks = isinstance(document, dict) and "kind" not in document
    return {"kind": ""} if lacks else document


FAULTS: Final[TypeAdapter[Fault]] = TypeAdapter(
    Annotated[Fault, Field(discriminator="kind"), BeforeValidator(_kind_or_none)]
)
