"""Ask the kubelet's modules every question of the tables in tests/registry/upstream/.

A new row needs its question only: this writes the answers. The modules are those of the lab's
newest Kubernetes, at the versions that the lab pins.
"""

import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pullrecovery.common.process import run
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.tools.golang import MODULES, find_go, go_environment
from pullrecovery.lab.tools.toolchain import host_os

TABLES = SUITE_ROOT / "tests" / "registry" / "upstream"
NAMES = ("keyring", "references")
_PROGRAM = Path(__file__).with_name("main.go")
_MODULE = MODULES / "kubernetes-1.37"
# Seconds; the first build compiles some two hundred packages.
_WITHIN = 900.0


def write_tables() -> int:
    """Write the answers of every row; returns the exit code."""
    tables = {name: TABLES / f"{name}.jsonl" for name in NAMES}
    rows = {name: read_table(file) for name, file in tables.items()}
    questions = [row["question"] for table in rows.values() for row in table]
    answers = iter(_ask(questions))
    for name, table in rows.items():
        lines = [
            json.dumps({"question": row["question"], "answer": next(answers)}, ensure_ascii=True)
            for row in table
        ]
        tables[name].write_text("\n".join([json.dumps(_header()), *lines]) + "\n")
        print(f"{tables[name].relative_to(SUITE_ROOT)}: {len(table)} rows")
    return 0


def read_table(file: Path) -> list[dict[str, Any]]:
    """The rows of a table, without its first line, which says where the answers come from."""
    _, *lines = file.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def pinned_versions() -> dict[str, str]:
    """The versions of the modules that answer, as the lab pins them."""
    text = (_MODULE / "go.mod").read_text(encoding="utf-8")
    modules = ("k8s.io/kubernetes", "github.com/distribution/reference")
    pinned = {
        name: re.search(rf"(?m)^(?:require)?\s*{re.escape(name)} (v\S+)", text) for name in modules
    }
    return {name: found[1] for name, found in pinned.items() if found}


def _header() -> dict[str, Any]:
    return {
        "source": "the answers of these modules, and questions of their own tests beside ours",
        "modules": pinned_versions(),
        "licence": "Apache-2.0",
    }


def _ask(questions: list[Any]) -> list[Any]:
    """Build the program and send it every question; returns the answers in the same order."""
    paths = default_paths()
    with TemporaryDirectory() as folder:
        for file in (_PROGRAM, _MODULE / "go.mod", _MODULE / "go.sum"):
            shutil.copy(file, folder)
        environment = go_environment(paths, target_os=host_os())
        go, program = str(find_go(paths)), f"{folder}/answers"
        build = [go, "build", "-o", program, "."]
        run(build, env=environment, inherit=[VariableSet.GO], cwd=Path(folder), timeout=_WITHIN)
        asked = "".join(json.dumps(question) + "\n" for question in questions)
        return [json.loads(line) for line in run([program], stdin=asked).splitlines()]
