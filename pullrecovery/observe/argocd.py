"""The workload's Argo CD Application: what it follows, and how far it came."""

from typing import Any

from pullrecovery.application_seen import ApplicationSeen
from pullrecovery.deploy.argocd import application_name
from pullrecovery.model import Workload
from pullrecovery.view import View


def observe_application(world: View, workload: Workload) -> ApplicationSeen | None:
    """The Application as it is now; None where something else deploys."""
    if world.argocd is None:
        return None
    wanted = world.argocd.application(workload)["spec"]["source"]
    found = world.argocd.read(workload)
    if found is None:
        return ApplicationSeen(application_name(workload), exists=False)
    spec, status = found["spec"], found.get("status") or {}
    automated = (spec.get("syncPolicy") or {}).get("automated")
    state = status.get("operationState") or {}
    history = status.get("history") or []
    return ApplicationSeen(
        name=application_name(workload),
        exists=True,
        wanted_revision=str(wanted["targetRevision"]),
        wanted_values=_values(wanted),
        revision=str(spec["source"].get("targetRevision", "")),
        values=_values(spec["source"]),
        automated=automated is not None and automated.get("enabled", True),
        self_heal=bool((automated or {}).get("selfHeal")),
        sync=_text(status, "sync", "status"),
        health=_text(status, "health", "status"),
        phase=str(state.get("phase") or ""),
        message=str(state.get("message") or ""),
        synced=str(history[-1].get("revision", "")) if history else "",
        head=_text(status, "sync", "revision"),
        conditions=tuple(_conditions(status)),
    )


def _values(source: dict[str, Any]) -> tuple[str, ...]:
    return tuple((source.get("helm") or {}).get("valueFiles") or ())


def _text(status: dict[str, Any], part: str, key: str) -> str:
    return str((status.get(part) or {}).get(key) or "")


def _conditions(status: dict[str, Any]) -> list[str]:
    """Its errors; warnings, such as one of a shared resource, say nothing of the pods."""
    found = status.get("conditions") or []
    return [f"{each['type']}: {each['message']}" for each in found if "Error" in each["type"]]
