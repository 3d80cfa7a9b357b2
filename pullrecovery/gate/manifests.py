"""Check the Applications of a commit: each must deploy its release as it is judged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SAMPLE
from pullrecovery.common.yaml_reading import load_yaml
from pullrecovery.gate.application import Release, differences, hook_source
from pullrecovery.gate.releases import Deployed
from pullrecovery.model.target import Target, Workload
from pullrecovery.monorepo.application_sources import Source, sources_of

HOOK_CHART = SAMPLE / "argocd" / "gate" / "hook"
# Argo CD merges such a file into the source at that path.
_OVERRIDES = ".argocd-source*"


def check_applications(target: Target) -> None:
    """Raise UsageError if an Application deploys anything that is not judged.

    The error names the Application's file, each field, and both values.
    """
    for workload in target.workloads:
        if workload.application is not None:
            problems = list(_problems(target, workload, workload.application))
            if problems:
                raise UsageError(f"{workload.application}: {'; '.join(problems)}.")


def _problems(target: Target, workload: Workload, file: Path) -> Iterator[str]:
    application = _read(file)
    sources, deployed = sources_of(application), Deployed.of(workload)
    release = Release(target.name, workload.name, deployed)
    yield from differences(application, sources, release)
    yield from _overrides(workload.chart)
    hook = hook_source(sources, deployed)
    if hook is not None:
        yield from _hook_problems(workload, hook)


def _hook_problems(workload: Workload, source: Source) -> Iterator[str]:
    path = str(source.get("path") or "")
    chart = (workload.root / path).resolve()
    if not chart.is_relative_to(workload.root) or not (chart / "Chart.yaml").is_file():
        yield f"the source beside {workload.chart.name} has the path {path!r}, which is no chart"
        return
    yield from _overrides(chart)
    ours, theirs = _files(HOOK_CHART), _files(chart)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            yield f"{path}/{name} is not that of sample/argocd/gate/hook in this suite; copy it"
    for file in dict.fromkeys((workload.chart / "values.yaml", *workload.values)):
        values = _read(file) if file.is_file() else None
        if isinstance(values, dict) and "gate" in values:
            where = file.relative_to(workload.root)
            yield f"{where} sets `gate`, which are values of the hook's chart; remove it"


def _overrides(chart: Path) -> Iterator[str]:
    for file in sorted(chart.glob(_OVERRIDES)):
        yield f"{file.name} beside {chart.name} overrides the source's parameters; remove it"


def _files(chart: Path) -> dict[str, bytes]:
    """Return the content of each file; b"" for a symbolic link, because Helm follows it."""
    return {
        file.relative_to(chart).as_posix(): b"" if file.is_symlink() else file.read_bytes()
        for file in chart.rglob("*")
        if file.is_symlink() or file.is_file()
    }


def _read(file: Path) -> Any:
    try:
        return load_yaml(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}:1: not valid YAML: not a text in UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
