"""The storage of files: its content on disk at every moment, and its streaming."""

import asyncio
import hashlib

import httpx
import pytest

from ghcr_emulator.storage.client import client_of
from ghcr_emulator.storage.files import Digest, opened
from ghcr_emulator.storage.in_process import InProcess
from ghcr_emulator.storage.registry import Registry

NAME = "bytequester/app"
PIECE = b"piece" * 100_000
MANY = 40
UPLOADS = f"/v2/{NAME}/blobs/uploads/"


def digest_of(content, algorithm="sha256"):
    """Return the digest of some bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def play(root, scene):
    """Run a scene with a client of a storage in a directory."""

    async def run():
        with opened(root) as files:
            async with client_of(InProcess(Registry(files))) as client:
                return await asyncio.wait_for(scene(client), 30)

    return asyncio.run(run())


async def push(client, content, algorithm="sha256"):
    """Push a blob; return the last answer."""
    begun = await client.post(UPLOADS)
    end = {"digest": digest_of(content, algorithm)}
    return await client.put(begun.headers["location"], params=end, content=content)


def files_of(root):
    """Return all files of a storage."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 128,
        "md5:" + "0" * 32,
        "sha256:" + "../" * 21 + "x",
        "sha512:" + "0" * 64,
    ],
)
def test_digest_that_no_content_has_is_none(text):
    """An invalid digest never becomes a path."""
    assert Digest.parse(text) is None


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_blob_is_stored_under_the_digest_it_was_pushed_by(tmp_path, algorithm):
    """A blob is stored once, and its upload is removed."""
    answer = play(tmp_path, lambda client: push(client, b"layer", algorithm))
    hexadecimal = hashlib.new(algorithm, b"layer").hexdigest()

    assert answer.headers["docker-content-digest"] == f"{algorithm}:{hexadecimal}"
    assert files_of(tmp_path) == {
        "lock",
        f"blobs/{algorithm}/{hexadecimal[:2]}/{hexadecimal}",
        f"repositories/{NAME}/_blobs/{algorithm}/{hexadecimal}",
    }


def test_layer_that_is_elsewhere_need_not_be_here(tmp_path):
    """A manifest may name a non-distributable layer that was not pushed."""

    async def scene(client):
        await push(client, b"{}")
        layer = {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "digest": digest_of(b"elsewhere"),
        }
        image = {"schemaVersion": 2, "config": {"digest": digest_of(b"{}")}, "layers": [layer]}
        kind = {"content-type": "application/vnd.oci.image.manifest.v1+json"}
        return await client.put(f"/v2/{NAME}/manifests/v1", json=image, headers=kind)

    assert play(tmp_path, scene).status_code == 201


def test_upload_is_written_as_it_comes(tmp_path):
    """Memory holds only a piece of an upload, and no part has a name that is served."""
    sizes = []

    async def scene(client):
        begun = await client.post(UPLOADS)

        async def pieces():
            for _ in range(MANY):
                (part,) = (tmp_path / "uploads").iterdir()
                sizes.append(part.stat().st_size)
                yield PIECE

        end = {"digest": digest_of(PIECE * MANY)}
        answer = await client.put(begun.headers["location"], params=end, content=pieces())
        return answer, list((tmp_path / "uploads").iterdir())

    answer, left = play(tmp_path, scene)

    assert answer.status_code == 201
    assert sizes == [len(PIECE) * number for number in range(MANY)]
    assert left == []


def test_blob_is_read_as_it_goes(tmp_path):
    """A client that leaves after the first piece leaves no open file, which would be a warning."""

    async def scene(client):
        await push(client, PIECE * MANY)
        async with client.stream("GET", f"/v2/{NAME}/blobs/{digest_of(PIECE * MANY)}") as answer:
            return [len(await anext(answer.aiter_raw())), answer.headers["content-length"]]

    assert play(tmp_path, scene) == [1024 * 1024, str(len(PIECE) * MANY)]


def test_upload_that_breaks_off_can_go_on(tmp_path):
    """The received bytes stay, and their number is returned."""

    async def breaking():
        yield PIECE
        raise httpx.ReadError("the client left")

    async def scene(client):
        begun = await client.post(UPLOADS)
        place = begun.headers["location"]
        with pytest.raises(httpx.ReadError, match="the client left"):
            await client.patch(place, content=breaking())
        status = await client.get(place)
        end = {"digest": digest_of(PIECE + b"rest")}
        return status, await client.put(place, params=end, content=b"rest")

    status, end = play(tmp_path, scene)

    assert status.headers["range"] == f"0-{len(PIECE) - 1}"
    assert end.status_code == 201


def test_cancelled_request_ends_in_the_storage(tmp_path):
    """A request that is cancelled during its body releases the upload."""

    async def scene(client):
        begun = await client.post(UPLOADS)
        place, came = begun.headers["location"], asyncio.Event()

        async def endless():
            yield PIECE
            came.set()
            await asyncio.Event().wait()

        asking = asyncio.create_task(client.patch(place, content=endless()))
        await came.wait()
        asking.cancel()
        await asyncio.wait({asking})
        return await client.delete(place)

    assert play(tmp_path, scene).status_code == 204


def test_interrupted_process_leaves_nothing_half_written(tmp_path):
    """Leftovers of uploads and writes are removed at the next start, and images stay."""
    play(tmp_path, lambda client: push(client, b"whole"))
    before = files_of(tmp_path)
    (tmp_path / "uploads" / "left-by-a-killed-process").write_bytes(b"half")

    async def scene(client):
        return await client.get(f"/v2/{NAME}/blobs/{digest_of(b'whole')}")

    assert play(tmp_path, scene).content == b"whole"
    assert files_of(tmp_path) == before


def test_full_disk_is_an_error_of_the_registry(tmp_path, monkeypatch, caplog):
    """The client gets 500, and the log has the reason."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ghcr_emulator.storage.uploads.Upload._append", full)
    answer = play(tmp_path, lambda client: push(client, b"layer"))

    assert answer.status_code == 500
    assert answer.json() == {"errors": [{"code": "UNKNOWN", "message": "unknown error"}]}
    assert "No space left on device" in caplog.text


def test_two_ends_of_one_upload_make_one_blob(tmp_path):
    """The second request finds no upload."""

    async def scene(client):
        begun = await client.post(UPLOADS)
        place, end = begun.headers["location"], {"digest": digest_of(b"layer")}
        ends = [client.put(place, params=end, content=b"layer") for _ in range(2)]
        return sorted(answer.status_code for answer in await asyncio.gather(*ends))

    assert play(tmp_path, scene) == [201, 404]


def test_application_that_says_nothing_is_an_error(tmp_path):
    """The emulator answers 502."""

    async def silent(scope, receive, send):
        del scope, receive, send

    async def ask():
        async with client_of(InProcess(silent)) as client:
            await client.get("/v2/")

    with pytest.raises(httpx.RemoteProtocolError, match="ended its answer too early"):
        asyncio.run(ask())
