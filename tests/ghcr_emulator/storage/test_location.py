"""The URLs of storages, and the errors of invalid ones."""

import asyncio
import stat
from pathlib import Path

import pytest

from ghcr_emulator.server.uvicorn_server import listen, serve
from ghcr_emulator.storage.errors import StorageError
from ghcr_emulator.storage.files import opened
from ghcr_emulator.storage.location import distribution_url, parse_location
from ghcr_emulator.storage.registry import Registry


def status_of(location):
    """Open a storage, and return what it answers at its root."""

    async def ask():
        async with location.open() as storage:
            return (await storage.client.get("/v2/")).status_code

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/images",
        "file://host/srv/images",
        "file:images",
        "file:///",
        "file:///srv?root=/x",
        "distribution:///registry",
        "distribution:///registry?root=images",
        "distribution:///registry?root=/x&port=1",
        "http://127.0.0.1",
        "http://127.0.0.1:5000/v2/",
        "http://127.0.0.1:port",
        "https://registry.example:5000",
        "s3://bucket",
    ],
)
def test_bad_url_is_refused_with_the_forms(url):
    """The error has the given URL and the valid forms."""
    with pytest.raises(StorageError) as raised:
        parse_location(url)

    assert str(raised.value) == (
        f"storage {url!r}: must be file:///FOLDER, distribution:///BINARY?root=/FOLDER"
        " or http://HOST:PORT"
    )


def test_password_in_a_url_is_not_repeated():
    """A registry that needs a login cannot be a storage."""
    with pytest.raises(StorageError) as raised:
        parse_location("http://login:password@registry.example:5000")

    assert "password" not in str(raised.value)


@pytest.mark.parametrize("url", [None, "file:///{}/im%20ages"])
def test_files_are_a_storage(tmp_path, url):
    """A missing directory is created; without a URL it is a temporary one."""
    location = parse_location(url and url.replace("/{}", str(tmp_path)))

    assert status_of(location) == 200
    assert location.keeps is (url is not None)
    assert (tmp_path / "im ages").is_dir() is (url is not None)


def test_running_registry_is_a_storage(tmp_path):
    """The registry is reached at its address, which the error names if nothing answers."""

    async def scene():
        stop = asyncio.Event()
        with opened(tmp_path) as files, listen("127.0.0.1", 0) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            serving = asyncio.create_task(serve(Registry(files), listener, stop))
            async with parse_location(address).open() as storage:
                answer = await storage.client.get("/v2/")
            stop.set()
            await serving
        return address, answer.status_code

    address, status = asyncio.run(scene())

    assert status == 200
    with pytest.raises(StorageError, match=f"storage {address}: no registry answers there"):
        status_of(parse_location(address))


def test_distribution_is_started_on_a_private_socket(tmp_path):
    """Only this user can open the directory of its configuration; its URL can hold any path."""
    binary, told = tmp_path / "my registry", tmp_path / "told"
    binary.write_text(
        f'#!/bin/sh\ncp "$2" {told}\ndirname "$2" | xargs stat -c %a >> {told}\nexit 3\n'
    )
    binary.chmod(0o755)

    with pytest.raises(StorageError, match="the registry ended at once, with 3"):
        status_of(parse_location(distribution_url(binary, tmp_path / "a&b")))

    config = told.read_text()
    assert '"net": "unix"' in config
    assert f'"rootdirectory": "{tmp_path}/a&b"' in config
    assert config.endswith("700\n")


@pytest.mark.parametrize("held", [True, False], ids=["another process", "a file"])
def test_folder_that_cannot_be_used_is_named(tmp_path, held):
    """Two processes would remove each other's uploads, so the second one is refused."""
    root = tmp_path / "images"
    location = parse_location(f"file://{root}")
    if not held:
        root.write_text("")
        with pytest.raises(StorageError, match=r"images cannot be a storage: File exists"):
            status_of(location)
        return

    with opened(root), pytest.raises(StorageError, match=r"images is the storage of another"):
        status_of(location)


def test_folder_is_made_for_this_user(tmp_path):
    """A lock file of the user holds the directory."""
    root = Path(tmp_path) / "images"
    with opened(root):
        assert stat.S_ISREG((root / "lock").stat().st_mode)
