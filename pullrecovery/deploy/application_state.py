"""What an Application of Argo CD says of itself, as the API server gives it.

Every function takes None where there is no Application.
"""

from typing import Any

# The annotation by which a look at the Application is asked for; Argo CD removes it when it looks.
REFRESH = "argocd.argoproj.io/refresh"


def state_of(found: dict[str, Any] | None) -> dict[str, Any]:
    """The state of the Application's operation, the last or the running one."""
    state: dict[str, Any] = status_of(found).get("operationState") or {}
    return state


def status_of(found: dict[str, Any] | None) -> dict[str, Any]:
    """What Argo CD has written down; {} before it first has."""
    status: dict[str, Any] = (found or {}).get("status") or {}
    return status


def is_running(found: dict[str, Any] | None) -> bool:
    """Whether an operation runs, or is asked for."""
    asked = "operation" in (found or {})
    return asked or state_of(found).get("phase") in ("Running", "Terminating")


def is_compared(found: dict[str, Any] | None) -> bool:
    """Whether it was compared since its last operation, and no look is asked for.

    Argo CD's times are in whole seconds.
    """
    asked = ((found or {}).get("metadata", {}).get("annotations") or {}).get(REFRESH)
    compared = str(status_of(found).get("reconciledAt") or "")
    return not asked and bool(compared) and compared >= str(state_of(found).get("finishedAt") or "")
