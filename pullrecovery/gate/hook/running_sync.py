"""Read the running sync of the hook from the Application's status.

The status shows what the operation deploys, which may differ from the spec: `argocd app sync
--local` and a rollback deploy something else (argo-cd, pkg/apis/application/v1alpha1,
SyncOperationResult).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.wait import wait_for
from pullrecovery.gate.hook.settings import HookSettings
from pullrecovery.monorepo.application_sources import Source, entries_of, revisions_of

# Argo CD creates the hook's Job before it writes the status of the same step.
_WRITTEN_WITHIN = 10.0


class Applications(Protocol):
    """The read access that the hook has to Argo CD's Applications."""

    def read(self, namespace: str, name: str) -> Any:
        """Return one Application as the API server has it; raises ApiException."""


@dataclass(frozen=True)
class Sync:
    """A running sync: the Application, the sources that it deploys, and their commits."""

    application: dict[str, Any]
    sources: tuple[Source, ...]
    commits: tuple[str, ...]
    local: bool

    def other_commits(self, revision: str) -> list[str]:
        """Return what the sync deploys that is not of the commit `revision`."""
        if self.local:
            return ["operation.sync.manifests are deployed, and a commit is judged"]
        others = [commit or "none" for commit in self.commits if commit != revision]
        if not others and len(self.commits) == len(self.sources):
            return []
        found = ", ".join(others) or "none"
        return [f"status.operationState.syncResult: {found} is synced, and {revision} is judged"]


def running_sync(
    applications: Applications, settings: HookSettings, left: Callable[[], float]
) -> Sync:
    """Return the running sync of the hook's Application, once Argo CD has written it.

    Raises PullRecoveryError if the hook may not read the Application or no sync is running.
    """
    namespace, name = settings.application_namespace, settings.application

    def look() -> list[Sync]:
        try:
            return _running(applications.read(namespace, name))
        except ApiException as error:
            raise PullRecoveryError(
                f"the API server answers {settings.account} {error.status} for Application"
                f" {namespace}/{name}: {error.reason} -- fix: apply access.yaml, with the name"
                " of this Application (docs/gate-hook.md)"
            ) from error

    (sync,) = wait_for(
        f"a sync of Application {namespace}/{name} is running",
        look,
        bool,
        timeout=min(_WRITTEN_WITHIN, left()),
    )
    return sync


def _running(application: dict[str, Any]) -> list[Sync]:
    """Return the running sync as a list of one; an empty list if none is running."""
    state = (application.get("status") or {}).get("operationState") or {}
    result, operation = state.get("syncResult") or {}, state.get("operation") or {}
    sources = entries_of(result)
    if state.get("phase") != "Running" or not sources:
        return []
    sync = Sync(
        application=application,
        sources=tuple(sources),
        commits=revisions_of(result),
        local=bool((operation.get("sync") or {}).get("manifests")),
    )
    return [sync]
