"""What a request path under /v2/ points at.

Names hold slashes, so the path is read from its end, where the route's fixed words are.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ghcr_emulator.protocol import names


class Route(StrEnum):
    """The classes of routes, by the names the access log uses."""

    PING = "ping"
    TOKEN = "token"  # a route's name
    MANIFEST = "manifest"
    BLOB = "blob"
    UPLOAD = "upload"
    TAGS = "tags"
    CATALOG = "catalog"
    REFERRERS = "referrers"
    STORED_BLOB = "stored-blob"  # under the storage's own name
    API = "api"  # under that of the REST API
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """A route, and what its path names.

    `repository` is kept as it was asked for, also for a name that is no valid one (OTHER).
    `reference` is a tag or digest of a manifest, the digest of a blob or of what is referred to,
    or an upload's id ("" where an upload begins). A digest may be one that its algorithm does not
    allow: to say so is the registry's.
    """

    route: Route
    repository: str = ""
    reference: str = ""

    @property
    def digest(self) -> str | None:
        """The digest that the path names, if it names a possible one."""
        return self.reference if names.is_digest(self.reference) else None


_WHOLE: Final = {
    "/token": RouteTarget(Route.TOKEN),
    "/v2": RouteTarget(Route.PING),
    "/v2/": RouteTarget(Route.PING),
    "/v2/_catalog": RouteTarget(Route.CATALOG),
}
_OTHER: Final = RouteTarget(Route.OTHER)


def parse(path: str) -> RouteTarget:
    """Return the target of a decoded request path; a path that fits no route gives OTHER."""
    whole = _WHOLE.get(path)
    if whole is not None:
        return whole
    if not path.startswith("/v2/"):
        return _OTHER
    target = _by_last_words(path.removeprefix("/v2/").split("/"))
    if not names.is_repository(target.repository):
        return RouteTarget(Route.OTHER, target.repository)
    return target


def _by_last_words(parts: list[str]) -> RouteTarget:
    match parts:
        case [*name, "blobs", "uploads", upload] if upload == "" or names.is_upload(upload):
            return RouteTarget(Route.UPLOAD, "/".join(name), upload)
        case [*name, "blobs", digest] if names.has_digest_form(digest):
            return RouteTarget(Route.BLOB, "/".join(name), digest)
        case [*name, "manifests", ref] if names.is_tag(ref) or names.has_digest_form(ref):
            return RouteTarget(Route.MANIFEST, "/".join(name), ref)
        case [*name, "referrers", digest] if names.is_digest(digest):
            return RouteTarget(Route.REFERRERS, "/".join(name), digest)
        case [*name, "tags", "list"]:
            return RouteTarget(Route.TAGS, "/".join(name))
        case _:
            return _OTHER
