"""Where the suite's files are that are no module of the package: tests, samples, schemas, locks.

In a checkout they are at the top of the repository. In the wheel the same tree is in
`pullrecovery/suite`, so that nothing of it takes a name of its own in site-packages.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "suite"
# The folder to put on sys.path for a process that imports `pullrecovery`.
IMPORT_ROOT = _PACKAGE.parent
INSTALLED = _IN_WHEEL.is_dir()
SUITE_ROOT = _IN_WHEEL if INSTALLED else IMPORT_ROOT
SAMPLE = SUITE_ROOT / "sample"
SCHEMAS = SUITE_ROOT / "docs"
# Of the current folder, which is the checkout where make runs a command.
REPORTS = Path(".reports")
