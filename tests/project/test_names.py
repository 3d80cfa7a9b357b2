"""Names are those of docs/glossary.md: replaced identifiers stay gone, and no class has two homes."""

import ast
import csv
import subprocess
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path

from pullrecovery.common.suite_files import SUITE_ROOT

REPLACED = Path(__file__).with_name("replaced_identifiers.tsv")
PACKAGES = ("pullrecovery", "ghcr_emulator", "fixtures", "devtools")
# Old names that mean something else where they are used, each with the reason.
ALLOWED: dict[str, str] = {}


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
