"""Paths of the suite's files that are not modules: tests, samples, schemas, locks.

In a checkout they are at the top of the repository. In the wheel the tree is in
`pullrecovery/suite`, so that its directories take no names in site-packages.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "suite"
# The directory that sys.path needs in a process that imports `pullrecovery`.
IMPORT_ROOT = _PACKAGE.parent
INSTALLED = _IN_WHEEL.is_dir()
SUITE_ROOT = _IN_WHEEL if INSTALLED else IMPORT_ROOT
SAMPLE = SUITE_ROOT / "sample"
SCHEMAS = SUITE_ROOT / "docs"
# Relative to the current directory; `make` runs commands in the checkout.
REPORTS = Path(".reports")
