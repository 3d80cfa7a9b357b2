"""The state that an Argo CD Application reports, as the API server returns it.

Every function accepts None if there is no Application.
"""

from typing import Any

# The annotation that requests a refresh of the Application; Argo CD removes it when it starts.
REFRESH = "argocd.argoproj.io/refresh"


def state_of(found: dict[str, Any] | None) -> dict[str, Any]:
    """The state of the Application's operation, the last or the running one."""
    state: dict[str, Any] = status_of(found).get("operationState") or {}
    return state


def status_of(found: dict[str, Any] | None) -> dict[str, Any]:
    """The status that Argo CD has written; {} before the first one."""
    status: dict[str, Any] = (found or {}).get("status") or {}
    return status


def is_running(found: dict[str, Any] | None) -> bool:
    """Whether an operation is running or requested."""
    asked = "operation" in (found or {})
    return asked or state_of(found).get("phase") in ("Running", "Terminating")


def is_compared(found: dict[str, Any] | None) -> bool:
    """Whether it was compared since its last operation, and no refresh is requested.

    Argo CD's times have whole seconds.
    """
    asked = ((found or {}).get("metadata", {}).get("annotations") or {}).get(REFRESH)
    compared = str(status_of(found).get("reconciledAt") or "")
    return not asked and bool(compared) and compared >= str(state_of(found).get("finishedAt") or "")
