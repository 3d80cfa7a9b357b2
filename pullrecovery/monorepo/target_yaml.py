"""target.yaml → Target; every mistake is one clear error with its line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from pullrecovery.common.errors import UsageError
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.target import Docs, Image, Target, Visibility, Workflow, Workload
from pullrecovery.monorepo import target_schema as schema
from pullrecovery.monorepo.application_sources import sources_of

SCHEMA = 1
REGISTRY = "ghcr.io"
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?")
_GITHUB_REPOSITORY = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]*/[-.\w]+", re.ASCII)
# Helm takes a path with a comma for a list of files, in commands that verdicts suggest too.
_LISTED = re.compile(r'[,"\x00-\x1f\x7f]')
_PRIVILEGES = ("required", "optional")
_VISIBILITIES = tuple(Visibility)
_KINDS = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


class _Reader:
    """Checks one file; `fail` names it and the line."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def fail(self, node: Any, key: str | int | None, problem: str) -> UsageError:
        line = node.lc.line + 1
        if key is not None and key in (node.lc.data or {}):
            line = node.lc.data[key][0] + 1
        return UsageError(f"{self.file}:{line}: {problem}")

    def check(self, node: Any, known: Mapping[str, type], what: str, line: int = 1) -> None:
        """Every key is known, every needed one is there, every value is of its kind.

        `line` is where `node` stands, for one that is no mapping and does not know it.
        """
        if not isinstance(node, CommentedMap):
            raise UsageError(f"{self.file}:{line}: {what} must be a mapping.")
        for key in node:
            if key not in known:
                problem = f"{what} {Guard.KNOWN_KEYS} {key!r}; it has {', '.join(known)}."
                raise self.fail(node, key, problem)
        for key, kind in known.items():
            if key not in node:
                if key not in schema.OPTIONAL:
                    raise self.fail(node, None, f"{what} lacks {key!r}.")
            elif not isinstance(node[key], kind):
                raise self.fail(node, key, f"{key!r} of {what} must be {_KINDS[kind]}.")

    def check_names(self, node: Any, names: Mapping[str, schema.Name]) -> None:
        """Every name is one that no program takes for an option, and no shell for a command."""
        for key, name in names.items():
            problem = name.problem(key, node[key])
            if problem:
                raise self.fail(node, key, problem)


def load_target(folder: Path) -> Target:
    """Read `folder`/target.yaml. Raises UsageError naming file, line and what to do."""
    file = folder / "target.yaml"
    try:
        return _target(file)
    except (OSError, RuntimeError, ValueError) as error:
        # Of a path within it that is none, such as one with a NUL or a link to itself.
        raise UsageError(f"{file}: {type(error).__name__}: {error}.") from error


def _target(file: Path) -> Target:
    if not file.is_file():
        raise UsageError(f"{file}: no such file; TARGET must be a folder that holds a target.yaml.")
    document = _load(file)
    reader = _Reader(file)
    reader.check(document, schema.KEYS, "the target")
    if document["schema"] != SCHEMA:
        raise reader.fail(document, "schema", f"schema must be {SCHEMA}.")
    if document["registry"] != REGISTRY:
        raise reader.fail(document, "registry", f"'registry' must be {REGISTRY}.")
    if document["owner"] != document["owner"].lower():
        raise reader.fail(document, "owner", "'owner' must be lower case, as in image references.")
    if document.get("privilege", "optional") not in _PRIVILEGES:
        raise reader.fail(document, "privilege", f"'privilege' is one of {', '.join(_PRIVILEGES)}.")
    reader.check_names(document, schema.TOP_NAMES)
    _check_namespaces(reader, document)
    return Target(
        name=document["name"],
        root=file.parent,
        registry=document["registry"],
        owner=document["owner"],
        login=document["login"],
        pull_secret=document["pullSecret"],
        privilege_required=document.get("privilege") == "required",
        token_per_namespace=document.get("tokenPerNamespace", False),
        workloads=_workloads(reader, document),
        docs=_docs(reader, document["docs"]) if "docs" in document else None,
        workflow=_workflow(reader, document),
    )


def _load(file: Path) -> Any:
    try:
        return load_yaml(file.read_text(encoding="utf-8"), str(file), YAML())
    except UnreadableYamlError as error:
        raise UsageError(str(error)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}:1: not valid YAML: not a text in UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error


def _workloads(reader: _Reader, document: CommentedMap) -> tuple[Workload, ...]:
    nodes: CommentedSeq = document["workloads"]
    if not nodes:
        raise reader.fail(document, "workloads", "the target needs at least one workload.")
    found = tuple(
        _workload(reader, document, node, nodes.lc.item(at)[0] + 1) for at, node in enumerate(nodes)
    )
    names = [workload.name for workload in found]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise reader.fail(nodes[at], "name", f"a second workload is named {name!r}.")
    return found


def _workload(reader: _Reader, document: CommentedMap, node: Any, line: int) -> Workload:
    reader.check(node, schema.WORKLOAD_KEYS, "a workload", line)
    reader.check(node["image"], schema.IMAGE_KEYS, f"the image of {node['name']}")
    reader.check_names(node, schema.WORKLOAD_NAMES)
    _check_namespace(reader, document, node)
    chart = _existing(reader, node, "chart", node["chart"])
    if not (chart / "Chart.yaml").is_file():
        raise reader.fail(node, "chart", f"{chart} holds no Chart.yaml.")
    values = tuple(_existing(reader, node, "values", name) for name in node.get("values", ()))
    visibility = node.get("visibility", Visibility.PRIVATE)
    if visibility not in _VISIBILITIES:
        known = ", ".join(_VISIBILITIES)
        raise reader.fail(node, "visibility", f"'visibility' is one of {known}.")
    return Workload(
        name=node["name"],
        chart=chart,
        values=values,
        namespace=node["namespace"],
        image=_image(reader, document, node),
        pull_secrets_key=node["pullSecretsKey"],
        app=_existing(reader, node, "app", node["app"]),
        visibility=Visibility(visibility),
        application=_application(reader, node, chart) if "application" in node else None,
        root=reader.file.parent.resolve(),
    )


def _application(reader: _Reader, node: CommentedMap, chart: Path) -> Path:
    """The manifest of the Argo CD Application, which must deploy the workload's own chart."""
    file = _existing(reader, node, "application", node["application"])
    paths = [str(source["path"]) for source in sources_of(_load(file)) if source.get("path")]
    if not paths:
        raise reader.fail(node, "application", f"{file} is no Application with a source in git.")
    root = reader.file.parent.resolve()
    deploying = [path for path in paths if (root / path).resolve() == chart]
    if len(deploying) != 1:
        problem = f"{file} deploys {', '.join(map(repr, paths))}, none of them its chart."
        if deploying:
            problem = f"{file} deploys the workload's chart by {len(deploying)} sources; one must."
        raise reader.fail(node, "application", problem)
    return file


def _check_namespaces(reader: _Reader, document: CommentedMap) -> None:
    """Every namespace is a DNS label (RFC 1123), with room for the suffix that scenarios add."""
    for at, label in enumerate(document["namespaces"]):
        if not isinstance(label, str) or not _DNS_LABEL.fullmatch(label):
            problem = f"{label!r} is no namespace name (a DNS label of at most 56 characters)."
            raise reader.fail(document["namespaces"], at, problem)


def _check_namespace(reader: _Reader, document: CommentedMap, node: CommentedMap) -> None:
    """A workload's namespace is one of the target's, so that a slip of the pen is seen."""
    known = document["namespaces"]
    if node["namespace"] not in known:
        problem = f"unknown namespace {node['namespace']!r}; the target has {', '.join(known)}."
        raise reader.fail(node, "namespace", problem)


def _workflow(reader: _Reader, document: CommentedMap) -> Workflow:
    node = document["workflow"]
    reader.check(node, schema.WORKFLOW_KEYS, "the workflow")
    if not _GITHUB_REPOSITORY.fullmatch(node["repository"]):
        problem = f"{node['repository']!r} is no repository of GitHub's, as Owner/name is."
        raise reader.fail(node, "repository", problem)
    owner = node["repository"].partition("/")[0]
    if owner.lower() != document["owner"]:
        problem = f"{owner} is not the target's owner, {document['owner']}, who has the packages."
        raise reader.fail(node, "repository", problem)
    if not node["change"]:
        raise reader.fail(node, "change", "'change' of the workflow must not be empty.")
    release = schema.RELEASE_NAMES if node.get("release") else {}
    reader.check_names(node, schema.WORKFLOW_NAMES | release)
    file = _existing(reader, node, "file", node["file"])
    if not file.is_file():
        raise reader.fail(node, "file", f"file {node['file']!r} is a folder.")
    if not _existing(reader, node, "change", node["change"]).is_dir():
        raise reader.fail(node, "change", f"change {node['change']!r} is no folder.")
    return Workflow(
        path=str(file.relative_to(reader.file.parent.resolve())),
        file=file,
        repository=node["repository"],
        branch=node["branch"],
        change=node["change"].strip("/"),
        release=node.get("release", ""),
        dispatch=node.get("dispatch", False),
    )


def _existing(reader: _Reader, node: CommentedMap, key: str, relative: object) -> Path:
    if not isinstance(relative, str):
        raise reader.fail(node, key, f"{key} must name files, {relative!r} is none.")
    folder = reader.file.parent.resolve()
    try:
        path = (folder / relative).resolve()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise reader.fail(node, key, f"{key} {relative!r} is no path: {error}.") from error
    if not path.is_relative_to(folder):
        raise reader.fail(node, key, f"{key} {relative!r} lies outside {reader.file.parent}.")
    if not exists:
        raise reader.fail(node, key, f"{key} {relative!r} does not exist in {reader.file.parent}.")
    if _LISTED.search(str(path.relative_to(folder))):
        problem = "its path has a comma, a quote or a control character; rename it."
        raise reader.fail(node, key, f"{key} {relative!r}: {problem}")
    return path


def _image(reader: _Reader, document: CommentedMap, node: CommentedMap) -> Image:
    image = node["image"]
    wanted = Image(image["repository"], image["tag"])
    if not wanted.tag:
        raise reader.fail(image, "tag", "the tag must not be empty.")
    parsed = parse_reference(wanted.reference)
    if parsed.problem:
        raise reader.fail(image, "repository", f"{wanted.reference}: {parsed.problem}.")
    if parsed.registry != document["registry"]:
        problem = f"{wanted.repository} is not in the target's registry, {document['registry']}."
        raise reader.fail(image, "repository", problem)
    if not parsed.path.startswith(f"{document['owner']}/"):
        problem = f"{wanted.repository} does not belong to the target's owner, {document['owner']}."
        raise reader.fail(image, "repository", problem)
    return wanted


def _docs(reader: _Reader, node: CommentedMap) -> Docs:
    """The docs site. Its page may be missing, which is for REG-007 to say."""
    reader.check(node, schema.DOCS_KEYS, "the docs")
    folder = _existing(reader, node, "folder", node["folder"])
    for name in ("package.json", "package-lock.json"):
        if not (folder / name).is_file():
            raise reader.fail(node, "folder", f"{folder} holds no {name}.")
    page = _page(reader, node, "page", node["page"], folder)
    if not node["referring"]:
        raise reader.fail(node, "referring", "the docs need at least one referring page.")
    referring = tuple(
        _page(reader, node, "referring", name, folder, needed=True) for name in node["referring"]
    )
    if page in referring:
        raise reader.fail(node, "referring", "the page cannot be the one that refers to it.")
    return Docs(folder, page, referring)


def _page(
    reader: _Reader,
    node: CommentedMap,
    key: str,
    relative: object,
    folder: Path,
    *,
    needed: bool = False,
) -> Path:
    if not isinstance(relative, str) or Path(relative).suffix not in (".md", ".mdx"):
        raise reader.fail(node, key, f"{key} must name pages (.md, .mdx), {relative!r} is none.")
    page = (reader.file.parent.resolve() / relative).resolve()
    if not page.is_relative_to(folder):
        raise reader.fail(node, key, f"{key} {relative!r} lies outside {folder}.")
    if needed and not page.is_file():
        raise reader.fail(node, key, f"{key} {relative!r} does not exist in {reader.file.parent}.")
    return page
