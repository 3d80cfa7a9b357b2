"""Diagnose differences between a correct checkout and what Argo CD deployed."""

import json
from collections.abc import Mapping
from shlex import quote

from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.verdict import Cause, Verdict, fails


def stale(observation: Observed, evidence: str) -> Verdict:
    """The verdict that the deployed chart and values are out of date, with its cause and fix."""
    application = observation.optional(Observed.application)
    if isinstance(application, NotObserved):
        return fails(Cause.RELEASE_STALE, evidence, observation.workload.upgrade_command)
    said = f"{evidence}; {application}"
    return diagnose_application(application) or fails(
        Cause.RELEASE_STALE, said, observation.workload.upgrade_command
    )


def diagnose_application(application: ApplicationStatus) -> Verdict | None:
    """Diagnose an Application that follows another revision or other values; None if it does not.

    The result is also None if the Application does not exist.
    """
    if not application.exists:
        return None
    if application.revision != application.wanted_revision:
        fix = _patch(application, {"targetRevision": application.wanted_revision})
        wanted = f"wanted is {application.wanted_revision}"
        return fails(Cause.APPLICATION_REVISION, f"{application}; {wanted}", fix)
    if application.values != application.wanted_values:
        fix = _patch(application, {"helm": {"valueFiles": list(application.wanted_values)}})
        wanted = f"wanted are {', '.join(application.wanted_values)}"
        return fails(Cause.APPLICATION_VALUES, f"{application}; {wanted}", fix)
    return None


def diagnose_sync(observation: Observed) -> Verdict | None:
    """Diagnose an Application that is out of sync with its repository, whatever its pods run.

    None if Helm deploys.
    """
    application = observation.optional(Observed.application)
    if isinstance(application, NotObserved):
        return None
    wrong = diagnose_application(application)
    if wrong or application.sync == "Synced":
        return wrong
    return fails(Cause.RELEASE_STALE, str(application), observation.workload.upgrade_command)


def _patch(application: ApplicationStatus, source: dict[str, object]) -> str:
    """The command that sets `source` in the Application's source, and syncs."""
    kind, body = "merge", json.dumps({"spec": {"source": source}})
    if application.place is not None:
        # A merge patch would replace the whole list of sources.
        path = f"/spec/sources/{application.place}"
        kind, body = "json", json.dumps(_operations(path, source, nested=application.has_helm))
    name, patched = quote(application.name), f"--type {kind} --patch {quote(body)}"
    patch = f"kubectl -n argocd patch application {name} {patched}"
    return f"{patch} && argocd app sync {name}"


def _operations(
    path: str, source: Mapping[str, object], *, nested: bool
) -> list[dict[str, object]]:
    """The fields of a source as operations of a JSON patch (RFC 6902).

    With `nested`, a section exists already, and its fields are set one by one.
    """
    found: list[dict[str, object]] = []
    for name, value in source.items():
        if nested and isinstance(value, Mapping):
            found += _operations(f"{path}/{name}", value, nested=True)
        else:
            # `add` also replaces an existing value.
            found.append({"op": "add", "path": f"{path}/{name}", "value": value})
    return found
