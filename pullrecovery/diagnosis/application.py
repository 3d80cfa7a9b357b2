"""Diagnose differences between a correct checkout and what Argo CD deployed."""

import json
from collections.abc import Mapping
from shlex import quote

from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.observation import Observation
from pullrecovery.model.verdict import Cause, Verdict, fails


def stale(observation: Observation, evidence: str) -> Verdict:
    """The verdict that the deployed chart and values are out of date, with its cause and fix."""
    application = observation.application
    if application is None:
        return fails(Cause.RELEASE_STALE, evidence, observation.workload.upgrade_command)
    said = f"{evidence}; {application}"
    return diagnose_application(observation) or fails(
        Cause.RELEASE_STALE, said, observation.workload.upgrade_command
    )


def diagnose_application(observation: Observation) -> Verdict | None:
    """Diagnose an Application that follows another revision or other values; None if it does not.

    The result is also None without an Application: Helm then deploys the checkout itself.
    """
    found = observation.application
    if found is None or not found.exists:
        return None
    if found.revision != found.wanted_revision:
        fix = _patch(found, {"targetRevision": found.wanted_revision})
        wanted = f"wanted is {found.wanted_revision}"
        return fails(Cause.APPLICATION_REVISION, f"{found}; {wanted}", fix)
    if found.values != found.wanted_values:
        fix = _patch(found, {"helm": {"valueFiles": list(found.wanted_values)}})
        wanted = f"wanted are {', '.join(found.wanted_values)}"
        return fails(Cause.APPLICATION_VALUES, f"{found}; {wanted}", fix)
    return None


def diagnose_sync(observation: Observation) -> Verdict | None:
    """Diagnose an Application that is out of sync with its repository, whatever its pods run."""
    found = observation.application
    if found is None:
        return None
    wrong = diagnose_application(observation)
    if wrong or found.sync == "Synced":
        return wrong
    return fails(Cause.RELEASE_STALE, str(found), observation.workload.upgrade_command)


def _patch(found: ApplicationStatus, source: dict[str, object]) -> str:
    """The command that sets `source` in the Application's source, and syncs."""
    kind, body = "merge", json.dumps({"spec": {"source": source}})
    if found.place is not None:
        # A merge patch would replace the whole list of sources.
        path = f"/spec/sources/{found.place}"
        kind, body = "json", json.dumps(_operations(path, source, nested=found.has_helm))
    name, patched = quote(found.name), f"--type {kind} --patch {quote(body)}"
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
