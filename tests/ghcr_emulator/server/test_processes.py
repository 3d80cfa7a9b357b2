"""The child process, the servers, and the way they stop."""

import asyncio
import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest
import trustme
from starlette.responses import PlainTextResponse

from ghcr_emulator.emulator import watch
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.faults.tls_listener import TlsListener, tls
from ghcr_emulator.server.uvicorn_server import listen
from ghcr_emulator.storage.distribution import registry_config, running_registry
from ghcr_emulator.storage.errors import StorageError
from ghcr_emulator.storage.location import Storage


def start(binary, root):
    """Run distribution until it answers."""

    async def run():
        async with running_registry(binary, root):
            pytest.fail("it cannot have answered")

    asyncio.run(run())


def test_missing_binary_is_named(tmp_path):
    """The error says what could not be started."""
    with pytest.raises(StorageError, match="/no/registry cannot be started: No such file"):
        start(Path("/no/registry"), tmp_path)


def test_exited_registry_is_not_awaited(tmp_path):
    """A registry that refuses its configuration fails the start, with its exit code."""
    binary = tmp_path / "registry"
    binary.write_text("#!/bin/sh\nexit 3\n")
    binary.chmod(0o755)

    with pytest.raises(StorageError, match="ended at once, with 3"):
        start(binary, tmp_path)


def test_registry_is_told_where_it_stores_and_listens():
    """The configuration is JSON, and contains the caller's `http`."""
    http = {"net": "unix", "addr": "/run/socket"}
    config = registry_config(Path("/data"), http)

    assert http.items() <= config["http"].items()
    assert config["storage"]["filesystem"] == {"rootdirectory": "/data"}
    assert json.loads(json.dumps(config)) == config


def watched(*argv, stopped):
    """Watch a process; the stop is requested already, or never."""

    async def run():
        stop = asyncio.Event()
        if stopped:
            stop.set()
        process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE)
        code = await watch(Storage(httpx.AsyncClient(), process), stop)
        process.stdin.close()
        await process.wait()
        return code

    return asyncio.run(run())


def test_dead_registry_stops_server():
    """Without its registry the emulator ends with 1."""
    assert watched("true", stopped=False) == 1


def test_asked_stop_is_a_success():
    """A requested stop ends with 0."""
    assert watched("cat", stopped=True) == 0


def test_tls_server_stops_on_signal(tmp_path):
    """The certificate is the given one, and no header names the server software."""
    ca = trustme.CA()
    pair = ca.issue_cert("ghcr.io", "127.0.0.1")
    certificate, key = tmp_path / "crt", tmp_path / "key"
    pair.cert_chain_pems[0].write_to_path(certificate)
    pair.private_key_pem.write_to_path(key)
    trust = ssl.create_default_context()
    ca.configure_trust(trust)

    async def run():
        stop = asyncio.Event()
        listener = listen("127.0.0.1", 0)
        address = f"https://127.0.0.1:{listener.getsockname()[1]}"
        app = PlainTextResponse("hello")
        tls_listener = TlsListener(app, listener, tls(certificate, key), Switches())
        serving = asyncio.create_task(tls_listener.serve(stop))
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            answer = await client.get(address)
        stop.set()
        await serving
        return answer

    answer = asyncio.run(run())

    assert answer.text == "hello"
    assert "server" not in answer.headers


def test_taken_address_is_named():
    """The error says which address is taken."""
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already"):
            listen("127.0.0.1", port)


def test_connections_send_at_once():
    """The head of an answer does not wait for the acknowledgement of its body."""
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
