"""A credential, what a registry or a command answered to it, and why there was no answer."""

import base64
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Credential:
    """A login and its token, as a Secret carries them; the token is never shown."""

    login: str
    token: str = field(repr=False)

    @property
    def auth(self) -> str:
        """Base64 of login:token, as Basic authentication and a pull secret's `auth` have it."""
        return base64.b64encode(f"{self.login}:{self.token}".encode()).decode()


class RegistryFailure(StrEnum):
    """Why a registry gave no answer that means a thing: what every client can tell apart.

    REFUSED is every connection that ends before an answer begins: refused, closed or reset. Which
    of them it is depends on what forwards it (a proxy, a published port) and not on the registry.
    """

    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    TRUNCATED = "truncated"
    DNS = "dns"
    TLS_UNTRUSTED = "tls-untrusted"
    TLS_WRONG_NAME = "tls-wrong-name"
    TLS_EXPIRED = "tls-expired"
    PLAIN_HTTP = "plain-http"


@dataclass(frozen=True)
class Probe:
    """One question to the registry about a repository.

    `stage` is where the answer came from: `token`, `registry`, or `network` where
    none came. `status` is the HTTP status (0 without one), `code` and `message`
    are the first entry of the error body. `digest` is the manifest's, where asked for, and
    `platforms` those that it has an image for, os/arch; none where that was not asked, or not said.
    `cut` is why no whole answer came, where the network stage could tell.
    """

    stage: str
    status: int
    code: str = ""
    message: str = ""
    digest: str = ""
    cut: RegistryFailure | None = None
    platforms: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.stage == "registry" and self.status == 200

    @property
    def missing(self) -> bool:
        return (self.stage, self.status) == ("registry", 404)

    @property
    def failure(self) -> RegistryFailure | None:
        """Why there is no answer that means a thing; None where there is one."""
        if self.stage == "network":
            return self.cut or RegistryFailure.REFUSED
        if self.status == 429:
            return RegistryFailure.RATE_LIMITED
        return RegistryFailure.SERVER_ERROR if self.status >= 500 else None

    def __str__(self) -> str:
        said = f": {self.code.lower()}: {self.message}" if self.message else ""
        if self.stage == "network":
            return f"no answer came{said}"
        return f"the {self.stage.replace('token', 'token service')} answered {self.status}{said}"


@dataclass(frozen=True)
class CommandResult:
    """One command as it was run in the runner: its exit code and what it printed.

    `met` is why no answer came that means a thing, where who ran it knows; its words may tell too.
    """

    command: str
    rc: int
    stdout: str
    stderr: str
    met: RegistryFailure | None = None

    @property
    def timed_out(self) -> bool:
        """Whether `timeout` had to end it: with 124, or 137 where it did not listen."""
        return self.rc in (124, 137)

    @property
    def said(self) -> str:
        """Its last line: clients print what they try before what became of it."""
        text = self.stderr.strip() or self.stdout.strip() or f"nothing, exit code {self.rc}"
        return text.splitlines()[-1]
