"""What stands in the way of an answer, by the words of Go's programs and by our own errors."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import trustme

from pullrecovery.model.probe import Ran, Trouble
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.failures import trouble_in, trouble_of_ran
from tests.fakes import recorded
from tests.fakes.outages import DIALLED, LOOKUP, PODS, URL, P
from tests.fakes.recorded import REFERENCE

# Others that are known of containerd, docker and crane.
WORDS = {
    "no such host": (f"{DIALLED}{LOOKUP}no such host", Trouble.DNS),
    "SERVFAIL": (f"{DIALLED}{LOOKUP}server misbehaving", Trouble.DNS),
    "dial timeout": (f"{DIALLED}dial tcp 172.18.0.2:443: i/o timeout", Trouble.TIMED_OUT),
    "no progress": (f"{P}failed to copy: context canceled", Trouble.TIMED_OUT),
    "no headers": (
        f'{P}failed to authorize: Get "https://ghcr.io/token": timeout awaiting response headers',
        Trouble.TIMED_OUT,
    ),
    "handshake": (f"{DIALLED}net/http: TLS handshake timeout", Trouble.TIMED_OUT),
    "crane 500": (f"Error: GET {URL}: UNKNOWN: unknown error", Trouble.SERVER_ERROR),
    "crane 503": (f"Error: GET {URL}: UNAVAILABLE: service unavailable", Trouble.SERVER_ERROR),
    "docker 502": ("received unexpected HTTP status: 502 Bad Gateway", Trouble.SERVER_ERROR),
    "docker 429": ("toomanyrequests: retry-after: 880.092µs", Trouble.RATE_LIMITED),
    "docker EOF": (f'Get "{URL}": EOF', Trouble.REFUSED),
    "docker TLS": (
        'Get "https://ghcr.io/v2/": x509: certificate signed by unknown authority',
        Trouble.TLS_UNTRUSTED,
    ),
}
NONE = (recorded.ANONYMOUS, recorded.REJECTED, recorded.NO_SCOPE, recorded.not_found(REFERENCE), "")


@pytest.mark.parametrize(("text", "trouble"), [*PODS.values(), *WORDS.values()])
def test_trouble_is_told_apart_by_its_words(text, trouble):
    """Also behind the back-off, and in front of an exit code."""
    assert trouble_in(text) is trouble
    assert trouble_in(f'Back-off pulling image "{REFERENCE}": ErrImagePull: {text}') is trouble
    assert trouble_of_ran(Ran("crane digest x", 1, "", f"{text}\n")) is trouble


@pytest.mark.parametrize("text", NONE)
def test_refusal_of_a_registry_that_answers_is_no_trouble(text):
    """What a task mends is never taken for an outage."""
    assert trouble_in(text) is None


def test_command_that_was_ended_met_what_it_said_or_waited_in_vain():
    """Crane says why it tries again; with nothing said, nothing came."""
    said = f"retrying {LOOKUP}i/o timeout\n"

    assert trouble_of_ran(Ran("crane digest x", 124, "", said)) is Trouble.DNS
    assert trouble_of_ran(Ran("crane digest x", 137, "", "")) is Trouble.TIMED_OUT
    assert trouble_of_ran(Ran("crane digest x", 0, "", said)) is None


@contextmanager
def _listening(talk):
    """One socket on the loopback that treats every connection by `talk`; gives its port."""
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
    "untrusted": (_presents(trustme.CA().issue_cert("localhost")), Trouble.TLS_UNTRUSTED),
    "another name": (_presents(AUTHORITY.issue_cert("registry.example")), Trouble.TLS_WRONG_NAME),
    "expired": (
        _presents(AUTHORITY.issue_cert("localhost", not_after=YESTERDAY)),
        Trouble.TLS_EXPIRED,
    ),
    "plain": (_answers_plainly, Trouble.PLAIN_HTTP),
    "closed": (lambda connection: connection.recv(1), Trouble.REFUSED),
}


@pytest.mark.parametrize(("talk", "trouble"), DOORS.values(), ids=DOORS)
def test_probe_keeps_what_it_met_in_a_real_handshake(talk, trouble):
    """By OpenSSL's own reasons, which its sentences may word otherwise in another version."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)

    with _listening(talk) as port:
        probe = _ask(f"localhost:{port}", verify=context)

    assert (probe.stage, probe.trouble) == ("network", trouble)


def test_probe_of_a_port_where_nobody_listens_was_refused():
    """By the machine itself, at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert _ask(f"127.0.0.1:{port}").trouble is Trouble.REFUSED


def test_probe_of_a_name_that_nobody_knows_is_dns():
    """`.invalid` is promised to be nobody's (RFC 2606)."""
    assert _ask("ghcr.invalid").trouble is Trouble.DNS


def test_probe_that_waits_in_vain_timed_out():
    """The connection is open, and nothing comes."""
    over = threading.Event()
    with _listening(lambda _: over.wait(5)) as port:
        probe = _ask(f"localhost:{port}")
        over.set()

    assert probe.trouble is Trouble.TIMED_OUT


def test_probe_of_an_answer_that_is_cut_short_says_so():
    """Its content-length promised more."""
    cut = httpx.RemoteProtocolError(
        "peer closed connection without sending complete message body (received 1, expected 2)"
    )

    def answer(_):
        raise cut

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert RegistryClient("ghcr.io", client).tags("o/a", None).trouble is Trouble.TRUNCATED
