"""Classify registry failures by error messages and exceptions.

containerd, docker and crane are Go programs: all three print the messages of Go's net, crypto/tls
and net/http when a connection fails. docs/fault-switches.md has whole messages.
"""

import re
import socket
import ssl
from collections.abc import Iterator

import httpx

from pullrecovery.model.probe import CommandResult, RegistryFailure

# The first match decides: the specific failure comes before the general error that follows.
_RULES = (
    (RegistryFailure.TLS_EXPIRED, r"x509: certificate has expired or is not yet valid"),
    (RegistryFailure.TLS_WRONG_NAME, r"x509: certificate is (?:valid for|not valid for)"),
    (RegistryFailure.TLS_UNTRUSTED, r"x509: "),
    (RegistryFailure.PLAIN_HTTP, r"server gave HTTP response to HTTPS client"),
    (RegistryFailure.DNS, r"dial tcp: lookup |no such host"),
    (RegistryFailure.RATE_LIMITED, r"\b429 Too Many Requests|toomanyrequests: "),
    (
        RegistryFailure.SERVER_ERROR,
        (
            r"(?:: |status code |HTTP status: )5\d\d [A-Z]"
            r"|\bUNAVAILABLE: service unavailable|\bUNKNOWN: unknown error"
        ),
    ),
    (RegistryFailure.TRUNCATED, r"short read: expected \d+ bytes|unexpected EOF"),
    (RegistryFailure.REFUSED, r"connection refused|connection reset by peer|: EOF$"),
    (
        RegistryFailure.TIMED_OUT,
        (
            r"i/o timeout|context deadline exceeded|TLS handshake timeout|: context canceled$"
            r"|timeout awaiting response headers"
        ),
    ),
)
_PATTERNS = tuple(
    (failure, re.compile(rule, re.IGNORECASE | re.MULTILINE)) for failure, rule in _RULES
)
# OpenSSL's numbers for invalid certificates (x509_vfy.h); all others are about the authority.
_EXPIRED, _NOT_YET_VALID, _OTHER_NAME = 10, 9, 62
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_INCOMPLETE = "without sending complete message body"


def failure_in(text: str) -> RegistryFailure | None:
    """The failure that a message of the kubelet or a client reports; None if it reports none."""
    return next((failure for failure, rule in _PATTERNS if rule.search(text.strip())), None)


def failure_of_command(ran: CommandResult) -> RegistryFailure | None:
    """The failure that a failed command met; a command that timed out may have printed why."""
    if ran.rc == 0:
        return None
    failure = ran.met or failure_in(ran.stderr or ran.stdout)
    return failure or (RegistryFailure.TIMED_OUT if ran.timed_out else None)


def failure_of_error(error: httpx.HTTPError) -> RegistryFailure:
    """The failure that a request of the suite met, by the innermost exception."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _of_certificate(cause.verify_code)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            return RegistryFailure.PLAIN_HTTP
        if isinstance(cause, socket.gaierror):
            return RegistryFailure.DNS
    if isinstance(error, httpx.TimeoutException):
        return RegistryFailure.TIMED_OUT
    incomplete = isinstance(error, httpx.RemoteProtocolError) and _INCOMPLETE in str(error)
    return RegistryFailure.TRUNCATED if incomplete else RegistryFailure.REFUSED


def _of_certificate(code: int) -> RegistryFailure:
    if code in (_EXPIRED, _NOT_YET_VALID):
        return RegistryFailure.TLS_EXPIRED
    return RegistryFailure.TLS_WRONG_NAME if code == _OTHER_NAME else RegistryFailure.TLS_UNTRUSTED


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, followed by its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
