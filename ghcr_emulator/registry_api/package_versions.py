"""What versions a package has, and what their deletion does to the registry.

A deleted version's tags are taken away in the registry behind; its manifest stays there, hidden by
the front, so that it can be restored with them.
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
    """A version and the tags that lead to it now, oldest push first."""

    version: Version
    tags: tuple[str, ...]


class Inventory:
    """The versions of packages; every method raises UpstreamRefusedError."""

    def __init__(self, state: State, registry: httpx.AsyncClient) -> None:
        self._state = state
        self._registry = registry

    async def versions(self, repository: str, *, deleted: bool = False) -> list[Tagged]:
        """Return the versions there are, or those that were deleted, newest first.

        Versions are those seen pushed, and those that a tag leads to.
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
        """Bring a version back, and those of its tags that lead nowhere else by now."""
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
        """Where a tag leads; '' for one that was deleted since it was listed.

        While the registry moves a tag it does not know it for a moment, so it is asked twice.
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
            # A package that nothing was ever pushed to.
            if refused.error.code == errors.NAME_UNKNOWN.code:
                return []
            raise
