"""Helm: rendering a chart, and bringing it into the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pullrecovery.model import Workload
from pullrecovery.process import run


@dataclass(frozen=True)
class Helm:
    """The helm binary with the environment that points it at one cluster."""

    binary: Path
    environment: Mapping[str, str] = field(repr=False)

    def template(self, workload: Workload) -> str:
        """Render the chart with its values files; raises CommandError with Helm's words."""
        command = [str(self.binary), "template", workload.name, str(workload.chart)]
        return run([*command, *_options(workload)], env=self.environment, timeout=60)

    def upgrade(self, workload: Workload) -> str:
        """`helm upgrade --install`; it does not wait: whether pods run is judged elsewhere."""
        command = [str(self.binary), "upgrade", "--install", workload.name, str(workload.chart)]
        options = ["--create-namespace", "--history-max", "5"]
        return run([*command, *_options(workload), *options], env=self.environment, timeout=120)

    def uninstall(self, workload: Workload) -> None:
        """Remove the release, if there is one; its pods may outlive this call."""
        command = [str(self.binary), "uninstall", workload.name, "--namespace", workload.namespace]
        run([*command, "--ignore-not-found"], env=self.environment, timeout=90)


def _options(workload: Workload) -> list[str]:
    files = [option for file in workload.values for option in ("--values", str(file))]
    return ["--namespace", workload.namespace, *files]
