"""The observed state of an Argo CD Application, as frozen data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ApplicationStatus:
    """The spec and status of the workload's Argo CD Application.

    `revision` and `values` come from its spec. `wanted_revision` and `wanted_values` come from the
    target's own manifest and checkout. `sync`, `health`, `phase` and `message` are copied from Argo
    CD, '' before it has written any; `synced` is the commit of the last successful sync, and `head`
    the commit of the last comparison. `conditions` are its errors, as type and message. `place` is
    the index of the chart's source in `sources`, None if the Application has one `source`;
    `has_helm` says whether that source has a `helm` section.
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
