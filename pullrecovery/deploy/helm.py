"""Render a chart with Helm, and deploy it into the cluster."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pullrecovery.common.process import CommandError, run
from pullrecovery.deploy.chart_schemas import check_schemas
from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.model.target import Workload


@dataclass(frozen=True)
class HelmReader:
    """The helm binary with the environment for one cluster; it only reads."""

    binary: Path
    environment: Mapping[str, str] = field(repr=False)

    def template(
        self,
        workload: Workload,
        *,
        settings: Sequence[str] = (),
        hooks: bool = True,
        definitions: bool = False,
    ) -> str:
        """Render the chart with its values files; raises CommandError with Helm's message.

        With `definitions`, the CustomResourceDefinitions of its directory crds/ are included.
        """
        options = [*_settings(settings), *([] if hooks else ["--no-hooks"])]
        options += ["--include-crds"] if definitions else []
        return self._call("template", *_options(workload), *options, *_release(workload))

    def manifest(self, workload: Workload) -> str:
        """The manifest that Helm last deployed; '' if there is no release."""
        try:
            return self._call(
                "get", "manifest", "--namespace", workload.namespace, "--", workload.name
            )
        except CommandError as error:
            if "release: not found" in error.output:
                return ""
            raise

    def _call(self, *arguments: str, timeout: float = 60) -> str:
        return run([str(self.binary), *arguments], env=self.environment, timeout=timeout)


@dataclass(frozen=True)
class Helm(HelmReader):
    """The helm binary with the calls that deploy and remove releases, beside those that read."""

    name: ClassVar[str] = "helm"
    features: ClassVar[frozenset[DeployFeature]] = frozenset(
        {DeployFeature.WAIT, DeployFeature.ROLLBACK, DeployFeature.DRY_RUN}
    )

    def upgrade(
        self,
        workload: Workload,
        *,
        settings: Sequence[str] = (),
        within: int = 60,
        wait: bool = False,
        dry_run: bool = False,
    ) -> str:
        """Run `helm upgrade --install` and return its objects; raises CommandError on failure.

        The namespace must exist; the chart's directory crds/ is not applied. Waits for the chart's
        hooks, at most `within` seconds, and for pods only with `wait`: the criteria judge whether
        they run. `settings` are for --set. A dry run asks the API server for its answer, and
        changes nothing.
        """
        command = ["upgrade", "--install", *_options(workload)]
        options = ["--history-max", "5", "--timeout", f"{within}s"]
        # It reads the whole schema of the API, and the API server checks the fields anyway.
        options += ["--disable-openapi-validation"]
        options += ["--output", "json", "--skip-crds"]
        options += _settings(settings)
        options += ["--wait"] if wait else []
        options += ["--dry-run=server"] if dry_run else []
        released = self._call(*command, *options, *_release(workload), timeout=within + 60)
        return str(json.loads(released).get("manifest", ""))

    def rollback(self, workload: Workload, revision: int) -> None:
        """Roll back to an earlier revision of the release."""
        options = ["--namespace", workload.namespace, "--"]
        self._call("rollback", *options, workload.name, str(revision), timeout=90)

    def uninstall(self, workload: Workload, *, hooks: bool = True) -> None:
        """Remove the release, if it exists; its pods may outlive this call.

        Without `hooks`, the chart's own hooks do not run.
        """
        options = ["--namespace", workload.namespace, "--ignore-not-found"]
        options += [] if hooks else ["--no-hooks"]
        self._call("uninstall", *options, "--", workload.name, timeout=90)


def _release(workload: Workload) -> list[str]:
    """Return the positional arguments, guarded so that Helm takes none for an option.

    Raises RefusedChartError for a chart that the suite does not pass to Helm.
    """
    check_schemas(workload.chart)
    return ["--", workload.name, str(workload.chart)]


def _settings(settings: Sequence[str]) -> list[str]:
    return [option for setting in settings for option in ("--set", setting)]


def _options(workload: Workload) -> list[str]:
    files = [option for file in workload.values for option in ("--values", _one(file))]
    return ["--namespace", workload.namespace, *files]


def _one(file: Path) -> str:
    """Return the file as one CSV item: Helm reads the text after a comma as another file."""
    doubled = str(file).replace('"', '""')
    return f'"{doubled}"'
