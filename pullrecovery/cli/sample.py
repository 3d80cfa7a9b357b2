"""The `sample` command copies the sample monorepo, to try the suite on and to change."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.suite_files import SAMPLE


def add_sample(commands: Any) -> None:
    """Add the `sample` command and its argument."""
    sample = commands.add_parser("sample", help="a copy of the sample monorepo in a new folder")
    sample.add_argument("folder", type=Path, metavar="DIR", help="not there yet, or empty")
    sample.set_defaults(run=_sample)


def _sample(options: argparse.Namespace) -> int:
    copy_sample(options.folder)
    print(f"{options.folder} is a copy of the sample; its target.yaml names the releases.")
    print(f"next: pull-recovery acceptance --target {options.folder} --smoke")
    return int(Exit.PASS)


def copy_sample(folder: Path) -> None:
    """Copy the sample monorepo to `folder`; raises UsageError unless that is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there, and not an empty folder; name a new one.")
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
