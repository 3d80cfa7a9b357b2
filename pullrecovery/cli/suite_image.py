"""The options of the `suite-image` command."""

import argparse
import os
import re
from pathlib import Path
from typing import Any

from pullrecovery.common.suite_files import REPORTS


def add_suite_image(commands: Any) -> None:
    """Add the `suite-image` command and its options."""
    command = commands.add_parser("suite-image", help="the image of the hook and of the nightly")
    folder = REPORTS / "suite-image"
    command.add_argument("--out", type=Path, default=folder, help="folder that takes the image")
    command.add_argument("--push", default="", metavar="REF", help="repository:tag to push it to")
    command.add_argument("--login", default=os.environ.get("GITHUB_ACTOR") or "pull-recovery")
    command.add_argument("--token-stdin", action="store_true", help="the token of --push")
    words = "with Debian's packages of this week, as 2026-W48; by default with those in the cache"
    command.add_argument("--week", type=_week, help=words)
    command.set_defaults(run=_suite_image)


def _week(text: str) -> str:
    """Check that `text` is a week as `date +%G-W%V` prints it."""
    if not re.fullmatch(r"\d{4}-W\d{2}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no week such as 2026-W48")
    return text


def _suite_image(options: argparse.Namespace) -> int:
    from pullrecovery.cli.run_suite_image import SuiteImageRequest, run_suite_image

    return run_suite_image(
        SuiteImageRequest(
            out=options.out,
            push=options.push,
            login=options.login,
            token_from_stdin=options.token_stdin,
            week=options.week or "",
        )
    )
