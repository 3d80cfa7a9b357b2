"""Blobs that are being uploaded: each upload is a file that grows, and a running hash.

An upload ends with the process that began it.
"""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from ghcr_emulator.storage.files import Digest, Files

_RUNNING: Final = "sha256"  # the algorithm that most clients name at the end


@dataclass
class Upload:
    """An upload: the number of bytes received, and a lock for the one task that adds to it."""

    id: str
    repository: str
    path: Path
    size: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _hash: "hashlib._Hash" = field(default_factory=lambda: hashlib.new(_RUNNING))

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Add pieces as they arrive; those that arrived before a failure stay."""
        with self.path.open("ab", buffering=0) as file:
            async for piece in pieces:
                # Writing and hashing release the GIL, and so other requests run.
                await asyncio.to_thread(self._append, file, piece)

    async def digest(self, algorithm: str) -> Digest:
        """Return the digest of the received bytes."""
        if algorithm == _RUNNING:
            return Digest(algorithm, self._hash.hexdigest())
        return await asyncio.to_thread(Digest.of_file, self.path, algorithm)

    def _append(self, file: BinaryIO, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            written = file.write(rest)
            self._hash.update(rest[:written])
            self.size += written
            rest = rest[written:]


class Uploads:
    """The uploads that were begun, and neither finished nor cancelled."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._open: dict[str, Upload] = {}

    def begin(self, repository: str) -> Upload:
        """Begin an upload to a repository."""
        name = str(uuid.uuid4())
        upload = Upload(name, repository, self._files.uploads / name)
        upload.path.touch()
        self._open[name] = upload
        return upload

    def find(self, repository: str, upload_id: str) -> Upload | None:
        """Return an open upload of a repository, or None."""
        upload = self._open.get(upload_id)
        return upload if upload is not None and upload.repository == repository else None

    async def finish(self, upload: Upload, digest: Digest) -> bool:
        """Make the upload a blob; return False, and drop it, where its digest differs."""
        if await upload.digest(digest.algorithm) != digest:
            self.cancel(upload)
            return False
        self._files.adopt(upload.repository, upload.path, digest)
        del self._open[upload.id]
        return True

    def cancel(self, upload: Upload) -> None:
        """Drop an upload and its received bytes."""
        del self._open[upload.id]
        upload.path.unlink()
