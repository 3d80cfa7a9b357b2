"""Move tests to the packages that they test, as map.txt says, and compare them afterwards.

`move.py move` moves files and rewrites imports; `move.py compare COMMIT` parses every file as it was
in COMMIT and as it is now, and ends with 1 where they differ in more than mapped imports.
"""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
LINES = (Path(__file__).parent / "map.txt").read_text().splitlines()
FILES = {old: new for old, _, new in (line.partition(" ") for line in LINES)}


def module_of(file):
    """Return the dotted name of a file below tests/."""
    return "tests." + file.removesuffix(".py").replace("/", ".")


MODULES = {module_of(old): module_of(new) for old, new in FILES.items()}


def mapped(module, name):
    """Return where a name is imported from now, and its name there."""
    whole = f"{module}.{name}"
    if whole in MODULES:
        parent, _, last = MODULES[whole].rpartition(".")
        return parent, last
    return MODULES.get(module, module), name


def imports(tree):
    """Give the statements that import from tests."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests":
            yield node


def renames(tree):
    """Return the names that a file binds to modules which are called otherwise now."""
    found = {}
    for node in imports(tree):
        for alias in node.names:
            new = mapped(node.module, alias.name)[1]
            if alias.asname is None and new != alias.name:
                found[alias.name] = new
    return found


def rewritten(text):
    """Return a file's text with its imports, and the names that they bind, as they are now."""
    tree = ast.parse(text)
    lines = text.encode().splitlines(keepends=True)
    new_names = renames(tree)
    edits = [
        (node.lineno, node.col_offset, node.end_col_offset, new_names[node.id])
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in new_names
    ]
    for line, start, end, name in sorted(edits, reverse=True):
        row = lines[line - 1]
        lines[line - 1] = row[:start] + name.encode() + row[end:]
    for node in sorted(imports(tree), key=lambda one: one.lineno, reverse=True):
        groups = {}
        for alias in node.names:
            module, name = mapped(node.module, alias.name)
            groups.setdefault(module, []).append(
                f"{name} as {alias.asname}" if alias.asname else name
            )
        indent = " " * node.col_offset
        lines[node.lineno - 1 : node.end_lineno] = [
            f"{indent}from {module} import {', '.join(names)}\n".encode()
            for module, names in groups.items()
        ]
    return b"".join(lines).decode()


def move():
    """Move every file of the map, then rewrite what all files of tests/ import."""
    for old, new in FILES.items():
        (TESTS / new).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "mv", old, new], cwd=TESTS, check=True)
    for file in TESTS.rglob("*.py"):
        text = file.read_text()
        if (new := rewritten(text)) != text:
            file.write_text(new)
    for command in (["check", "--select", "I", "--fix", "-q"], ["format", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(TESTS)], check=True)


class _Mapper(ast.NodeTransformer):
    def __init__(self, new_names):
        self.new_names = new_names
        self.imported = Counter()

    def visit_Name(self, node):
        node.id = self.new_names.get(node.id, node.id)
        return node

    def visit_ImportFrom(self, node):
        for alias in node.names:
            self.imported[*mapped(node.module, alias.name), alias.asname] += 1


def content(text):
    """Return the imports of a file and the dump of the rest."""
    tree = ast.parse(text)
    mapper = _Mapper(renames(tree))
    rest = mapper.visit(tree)
    return mapper.imported, ast.dump(rest)


def compare(commit):
    """Print what differs in more than its imports, and how many files were compared."""
    listed = ["git", "ls-tree", "-r", "--name-only", commit, "."]
    names = subprocess.run(
        listed, cwd=TESTS, capture_output=True, text=True, check=True
    ).stdout.split()
    files = [name for name in names if name.endswith(".py") and not name.startswith("move/")]
    differing = []
    for old in files:
        shown = ["git", "show", f"{commit}:tests/{old}"]
        before = subprocess.run(shown, cwd=TESTS, capture_output=True, text=True, check=True).stdout
        if content(before) != content((TESTS / FILES.get(old, old)).read_text()):
            differing.append(FILES.get(old, old))
    print(f"{len(files)} files compared, {len(differing)} differ", *differing, sep="\n  ")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(move() if sys.argv[1] == "move" else compare(sys.argv[2]))
