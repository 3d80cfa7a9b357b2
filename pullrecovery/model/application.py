"""What was seen of an Argo CD Application, as frozen data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ApplicationStatus:
    """The workload's Application, as its spec and status are.

    `revision` and `values` are what its spec follows, `wanted_revision` and `wanted_values` what
    the target's own manifest and checkout say. `sync`, `health`, `phase` and `message` are Argo
    CD's words, '' before there are any; `synced` is the commit of its last sync that succeeded,
    `head` the one that it was last compared with. `conditions` are its errors, type and message.
    `place` is the position of the chart's source in `sources`, None where it has one `source`;
    `has_helm` says whether that source has a section `helm`.
    """

    name: str
    exists: bool
    wanted_revision: str = ""
    wanted_values: tuple[str, ...] = ()
    revision: str = ""
    values: tuple[str, ...] = ()
    automated: bool = False
    sync: str = ""
    health: str = ""
    phase: str = ""
    message: str = ""
    synced: str = ""
    head: str = ""
    conditions: tuple[str, ...] = ()
    place: int | None = None
    has_helm: bool = True

    def __str__(self) -> str:
        if not self.exists:
            return f"there is no Application {self.name}"
        policy = "on" if self.automated else "off"
        said = f": {self.message}" if self.message else ""
        state = f"{self.sync or 'never compared'} and {self.health or 'of no health yet'}"
        errors = "".join(f"; {condition}" for condition in self.conditions)
        return (
            f"Application {self.name} follows {self.revision} with {', '.join(self.values)}, is"
            f" {state}, its last operation {self.phase or 'none'}{said}; automated sync is"
            f" {policy}{errors}"
        )
