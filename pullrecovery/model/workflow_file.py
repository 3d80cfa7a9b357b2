"""Parse a workflow file: its triggers, token permissions, actions and line numbers.

Source: docs.github.com, "Workflow syntax for GitHub Actions".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml
from pullrecovery.model.filter_patterns import matches
from pullrecovery.model.target import Image

PUSH = "push"
DISPATCH = "workflow_dispatch"
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
_LEVELS = {"read-all": "read", "write-all": "write"}
# The repository's default since 2023, if its workflow sets no permissions.
_DEFAULT_LEVEL = "read"


class UnreadableWorkflowError(PullRecoveryError):
    """The file is not a workflow; the message has line and reason."""


@dataclass(frozen=True)
class Event:
    """An event in a repository: GitHub's event `name`, a full ref, and the changed files."""

    name: str
    ref: str
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} of {self.ref}"


@dataclass(frozen=True)
class WorkflowFile:
    """The text of a workflow, with methods that read it; none of them changes it."""

    text: str

    @cached_property
    def document(self) -> CommentedMap:
        """The parsed mapping, with line numbers and comments; raises UnreadableWorkflowError."""
        return parse(self.text)

    @property
    def jobs(self) -> dict[str, Any]:
        """Every job that is a mapping, by its id."""
        return jobs_of(self.document)

    def steps(self, job: str) -> list[Any]:
        """The steps of a job, in order."""
        steps = self.jobs.get(job, {}).get("steps")
        return list(steps) if isinstance(steps, list) else []

    def line(self, *keys: str | int) -> int:
        """The line number, from 1, of the innermost of `keys` that exists."""
        node: Any = self.document
        found = 1
        for key in keys:
            known = isinstance(node, dict) and key in node
            listed = isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node)
            if not known and not listed:
                return found
            place = node.lc.key(key) if known else node.lc.item(key)
            found, node = place[0] + 1, node[key]
        return found

    def refusal(self, event: Event) -> str:
        """Why GitHub starts no run for `event`; empty if it starts one."""
        triggers = _triggers(self.document.get("on"))
        if event.name not in triggers:
            return f"it is not `on: {event.name}`, only on {', '.join(triggers) or 'nothing'}"
        return _push_refusal(triggers[event.name], event) if event.name == PUSH else ""

    def is_filtered_by_path(self, push: Event) -> bool:
        """Whether a push starts no run only because of the paths that it changes."""
        filters = _triggers(self.document.get("on")).get(PUSH)
        given = filters if isinstance(filters, dict) else {}
        others = {key: value for key, value in given.items() if "paths" not in str(key)}
        return filters is not None and not _push_refusal(others, push)

    @property
    def trigger(self) -> str:
        """The event to rehearse with: a push, else a manual start, else the first trigger."""
        triggers = _triggers(self.document.get("on"))
        wanted = (name for name in (PUSH, DISPATCH, *triggers) if name in triggers)
        return next(wanted, PUSH)

    def packages_level(self, job: str) -> str:
        """What a job's GITHUB_TOKEN may do with packages: `none`, `read` or `write`."""
        for holder in (self.jobs.get(job, {}), self.document):
            if "permissions" in holder:
                given = holder["permissions"]
                if isinstance(given, dict):
                    return str(given.get("packages", "none"))
                return _LEVELS.get(str(given), "none")
        return _DEFAULT_LEVEL

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action of another repository that a step uses, as `owner/name@ref`, once."""
        used = (str(step.get("uses", "")) for step in self._all_steps())
        found = (name for name in used if "@" in name and not name.startswith(("./", "docker://")))
        return tuple(dict.fromkeys(found))

    @property
    def other_repositories(self) -> tuple[str, ...]:
        """Every repository that a step checks out by its name, as `owner/name`, once."""
        given = (step.get("with") for step in self._all_steps() if is_checkout(step.get("uses")))
        named = (inputs.get("repository") for inputs in given if isinstance(inputs, dict))
        return tuple(dict.fromkeys(str(name) for name in named if name))

    def _all_steps(self) -> list[dict[str, Any]]:
        steps = (step for job in self.jobs for step in self.steps(job))
        return [step for step in steps if isinstance(step, dict)]

    def entry_of(self, image: Image) -> str:
        """The matrix entry that builds an image, as `key:value`; '' if there is none.

        The entry is found by the image's name or by its repository.
        """
        entries = (entry for job in self.jobs for entry in _included(self.document, job))
        pairs = (pair for entry in entries for pair in entry.items())
        wanted = (image.name, image.repository)
        return next((f"{key}:{value}" for key, value in pairs if value in wanted), "")

    @property
    def runners(self) -> tuple[str, ...]:
        """Every runner label that a job uses, once, including the labels of a matrix."""
        labels = (label for job in self.jobs.values() for label in _labels(job.get("runs-on")))
        return tuple(dict.fromkeys(labels))


def jobs_of(document: CommentedMap) -> dict[str, Any]:
    """Every job of a parsed workflow that is a mapping, by its id."""
    jobs = document.get("jobs")
    entries = jobs.items() if isinstance(jobs, dict) else ()
    return {str(name): job for name, job in entries if isinstance(job, dict)}


def is_checkout(uses: object) -> bool:
    """Whether a step's action is GitHub's own checkout."""
    return str(uses).startswith("actions/checkout@")


def texts_of(value: Any) -> list[str]:
    """The texts of a list, or the only text: GitHub accepts a filter without a list."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def read_text(file: Path) -> str:
    """Return the text of a workflow file; raises UnreadableWorkflowError."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableWorkflowError(f"1: {file.name} cannot be read: {error}") from error


def parse(text: str) -> CommentedMap:
    """Parse a workflow for judging or editing; raises UnreadableWorkflowError."""
    try:
        document = load_yaml(text, "", round_trip())
    except UnreadableYamlError as error:
        raise UnreadableWorkflowError(str(error).removeprefix(":").removesuffix(".")) from error
    if not isinstance(document, CommentedMap):
        raise UnreadableWorkflowError("1: a workflow must be a mapping")
    return document


def render(document: CommentedMap) -> str:
    """The text of an edited document; unedited parts stay unchanged."""
    buffer = StringIO()
    round_trip().dump(document, buffer)
    return buffer.getvalue()


def with_image_renamed(text: str, old: str, new: str) -> str:
    """The workflow with an image's name replaced: in matrices, or else wherever it is a word.

    A matrix entry may have that value under other keys, such as the key of a directory; these stay
    unchanged.
    """
    document = parse(text)
    entries = [entry for job in WorkflowFile(text).jobs for entry in _included(document, job)]
    named = [(entry, key) for entry in entries for key in _first_key(entry, old)]
    for entry, key in named:
        entry[key] = new
    whole = rf"(?<![\w/-]){re.escape(old)}(?![\w/-])"
    return render(document) if named else re.sub(whole, new, text)


def _included(document: CommentedMap, job: str) -> list[Any]:
    node: Any = document["jobs"]
    for key in (job, "strategy", "matrix", "include"):
        node = node.get(key) if isinstance(node, dict) else None
    return [entry for entry in node if isinstance(entry, dict)] if isinstance(node, list) else []


def _first_key(entry: Any, value: str) -> list[Any]:
    return [key for key, found in entry.items() if found == value][:1]


def round_trip() -> YAML:
    """A YAML reader and writer that preserves comments, quotes and line lengths."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**16
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _triggers(on: Any) -> dict[str, Any]:
    if isinstance(on, dict):
        return {str(name): filters for name, filters in on.items()}
    names = on if isinstance(on, list) else [on] if on else []
    return {str(name): None for name in names}


def _push_refusal(filters: Any, event: Event) -> str:
    """Why the filters exclude a push of a branch or tag; empty if they include it."""
    filters = filters if isinstance(filters, dict) else {}
    kind, other = ("branches", "tags") if event.ref.startswith(BRANCHES) else ("tags", "branches")
    name = event.ref.removeprefix(BRANCHES).removeprefix(TAGS)
    named = _refusal_of(filters, kind, name)
    if named is None:
        only = other in filters or f"{other}-ignore" in filters
        named = f"its push is for {other} alone" if only else ""
    if named or kind == "tags":
        return named
    return _path_refusal(filters, event.paths)


def _refusal_of(filters: dict[str, Any], kind: str, name: str) -> str | None:
    """Why the filters of one kind exclude `name`; None if there is no such filter."""
    if kind in filters:
        patterns = texts_of(filters[kind])
        return "" if matches(name, patterns) else f"{name} is not among {kind} {patterns}"
    if f"{kind}-ignore" in filters:
        patterns = texts_of(filters[f"{kind}-ignore"])
        return f"{name} is among {kind}-ignore {patterns}" if matches(name, patterns) else ""
    return None


def _path_refusal(filters: dict[str, Any], paths: Sequence[str]) -> str:
    if "paths" in filters:
        patterns = texts_of(filters["paths"])
        taken = any(matches(path, patterns) for path in paths)
        return "" if taken else f"{', '.join(paths)}: not among paths {patterns}"
    if "paths-ignore" in filters:
        patterns = texts_of(filters["paths-ignore"])
        ignored = paths and all(matches(path, patterns) for path in paths)
        return f"{', '.join(paths)}: among paths-ignore {patterns}" if ignored else ""
    return ""


def _labels(runs_on: Any) -> list[str]:
    if isinstance(runs_on, dict):
        runs_on = runs_on.get("labels")
    return texts_of(runs_on) if runs_on else []
