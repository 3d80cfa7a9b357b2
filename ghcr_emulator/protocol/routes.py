"""The routes under /v2/.

Names hold slashes, so a path is parsed from its end, where the fixed words of the route are.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ghcr_emulator.protocol import names


class Route(StrEnum):
    """The classes of routes, by the names the access log uses."""

    PING = "ping"
    TOKEN = "token"  # the name of a route, not a secret
    MANIFEST = "manifest"
    BLOB = "blob"
    UPLOAD = "upload"
    TAGS = "tags"
    CATALOG = "catalog"
    REFERRERS = "referrers"
    STORED_BLOB = "stored-blob"  # under the host name of the blob storage
    API = "api"  # under the host name of the REST API
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """A route, and the names in its path.

    `repository` is the text of the request, even if it is no valid name (OTHER). `reference` is a
    tag or digest of a manifest, the digest of a blob or of a referrers' subject, or an upload's id
    ("" where an upload begins). A digest may be invalid for its algorithm: the registry answers
    that.
    """

    route: Route
    repository: str = ""
    reference: str = ""

    @property
    def digest(self) -> str | None:
        """The digest in the path, if its form is that of a digest."""
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
