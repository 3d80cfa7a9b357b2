"""Move modules as `moves.txt` lists them, and rewrite the imports that name them.

Run from the repository's top folder:

    python devtools/layout/move.py moves     # git mv, imports rewritten, proof printed
    python devtools/layout/move.py strings   # old dotted names and paths in strings and prose

`moves` changes nothing but import statements and where files lie. It then compares the AST of
every module before and after, with its imports mapped, and stops with an error where one differs.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOTS = (
    "pullrecovery",
    "ghcr_emulator",
    "fixtures",
    "acceptance",
    "tests",
    "devtools",
    "conftest.py",
)
MAP = Path(__file__).parent / "moves.txt"


def read_moves() -> dict[str, str]:
    """Old path to new path, without those that are moved already."""
    lines = (line.split("#")[0].split() for line in MAP.read_text().splitlines())
    return {fields[0]: fields[1] for fields in lines if fields}


def module_of(path: str) -> str:
    """The dotted name of a module's file."""
    name = path.removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


def python_files() -> list[Path]:
    """Every Python file of the repository that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], check=True, capture_output=True, text=True
    ).stdout.split()
    return [Path(name) for name in listed]


class Names:
    """Where dotted names go, longest first, and which of them are modules."""

    def __init__(self, moves: dict[str, str]) -> None:
        self.modules = {module_of(old): module_of(new) for old, new in moves.items()}

    def of(self, name: str) -> str:
        """The new name of a module or package; one that stays has its old one."""
        return self.modules.get(name, name)


def import_nodes(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import statement, those within functions too."""
    return (node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))


def absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """The package that a `from` names, relative ones made absolute."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def mapped(
    node: ast.Import | ast.ImportFrom, names: Names, module: str, package: bool
) -> list[tuple[str, str, str]]:
    """What a statement binds after the move, as (from, name, local); from is '' for `import`."""
    found = []
    for alias in node.names:
        if isinstance(node, ast.Import):
            found.append(("", names.of(alias.name), alias.asname or ""))
            continue
        base = absolute(node, module, is_package=package)
        full = f"{base}.{alias.name}"
        if full in names.modules:
            parent, _, last = names.modules[full].rpartition(".")
            local = alias.asname or alias.name
            found.append((parent, last, "" if local == last else local))
        else:
            found.append((names.of(base), alias.name, alias.asname or ""))
    return found


def statements(bound: list[tuple[str, str, str]], indent: str) -> str:
    """Import statements for what is bound, one a source, in the order that the names came."""
    grouped: dict[str, list[str]] = {}
    plain = []
    for source, name, local in bound:
        text = f"{name} as {local}" if local else name
        if source:
            grouped.setdefault(source, []).append(text)
        else:
            plain.append(f"import {text}")
    lines = plain + [
        f"from {source} import {', '.join(texts)}"
        if len(f"{indent}from {source} import {', '.join(texts)}") <= 100
        else f"from {source} import (\n"
        + "".join(f"{indent}    {text},\n" for text in texts)
        + f"{indent})"
        for source, texts in grouped.items()
    ]
    return f"\n{indent}".join(lines)


def rewritten(text: str, names: Names, module: str, package: bool) -> str:
    """The text with its import statements mapped; those that stay keep their text."""
    lines = text.splitlines(keepends=True)
    nodes = sorted(import_nodes(ast.parse(text)), key=lambda node: node.lineno, reverse=True)
    for node in nodes:
        before = [entry for alias in node.names for entry in unmapped(node, alias)]
        after = mapped(node, names, module, package)
        if before == after and not getattr(node, "level", 0):
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        line = lines[first]
        indent = line[: node.col_offset]
        tail = lines[last][(node.end_col_offset or 0) :]
        lines[first : last + 1] = [f"{indent}{statements(after, indent)}{tail}"]
    return "".join(lines)


def unmapped(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> list[tuple[str, str, str]]:
    """What a statement binds as it stands."""
    source = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    return [(source, alias.name, alias.asname or "")]


def shape(text: str, names: Names, module: str, package: bool) -> str:
    """The AST of a module, its imports replaced by the set of what they bind once mapped."""
    tree = ast.parse(text)
    bound = sorted(
        {entry for node in import_nodes(tree) for entry in mapped(node, names, module, package)}
    )

    class Without(ast.NodeTransformer):
        def visit_Import(self, node: ast.Import) -> None:
            return None

        def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
            return None

    return f"{bound}\n{ast.dump(Without().visit(tree))}"


def move() -> int:
    """Move, rewrite, format the imports, prove."""
    moves = {old: new for old, new in read_moves().items() if Path(old).exists()}
    names, files = Names(moves), python_files()
    texts = {str(path): path.read_text() for path in files}
    shapes = {
        moves.get(path, path): shape(text, names, module_of(path), path.endswith("__init__.py"))
        for path, text in texts.items()
    }
    for path, text in texts.items():
        Path(path).write_text(rewritten(text, names, module_of(path), path.endswith("__init__.py")))
    for old, new in moves.items():
        Path(new).parent.mkdir(parents=True, exist_ok=True)
        if new in moves and Path(new).exists():
            # A module becomes a package of its own name, or two change places.
            raise SystemExit(f"{old}: {new} is to be moved first; list it before")
        subprocess.run(["git", "mv", old, new], check=True)
    for new in moves.values():
        for folder in Path(new).parents:
            if folder.name and not (folder / "__init__.py").exists() and Path(new).suffix == ".py":
                (folder / "__init__.py").touch()
                subprocess.run(["git", "add", str(folder / "__init__.py")], check=True)
    subprocess.run(["ruff", "check", "--quiet", "--select", "I", "--fix", "."], check=True)
    subprocess.run(["ruff", "format", "--quiet", "."], check=True)
    nothing = Names({})
    differ = [
        path
        for path, before in shapes.items()
        if shape(Path(path).read_text(), nothing, module_of(path), path.endswith("__init__.py"))
        != before
    ]
    print(f"{len(moves)} modules moved, {len(shapes)} compared, {len(differ)} differ")
    for path in differ:
        print(f"  differs: {path}")
    return 1 if differ else 0


def old_names() -> int:
    """Print every place outside of imports that has an old dotted name or path; --write maps it."""
    moves = read_moves()
    needles = dict(moves) | {module_of(old): module_of(new) for old, new in moves.items()}
    news = [module_of(new) for new in moves.values()]
    ends = {
        old: "|".join(
            re.escape(new[len(old) + 1 :].split(".")[0])
            for new in news
            if new.startswith(f"{old}.")
        )
        for old in needles
    }
    pattern = re.compile(
        "|".join(
            rf"(?<![\w/.]){re.escape(old)}(?![\w/])"
            + (rf"(?!\.(?:{ends[old]})\b)" if ends[old] else "")
            for old in sorted(needles, key=len, reverse=True)
        )
    )
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout
    count = 0
    for path in map(Path, listed.split()):
        if path.resolve().parent == MAP.resolve().parent or path.is_symlink():
            continue
        try:
            lines = path.read_text().splitlines(keepends=True)
        except UnicodeDecodeError:
            continue
        imports = imported_lines(path, "".join(lines))
        for number, line in enumerate(lines):
            changed = pattern.sub(lambda found: needles[found[0]], line)
            if changed != line and number + 1 not in imports:
                count += 1
                print(f"{path}:{number + 1}: {changed.strip()}")
                lines[number] = changed
        if "--write" in sys.argv:
            path.write_text("".join(lines))
    print(f"{count} lines")
    return 0


def imported_lines(path: Path, text: str) -> set[int]:
    """The numbers of the lines of import statements, which `moves` has mapped."""
    nodes = import_nodes(ast.parse(text)) if path.suffix == ".py" else ()
    return {n for node in nodes for n in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


if __name__ == "__main__":
    sys.exit({"moves": move, "strings": old_names}[sys.argv[1]]())
