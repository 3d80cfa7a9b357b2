"""The client of the control API: accounts, packages, tokens, fault switches and the access log."""

from typing import ClassVar, Final, Self, TypeVar

import httpx
from pydantic import TypeAdapter

from ghcr_emulator.access_log.log import Entry
from ghcr_emulator.control_api.schemas import (
    Dispatches,
    Health,
    LogPage,
    OwnerBody,
    SwitchList,
    SwitchStatus,
    Token,
    WorkflowBody,
)
from ghcr_emulator.documents.model import Model
from ghcr_emulator.faults.kinds import FaultSwitch
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.workflows import Dispatch
from ghcr_emulator.state.world_schema import PackageBody

T = TypeVar("T")
_HEALTH: Final = TypeAdapter(Health)
_LOG: Final = TypeAdapter(LogPage)
_DISPATCHES: Final = TypeAdapter(Dispatches)
_SWITCHES: Final = TypeAdapter(SwitchList)
_KNOBS: Final = TypeAdapter(Assumptions)
_PAST_ANY_END: Final = 10**9 - 1


class ControlError(Exception):
    """The control API does not answer, or refuses a request; the message says why."""


class ControlClient:
    """A client of the control API at a port of this host; close it, or use it as a context manager.

    `secret` is the content of the file control.secret, `timeout` is in seconds. Every method raises
    `error` where the control API does not answer or refuses.
    """

    error: ClassVar[type[Exception]] = ControlError

    def __init__(self, port: int, secret: str, timeout: float = 30) -> None:
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

    def instance(self) -> str:
        """Return the id that the emulator chose at its start; a new one has an empty state."""
        return self._get("/healthz", _HEALTH).instance

    def put_token(self, name: str, token: Token) -> None:
        """Add a token or replace the one of that name, which the access log shows."""
        self._put(f"/credentials/{name}", token)

    def delete_token(self, name: str) -> None:
        """Delete the token of that name."""
        self._request("DELETE", f"/credentials/{name}")

    def put_owner(self, name: str, owner: OwnerBody) -> None:
        """Set the kind of an owner, its members, and who may create packages there."""
        self._put(f"/owners/{name}", owner)

    def put_package(self, repository: str, package: PackageBody) -> None:
        """Create the package `owner/name` or change who may use it."""
        self._put(f"/packages/{repository}", package)

    def delete_package(self, repository: str) -> None:
        """Hide a package and its content, until put_package() is called for it again."""
        self._request("DELETE", f"/packages/{repository}")

    def delete_tag(self, repository: str, tag: str) -> None:
        """Delete one tag of a package, but not its manifest."""
        self._request("DELETE", f"/packages/{repository}/tags/{tag}")

    def put_workflow(self, repository: str, file: str, workflow: WorkflowBody) -> None:
        """Add a workflow file to a repository (owner/name), with the logins that may start it."""
        self._put(f"/workflows/{repository.lower()}/{file}", workflow)

    def dispatches(self, credential: str) -> list[Dispatch]:
        """Return the workflow_dispatch events of the token of that name, oldest first."""
        found = self._get("/dispatches", _DISPATCHES, {"credential": credential})
        return found.dispatches

    def put_world(self, text: str) -> None:
        """Replace the whole state with a world file; its tokens must be in the text."""
        self._request("PUT", "/world", text.encode())

    def assumptions(self) -> Assumptions:
        """Return the current assumptions about behaviour that is not known of GHCR."""
        return self._get("/assumptions", _KNOBS)

    def put_assumptions(self, assumptions: Assumptions) -> None:
        """Set every assumption."""
        self._put("/assumptions", assumptions)

    def put_switch(self, name: str, switch: FaultSwitch) -> None:
        """Switch a fault on, in place of a switch of that name."""
        self._put(f"/switches/{name}", switch)

    def switches(self) -> list[SwitchStatus]:
        """Return the fault switches, oldest first, with their hits."""
        return self._get("/switches", _SWITCHES).switches

    def drop_switch(self, name: str) -> None:
        """Switch a fault off, if it is on."""
        self._request("DELETE", f"/switches/{name}", absent_is_fine=True)

    def drop_switches(self) -> None:
        """Switch all faults off."""
        self._request("DELETE", "/switches")

    def log(
        self,
        *,
        since: int = 1,
        identity: str | None = None,
        credential: str | None = None,
        token_kind: str | None = None,
        repository: str | None = None,
        digest: str | None = None,
        status: int | None = None,
    ) -> list[Entry]:
        """Return the access log's entries that match every argument, oldest first.

        An empty string matches entries where that field is None.
        """
        asked = {
            "since": since,
            "identity": identity,
            "credential": credential,
            "token_kind": token_kind,
            "repository": repository,
            "digest": digest,
            "status": status,
        }
        query = {key: str(value) for key, value in asked.items() if value is not None}
        return self._get("/log", _LOG, query).entries

    def log_end(self) -> int:
        """Return the number that the next entry of the log will have."""
        return self._get("/log", _LOG, {"since": str(_PAST_ANY_END)}).next

    def _put(self, path: str, body: Model) -> None:
        self._request("PUT", path, body.model_dump_json(exclude_none=True).encode())

    def _get(self, path: str, answer: TypeAdapter[T], query: dict[str, str] | None = None) -> T:
        content = self._request("GET", path, query=query)
        try:
            read: T = answer.validate_json(content)
        except ValueError:
            raise self.error(f"The control API's answer to GET {path} is not understood.") from None
        return read

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        query: dict[str, str] | None = None,
        absent_is_fine: bool = False,
    ) -> bytes:
        try:
            answer = self._client.request(method, path, content=content, params=query)
        except httpx.HTTPError as error:
            raise self.error(f"The control API does not answer: {error}") from error
        if answer.is_error and not (absent_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            raise self.error(
                f"The control API refused {method} {path}: {answer.status_code} {answer.text}"
            )
        return answer.content
