"""Failures of a registry, by the messages of Go's programs and by Python's exceptions."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import trustme

from pullrecovery.model.probe import CommandResult, RegistryFailure
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.failures import failure_in, failure_of_command
from tests.fakes import recorded
from tests.fakes.outages import DIALLED, LOOKUP, PODS, URL, P
from tests.fakes.recorded import REFERENCE

# Further known messages of containerd, docker and crane.
WORDS = {
    "no such host": (f"{DIALLED}{LOOKUP}no such host", RegistryFailure.DNS),
    "SERVFAIL": (f"{DIALLED}{LOOKUP}server misbehaving", RegistryFailure.DNS),
    "dial timeout": (f"{DIALLED}dial tcp 172.18.0.2:443: i/o timeout", RegistryFailure.TIMED_OUT),
    "no progress": (f"{P}failed to copy: context canceled", RegistryFailure.TIMED_OUT),
    "no headers": (
        f'{P}failed to authorize: Get "https://ghcr.io/token": timeout awaiting response headers',
        RegistryFailure.TIMED_OUT,
    ),
    "handshake": (f"{DIALLED}net/http: TLS handshake timeout", RegistryFailure.TIMED_OUT),
    "crane 500": (f"Error: GET {URL}: UNKNOWN: unknown error", RegistryFailure.SERVER_ERROR),
    "crane 503": (
        f"Error: GET {URL}: UNAVAILABLE: service unavailable",
        RegistryFailure.SERVER_ERROR,
    ),
    "docker 502": (
        "received unexpected HTTP status: 502 Bad Gateway",
        RegistryFailure.SERVER_ERROR,
    ),
    "docker 429": ("toomanyrequests: retry-after: 880.092µs", RegistryFailure.RATE_LIMITED),
    "docker EOF": (f'Get "{URL}": EOF', RegistryFailure.REFUSED),
    "docker TLS": (
        'Get "https://ghcr.io/v2/": x509: certificate signed by unknown authority',
        RegistryFailure.TLS_UNTRUSTED,
    ),
}
NONE = (recorded.ANONYMOUS, recorded.REJECTED, recorded.NO_SCOPE, recorded.not_found(REFERENCE), "")


@pytest.mark.parametrize(("text", "failure"), [*PODS.values(), *WORDS.values()])
def test_failure_is_known_by_message(text, failure):
    """The message is found behind the back-off, and in front of an exit code."""
    assert failure_in(text) is failure
    assert failure_in(f'Back-off pulling image "{REFERENCE}": ErrImagePull: {text}') is failure
    assert failure_of_command(CommandResult("crane digest x", 1, "", f"{text}\n")) is failure


@pytest.mark.parametrize("text", NONE)
def test_registry_refusal_is_no_failure(text):
    """A cause that a task fixes is never mistaken for an outage."""
    assert failure_in(text) is None


def test_ended_command_has_failure():
    """Crane prints why it tries again; without output there was no answer."""
    said = f"retrying {LOOKUP}i/o timeout\n"

    assert failure_of_command(CommandResult("crane digest x", 124, "", said)) is RegistryFailure.DNS
    assert (
        failure_of_command(CommandResult("crane digest x", 137, "", ""))
        is RegistryFailure.TIMED_OUT
    )
    assert failure_of_command(CommandResult("crane digest x", 0, "", said)) is None


@contextmanager
def _listening(talk):
    """Listen on a loopback socket that handles every connection by `talk`; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


AUTHORITY = trustme.CA()


def _presents(leaf):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(context)

    def talk(connection):
        with context.wrap_socket(connection, server_side=True):
            pass

    return talk


def _answers_plainly(connection):
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _ask(url, **options):
    with httpx.Client(transport=httpx.HTTPTransport(**options), timeout=2) as client:
        return RegistryClient(url, client).manifest("o/a", "t", None)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
DOORS = {
    "untrusted": (_presents(trustme.CA().issue_cert("localhost")), RegistryFailure.TLS_UNTRUSTED),
    "another name": (
        _presents(AUTHORITY.issue_cert("registry.example")),
        RegistryFailure.TLS_WRONG_NAME,
    ),
    "expired": (
        _presents(AUTHORITY.issue_cert("localhost", not_after=YESTERDAY)),
        RegistryFailure.TLS_EXPIRED,
    ),
    "plain": (_answers_plainly, RegistryFailure.PLAIN_HTTP),
    "closed": (lambda connection: connection.recv(1), RegistryFailure.REFUSED),
}


@pytest.mark.parametrize(("talk", "failure"), DOORS.values(), ids=DOORS)
def test_probe_has_handshake_failure(talk, failure):
    """The failure comes from OpenSSL's reason code, because its text changes between versions."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)

    with _listening(talk) as port:
        probe = _ask(f"localhost:{port}", verify=context)

    assert (probe.stage, probe.failure) == ("network", failure)


def test_closed_port_is_refused():
    """The machine itself refuses at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert _ask(f"127.0.0.1:{port}").failure is RegistryFailure.REFUSED


def test_unknown_name_is_dns():
    """The domain `.invalid` is reserved (RFC 2606)."""
    assert _ask("ghcr.invalid").failure is RegistryFailure.DNS


def test_probe_that_waits_in_vain_timed_out():
    """The connection is open, and no answer comes."""
    over = threading.Event()
    with _listening(lambda _: over.wait(5)) as port:
        probe = _ask(f"localhost:{port}")
        over.set()

    assert probe.failure is RegistryFailure.TIMED_OUT


def test_short_answer_is_truncated():
    """The content-length is larger than the body."""
    cut = httpx.RemoteProtocolError(
        "peer closed connection without sending complete message body (received 1, expected 2)"
    )

    def answer(_):
        raise cut

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert (
            RegistryClient("ghcr.io", client).tags("o/a", None).failure is RegistryFailure.TRUNCATED
        )
