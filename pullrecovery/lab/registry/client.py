"""The stand-in's control API: who there is, what they may read, and what the log saw."""

from datetime import datetime
from typing import Any, Self

import httpx

from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect

_PAST_ANY_END = 10**9 - 1


class Control:
    """The control API: who there is, what they may read, and what the log saw."""

    def __init__(self, port: int, secret: str, timeout: float) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=timeout,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def put_switch(self, name: str, document: dict[str, Any]) -> None:
        """Switch a fault on; lab/registry/fault_switches.py says what a document holds."""
        self._call("PUT", f"/switches/{name}", json=document)

    def switches(self) -> list[dict[str, Any]]:
        """The fault switches, oldest first, with their hits."""
        rows: list[dict[str, Any]] = self._call("GET", "/switches")["switches"]
        return rows

    def drop_switch(self, name: str) -> None:
        """Switch a fault off, if it is on."""
        self._call("DELETE", f"/switches/{name}", absent_is_fine=True)

    def drop_switches(self) -> None:
        """Switch all faults off."""
        self._call("DELETE", "/switches")

    def delete_package(self, repository: str) -> None:
        """Hide a package and its content, until it is put again."""
        self._call("DELETE", f"/packages/{repository}")

    def delete_tag(self, repository: str, tag: str) -> None:
        """Take one tag away."""
        self._call("DELETE", f"/packages/{repository}/tags/{tag}")

    def instance(self) -> str:
        """The id that the stand-in minted at its start."""
        return str(self._call("GET", "/healthz")["instance"])

    def put_credential(
        self,
        name: str,
        token: str,
        login: str,
        scopes: list[str],
        *,
        sso_authorised: list[str] | None = None,
        expires: datetime | None = None,
        **state: bool,
    ) -> None:
        """Make `token` a classic personal access token; `state` is expired or revoked."""
        body = {"login": login, "scopes": scopes, "sso_authorised": sso_authorised or [], **state}
        ends = {"expires": expires.isoformat()} if expires else {}
        self._put_token(name, token, {**body, **ends})

    def put_fine_grained(self, name: str, token: str, login: str, **state: bool) -> None:
        """Make `token` a fine-grained personal access token."""
        self._put_token(name, token, {"kind": "fine-grained", "login": login, **state})

    def put_run_token(
        self, name: str, token: str, repository: str, packages: str, **state: bool
    ) -> None:
        """Make `token` the GITHUB_TOKEN of a run in `repository`; `packages` is its permission."""
        run = {"kind": "workflow", "repository": repository, "packages": packages}
        self._put_token(name, token, {**run, **state})

    def put_package(
        self,
        repository: str,
        visibility: str,
        readers: list[str],
        writers: list[str],
        admins: list[str] | None = None,
    ) -> None:
        """Create the package `owner/name` or change who may use it."""
        body = {"visibility": visibility, "readers": readers, "writers": writers}
        self._call("PUT", f"/packages/{repository}", json={**body, "admins": admins or []})

    def put_owner(self, name: str, **fields: bool | str | list[str] | dict[str, list[str]]) -> None:
        """Say what an owner is; the fields are those of the stand-in's README."""
        self._call("PUT", f"/owners/{name}", json=fields)

    def put_workflow(
        self, repository: str, file: str, refs: list[str], writers: list[str], *, dispatch: bool
    ) -> None:
        """Say that a repository (owner/name) has a workflow file, and who may start it.

        `dispatch` says whether it has the trigger workflow_dispatch.
        """
        body = {"refs": refs, "writers": writers, "dispatch": dispatch}
        self._call("PUT", f"/workflows/{repository.lower()}/{file}", json=body)

    def dispatches(self, credential: str) -> list[dict[str, Any]]:
        """The workflow_dispatch events that came with the credential of that name, oldest first."""
        found = self._call("GET", "/dispatches", params={"credential": credential})
        rows: list[dict[str, Any]] = found["dispatches"]
        return rows

    def put_world(self, text: str) -> None:
        """Replace all there is by a world file; tokens in it stand in the text."""
        self._call("PUT", "/world", content=text)

    def knobs(self) -> dict[str, Any]:
        """How the rows are turned that are not known of GHCR."""
        return self._call("GET", "/knobs")

    def put_knobs(self, **knobs: bool | int | str) -> None:
        """Turn these knobs, and all others back to their defaults."""
        self._call("PUT", "/knobs", json=knobs)

    def log(self, **query: str | int) -> list[dict[str, Any]]:
        """Access log entries, oldest first, of those that match every part of `query`."""
        entries: list[dict[str, Any]] = self._call("GET", "/log", params=query)["entries"]
        return entries

    def log_end(self) -> int:
        """The number that the next entry of the log will have."""
        return int(self._call("GET", "/log", params={"since": _PAST_ANY_END})["next"])

    def _put_token(self, name: str, token: str, body: dict[str, Any]) -> None:
        self._call("PUT", f"/credentials/{name}", json={"token": protect(token), **body})

    def _call(
        self, method: str, path: str, *, absent_is_fine: bool = False, **request: Any
    ) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise LabError(f"The stand-in's control API does not answer: {error}") from error
        if absent_is_fine and answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        if answer.is_error:
            raise LabError(
                f"The stand-in refused {method} {path}: {answer.status_code} {answer.text}"
            )
        return dict(answer.json()) if answer.content else {}
