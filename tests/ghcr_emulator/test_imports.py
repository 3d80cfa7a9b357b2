"""The imports of the emulator, which runs in a container with few packages."""

import ast
import subprocess
import sys
from pathlib import Path

import ghcr_emulator

FOLDER = Path(ghcr_emulator.__file__).parent
ALLOWED = {
    "httpx",
    "pydantic",
    "pydantic_core",
    "ruamel",
    "starlette",
    "uvicorn",
    *sys.stdlib_module_names,
}


def imported():
    """Return every module that a file of the emulator imports."""
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                yield node.module


def test_emulator_needs_only_its_own_packages():
    """The emulator imports its own modules, and packages of requirements.in.

    Without a configuration directory it creates its certificate, and needs trustme for that.
    """
    foreign = {
        name
        for name in imported()
        if name.partition(".")[0] not in ALLOWED and not name.startswith("ghcr_emulator")
    }

    assert foreign == {"trustme"}
    assert "trustme" not in loaded_with("--config", "/none")


def loaded_with(*arguments):
    """Return the modules that `python -m ghcr_emulator` loads before it refuses its arguments."""
    program = (
        "import sys; from ghcr_emulator.__main__ import main; main(sys.argv[1:]);"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", program, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FOLDER.parent)
    return ran.stdout.split()


def test_requirements_are_pinned_and_hashed():
    """The lock has everything that requirements.in names, with version and hash."""
    asked = [line for line in lines("requirements.in") if not line.startswith("#")]
    locked = "\n".join(lines("requirements.lock"))

    names = {line.partition("==")[0] for line in asked}
    assert names == {"httpx", "pydantic", "ruamel-yaml", "sniffio", "starlette", "uvicorn"}
    for pin in asked:
        assert f"{pin} \\\n    --hash=sha256:" in locked


def lines(name):
    """Return the lines of one of the two files."""
    return (FOLDER / name).read_text().splitlines()
