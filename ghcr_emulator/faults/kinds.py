"""The kinds of fault switches with their parameters, for the server and the client.

docs/fault-switches.md says what each of them does to a client.
"""

from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from ghcr_emulator.documents.model import FromText, Model, Positive, Text, wrong
from ghcr_emulator.protocol.routes import Route


class FaultSwitch(Model):
    """Any fault switch; it ends on its own after `seconds`, if they are given."""

    called: ClassVar[str] = "switch"
    tagged: ClassVar[bool] = True
    kind: str
    seconds: Positive | None = None


class RequestSwitch(FaultSwitch):
    """A switch for requests that equal every field given, and for at most `count` of them.

    `reference` is a tag or digest, as requested or as found. `credential` is the name of a
    credential in the access log. `anonymous` selects requests without a credential.
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
    """Answer 429, with GHCR's limit for pulls or for pushes in the text and no Retry-After."""

    kind: Literal["rate-limit"] = "rate-limit"


class Outage(RequestSwitch):
    """Answer a 5xx with the body of a registry's error, a proxy's page, or nothing."""

    kind: Literal["outage"] = "outage"
    status: Literal[500, 502, 503, 504] = 503
    body: Literal["json", "html", "empty"] = "json"


class Hang(RequestSwitch):
    """Give no answer until the switch is off; then the usual one."""

    kind: Literal["hang"] = "hang"


class Slow(RequestSwitch):
    """Give the usual answer after `delay` seconds, at `bytes_per_second`."""

    kind: Literal["slow"] = "slow"
    delay: Positive | None = None
    bytes_per_second: Positive | None = None

    @model_validator(mode="after")
    def _check_that_it_is_slow(self) -> Self:
        if self.delay is None and self.bytes_per_second is None:
            raise wrong("needs one of 'delay' and 'bytes_per_second'")
        return self


class Close(RequestSwitch):
    """Close the connection without an answer."""

    kind: Literal["close"] = "close"


class Reset(RequestSwitch):
    """Reset the connection without an answer."""

    kind: Literal["reset"] = "reset"


class Truncate(RequestSwitch):
    """Cut a manifest or blob in its middle, under the content-length of the whole."""

    kind: Literal["truncate"] = "truncate"


class WrongBytes(RequestSwitch):
    """Change one byte of a manifest or blob: its length is right, its digest is not."""

    kind: Literal["wrong-bytes"] = "wrong-bytes"


class WrongDigest(RequestSwitch):
    """Name a digest that no content has in the docker-content-digest header of a manifest."""

    kind: Literal["wrong-digest"] = "wrong-digest"


class Missing(RequestSwitch):
    """Answer 404 for a manifest or blob that exists."""

    kind: Literal["missing"] = "missing"


def _check_pem(text: str) -> str:
    if not text.startswith("-----BEGIN "):
        raise wrong("must be a text in PEM's form")
    return text


class Certificate(FaultSwitch):
    """Serve connections by TLS under another certificate, a chain in PEM, and its key."""

    kind: Literal["certificate"] = "certificate"
    certificate: Annotated[str, AfterValidator(_check_pem)]
    key: Annotated[str, AfterValidator(_check_pem)] = Field(repr=False)
    count: Positive | None = None


class PlainHttp(FaultSwitch):
    """Serve connections by HTTP without TLS, where clients expect TLS."""

    kind: Literal["plain-http"] = "plain-http"
    count: Positive | None = None


class Refuse(FaultSwitch):
    """Refuse connections: nothing listens on the port, and hits are not counted."""

    kind: Literal["refuse"] = "refuse"


Answer: TypeAlias = RateLimit | Outage
Break: TypeAlias = Close | Reset
Instead: TypeAlias = Answer | Hang | Break
Alter: TypeAlias = Slow | Truncate | WrongBytes | WrongDigest | Missing
ListenerFault: TypeAlias = Certificate | PlainHttp | Refuse
Fault: TypeAlias = Instead | Alter | ListenerFault


def _kind_or_none(document: Any) -> Any:
    # A missing kind is reported like an unknown one: with the list of the kinds.
    lacks = isinstance(document, dict) and "kind" not in document
    return {"kind": ""} if lacks else document


FAULTS: Final[TypeAdapter[Fault]] = TypeAdapter(
    Annotated[Fault, Field(discriminator="kind"), BeforeValidator(_kind_or_none)]
)
