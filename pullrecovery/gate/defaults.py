"""What the gate's commands take where the user says nothing; their `--help` prints it."""

from datetime import timedelta
from pathlib import Path

from pullrecovery.common.suite_files import REPORTS

FOLDER = REPORTS / "gate"
RECORD, SIGNED = "verdict.json", "verdict.jws"
VERDICT: Path = FOLDER / SIGNED
# How long a verdict is good for.
VALID_FOR = timedelta(hours=24)
BRANCH, REMOTE = "promoted", "origin"
FORMATS = ("github", "promoter")
WORLDS = ("lab", "live")
