"""Blobs from the registry's files: the registry decides, and every file is closed."""

import asyncio
import hashlib

import httpx
import pytest

from ghcr_emulator.storage.blob_files import BlobFiles

CONTENT = b"layer" * 500_000
HEX = hashlib.sha256(CONTENT).hexdigest()
PATH = f"/v2/octo/app/blobs/sha256:{HEX}"


@pytest.fixture(name="root")
def _root(tmp_path):
    """Return a storage with one blob."""
    folder = tmp_path / "docker" / "registry" / "v2" / "blobs" / "sha256" / HEX[:2] / HEX
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(CONTENT)
    return tmp_path


def ask(root, method="GET", path=PATH, *, status=200, headers=None):
    """Return the answer, its pieces, and the methods of the requests to the registry."""
    asked = []

    def registry(request):
        asked.append(request.method)
        length = {"content-length": str(len(CONTENT)), "docker-content-digest": f"sha256:{HEX}"}
        body = b"" if request.method == "HEAD" else b"from the registry"
        headers = length if status == 200 else {}
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    async def run():
        transport = BlobFiles(httpx.MockTransport(registry), root)
        async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
            request = client.build_request(method, path, headers=headers)
            answer = await client.send(request, stream=True)
            pieces = [piece async for piece in answer.aiter_raw()]
            await answer.aclose()
            return answer, pieces

    answer, pieces = asyncio.run(run())
    return answer, pieces, asked


def test_blob_comes_in_large_pieces(root):
    """The answer has the headers of the registry."""
    answer, pieces, asked = ask(root)

    assert b"".join(pieces) == CONTENT
    assert len(pieces) == 3
    assert answer.headers["docker-content-digest"] == f"sha256:{HEX}"
    assert asked == ["HEAD"]


def test_refusal_is_the_registrys_own(root):
    """The file of another repository's blob is not served."""
    answer, pieces, asked = ask(root, status=404)

    assert (answer.status_code, pieces) == (404, [b"from the registry"])
    assert asked == ["HEAD", "GET"]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("HEAD", PATH, {}),
        ("PUT", PATH, {}),
        ("GET", PATH, {"Range": "bytes=0-4"}),
        ("GET", PATH.replace(HEX, "0" * 64), {}),
        ("GET", PATH.replace("sha256", "sha512"), {}),
        ("GET", PATH.replace("blobs", "manifests"), {}),
        ("GET", PATH + "/../x", {}),
    ],
    ids=["head", "put", "a part", "no such file", "sha512", "manifest", "a path beyond"],
)
def test_everything_else_is_the_registrys(root, method, path, headers):
    """The registry gets the client's request once, unchanged."""
    _, _, asked = ask(root, method, path, headers=headers)

    assert asked == [method]


def test_file_is_closed_when_the_client_leaves(root):
    """An unclosed file would be a warning, which is an error in tests."""

    async def run():
        length = {"content-length": str(len(CONTENT))}
        registry = httpx.MockTransport(lambda _: httpx.Response(200, headers=length))
        async with httpx.AsyncClient(transport=BlobFiles(registry, root)) as client:
            request = client.build_request("GET", f"http://registry{PATH}")
            answer = await client.send(request, stream=True)
            await anext(answer.aiter_raw())
            await answer.aclose()
            return answer.stream

    stream = asyncio.run(run())

    assert stream._stream._file.closed


def test_stopped_registry_is_transport_error(root):
    """The emulator answers 502, and the file is closed."""

    def gone(request):
        raise httpx.ConnectError("nobody there", request=request)

    async def run():
        transport = BlobFiles(httpx.MockTransport(gone), root)
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(f"http://registry{PATH}")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(run())
