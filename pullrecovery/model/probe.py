"""Credentials, the answers of registries and commands, and why an answer is missing."""

import base64
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, eq=False)
class Credential:
    """A login and its token, as a Secret carries them; repr never shows the token.

    Credentials are equal if login and token are, also to one that says more about its token.
    """

    login: str
    token: str = field(repr=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credential):
            return NotImplemented
        return (self.login, self.token) == (other.login, other.token)

    def __hash__(self) -> int:
        return hash((self.login, self.token))

    @property
    def auth(self) -> str:
        """Base64 of login:token, as used in Basic authentication and in a pull secret's `auth`."""
        return base64.b64encode(f"{self.login}:{self.token}".encode()).decode()


class RegistryFailure(StrEnum):
    """Why a registry gave no usable answer, in classes that every client can distinguish.

    REFUSED covers every connection that ends before an answer begins: refused, closed or reset.
    Which of the three a client sees depends on what forwards the connection (a proxy, a published
    port), not on the registry.
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
    """One request to the registry about a repository, and its answer.

    `stage` is where the answer came from: `token`, `registry`, or `network` if none came. `status`
    is the HTTP status (0 without one); `code` and `message` are the first entry of the error body.
    `digest` is the manifest's, if requested. `platforms` are the platforms it has images for, as
    os/arch, empty if not requested or not reported. `cut` is why no complete answer arrived, if the
    network stage could determine it.
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
        """Why there is no usable answer; None if there is one."""
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
    """The result of one command on the runner: its exit code and its output.

    `met` is the registry failure that the caller detected, if any; the output may also name one.
    """

    command: str
    rc: int
    stdout: str
    stderr: str
    met: RegistryFailure | None = None

    @property
    def timed_out(self) -> bool:
        """Whether `timeout` ended it: exit code 124, or 137 if it ignored SIGTERM."""
        return self.rc in (124, 137)

    @property
    def said(self) -> str:
        """The last line of its output: clients print what they try before they print the result."""
        text = self.stderr.strip() or self.stdout.strip() or f"nothing, exit code {self.rc}"
        return text.splitlines()[-1]
