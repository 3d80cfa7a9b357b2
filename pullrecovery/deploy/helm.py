"""Helm: rendering a chart, and bringing it into the cluster."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pullrecovery.deploy.deployer import Ability
from pullrecovery.model import Workload
from pullrecovery.process import CommandError, run


@dataclass(frozen=True)
class HelmReader:
    """The helm binary with the environment that points it at one cluster; it changes nothing."""

    binary: Path
    environment: Mapping[str, str] = field(repr=False)

    def template(
        self, workload: Workload, *, settings: Sequence[str] = (), hooks: bool = True
    ) -> str:
        """Render the chart with its values files; raises CommandError with Helm's words."""
        command = [str(self.binary), "template", workload.name, str(workload.chart)]
        options = [*_settings(settings), *([] if hooks else ["--no-hooks"])]
        return run([*command, *_options(workload), *options], env=self.environment, timeout=60)

    def manifest(self, workload: Workload) -> str:
        """What Helm last brought into the cluster; '' where there is no release."""
        command = [str(self.binary), "get", "manifest", workload.name]
        try:
            return run(
                [*command, "--namespace", workload.namespace], env=self.environment, timeout=60
            )
        except CommandError as error:
            if "release: not found" in error.output:
                return ""
            raise


@dataclass(frozen=True)
class Helm(HelmReader):
    """The same, and what brings releases into the cluster."""

    name: ClassVar[str] = "helm"
    abilities: ClassVar[frozenset[Ability]] = frozenset(
        {Ability.WAIT, Ability.ROLLBACK, Ability.DRY_RUN}
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

        It waits for the chart's hooks, at most `within` seconds, and for pods only with `wait`:
        whether they run is judged elsewhere. `settings` are for --set. A dry run asks the API
        server what it would say, and changes nothing.
        """
        command = [str(self.binary), "upgrade", "--install", workload.name, str(workload.chart)]
        options = ["--create-namespace", "--history-max", "5", "--timeout", f"{within}s"]
        # It would read the API's whole schema, to learn that the API server itself checks fields.
        options += ["--disable-openapi-validation"]
        options += ["--output", "json"]
        options += _settings(settings)
        options += ["--wait"] if wait else []
        options += ["--dry-run=server"] if dry_run else []
        limit = within + 60
        released = run(
            [*command, *_options(workload), *options], env=self.environment, timeout=limit
        )
        return str(json.loads(released).get("manifest", ""))

    def rollback(self, workload: Workload, revision: int) -> None:
        """Bring an earlier revision of the release back."""
        command = [str(self.binary), "rollback", workload.name, str(revision)]
        run([*command, "--namespace", workload.namespace], env=self.environment, timeout=90)

    def uninstall(self, workload: Workload) -> None:
        """Remove the release, if there is one; its pods may outlive this call."""
        command = [str(self.binary), "uninstall", workload.name, "--namespace", workload.namespace]
        run([*command, "--ignore-not-found"], env=self.environment, timeout=90)


def _settings(settings: Sequence[str]) -> list[str]:
    return [option for setting in settings for option in ("--set", setting)]


def _options(workload: Workload) -> list[str]:
    files = [option for file in workload.values for option in ("--values", str(file))]
    return ["--namespace", workload.namespace, *files]
