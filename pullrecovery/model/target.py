"""The target under test: its images, workloads, docs site and workflow, as frozen data."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from shlex import quote

from pullrecovery.model.image_reference import Reference, parse_reference


class Visibility(StrEnum):
    """Who should be able to read a package: everyone, or only the accounts its owner allows."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True)
class Image:
    """A wanted image: `repository` including its registry, and a tag."""

    repository: str
    tag: str

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"

    @cached_property
    def parsed(self) -> Reference:
        """The reference in its parts, parsed once."""
        return parse_reference(self.reference)

    @property
    def registry(self) -> str:
        return self.repository.partition("/")[0]

    @property
    def owner(self) -> str:
        """The account that owns the package: the first part after the registry."""
        return self.package.partition("/")[0]

    @property
    def name(self) -> str:
        """The package's name, without its owner."""
        return self.package.partition("/")[2]

    @property
    def package(self) -> str:
        """The repository without its registry: `owner/name`."""
        return self.repository.partition("/")[2]


@dataclass(frozen=True)
class Workload:
    """One chart of the target with its values files, namespace and wanted image.

    `chart`, `values` and `app` are absolute paths. `root` is the root of their repository;
    suggested commands run there and name files relative to it. `pull_secrets_key` is the dotted
    values key for the chart's pull secrets. `visibility` is what the image's package should have; a
    public package needs no pull secret. `application` is the manifest of the workload's Argo CD
    Application, if the target has one; `by_application` is the name of the Application that deploys
    it here, '' if Helm does.
    """

    name: str
    chart: Path
    values: tuple[Path, ...]
    namespace: str
    image: Image
    pull_secrets_key: str
    app: Path
    visibility: Visibility = Visibility.PRIVATE
    application: Path | None = None
    by_application: str = ""
    root: Path = Path()

    @property
    def values_file(self) -> Path:
        """The values file that overrides all others, and so the file to edit."""
        return self.values[-1] if self.values else self.chart / "values.yaml"

    @property
    def upgrade_command(self) -> str:
        """The command that upgrades the release to the chart's current state."""
        if self.by_application:
            return f"git push && {self._sync}"
        return f"helm upgrade --install {self._release}"

    @property
    def template_command(self) -> str:
        """The command that renders the chart's current state."""
        return f"helm template {self._release}"

    @property
    def _release(self) -> str:
        values = "".join(f" --values {self.place_of(file)}" for file in self.values)
        release, namespace = quote(self.name), quote(self.namespace)
        return f"{release} {self.place_of(self.chart)} --namespace {namespace}{values}"

    def upgrade_with(self, setting: str) -> str:
        """The upgrade command with a value (key=value) that overrides the values files."""
        if self.by_application:
            application = quote(self.by_application)
            return f"argocd app set {application} --helm-set {quote(setting)} && {self._sync}"
        return f"{self.upgrade_command} --set {quote(setting)}"

    def upgrade_after(self, edit: str) -> str:
        """An edit of the repository, followed by the command that deploys it."""
        commit = "git commit --all --message 'Correct the values' && "
        return f"{edit}, then {commit if self.by_application else ''}{self.upgrade_command}"

    def place_of(self, file: Path) -> str:
        """The path of `file` relative to the repository's root, quoted for a shell."""
        return quote(str(file.relative_to(self.root) if file.is_relative_to(self.root) else file))

    @property
    def _sync(self) -> str:
        return f"argocd app sync {quote(self.by_application)}"


@dataclass(frozen=True)
class Docs:
    """The target's docs site: a Docusaurus site in `folder`, with the page that REG-007 judges.

    `page` and `referring` are files in `folder`, one of which must link to the page; all paths are
    absolute.
    """

    folder: Path
    page: Path
    referring: tuple[Path, ...]


@dataclass(frozen=True)
class Workflow:
    """The target's workflow that publishes its images, and when it must run.

    `path` is relative to the target; `file` is the absolute path of the file, which may be a copy
    elsewhere. `repository` is the name on GitHub, with its capitals. A push to `branch` must start
    the workflow, even if it only changes files below the directory `change` of the target. A push
    of a tag like the example `release` must start it too (empty: no tags). `dispatch` means that it
    can be started by hand.
    """

    path: str
    file: Path
    repository: str
    branch: str
    change: str
    release: str = ""
    dispatch: bool = False


@dataclass(frozen=True)
class Target:
    """The monorepo under test, as its target.yaml describes it.

    REG-008 fails a run only if `privilege_required`. With `token_per_namespace`, no two namespaces
    may share a token.
    """

    name: str
    root: Path
    registry: str
    owner: str
    login: str
    pull_secret: str
    privilege_required: bool
    workloads: tuple[Workload, ...]
    workflow: Workflow
    token_per_namespace: bool = False
    docs: Docs | None = None

    def workload(self, name: str) -> Workload:
        return next(workload for workload in self.workloads if workload.name == name)
