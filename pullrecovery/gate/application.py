"""Check that an Argo CD Application deploys exactly the release that the gate judges.

How Argo CD reads a source: parameters win over valuesObject, valuesObject over values, and values
over valueFiles (argo-cd.readthedocs.io/en/stable/user-guide/helm). A file `.argocd-source.yaml` in
the chart wins over all of them (user-guide/parameters).
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pullrecovery.gate.releases import Deployed
from pullrecovery.monorepo.application_sources import Source

# Every value of the hook's chart that only the Application may set. Parameters win over values
# files.
PINNED = (
    "gate.revision",
    "gate.target",
    "gate.workload",
    "gate.application",
    "gate.applicationNamespace",
    "gate.serviceAccount",
    "gate.account",
    "gate.pullSecret",
    "gate.key",
    "gate.image",
    "gate.ca",
    "gate.deadline",
    "gate.activeDeadline",
    "gate.maxAge",
    "gate.world",
)
_SOURCE_KEYS = frozenset({"repoURL", "targetRevision", "path", "helm", "name"})
_CHART_KEYS = frozenset({"releaseName", "valueFiles"})
_HOOK_KEYS = frozenset({"releaseName", "valueFiles", "parameters"})


@dataclass(frozen=True)
class Release:
    """A release of a target as the gate judges it; its name is the workload's."""

    target: str
    name: str
    deployed: Deployed


def differences(application: Any, sources: Sequence[Source], release: Release) -> list[str]:
    """Return how what an Application deploys from `sources` differs from the release.

    Each difference names the field, its value, and the value that is judged.
    """
    return list(_differences(_mapping(application), sources, release))


def hook_source(sources: Sequence[Source], deployed: Deployed) -> Source | None:
    """Return the source of the hook's chart, the one with another path; None if there is none."""
    return next((source for source in sources if _path(source) != deployed.chart), None)


def _differences(
    application: dict[str, Any], sources: Sequence[Source], release: Release
) -> Iterator[str]:
    spec, deployed = _mapping(application.get("spec")), release.deployed
    namespace = _mapping(spec.get("destination")).get("namespace")
    yield from _other("spec.destination.namespace", namespace, deployed.namespace)
    yield from _none("spec", spec, "sourceHydrator")
    one = "spec.sources" if spec.get("sources") else "spec.source"
    places = [f"{one}[{at}]" if spec.get("sources") else one for at in range(len(sources))]
    charts = [at for at, source in enumerate(sources) if _path(source) == deployed.chart]
    if len(charts) != 1 or len(sources) > 2:
        paths = ", ".join(_path(source) or "none" for source in sources) or "none"
        judged = f"{deployed.chart} is judged, once, with the hook's chart beside it at most"
        yield f"{one}: path is {_short(paths)}, and {judged}"
        return
    for at, source in enumerate(sources):
        yield from _unknown(places[at], source, _SOURCE_KEYS)
        if at == charts[0]:
            yield from _of_chart(places[at], source, release, application)
        else:
            yield from _of_hook(places[at], source, release, sources[charts[0]])


def _of_chart(
    place: str, source: Source, release: Release, application: dict[str, Any]
) -> Iterator[str]:
    helm = _mapping(source.get("helm"))
    yield from _unknown(f"{place}.helm", helm, _CHART_KEYS)
    yield from _values_files(place, source, release)
    name = helm.get("releaseName") or _mapping(application.get("metadata")).get("name")
    yield from _other(f"{place}.helm.releaseName", name, release.name)


def _of_hook(place: str, source: Source, release: Release, chart: Source) -> Iterator[str]:
    """Yield how the hook's source differs from the chart's in commit and values files."""
    for key in ("repoURL", "targetRevision"):
        yield from _other(f"{place}.{key}", source.get(key), chart.get(key))
    helm = _mapping(source.get("helm"))
    yield from _unknown(f"{place}.helm", helm, _HOOK_KEYS)
    yield from _values_files(place, source, release)
    yield from _parameters(f"{place}.helm.parameters", _list(helm.get("parameters")), release)


def _parameters(what: str, found: list[Any], release: Release) -> Iterator[str]:
    """Yield wrong parameters; each must be set exactly once.

    For a missing parameter Argo CD would take the value of a values file.
    """
    names = [str(_mapping(each).get("name")) for each in found]
    given = {str(_mapping(each).get("name")): _mapping(each).get("value") for each in found}
    yield from (f"{what}: {name} is not set" for name in PINNED if name not in given)
    for name, value in given.items():
        if name not in PINNED:
            yield from _other(f"{what}: {name}", value, "none")
        elif names.count(name) > 1:
            yield f"{what}: {name} is set {names.count(name)} times"
    wanted = {
        "gate.revision": "$ARGOCD_APP_REVISION",
        "gate.application": "$ARGOCD_APP_NAME",
        "gate.target": release.target,
        "gate.workload": release.name,
    }
    for name, value in wanted.items():
        if name in given:
            yield from _other(f"{what}: {name}", given[name], value)


def _values_files(place: str, source: Source, release: Release) -> Iterator[str]:
    """Yield how the values files differ; the chart's own values.yaml may be listed first.

    Helm reads it first in any case.
    """
    path, deployed = _path(source), release.deployed
    found = [_file(path, name) for name in _list(_mapping(source.get("helm")).get("valueFiles"))]
    own = f"{deployed.chart}/values.yaml"
    seen, wanted = (
        files[1:] if files[:1] == [own] else files for files in (found, list(deployed.values))
    )
    words = (", ".join(files) or "none" for files in (seen, wanted))
    yield from _other(f"{place}.helm.valueFiles", *words)


def _file(path: str, name: object) -> str:
    """Return a values file's path in the repository; a URL or a variable is returned unchanged.

    A variable may be another source's `ref`.
    """
    text = str(name)
    if "$" in text or "://" in text:
        return text
    return posixpath.normpath(text.lstrip("/") if text.startswith("/") else f"{path}/{text}")


def _path(source: Source) -> str:
    given = source.get("path")
    return posixpath.normpath(str(given)) if given else ""


def _unknown(place: str, node: dict[str, Any], known: frozenset[str]) -> Iterator[str]:
    """Yield each unknown field, because Argo CD would render other manifests than were judged."""
    for key in node:
        if key not in known:
            yield from _none(place, node, key)


def _none(place: str, node: dict[str, Any], key: str) -> Iterator[str]:
    if node.get(key):
        yield from _other(f"{place}.{key}", node[key], "none")


def _other(what: str, found: object, judged: object) -> Iterator[str]:
    if found != judged:
        yield f"{what} is {_short(found)}, and {_short(judged)} is judged"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else f"{text[:200]}…"


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node] if node else []


def _mapping(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}
