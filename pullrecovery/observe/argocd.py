"""Observe the workload's Argo CD Application: its source and its last sync."""

from typing import Any

from pullrecovery.deploy.argocd import application_name
from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.target import Workload
from pullrecovery.monorepo.application_sources import place_of, revision_at, sources_of
from pullrecovery.world.read_only import ReadOnlyWorld


def observe_application(
    world: ReadOnlyWorld, workload: Workload
) -> ApplicationStatus | NotObserved:
    """The current state of the Application; NotObserved if Argo CD does not deploy here."""
    if world.argocd is None:
        return NotObserved(f"Argo CD was not asked for an Application of {workload.name}")
    wanted = _source(world.argocd.application(workload), workload)[1]
    found = world.argocd.read(workload)
    if found is None:
        return ApplicationStatus(application_name(workload), exists=False)
    spec, status = found["spec"], found.get("status") or {}
    at, source = _source(found, workload)
    automated = (spec.get("syncPolicy") or {}).get("automated")
    state = status.get("operationState") or {}
    history = status.get("history") or []
    return ApplicationStatus(
        name=application_name(workload),
        exists=True,
        wanted_revision=str(wanted["targetRevision"]),
        wanted_values=_values(wanted),
        place=at if spec.get("sources") else None,
        has_helm="helm" in source,
        revision=str(source.get("targetRevision", "")),
        values=_values(source),
        automated=automated is not None and automated.get("enabled", True),
        sync=_text(status, "sync", "status"),
        health=_text(status, "health", "status"),
        phase=str(state.get("phase") or ""),
        message=str(state.get("message") or ""),
        synced=revision_at(history[-1], at) if history else "",
        head=revision_at(status.get("sync") or {}, at),
        conditions=tuple(_conditions(status)),
    )


def _source(application: dict[str, Any], workload: Workload) -> tuple[int, dict[str, Any]]:
    """The source with the workload's chart, and its index in the Application's sources."""
    sources = sources_of(application)
    at = place_of(sources, workload) if len(sources) > 1 else 0
    return at, sources[at]


def _values(source: dict[str, Any]) -> tuple[str, ...]:
    return tuple((source.get("helm") or {}).get("valueFiles") or ())


def _text(status: dict[str, Any], part: str, key: str) -> str:
    return str((status.get(part) or {}).get(key) or "")


def _conditions(status: dict[str, Any]) -> list[str]:
    """The errors of the Application, without warnings.

    Warnings, such as the one about a shared resource, do not affect pods.
    """
    found = status.get("conditions") or []
    return [f"{each['type']}: {each['message']}" for each in found if "Error" in each["type"]]
