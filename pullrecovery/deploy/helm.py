"""Helm: rendering a chart, and bringing it into the cluster."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pullrecovery.common.process import CommandError, run
from pullrecovery.deploy.chart_schemas import check_schemas
from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.model.target import Workload

# Of kubectl, which it is built on, Helm has the help texts in ten languages, and packs those of the
# user's whenever it starts. It prints none of them; these are the shortest.
_FEW_WORDS = {"LC_ALL": "zh_TW.UTF-8"}


@dataclass(frozen=True)
class HelmReader:
    """The helm binary with the environment that points it at one cluster; it changes nothing."""

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
        """Render the chart with its values files; raises CommandError with Helm's words.

        With `definitions` the CustomResourceDefinitions of its folder crds/ are there, too.
        """
        options = [*_settings(settings), *([] if hooks else ["--no-hooks"])]
        options += ["--include-crds"] if definitions else []
        return self._call("template", *_options(workload), *options, *_release(workload))

    def manifest(self, workload: Workload) -> str:
        """What Helm last brought into the cluster; '' where there is no release."""
        try:
            return self._call(
                "get", "manifest", "--namespace", workload.namespace, "--", workload.name
            )
        except CommandError as error:
            if "release: not found" in error.output:
                return ""
            raise

    def _call(self, *arguments: str, timeout: float = 60) -> str:
        environment = {**self.environment, **_FEW_WORDS}
        return run([str(self.binary), *arguments], env=environment, timeout=timeout)


@dataclass(frozen=True)
class Helm(HelmReader):
    """The same, and what brings releases into the cluster."""

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
        """`helm upgrade --install`; returns its objects, raises CommandError with Helm's words.

        The namespace must be there; what is in the chart's folder crds/ is not applied.
        It waits for the chart's hooks, at most `within` seconds, and for pods only with `wait`:
        whether they run is judged elsewhere. `settings` are for --set. A dry run asks the API
        server what it would say, and changes nothing.
        """
        command = ["upgrade", "--install", *_options(workload)]
        options = ["--history-max", "5", "--timeout", f"{within}s"]
        # It would read the API's whole schema, to learn that the API server itself checks fields.
        options += ["--disable-openapi-validation"]
        options += ["--output", "json", "--skip-crds"]
        options += _settings(settings)
        options += ["--wait"] if wait else []
        options += ["--dry-run=server"] if dry_run else []
        released = self._call(*command, *options, *_release(workload), timeout=within + 60)
        return str(json.loads(released).get("manifest", ""))

    def rollback(self, workload: Workload, revision: int) -> None:
        """Bring an earlier revision of the release back."""
        options = ["--namespace", workload.namespace, "--"]
        self._call("rollback", *options, workload.name, str(revision), timeout=90)

    def uninstall(self, workload: Workload, *, hooks: bool = True) -> None:
        """Remove the release, if there is one; its pods may outlive this call.

        Without `hooks` the chart's own are not run.
        """
        options = ["--namespace", workload.namespace, "--ignore-not-found"]
        options += [] if hooks else ["--no-hooks"]
        self._call("uninstall", *options, "--", workload.name, timeout=90)


def _release(workload: Workload) -> list[str]:
    """Return the positional arguments, none of which is then taken for an option.

    Raises RefusedChartError for a chart that Helm is not given.
    """
    check_schemas(workload.chart)
    return ["--", workload.name, str(workload.chart)]


def _settings(settings: Sequence[str]) -> list[str]:
    return [option for setting in settings for option in ("--set", setting)]


def _options(workload: Workload) -> list[str]:
    files = [option for file in workload.values for option in ("--values", _one(file))]
    return ["--namespace", workload.namespace, *files]


def _one(file: Path) -> str:
    """Return the file as an item of CSV: what follows a comma is another file to Helm."""
    doubled = str(file).replace('"', '""')
    return f'"{doubled}"'
