"""The sources of an Argo CD Application, and which one deploys a workload's chart.

An Application has one `source`, or several `sources`; if it has both, Argo CD uses the list.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from pullrecovery.common.errors import LabError
from pullrecovery.model.target import Workload

Source = dict[str, Any]


def sources_of(application: object) -> list[Source]:
    """Every source of an Application, unchanged; [] if `application` is not an Application."""
    if not isinstance(application, dict) or application.get("kind") != "Application":
        return []
    spec = application.get("spec")
    return entries_of(spec) if isinstance(spec, dict) else []


def entries_of(holder: dict[str, Any]) -> list[Source]:
    """Every source of an Application's spec, or of one entry of its history."""
    listed = holder.get("sources") or [holder.get("source")]
    sources = listed if isinstance(listed, list) else []
    return [source for source in sources if isinstance(source, dict)]


def revisions_of(holder: dict[str, Any]) -> tuple[str, ...]:
    """Return the commits of all sources, in a status or a history; '' for one without.

    Argo CD writes one `revision`, or `revisions` in the order of the sources.
    """
    commits = holder.get("revisions") or [holder.get("revision")]
    return tuple(str(commit or "") for commit in commits)


def revision_at(holder: dict[str, Any], place: int) -> str:
    """Return the commit of the source at `place`; '' if there is none."""
    revisions = revisions_of(holder)
    return revisions[place] if place < len(revisions) else ""


def place_of(sources: Sequence[Source], workload: Workload) -> int:
    """The index of the source whose `path` is the directory of the workload's chart.

    Raises LabError if no source has it.
    """
    fitting = [at for at, source in enumerate(sources) if _below(source, workload.chart)]
    if not fitting:
        paths = ", ".join(str(source.get("path")) for source in sources)
        raise LabError(f"{workload.application}: its path is {paths}, not {workload.chart}.")
    # `charts/frontend` is more specific than `frontend`.
    return max(fitting, key=lambda at: len(PurePosixPath(sources[at]["path"]).parts))


def checkout_of(workload: Workload) -> Path:
    """The directory relative to which the workload's Application finds the chart."""
    sources = sources_of(manifest_of(workload))
    path = PurePosixPath(sources[place_of(sources, workload)]["path"])
    return workload.chart.parents[len(path.parts) - 1]


def manifest_of(workload: Workload) -> dict[str, Any]:
    """The manifest of the workload's Application, read from its file."""
    if workload.application is None:
        raise LabError(f"The target names no Application for {workload.name}.")
    manifest: dict[str, Any] = YAML(typ="safe").load(workload.application.read_text())
    return manifest


def _below(source: Source, chart: Path) -> bool:
    """Whether the path of the chart's directory ends with the path of the source."""
    parts = PurePosixPath(str(source.get("path") or "")).parts
    return bool(parts) and chart.parts[-len(parts) :] == parts
