"""Statuses of commits, as GitHub's API accepts and lists them, without a git repository.

Source: docs.github.com/en/rest/commits/statuses.
"""

import itertools
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ghcr_emulator.github_api import responses as apireplies
from ghcr_emulator.github_api.responses import Refusal
from ghcr_emulator.github_api.routes import ApiRequest, Call
from ghcr_emulator.protocol import hosts
from ghcr_emulator.state.accounts import AccountToken

_STATES: Final = frozenset({"error", "failure", "pending", "success"})
_LONGEST: Final = 140
_MOST: Final = 1000
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DOCS: Final = "/commits/statuses#create-a-commit-status"
_CREATED: Final = 201
_NO_JSON: Final = Refusal(400, "Problems parsing JSON", _DOCS)


class CommitStatuses:
    """The statuses of every commit, newest first, in memory alone."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], list[dict[str, object]]] = {}
        self._ids = itertools.count(1)

    async def answer(
        self, request: Request, credential: AccountToken, asked: ApiRequest
    ) -> Response:
        """Answer a call that passed the checks of the token."""
        place = (f"{asked.owner}/{asked.source}", asked.commit)
        if asked.call is Call.STATUSES:
            return apireplies.page(request, self._kept.get(place, []))
        try:
            given = json.loads(await request.body())
        except ValueError:
            return _NO_JSON.response()
        wrong = self._wrong(place, given)
        if wrong is not None:
            return _invalid(*wrong)
        status = _status(place, given, credential, next(self._ids))
        self._kept.setdefault(place, []).insert(0, status)
        return apireplies.document(status, _CREATED)

    def _wrong(self, place: tuple[str, str], given: Any) -> tuple[str, str] | None:
        """Return the field that makes a status invalid, and why; None for a valid status."""
        if not _COMMIT.fullmatch(place[1]):
            return "sha", "sha must be a 40 character SHA1"
        state = given.get("state") if isinstance(given, dict) else None
        if state not in _STATES:
            return "state", "state is not included in the list"
        if len(str(given.get("description") or "")) > _LONGEST:
            return "description", f"description is too long (maximum is {_LONGEST} characters)"
        same = [one for one in self._kept.get(place, []) if one["context"] == _context(given)]
        if len(same) >= _MOST:
            return "context", "This SHA and context has reached the maximum number of statuses."
        return None


def _invalid(field: str, message: str) -> Response:
    """Answer 422 with GitHub's list of errors."""
    body = {
        "message": "Validation Failed",
        "errors": [{"resource": "Status", "code": "custom", "field": field, "message": message}],
        "documentation_url": f"https://docs.github.com/rest{_DOCS}",
        "status": "422",
    }
    return apireplies.document(body, 422)


def _status(
    place: tuple[str, str], given: dict[str, Any], credential: AccountToken, number: int
) -> dict[str, object]:
    """Return a status as GitHub shows it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "url": f"https://{hosts.API}/repos/{place[0]}/statuses/{place[1]}",
        "id": number,
        "state": given["state"],
        "description": given.get("description"),
        "target_url": given.get("target_url"),
        "context": _context(given),
        "created_at": now,
        "updated_at": now,
        "creator": apireplies.user(credential.login),
    }


def _context(given: dict[str, Any]) -> str:
    return str(given.get("context") or "default")
