"""Load target.yaml into a Target; each mistake is one error line with its line number."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ghcr_emulator.documents.problems import DocumentError, Place, Problem
from ghcr_emulator.documents.yaml_file import YamlDocument
from pullrecovery.common.errors import UsageError
from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml
from pullrecovery.model.target import Docs, Image, Target, Workflow, Workload
from pullrecovery.monorepo.application_sources import sources_of
from pullrecovery.monorepo.target_schema import (
    DocsEntry,
    ImageEntry,
    TargetDocument,
    WorkflowEntry,
    WorkloadEntry,
)

# Helm reads a path with a comma as a list of files, also in commands that verdicts suggest.
_LISTED = re.compile(r'[,"\x00-\x1f\x7f]')


def load_target(folder: Path) -> Target:
    """Read `folder`/target.yaml. Raises UsageError naming file, line and what to do."""
    file = folder / "target.yaml"
    if not file.is_file():
        raise UsageError(f"{file}: no such file; TARGET must be a folder that holds a target.yaml.")
    try:
        document = YamlDocument(str(file), _load(file))
        reader = _TargetReader(file, document.read(TargetDocument))
        target = reader.target()
        document.check(reader.problems)
    except DocumentError as error:
        raise UsageError(str(error)) from None
    except (OSError, RuntimeError, ValueError) as error:
        # For an invalid path in the file, for example one with a NUL or a link to itself.
        raise UsageError(f"{file}: {type(error).__name__}: {error}.") from error
    return target


def _load(file: Path) -> Any:
    try:
        return load_yaml(file.read_text(encoding="utf-8"), str(file), YAML())
    except UnreadableYamlError as error:
        raise UsageError(str(error)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}:1: not valid YAML: not a text in UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error


class _TargetReader:
    """Build a Target from a file with valid keys, and collect the problems of its values."""

    def __init__(self, file: Path, document: TargetDocument) -> None:
        self.problems: list[Problem] = []
        self._folder = file.parent
        self._root = file.parent.resolve()
        self._document = document

    def target(self) -> Target:
        """Return the target; it is not usable if there are problems."""
        document = self._document
        self._check_workload_names()
        return Target(
            name=document.name,
            root=self._folder,
            registry=document.registry,
            owner=document.owner,
            login=document.login,
            pull_secret=document.pullSecret,
            privilege_required=document.privilege == "required",
            token_per_namespace=document.tokenPerNamespace,
            workloads=tuple(
                self._workload(("workloads", at), entry)
                for at, entry in enumerate(document.workloads)
            ),
            docs=None if document.docs is None else self._docs(document.docs),
            workflow=self._workflow(document.workflow),
        )

    def _check_workload_names(self) -> None:
        names = [entry.name for entry in self._document.workloads]
        for at, name in enumerate(names):
            if name in names[:at]:
                self._note(("workloads", at, "name"), f"a second workload is named {name!r}")

    def _workload(self, place: Place, entry: WorkloadEntry) -> Workload:
        known = self._document.namespaces
        if entry.namespace not in known:
            sentence = f"unknown namespace {entry.namespace!r}; the target has {', '.join(known)}"
            self._note((*place, "namespace"), sentence)
        chart = self._existing((*place, "chart"), entry.chart)
        is_chart = (chart / "Chart.yaml").is_file()
        if chart.exists() and not is_chart:
            self._note((*place, "chart"), f"{chart} holds no Chart.yaml")
        application = None
        if entry.application is not None and is_chart:
            application = self._application((*place, "application"), entry.application, chart)
        return Workload(
            name=entry.name,
            chart=chart,
            values=tuple(
                self._existing((*place, "values", at), relative)
                for at, relative in enumerate(entry.values)
            ),
            namespace=entry.namespace,
            image=self._image((*place, "image"), entry.image),
            pull_secrets_key=entry.pullSecretsKey,
            app=self._existing((*place, "app"), entry.app),
            visibility=entry.visibility,
            application=application,
            root=self._root,
        )

    def _application(self, place: Place, relative: str, chart: Path) -> Path:
        """The manifest of the Argo CD Application, which must deploy the workload's own chart."""
        file = self._existing(place, relative)
        if not file.exists():
            return file
        paths = [str(source["path"]) for source in sources_of(_load(file)) if source.get("path")]
        deploying = [path for path in paths if (self._root / path).resolve() == chart]
        if not paths:
            self._note(place, f"{file} is no Application with a source in git")
        elif not deploying:
            listed = ", ".join(map(repr, paths))
            self._note(place, f"{file} deploys {listed}, none of them its chart")
        elif len(deploying) > 1:
            number = len(deploying)
            self._note(place, f"{file} deploys the workload's chart by {number} sources; one must")
        return file

    def _image(self, place: Place, entry: ImageEntry) -> Image:
        document, image = self._document, Image(entry.repository, entry.tag)
        place = (*place, "repository")
        parsed = image.parsed
        if parsed.problem:
            self._note(place, f"{image.reference}: {parsed.problem}")
        elif parsed.registry != document.registry:
            outside = f"is not in the target's registry, {document.registry}"
            self._note(place, f"{image.repository} {outside}")
        elif not parsed.path.startswith(f"{document.owner}/"):
            foreign = f"does not belong to the target's owner, {document.owner}"
            self._note(place, f"{image.repository} {foreign}")
        return image

    def _workflow(self, entry: WorkflowEntry) -> Workflow:
        place: Place = ("workflow",)
        owner = entry.repository.partition("/")[0]
        if owner.lower() != self._document.owner:
            has = f"the target's owner, {self._document.owner}, who has the packages"
            self._note((*place, "repository"), f"{owner} is not {has}")
        file = self._existing((*place, "file"), entry.file)
        if file.is_dir():
            self._note((*place, "file"), f"file {entry.file!r} is a folder")
        change = self._existing((*place, "change"), entry.change)
        if change.exists() and not change.is_dir():
            self._note((*place, "change"), f"change {entry.change!r} is no folder")
        return Workflow(
            path=str(file.relative_to(self._root)) if file.is_relative_to(self._root) else "",
            file=file,
            repository=entry.repository,
            branch=entry.branch,
            change=entry.change.strip("/"),
            release=entry.release,
            dispatch=entry.dispatch,
        )

    def _docs(self, entry: DocsEntry) -> Docs:
        """The docs site. Its page may be missing, because REG-007 reports that."""
        folder, before = self._existing(("docs", "folder"), entry.folder), len(self.problems)
        for name in ("package.json", "package-lock.json"):
            if folder.exists() and not (folder / name).is_file():
                self._note(("docs", "folder"), f"{folder} holds no {name}")
        if not folder.exists() or len(self.problems) > before:
            return Docs(folder, folder, ())  # its pages are found within it
        page = self._page(("docs", "page"), entry.page, folder)
        places: list[Place] = [("docs", "referring", at) for at in range(len(entry.referring))]
        referring = tuple(
            self._page(place, relative, folder, needed=True)
            for place, relative in zip(places, entry.referring, strict=True)
        )
        for place, other in zip(places, referring, strict=True):
            if other == page:
                self._note(place, "the page cannot be the one that refers to it")
        return Docs(folder, page, referring)

    def _page(self, place: Place, relative: str, folder: Path, *, needed: bool = False) -> Path:
        key = place[1]
        page = (self._root / relative).resolve()
        if page.suffix not in (".md", ".mdx"):
            self._note(place, f"{key} must name pages (.md, .mdx), {relative!r} is none")
        elif not page.is_relative_to(folder):
            self._note(place, f"{key} {relative!r} lies outside {folder}")
        elif needed and not page.is_file():
            self._note(place, f"{key} {relative!r} does not exist in {self._folder}")
        return page

    def _existing(self, place: Place, relative: str) -> Path:
        """Return a path within the target that exists; any path if there is a problem."""
        key = next(part for part in reversed(place) if isinstance(part, str))
        try:
            path = (self._root / relative).resolve()
            exists = path.exists()
        except (OSError, RuntimeError, ValueError) as error:
            self._note(place, f"{key} {relative!r} is no path: {error}")
            return self._root / "no path"
        if not path.is_relative_to(self._root):
            self._note(place, f"{key} {relative!r} lies outside {self._folder}")
            return self._root / "no path"
        if not exists:
            self._note(place, f"{key} {relative!r} does not exist in {self._folder}")
        elif _LISTED.search(str(path.relative_to(self._root))):
            sentence = "its path has a comma, a quote or a control character; rename it"
            self._note(place, f"{key} {relative!r}: {sentence}")
        return path

    def _note(self, place: Place, sentence: str) -> None:
        self.problems.append(Problem(place, sentence))
