"""The workflows of repositories, and the workflow_dispatch events that were accepted for them.

Records are frozen: a change is a new record. There is no git repository: clients of the control
port say which workflows exist.
"""

import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RepositoryWorkflow:
    """A workflow file of a repository (owner/name, lower case), on some branches or tags.

    `dispatch` says whether it has the trigger workflow_dispatch. `writers` are the logins, in lower
    case, that may read the repository and start the workflow.
    """

    repository: str
    file: str
    refs: frozenset[str]
    dispatch: bool
    writers: frozenset[str]

    @property
    def id(self) -> int:
        """A number that is always the same for this file."""
        return zlib.crc32(f"{self.repository}/{self.file}".encode())


@dataclass(frozen=True, slots=True)
class Dispatch:
    """An accepted workflow_dispatch event; `credential` is the name of the token it came with.

    `run` is the id of the run that GitHub would start for it.
    """

    run: int
    repository: str
    file: str
    ref: str
    inputs: Mapping[str, str]
    credential: str


@dataclass(slots=True)
class WorkflowStore:
    """All workflows, and all events, oldest first."""

    _rows: dict[tuple[str, str], RepositoryWorkflow] = field(default_factory=dict)
    _events: list[Dispatch] = field(default_factory=list)
    _runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, workflow: RepositoryWorkflow) -> None:
        """Add a workflow, or replace the one of that file."""
        self._rows[workflow.repository, workflow.file] = workflow

    def find(self, repository: str, named: str) -> RepositoryWorkflow | None:
        """Return the workflow of a repository by its file or by its id; None if there is none."""
        own = (row for row in self._rows.values() if row.repository == repository)
        return next((row for row in own if named in (row.file, str(row.id))), None)

    def take(
        self, workflow: RepositoryWorkflow, ref: str, inputs: Mapping[str, str], credential: str
    ) -> Dispatch:
        """Store an event and return it."""
        event = Dispatch(
            next(self._runs), workflow.repository, workflow.file, ref, inputs, credential
        )
        self._events.append(event)
        return event

    def dispatches(self, credential: str) -> list[Dispatch]:
        """Return the events that came with the credential of that name, oldest first."""
        return [event for event in self._events if event.credential == credential]
