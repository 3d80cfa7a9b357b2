"""The state that an Argo CD Application reports, as the API server returns it.

Every function accepts None if there is no Application.
"""

from typing import Any

# The annotation that requests a refresh of the Application; Argo CD removes it when it starts.
REFRESH = "argocd.argoproj.io/refresh"


def state_of(application: dict[str, Any] | None) -> dict[str, Any]:
    """The state of the Application's operation, the last or the running one."""
    state: dict[str, Any] = status_of(application).get("operationState") or {}
    return state


def status_of(application: dict[str, Any] | None) -> dict[str, Any]:
    """The status that Argo CD has written; {} before the first one."""
    status: dict[str, Any] = (application or {}).get("status") or {}
    return status


def is_running(application: dict[str, Any] | None) -> bool:
    """Whether an operation is running or requested."""
    asked = "operation" in (application or {})
    return asked or state_of(application).get("phase") in ("Running", "Terminating")


def is_compared(application: dict[str, Any] | None) -> bool:
    """Whether it was compared since its last operation, and no refresh is requested.

    Argo CD's times have whole seconds.
    """
    asked = ((application or {}).get("metadata", {}).get("annotations") or {}).get(REFRESH)
    compared = str(status_of(application).get("reconciledAt") or "")
    return (
        not asked
        and bool(compared)
        and compared >= str(state_of(application).get("finishedAt") or "")
    )
