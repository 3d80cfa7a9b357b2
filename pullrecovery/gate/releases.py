"""A release as the gate judges it: its files, its namespace, and its wanted image."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import PurePath

from pullrecovery.model.target import Workload


@dataclass(frozen=True)
class Deployed:
    """The files that a release is rendered from, and the namespace that it is deployed to.

    `chart` is the path of the chart's directory and `values` those of its values files, in Helm's
    order. All are relative to the target's directory.
    """

    namespace: str
    chart: str
    values: tuple[str, ...]

    @classmethod
    def of(cls, workload: Workload) -> "Deployed":
        """Return what target.yaml says of a workload."""
        chart, *values = (
            PurePath(os.path.relpath(file, workload.root.resolve())).as_posix()
            for file in (workload.chart, *workload.values)
        )
        return cls(workload.namespace, chart, tuple(values))


@dataclass(frozen=True)
class JudgedRelease:
    """One workload as it was judged.

    `chart` is its `chart_digest` and `image` its manifest's digest, or '' if the registry has none.
    `chart_path` and `values_files` are relative to the target's directory. `reference` is the
    wanted image.
    """

    name: str
    namespace: str
    chart_path: str
    values_files: tuple[str, ...]
    chart: str
    reference: str
    image: str

    @classmethod
    def of(cls, workload: Workload, image: str) -> "JudgedRelease":
        """Return a workload as a verdict records it, with its image's digest."""
        deployed = Deployed.of(workload)
        return cls(
            name=workload.name,
            namespace=deployed.namespace,
            chart_path=deployed.chart,
            values_files=deployed.values,
            chart=chart_digest(workload),
            reference=workload.image.reference,
            image=image,
        )

    @property
    def deployed(self) -> Deployed:
        """Return the files that were judged and the namespace that they were judged for."""
        return Deployed(self.namespace, self.chart_path, self.values_files)


def chart_digest(workload: Workload) -> str:
    """Return the digest of a chart's directory and its values files: `sha256:` and 64 hex digits.

    It is the SHA-256 of a text with one line for each file, `HEX  NAME` and a line feed, sorted by
    NAME. HEX is the SHA-256 of the file's content. NAME is `chart/` with the path in the chart's
    directory, or `values/` with the position among the values files, from 0.
    """
    files = {
        f"chart/{path.relative_to(workload.chart).as_posix()}": path
        for path in workload.chart.rglob("*")
        if path.is_file()
    }
    files |= {f"values/{at}": path for at, path in enumerate(workload.values)}
    lines = (f"{_hex(files[name].read_bytes())}  {name}\n" for name in sorted(files))
    return f"sha256:{_hex(''.join(lines).encode())}"


def _hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
