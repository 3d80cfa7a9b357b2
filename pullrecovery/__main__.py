"""The `pull-recovery` command, also run as `python -m pullrecovery`."""

import argparse
import sys
from collections.abc import Sequence

from pullrecovery.cli.acceptance import add_acceptance
from pullrecovery.cli.command_line import Parser, run_command
from pullrecovery.cli.gate import add_gate
from pullrecovery.cli.ghcr import add_ghcr
from pullrecovery.cli.lab import add_lab
from pullrecovery.cli.sample import add_sample
from pullrecovery.cli.suite_image import add_suite_image
from pullrecovery.common.process import stop_with_us
from pullrecovery.common.secret_variables import enter
from pullrecovery.common.suite_version import suite_version

_ABOUT = "Proves that a workload recovers from a failed image pull."


class _Version(argparse.Action):
    """Print the version, which is looked up only when `--version` is given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        print(f"pull-recovery {suite_version()}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error of this project prints one line on stderr and no traceback."""
    return run_command(_parser(), argv)


def _parser() -> Parser:
    parser = Parser(prog="pull-recovery", description=_ABOUT)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    add_acceptance(commands)
    add_gate(commands)
    add_ghcr(commands)
    add_lab(commands)
    add_sample(commands)
    add_suite_image(commands)
    return parser


def run() -> None:
    """Run the command of sys.argv and exit, without the user's secrets in the environment."""
    enter(sys.argv[1:])
    stop_with_us()
    sys.exit(main())


if __name__ == "__main__":
    run()
