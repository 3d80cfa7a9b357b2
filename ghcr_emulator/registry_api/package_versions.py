"""The versions of packages, and their deletion and restoration in the registry.

To delete a version, the emulator deletes its tags in the registry behind it and hides its manifest
there, so that the version can be restored with its tags.
"""

from dataclasses import dataclass

import httpx

from ghcr_emulator.protocol import errors
from ghcr_emulator.registry_api import tags
from ghcr_emulator.registry_api import upstream_proxy as storage
from ghcr_emulator.state.state import State
from ghcr_emulator.state.version_ids import Version


@dataclass(frozen=True, slots=True)
class Tagged:
    """A version and the tags that point to it now, oldest push first."""

    version: Version
    tags: tuple[str, ...]


class Inventory:
    """The versions of packages; every method raises UpstreamRefusedError."""

    def __init__(self, state: State, registry: httpx.AsyncClient) -> None:
        self._state = state
        self._registry = registry

    async def versions(self, repository: str, *, deleted: bool = False) -> list[Tagged]:
        """Return the versions of a package, or its deleted ones, newest first.

        Versions are the manifests whose push the emulator saw, and those that a tag points to.
        """
        tagged = await self._tagged(repository)
        for digest in tagged:
            self._state.versions.seen(repository, digest)
        return [
            Tagged(version, version.tags if deleted else tuple(tagged.get(version.digest, ())))
            for version in self._state.versions.of(repository)
            if (version.deleted is not None) is deleted
        ]

    async def delete(self, repository: str, found: Tagged) -> None:
        """Delete a version and its tags."""
        self._state.tag_digests.forget(repository)
        for tag in found.tags:
            await storage.delete_tag(self._registry, repository, tag)
        self._state.versions.delete(repository, found.version, found.tags)

    async def restore(self, repository: str, found: Tagged) -> None:
        """Restore a version, and those of its tags that point to no other version by now."""
        self._state.tag_digests.forget(repository)
        taken = await self._tags(repository)
        for tag in found.tags:
            if tag not in taken:
                await storage.tag(self._registry, repository, found.version.digest, tag)
        self._state.versions.restore(repository, found.version)

    async def _tagged(self, repository: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        order = self._state.push_order(repository)
        for tag in tags.in_push_order(await self._tags(repository), order):
            digest = await self._digest(repository, tag)
            if digest:
                found.setdefault(digest, []).append(tag)
        return found

    async def _digest(self, repository: str, tag: str) -> str:
        """Return the digest of a tag; '' for a tag that was deleted after it was listed.

        While the registry moves a tag, it answers 404 for a moment, so the tag is requested twice.
        """
        path, leads = f"/v2/{repository}/manifests/{tag}", self._state.tag_digests
        known, moves = leads.known(repository, tag), leads.moves(repository, tag)
        if known:
            return known
        for _ in range(2):
            try:
                headers = await storage.look(self._registry, path, errors.MANIFEST_UNKNOWN)
            except storage.UpstreamRefusedError as refused:
                if refused.error.code != errors.MANIFEST_UNKNOWN.code:
                    raise
            else:
                digest = str(headers["docker-content-digest"])
                leads.learn(repository, tag, digest, moves)
                return digest
        return ""

    async def _tags(self, repository: str) -> list[str]:
        try:
            return await storage.list_tags(self._registry, repository)
        except storage.UpstreamRefusedError as refused:
            # Nothing was ever pushed to the package.
            if refused.error.code == errors.NAME_UNKNOWN.code:
                return []
            raise
