"""Print the packages' import graph: units, edges, layers, cycles. A unit is a package of two levels."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

DEPTH = int(sys.argv[1]) if len(sys.argv) > 1 else 2


def files():
    listed = subprocess.run(
        ["git", "ls-files", "pullrecovery/*.py", "ghcr_emulator/*.py"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [Path(name) for name in listed.stdout.split()]


def module(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for path in files()}


def unit(name):
    parts = name.split(".")
    path = MODULES.get(name)
    package = parts if path and path.name == "__init__.py" else parts[:-1]
    cut = package[:DEPTH]
    return ".".join(cut) if len(package) >= DEPTH else ".".join(parts[:DEPTH])


edges = defaultdict(set)
why = defaultdict(list)
for name, path in MODULES.items():
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            targets = [
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in MODULES else node.module
                for a in node.names
            ]
        elif isinstance(node, ast.Import):
            targets = [a.name for a in node.names]
        else:
            continue
        for target in targets:
            if target in MODULES and unit(target) != unit(name):
                edges[unit(name)].add(unit(target))
                why[unit(name), unit(target)].append(f"{name} -> {target}")

units = {unit(name) for name in MODULES}
index, low, stack, found, order = {}, {}, [], [], [0]


def walk(v):
    index[v] = low[v] = order[0]
    order[0] += 1
    stack.append(v)
    for w in edges[v]:
        if w not in index:
            walk(w)
            low[v] = min(low[v], low[w])
        elif w in stack:
            low[v] = min(low[v], index[w])
    if low[v] == index[v]:
        part = []
        while True:
            part.append(stack.pop())
            if part[-1] == v:
                break
        found.append(part)


for each in sorted(units):
    if each not in index:
        walk(each)
cycles = [sorted(part) for part in found if len(part) > 1]
level = {}
for part in found:
    top = max((level[w] for v in part for w in edges[v] if w not in part), default=-1) + 1
    for v in part:
        level[v] = top
print(
    f"{len(units)} units, {sum(map(len, edges.values()))} edges, {max(level.values()) + 1} layers, {len(cycles)} cycles"
)
for at in range(max(level.values()), -1, -1):
    print(f"  {at}: {', '.join(sorted(v for v in level if level[v] == at))}")
for part in cycles:
    print("cycle:", ", ".join(part))
    for v in part:
        for w in part:
            for line in why[v, w][:6]:
                print("   ", line)
