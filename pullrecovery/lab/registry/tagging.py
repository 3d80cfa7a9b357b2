"""Move or delete a tag for the length of a block, and restore it afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from pullrecovery.common.errors import LabError
from pullrecovery.lab.registry.client import Control
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.media_types import ACCEPT_MANIFESTS


@dataclass(frozen=True)
class Manifest:
    """A manifest's bytes and media type, as a registry returned them."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Tags:
    """Read and set tags of the emulator's packages, with a credential that may write."""

    registry: RegistryClient
    credential: Credential

    def read(self, package: str, reference: str) -> Manifest:
        """Return the manifest of a tag or digest; raises LabError."""
        headers = {"Accept": ACCEPT_MANIFESTS}
        answer = self._ask("GET", package, reference, "pull", headers)
        return Manifest(answer.content, answer.headers["content-type"])

    def write(self, package: str, tag: str, manifest: Manifest) -> None:
        """Set a tag to a manifest whose parts exist; it becomes the package's newest tag."""
        headers = {"Content-Type": manifest.media_type}
        self._ask("PUT", package, tag, "pull,push", headers, manifest.content)

    def _ask(
        self,
        method: str,
        package: str,
        reference: str,
        actions: str,
        headers: dict[str, str],
        content: bytes | None = None,
    ) -> httpx.Response:
        what = f"{method} of {package}:{reference}"
        try:
            token = self.registry.token(package, actions, self.credential)
            if isinstance(token, Probe):
                raise LabError(f"The GHCR emulator issued no token for {what}: {token.status}.")
            answer = self.registry.http.request(
                method,
                f"https://{self.registry.host}/v2/{package}/manifests/{reference}",
                headers={**headers, "Authorization": f"Bearer {token}"},
                content=content,
            )
        except httpx.HTTPError as error:
            raise LabError(f"The GHCR emulator did not answer a {what}: {error}") from error
        if answer.is_error:
            raise LabError(
                f"The GHCR emulator rejected a {what}: {answer.status_code} {answer.text}"
            )
        return answer


@contextmanager
def tag_moved(tags: Tags, package: str, tag: str, to: str) -> Iterator[None]:
    """Point a tag at the manifest of the digest or tag `to`, and restore it after the block.

    Afterwards it is the newest tag of its package. Raises LabError if either does not exist.
    """
    before, after = tags.read(package, tag), tags.read(package, to)
    try:
        tags.write(package, tag, after)
        yield
    finally:
        tags.write(package, tag, before)


@contextmanager
def tag_deleted(control: Control, tags: Tags, package: str, tag: str) -> Iterator[None]:
    """Delete a tag for the length of the block; afterwards it is its package's newest tag.

    Raises LabError if it does not exist.
    """
    before = tags.read(package, tag)
    try:
        control.delete_tag(package, tag)
        yield
    finally:
        tags.write(package, tag, before)
