"""Names and prose are those of docs/glossary.md: replaced words stay gone, class names are unique."""

import ast
import csv
import io
import re
import subprocess
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path

from pullrecovery.common.suite_files import SUITE_ROOT

REPLACED = Path(__file__).with_name("replaced_identifiers.tsv")
PACKAGES = ("pullrecovery", "ghcr_emulator", "fixtures", "devtools")
PHRASES = Path(__file__).with_name("replaced_phrases.tsv")
# Old names that mean something else where they are used, each with the reason.
ALLOWED: dict[str, str] = {}
# Phrases that mean something else in a file, each with the reason.
ALLOWED_PHRASES: dict[tuple[str, str], str] = {}
# What messages, keys and values do not say any more, by the columns of the glossary.
PRINTED = re.compile(
    r"\bstand-ins?\b|sabotag|kill[- _]matrix|survivor|collateral|wrong cause|false[- _]green"
    r"|CANNOT TELL|DOES NOT HOLD|cannot_tell|not_recovered|\bremed(y|ies)\b"
    r"|\bmend(s|ed|ing)?\b|\b(as|by) nobody\b"
)
# Generated from what the code prints.
GENERATED = (
    "docs/verdicts.md",
    "docs/detection-matrix.md",
    "docs/renamed-faults.md",
    "docs/status.md",
)


@cache
def _files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=SUITE_ROOT, capture_output=True, text=True, check=True)
    return [SUITE_ROOT / name for name in listed.stdout.split() if (SUITE_ROOT / name).is_file()]


def _identifiers(file):
    with file.open("rb") as source:
        return {
            token.string
            for token in tokenize.tokenize(source.readline)
            if token.type == tokenize.NAME
        }


def _definitions(kind):
    for file in _files():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, kind):
                yield file.relative_to(SUITE_ROOT), node.name


def test_replaced_identifiers_are_not_used():
    """The table says by which name each was replaced."""
    with REPLACED.open() as table:
        replaced = {row["old"]: row["new"] for row in csv.DictReader(table, delimiter="\t")}
    found = [
        f"{file.relative_to(SUITE_ROOT)}: {name} is {replaced[name]} now"
        for file in _files()
        for name in sorted(_identifiers(file) & replaced.keys() - ALLOWED.keys())
    ]

    assert len(replaced) > 150
    assert found == []


def test_class_names_are_unique():
    """A reader who searches for a class finds one."""
    places = defaultdict(list)
    for file, name in _definitions(ast.ClassDef):
        if file.parts[0] in PACKAGES and not name.startswith("_"):
            places[name].append(file.as_posix())

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_test_names_are_short():
    """At most 70 characters; the docstring says what is set up."""
    names = [name for _, name in _definitions(ast.FunctionDef) if name.startswith("test_")]

    assert len(names) > 1000
    assert [name for name in names if len(name) > 70] == []


def _prose(file):
    """Return docstrings and comments, or the text of a page; code is left out of both."""
    text = file.read_text()
    if file.suffix == ".md":
        return re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, documented))
    strings = [ast.get_docstring(node) or "" for node in nodes]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    strings += [token.string for token in tokens if token.type == tokenize.COMMENT]
    return re.sub(r"`[^`\n]*`", "", "\n".join(strings))


def test_replaced_phrases_are_not_used():
    """The table says what to write instead, in docstrings, comments and pages."""
    with PHRASES.open() as table:
        phrases = {row["pattern"]: row["instead"] for row in csv.DictReader(table, delimiter="\t")}
    known = {re.compile(pattern, re.IGNORECASE): instead for pattern, instead in phrases.items()}
    found = [
        f"{name}: write {instead!r} instead of {match[0]!r}"
        for name, file in sorted((f.relative_to(SUITE_ROOT).as_posix(), f) for f in _texts())
        for pattern, instead in known.items()
        for match in pattern.finditer(_prose(file))
        if (name, match[0].lower()) not in ALLOWED_PHRASES
    ]

    assert len(known) > 30
    assert found == []


def _strings(file):
    """Yield the strings of a module, the parts of f-strings too; docstrings are prose."""
    tree = ast.parse(file.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body]
    prose = {id(node.value) for node in first if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_replaced_phrases_are_not_printed():
    """Messages, keys and values are strings of the code."""
    files = [(file.relative_to(SUITE_ROOT), file) for file in _files()]
    found = [
        f"{name}: {match[0]}"
        for name, file in files
        if name.parts[0] in (*PACKAGES, "acceptance")
        for text in _strings(file)
        for match in PRINTED.finditer(text)
    ]

    assert found == []


def _texts():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=SUITE_ROOT, capture_output=True, text=True, check=True)
    pages = [SUITE_ROOT / name for name in listed.stdout.split() if name not in GENERATED]
    return [*_files(), *(page for page in pages if page.is_file())]


# Words that say how a value came, not what it is; and the packages where no variable has them.
EMPTY_NAMES = {"each", "seen", "found", "told", "said"}
CLEAN_PACKAGES = (
    "pullrecovery/common",
    "pullrecovery/deploy",
    "pullrecovery/monorepo",
    "pullrecovery/registry",
)


def _variables(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def test_variables_carry_what_they_hold():
    """A variable is named after its value: `pod`, `entry`, `verdict`."""
    named = [
        f"{file.relative_to(SUITE_ROOT)}:{line}: {name}"
        for package in CLEAN_PACKAGES
        for file in sorted((SUITE_ROOT / package).rglob("*.py"))
        for line, name in _variables(file)
        if name in EMPTY_NAMES
    ]

    assert all((SUITE_ROOT / package).is_dir() for package in CLEAN_PACKAGES)
    assert named == []
