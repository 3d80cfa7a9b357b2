"""What stands in the way of a registry's answer, by the words and errors that tell of it.

containerd, docker and crane are Go programs: a connection that fails is told in the words of Go's
net, crypto/tls and net/http by all three. docs/fault-switches.md has whole messages.
"""

import re
import socket
import ssl
from collections.abc import Iterator

import httpx

from pullrecovery.model.probe import CommandResult, RegistryFailure

# The first that fits decides: what was met on the way stands before what it came to in the end.
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
# OpenSSL's numbers for what is wrong with a certificate (x509_vfy.h); others are of its authority.
_EXPIRED, _NOT_YET_VALID, _OTHER_NAME = 10, 9, 62
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_INCOMPLETE = "without sending complete message body"


def failure_in(text: str) -> RegistryFailure | None:
    """What the kubelet's or a client's words tell of; None where they tell of nothing like it."""
    return next((failure for failure, rule in _PATTERNS if rule.search(text.strip())), None)


def failure_of_command(ran: CommandResult) -> RegistryFailure | None:
    """What a client met that failed; one that was ended may have said why it waited."""
    if ran.rc == 0:
        return None
    found = ran.met or failure_in(ran.stderr or ran.stdout)
    return found or (RegistryFailure.TIMED_OUT if ran.timed_out else None)


def failure_of_error(error: httpx.HTTPError) -> RegistryFailure:
    """What a question of our own met, by the error at the bottom."""
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
    """The error, and those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
