"""Answers of GitHub's REST API: refusals, pages, packages and versions."""

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from ghcr_emulator.protocol import hosts
from ghcr_emulator.registry_api.package_versions import Tagged
from ghcr_emulator.state.accounts import Owner, Package

_DOCS: Final = "https://docs.github.com/rest"
_PER_PAGE: Final = 30
_MOST_PER_PAGE: Final = 100
_TYPE: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal; `where` is the end of its documentation_url."""

    status: int
    message: str
    where: str = ""
    headers: Mapping[str, str] | None = None

    def response(self) -> Response:
        """Return GitHub's form of it: message, documentation_url, and the status as text."""
        body = {
            "message": self.message,
            "documentation_url": self.where if ":" in self.where else _DOCS + self.where,
            "status": str(self.status),
        }
        return document(body, self.status, self.headers)


def document(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON."""
    body = json.dumps(content, separators=(",", ":")).encode()
    given = {"x-github-media-type": "github.v3; format=json", **(headers or {})}
    return Response(body, status, given, media_type=_TYPE)


def page(request: Request, items: Sequence[object]) -> Response:
    """Answer with the page of a list that `page` and `per_page` select, and links to the others."""
    size = min(_number(request, "per_page", _PER_PAGE), _MOST_PER_PAGE)
    current, last = _number(request, "page", 1), max(1, math.ceil(len(items) / size))
    wanted = {
        "prev": (current - 1, current > 1),
        "next": (current + 1, current < last),
        "last": (last, current < last),
        "first": (1, current > 1),
    }
    links = [
        f'<{_address(request, number)}>; rel="{name}"'
        for name, (number, there) in wanted.items()
        if there
    ]
    headers = {"link": ", ".join(links)} if links else {}
    return document(list(items[(current - 1) * size : current * size]), headers=headers)


def _number(request: Request, key: str, default: int) -> int:
    text = request.query_params.get(key, "")
    wanted = text.isascii() and text.isdigit() and len(text) < 10
    return (int(text) if wanted else 0) or default


def _address(request: Request, number: int) -> str:
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    query = request.url.include_query_params(page=number).query
    return f"https://{hosts.API}{path}?{query}"


def package(
    owner: Owner, row: Package, born: datetime, versions: Sequence[Tagged]
) -> dict[str, object]:
    """Return a package as GitHub shows it; `born` is the time of its creation."""
    return {
        "id": _id_of(row.repository),
        "name": row.name,
        "package_type": "container",
        "owner": user(owner.shown, organisation=owner.organisation),
        "version_count": len(versions),
        "visibility": row.visibility,
        "url": _url(owner, row),
        "created_at": _time(born),
        "updated_at": _time(max([born, *(one.version.updated for one in versions)])),
        "html_url": _page_of(owner, row),
    }


def version(owner: Owner, row: Package, found: Tagged) -> dict[str, object]:
    """Return a version as GitHub shows it; a deleted one with its time of deletion and its tags."""
    number, deleted = found.version.id, found.version.deleted
    return {
        "id": number,
        "name": found.version.digest,
        "url": f"{_url(owner, row)}/versions/{number}",
        "package_html_url": _page_of(owner, row),
        "created_at": _time(found.version.created),
        "updated_at": _time(found.version.updated),
        "html_url": f"{_page_of(owner, row)}/{number}",
        **({"deleted_at": _time(deleted)} if deleted else {}),
        "metadata": {"package_type": "container", "container": {"tags": list(found.tags)}},
    }


def user(login: str, *, organisation: bool = False) -> dict[str, object]:
    """Return a user or an organisation as GitHub shows it as a part of other objects."""
    number, api = _id_of(login.lower()), f"https://{hosts.API}/users/{login}"
    node = base64.b64encode(f"04:User{number}".encode()).decode()
    return {
        "login": login,
        "id": number,
        "node_id": node,
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"https://github.com/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": "Organization" if organisation else "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def _url(owner: Owner, row: Package) -> str:
    return f"https://{hosts.API}{_under(owner)}/packages/container/{quote(row.name, safe='')}"


def _page_of(owner: Owner, row: Package) -> str:
    name = quote(row.name, safe="")
    return f"https://github.com{_under(owner)}/packages/container/package/{name}"


def _under(owner: Owner) -> str:
    return f"/{'orgs' if owner.organisation else 'users'}/{owner.shown}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _id_of(name: str) -> int:
    """Return a number that is always the same for a name."""
    return zlib.crc32(name.encode())
