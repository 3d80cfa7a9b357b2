"""Deploy with Argo CD: one Application for each workload, and syncs of it.

The Application is the target's own manifest with another repository, revision and namespace. A
successful sync means that Argo CD applied the objects, not that their pods run; the criteria judge
the pods.
"""

import os.path
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Protocol

from kubernetes import client as k8s

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.process import CommandError
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.deploy.application_state import (
    REFRESH,
    is_compared,
    is_running,
    state_of,
    status_of,
)
from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.deploy.helm import Helm
from pullrecovery.model.target import Workload
from pullrecovery.monorepo.application_sources import (
    checkout_of,
    entries_of,
    manifest_of,
    place_of,
    revision_at,
    sources_of,
)

NAMESPACE = "argocd"
_KIND = ("argoproj.io", "v1alpha1", NAMESPACE, "applications")
_CASCADE = "resources-finalizer.argocd.argoproj.io"
_NONCE = "asked-by"
_ENDED = frozenset({"Succeeded", "Failed", "Error"})
_COMPARED_WITHIN = 30.0
_ENDS_WITHIN = 60.0


class SyncError(CommandError):
    """A sync that did not succeed; `output` is Argo CD's own message."""

    def __init__(self, name: str, phase: str, message: str) -> None:
        super().__init__(("argocd", "app", "sync", name), 1, f"{phase}: {message}")


class Repository(Protocol):
    """The git repository that Applications are deployed from."""

    @property
    def url(self) -> str:
        """The URL at which Argo CD reaches it."""

    def commit(self, branch: str, folder: Path) -> str:
        """Commit the content of `folder` to `branch`; returns the commit's id."""

    def checkout(self, commit: str, folder: Path) -> None:
        """Write the tree of `commit` into `folder`."""

    def drop(self, branch: str) -> None:
        """Delete the branch, if it exists, and branches named after it with a hyphen."""


def application_name(workload: Workload) -> str:
    """The name of the workload's Application: by default, workload and namespace."""
    return workload.by_application or f"{workload.namespace}-{workload.name}"


def branch_of(workload: Workload) -> str:
    """The branch that the workload's Application follows.

    Deleting a branch deletes those named after it, so a branch of a literal namespace needs another
    name.
    """
    own = application_name(replace(workload, by_application=""))
    return workload.namespace + ("" if application_name(workload) == own else "--named")


@dataclass(frozen=True)
class ArgoCD:
    """Deploys Applications in Argo CD's namespace; `helm` renders what they deployed.

    Applications that it creates have `labels`. If an Application has several sources, as a gated
    one has, only the chart's source is deployed, or with `gated` every source.
    """

    name: ClassVar[str] = "argocd"
    features: ClassVar[frozenset[DeployFeature]] = frozenset(
        {DeployFeature.SELF_HEAL, DeployFeature.PRUNE, DeployFeature.FOLLOW}
    )

    cluster: k8s.ApiClient
    repository: Repository
    helm: Helm = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    gated: bool = False

    @cached_property
    def _api(self) -> k8s.CustomObjectsApi:
        return k8s.CustomObjectsApi(self.cluster)

    def application(self, workload: Workload, settings: Sequence[str] = ()) -> dict[str, Any]:
        """The target's Application, changed for this workload's branch and namespace."""
        application = manifest_of(workload)
        application["metadata"]["name"] = application_name(workload)
        application["metadata"]["labels"] = {
            **application["metadata"].get("labels", {}),
            **self.labels,
        }
        sources, spec = sources_of(application), application["spec"]
        chart = sources[place_of(sources, workload)]
        own = chart["repoURL"]
        for source in sources:
            if source.get("repoURL") == own:
                ours = {"repoURL": self.repository.url, "targetRevision": branch_of(workload)}
                source.update(ours)
        if not self.gated:
            spec.pop("sources", None)
            spec["source"] = chart
        helm = chart.setdefault("helm", {})
        helm["releaseName"] = workload.name
        if workload.values:
            helm["valueFiles"] = [os.path.relpath(f, workload.chart) for f in workload.values]
        pairs = (setting.partition("=") for setting in settings)
        # Empty, not absent, so that parameters of an earlier sync are removed.
        helm["parameters"] = [{"name": name, "value": value} for name, _, value in pairs]
        spec["destination"]["namespace"] = workload.namespace
        return application

    def read(self, workload: Workload) -> dict[str, Any] | None:
        """The workload's Application in the cluster; None if there is none."""
        read, name = self._api.get_namespaced_custom_object, application_name(workload)
        application: dict[str, Any] | None = tolerate_missing(lambda: read(*_KIND, name))
        return application

    def upgrade(self, workload: Workload, *, settings: Sequence[str] = (), within: int = 60) -> str:
        """Commit the checkout to the workload's branch, apply the Application, and sync it.

        Returns when the operation has ended and the Application was compared again. Raises
        SyncError if the operation did not succeed, or takes longer than `within` seconds.
        """
        commit = self.push(workload)
        body = {"spec": self.application(workload, settings)["spec"]}
        self.sync(workload, commit, within=within, body=body)
        return self.manifest(workload)

    def push(self, workload: Workload, branch: str = "") -> str:
        """Commit the checkout to the workload's branch, or to `branch`; returns the commit's id."""
        return self.repository.commit(branch or branch_of(workload), checkout_of(workload))

    def patch(self, workload: Workload, body: dict[str, Any]) -> None:
        """Merge `body` into the Application."""
        self._api.patch_namespaced_custom_object(
            *_KIND, application_name(workload), body, _content_type="application/merge-patch+json"
        )

    def sync(
        self,
        workload: Workload,
        revision: str = "",
        *,
        within: float = 60,
        body: dict[str, Any] | None = None,
    ) -> None:
        """Sync to `revision`, by default the one that the Application follows, and wait.

        `body` is merged into the Application by the request that starts the sync, so that no
        automated sync starts in between; a missing Application is created.
        """
        asked, application = secrets.token_hex(8), self.read(workload)
        wanted = self.application(workload)
        request = (body or {}) | {"operation": _operation(wanted, revision, asked)}
        # Argo CD's API server also clears the state: a resumed sync would take over the results of
        # the sync before it, for example hooks that passed then.
        anew = request | {"status": {"operationState": None}}
        if application is None:
            self._api.create_namespaced_custom_object(*_KIND, wanted | request)
        else:
            self.terminate(workload)
            self.patch(workload, anew)
        ended = self._await_operation(workload, asked, anew, within)
        if ended.get("phase") != "Succeeded":
            name = application_name(workload)
            raise SyncError(name, str(ended.get("phase")), str(ended.get("message", "")))
        # A comparison in the second in which the operation ended may predate that end.
        self.refresh(workload)

    def refresh(self, workload: Workload) -> None:
        """Have Argo CD compare the Application with its repository now, and wait for it."""
        self.patch(workload, {"metadata": {"annotations": {REFRESH: "normal"}}})
        wait_for(
            f"{application_name(workload)} is compared",
            lambda: self.read(workload),
            is_compared,
            describe=lambda application: status_of(application).get("sync"),
            timeout=_COMPARED_WITHIN,
        )

    def terminate(self, workload: Workload) -> None:
        """Terminate the running operation, if any: Argo CD accepts only one at a time."""
        application = self.read(workload)
        if not is_running(application):
            return
        if state_of(application).get("phase") == "Running":
            self.patch(workload, {"status": {"operationState": {"phase": "Terminating"}}})
        wait_for(
            f"the running sync of {application_name(workload)} ends",
            lambda: self.read(workload),
            lambda application: not is_running(application),
            describe=state_of,
            timeout=_ENDS_WITHIN,
        )

    def manifest(self, workload: Workload) -> str:
        """Render the commit of the last successful sync again; '' if there was none."""
        history = status_of(self.read(workload)).get("history") or []
        if not history:
            return ""
        sources = entries_of(history[-1])
        at = place_of(sources, workload)
        with TemporaryDirectory() as scratch:
            self.repository.checkout(revision_at(history[-1], at), Path(scratch))
            return self._render(workload, sources[at], Path(scratch))

    def _render(self, workload: Workload, source: dict[str, Any], root: Path) -> str:
        chart, helm = root / source["path"], source.get("helm", {})
        values = tuple(chart / name for name in helm.get("valueFiles", ()))
        settings = [
            f"{parameter['name']}={parameter['value']}" for parameter in helm.get("parameters", ())
        ]
        synced = replace(workload, chart=chart, values=values)
        return self.helm.template(synced, settings=settings, hooks=False)

    def uninstall(self, workload: Workload) -> None:
        """Delete the Application and everything that it deployed."""
        if self.read(workload) is None:
            return
        self.terminate(workload)
        self.patch(workload, {"metadata": {"finalizers": [_CASCADE]}})
        self._delete(application_name(workload))
        wait_for(
            f"{application_name(workload)} is gone",
            lambda: self.read(workload),
            lambda application: application is None,
            describe=lambda application: status_of(application).get("conditions"),
            timeout=_ENDS_WITHIN,
        )

    def forget(self, workload: Workload) -> None:
        """Delete every Application of the namespace, and the branch; deployed objects stay."""
        applications = self._api.list_namespaced_custom_object(*_KIND)["items"]
        for application in applications:
            if application["spec"]["destination"].get("namespace") == workload.namespace:
                self._delete(application["metadata"]["name"])
        self.repository.drop(branch_of(workload))

    def _delete(self, name: str) -> None:
        tolerate_missing(lambda: self._api.delete_namespaced_custom_object(*_KIND, name))

    def _await_operation(
        self, workload: Workload, asked: str, request: dict[str, Any], within: float
    ) -> dict[str, Any]:
        """The state of the requested operation: ended, or as it is after `within` seconds."""

        def look() -> dict[str, Any]:
            application = self.read(workload)
            state = state_of(application)
            info = state.get("operation", {}).get("info") or []
            if any(item["value"] == asked for item in info):
                return state
            if not is_running(application):
                # An automated sync had just begun, and its end removed this request.
                self.patch(workload, request)
            return {}

        # If the operation takes too long, the caller reports that instead.
        with suppress(WaitError):
            return wait_for(
                f"the sync of {application_name(workload)} ends",
                look,
                lambda state: state.get("phase") in _ENDED,
                timeout=within,
            )
        return look()


def _operation(application: dict[str, Any], revision: str, asked: str) -> dict[str, Any]:
    """A sync as Argo CD's own client requests it; `asked` identifies it."""
    policy = application["spec"].get("syncPolicy") or {}
    sync: dict[str, Any] = {"prune": True, "syncOptions": policy.get("syncOptions", [])}
    if revision and "sources" in application["spec"]:
        sync["revisions"] = [revision] * len(sources_of(application))
    elif revision:
        sync["revision"] = revision
    return {
        "sync": sync,
        "initiatedBy": {"username": "pull-recovery"},
        "info": [{"name": _NONCE, "value": asked}],
    }
