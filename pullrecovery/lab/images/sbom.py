"""The components of an image as a CycloneDX document: Debian, Python and Go packages.

Source: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/; package URLs as in purl-spec.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.parser import HeaderParser
from pathlib import Path

from pullrecovery.common.process import run
from pullrecovery.common.suite_files import IMPORT_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.golang import MODULES
from pullrecovery.lab.tools.pypi import installed

LOCK = MODULES / "sbom.lock"
PROGRAM = Path(__file__).with_name("sbom_write.py")
_REQUIRED = re.compile(r"(?m)^\s*(?:require )?(\S+\.\S+/\S+) (v\S+)")
_SHORT = 60


@dataclass(frozen=True)
class Component:
    """One component; `kind` is a package URL's type (deb, pypi, golang).

    `namespace` and `qualifiers` are also the package URL's. `licence` is an SPDX expression or a
    name; '' for none.
    """

    kind: str
    name: str
    version: str
    namespace: str = ""
    licence: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()


def debian_packages(status: str, suite: str) -> Iterator[Component]:
    """Yield the packages that dpkg's status file lists as installed."""
    for paragraph in re.split(r"\n\s*\n", status.strip()):
        fields = HeaderParser().parsestr(paragraph)
        if "installed" in fields.get("Status", "").split():
            qualifiers = (("arch", fields["Architecture"]), ("distro", suite))
            yield Component("deb", fields["Package"], fields["Version"], "debian", "", qualifiers)


def python_packages(folder: Path) -> Iterator[Component]:
    """Yield the distributions that pip installed in a directory."""
    for metadata in sorted(folder.glob("*.dist-info/METADATA")):
        fields = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
        named = fields.get("License-Expression") or fields.get("License") or ""
        # Some have the whole licence text there.
        licence = named if "\n" not in named and len(named) <= _SHORT else ""
        yield Component("pypi", fields["Name"].lower(), fields["Version"], licence=licence)


def go_modules(go_mod: Path) -> Iterator[Component]:
    """Yield the modules that a go.mod of the toolchain requires."""
    for path, version in _REQUIRED.findall(go_mod.read_text()):
        namespace, _, name = path.rpartition("/")
        yield Component("golang", name, version, namespace)


def write_sbom(paths: Paths, target: Path, name: str, version: str, parts: list[Component]) -> None:
    """Write the document of the image `name` after validating it against CycloneDX's schema.

    The library is not a dependency of the package: it has its own lock. Raises CommandError if the
    library cannot be installed or the document is invalid.
    """
    library = installed(paths.cache / "sbom", LOCK)
    asked = {"name": name, "version": version, "parts": [asdict(part) for part in parts]}
    environment = {"PYTHONPATH": os.pathsep.join([str(library), str(IMPORT_ROOT)])}
    command = [sys.executable, "-m", "pullrecovery.lab.images.sbom_write"]
    document = run(
        command,
        stdin=json.dumps(asked),
        env=environment,
        inherit=[VariableSet.PYTHON],
        timeout=300,
    )
    target.write_text(document)
