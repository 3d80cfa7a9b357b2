"""Images as files below one directory: content by its digest, and names that point to it.

| path below the root | what |
|---|---|
| `blobs/ALGORITHM/XX/HEX` | the content with that digest; XX is the digest's first two digits |
| `repositories/NAME/_blobs/ALGORITHM/HEX` | an empty file: the repository has this blob |
| `repositories/NAME/_manifests/ALGORITHM/HEX` | the media type of a manifest of the repository |
| `repositories/NAME/_tags/TAG` | the digest that the tag points to |
| `uploads/ID` | the received part of an upload, and files that are being written |

A file gets its name only when it is complete, so a process that is killed leaves no part of one
under a name that is served. Content that no repository uses any more is not deleted, as in
distribution. The file system must be case-sensitive, as tags are.
"""

import fcntl
import hashlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ghcr_emulator.storage.errors import StorageError

# Bytes of a digest by its algorithm, as the OCI image specification registers them.
_BYTES: Final = {"sha256": 32, "sha512": 64}
_LOWER_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest by an algorithm that the storage supports."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @classmethod
    def parse(cls, text: str) -> "Digest | None":
        """Parse a digest; return None for a text that is no possible digest."""
        algorithm, _, digits = text.partition(":")
        if len(digits) != 2 * _BYTES.get(algorithm, 0) or not digits or set(digits) - _LOWER_HEX:
            return None
        return cls(algorithm, digits)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> "Digest":
        """Return the digest of some bytes."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    @classmethod
    def of_file(cls, path: Path, algorithm: str) -> "Digest":
        """Return the digest of a file's content."""
        with path.open("rb") as file:
            return cls(algorithm, hashlib.file_digest(file, algorithm).hexdigest())


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A stored manifest."""

    digest: Digest
    media_type: str
    content: bytes


class Files:
    """The directory of the storage, which one process at a time uses, see `opened`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uploads = root / "uploads"

    def content(self, digest: Digest) -> Path:
        """Return the path for the content with a digest."""
        return self.root / "blobs" / digest.algorithm / digest.hex[:2] / digest.hex

    def adopt(self, repository: str, written: Path, digest: Digest) -> None:
        """Make a complete file, whose digest was verified, a blob of a repository."""
        self._move(written, self.content(digest))
        self.link(repository, digest)

    def blob(self, repository: str, digest: Digest) -> Path | None:
        """Return the file of a repository's blob, or None where the repository lacks it."""
        return self.content(digest) if self._entry(repository, "_blobs", digest).exists() else None

    def link(self, repository: str, digest: Digest) -> None:
        """Add a blob whose content is stored to a repository."""
        self._write(self._entry(repository, "_blobs", digest), b"")

    def delete_blob(self, repository: str, digest: Digest) -> bool:
        """Delete a blob of a repository; return whether the repository had it."""
        return _delete(self._entry(repository, "_blobs", digest))

    def put_manifest(self, repository: str, manifest: StoredManifest, tag: str | None) -> None:
        """Store a manifest, and point a tag to it if one is given."""
        self._write(self.content(manifest.digest), manifest.content)
        entry = self._entry(repository, "_manifests", manifest.digest)
        self._write(entry, manifest.media_type.encode())
        if tag is not None:
            self._write(self._tags(repository) / tag, str(manifest.digest).encode())

    def manifest(self, repository: str, digest: Digest) -> StoredManifest | None:
        """Return a repository's manifest by its digest, or None."""
        try:
            media_type = self._entry(repository, "_manifests", digest).read_text()
        except FileNotFoundError:
            return None
        return StoredManifest(digest, media_type, self.content(digest).read_bytes())

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        """Delete a manifest and its tags; return whether the repository had the manifest."""
        for tag in self.tags(repository) or ():
            if self.tagged(repository, tag) == digest:
                self.delete_tag(repository, tag)
        return _delete(self._entry(repository, "_manifests", digest))

    def tagged(self, repository: str, tag: str) -> Digest | None:
        """Return the digest that a tag points to, or None."""
        try:
            return Digest.parse((self._tags(repository) / tag).read_text())
        except FileNotFoundError:
            return None

    def tags(self, repository: str) -> list[str] | None:
        """Return a repository's tags in lexical order; None where nothing was ever tagged."""
        try:
            return sorted(entry.name for entry in self._tags(repository).iterdir())
        except FileNotFoundError:
            return None

    def delete_tag(self, repository: str, tag: str) -> bool:
        """Delete a tag, and not its manifest; return whether it existed."""
        return _delete(self._tags(repository) / tag)

    def _tags(self, repository: str) -> Path:
        # No part of a repository's name begins with an underscore.
        return self.root / "repositories" / repository / "_tags"

    def _entry(self, repository: str, kind: str, digest: Digest) -> Path:
        folder = self.root / "repositories" / repository / kind
        return folder / digest.algorithm / digest.hex

    def _write(self, path: Path, content: bytes) -> None:
        part = self.uploads / uuid.uuid4().hex
        part.write_bytes(content)
        self._move(part, path)

    @staticmethod
    def _move(written: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        written.replace(path)


@contextmanager
def opened(root: Path) -> Iterator[Files]:
    """Open or create a directory for this process alone while the block runs.

    Uploads that an earlier process left are removed. Raises StorageError where the directory cannot
    be written, or another process uses it.
    """
    files = Files(root)
    with ExitStack() as stack:
        try:
            root.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((root / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(files.uploads, ignore_errors=True)
            files.uploads.mkdir()
        except BlockingIOError as error:
            raise StorageError(f"{root} is the storage of another process") from error
        except OSError as error:
            raise StorageError(f"{root} cannot be a storage: {error.strerror}") from error
        yield files


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
