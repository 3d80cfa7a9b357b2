"""The documents of the control API: the bodies of its requests and answers.

The server and the client (ghcr_emulator/client/) share them.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import Field, Tag, TypeAdapter

from ghcr_emulator.access_log.log import Entry
from ghcr_emulator.documents.model import Model, Text
from ghcr_emulator.protocol.routes import Route
from ghcr_emulator.state.workflows import Dispatch
from ghcr_emulator.state.world_schema import (
    PERSONAL,
    RUN,
    ByKind,
    OrganisationRules,
    Personal,
    Run,
)


class _Issued(Model):
    token: Text = Field(repr=False)


class PersonalToken(_Issued, Personal):
    """A user's token, classic or fine-grained."""


class WorkflowToken(_Issued, Run):
    """The GITHUB_TOKEN of a workflow run."""


Token: TypeAlias = PersonalToken | WorkflowToken
TOKENS: Final[TypeAdapter[Token]] = TypeAdapter(
    Annotated[
        Annotated[PersonalToken, Tag(PERSONAL)] | Annotated[WorkflowToken, Tag(RUN)],
        ByKind,
    ]
)


class OwnerBody(OrganisationRules):
    """A user or an organisation; `login` is the name with its capitals."""

    called: ClassVar[str] = "owner"
    login: Text | None = None
    organisation: bool = False


class WorkflowBody(Model):
    """A workflow file: the branches and tags that have it, and the logins that may start it.

    `dispatch` says whether the file has the trigger workflow_dispatch.
    """

    called: ClassVar[str] = "workflow"
    refs: list[Text] = Field(default_factory=list)
    dispatch: bool = False
    writers: list[Text] = Field(default_factory=list)


@dataclass(frozen=True)
class Health:
    """The answer of a control API that is alive; a new `instance` has an empty state."""

    ok: bool
    instance: str


@dataclass(frozen=True)
class LogPage:
    """Entries of the access log, oldest first; `next` is the `since` of the next request."""

    entries: list[Entry]
    next: int


@dataclass(frozen=True)
class Dispatches:
    """The workflow_dispatch events that were accepted, oldest first."""

    dispatches: list[Dispatch]


@dataclass(frozen=True)
class SwitchStatus:
    """A fault switch that is on: its parameters, its hits and what is left of it.

    `hits` is None for a kind that counts none. What is left is None where the switch has no end.
    """

    name: str
    kind: str
    route: Route | None
    method: str | None
    repository: str | None
    reference: str | None
    credential: str | None
    anonymous: bool
    active: bool
    hits: int | None
    count_left: int | None
    seconds_left: float | None


@dataclass(frozen=True)
class SwitchList:
    """The fault switches, oldest first."""

    switches: list[SwitchStatus]
