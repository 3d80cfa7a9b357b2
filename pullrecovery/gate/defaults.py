"""Defaults of the gate's commands, which their `--help` prints."""

from datetime import timedelta
from pathlib import Path

from pullrecovery.common.suite_files import REPORTS

FOLDER = REPORTS / "gate"
RECORD, SIGNED = "verdict.json", "verdict.jws"
VERDICT: Path = FOLDER / SIGNED
# How long a verdict is valid.
VALID_FOR = timedelta(hours=24)
BRANCH, REMOTE = "promoted", "origin"
FORMATS = ("github", "promoter")
WORLDS = ("lab", "live")
