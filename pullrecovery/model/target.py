"""The nouns of the suite, frozen: what is judged, what was seen, and what follows from it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shlex import quote


class Visibility(StrEnum):
    """Who is meant to be able to read a package: anybody, or whom its owner lets."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True)
class Image:
    """A wanted image: `repository` with its registry, and a tag."""

    repository: str
    tag: str

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def registry(self) -> str:
        return self.repository.partition("/")[0]

    @property
    def owner(self) -> str:
        """The account under which the package is: the first part behind the registry."""
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

    `chart`, `values` and `app` are absolute paths, `root` is that of the repository they are in:
    suggested commands are typed there, and name files from there. `pull_secrets_key` is the
    dotted values key through which the chart takes its pull secrets. `visibility` is what the
    image's package is meant to have; a public one needs no pull secret. `application` is the
    manifest of its Argo CD Application, where the target has one; `by_application` is the name of
    the one that deploys it here, '' where Helm does.
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
        """The file that has the last word on the values, and so the one to edit."""
        return self.values[-1] if self.values else self.chart / "values.yaml"

    @property
    def upgrade_command(self) -> str:
        """The command that brings the chart as it is now into the cluster."""
        if self.by_application:
            return f"git push && {self._sync}"
        return f"helm upgrade --install {self._release}"

    @property
    def template_command(self) -> str:
        """The command that renders the chart as it is now."""
        return f"helm template {self._release}"

    @property
    def _release(self) -> str:
        values = "".join(f" --values {self.place_of(file)}" for file in self.values)
        release, namespace = quote(self.name), quote(self.namespace)
        return f"{release} {self.place_of(self.chart)} --namespace {namespace}{values}"

    def upgrade_with(self, setting: str) -> str:
        """The command that upgrades with a value (key=value) that wins over the files."""
        if self.by_application:
            application = quote(self.by_application)
            return f"argocd app set {application} --helm-set {quote(setting)} && {self._sync}"
        return f"{self.upgrade_command} --set {quote(setting)}"

    def upgrade_after(self, edit: str) -> str:
        """An edit of the repository, then the command that brings it into the cluster."""
        commit = "git commit --all --message 'Correct the values' && "
        return f"{edit}, then {commit if self.by_application else ''}{self.upgrade_command}"

    def place_of(self, file: Path) -> str:
        """A file's path from the root of the repository, as one types it in a shell."""
        return quote(str(file.relative_to(self.root) if file.is_relative_to(self.root) else file))

    @property
    def _sync(self) -> str:
        return f"argocd app sync {quote(self.by_application)}"


@dataclass(frozen=True)
class Docs:
    """The target's docs site: a Docusaurus site in `folder`, with the page that REG-007 is about.

    `page` and `referring`, one of which must link to it, are files in `folder`; all absolute.
    """

    folder: Path
    page: Path
    referring: tuple[Path, ...]


@dataclass(frozen=True)
class Workflow:
    """The target's workflow that pushes its images, and what it promises.

    `path` is its place in the target, and `file` the file itself, an absolute path; it may be a
    copy elsewhere. `repository` is GitHub's, with its capitals. A push to `branch`
    must start it, if only something below `change` is new, a folder within the target; and so
    must the tag `release`, an example of one (empty: none). `dispatch`: it can be run by hand.
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

    REG-008 fails a run only where `privilege_required`. `token_per_namespace`: no two namespaces
    may have one token.
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
