"""`python -m pullrecovery`: the commands behind the Makefile, with their exit codes."""

import sys

from pullrecovery.common.secret_variables import enter

if __name__ == "__main__":
    # Before the rest is loaded, which takes seconds.
    enter(sys.argv[1:])

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pullrecovery import __version__
from pullrecovery.cli import lab as commands
from pullrecovery.cli.acceptance import run_acceptance
from pullrecovery.cli.command_line import (
    Parser,
    add_argocd,
    add_kubernetes,
    run_command,
    with_argocd,
)
from pullrecovery.cli.gate import add_gate
from pullrecovery.cli.ghcr import add_ghcr
from pullrecovery.cli.lint_workflows import lint_workflows
from pullrecovery.cli.live import Looking, run_live
from pullrecovery.cli.suite_image import add_suite_image
from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.process import end_with_us
from pullrecovery.lab.cluster.cluster_objects import ALLOW_CLUSTER_OBJECTS
from pullrecovery.report.page import write_page


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error of ours is one line on stderr, never a traceback."""
    return run_command(_parser(), argv)


def _parser() -> Parser:
    parser = Parser(prog="python -m pullrecovery", description=__doc__)
    parser.add_argument("--version", action="version", version=f"pull-recovery {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    _add_acceptance(commands)
    lab = commands.add_parser("lab", help="the lab alone")
    lab.add_argument("action", choices=("up", "down", "status", "doctor", "clean", "clean-cache"))
    add_kubernetes(lab)
    add_argocd(lab)
    lab.set_defaults(run=_lab)
    workflows = commands.add_parser("lint-workflows", help="actionlint over every workflow")
    workflows.set_defaults(run=_lint_workflows)
    add_gate(commands)
    add_suite_image(commands)
    add_ghcr(commands)
    report = commands.add_parser("report", help="pages made from the last run's result.json")
    report.add_argument("page", choices=("kill-matrix",))
    report.set_defaults(run=_report)
    return parser


def _add_acceptance(commands: Any) -> None:
    acceptance = commands.add_parser("acceptance", help="raise the lab and run every criterion")
    acceptance.add_argument("--target", default="sample", type=Path)
    add_kubernetes(acceptance)
    acceptance.add_argument("--smoke", action="store_true", help="one row a criterion")
    acceptance.add_argument(
        ALLOW_CLUSTER_OBJECTS, action="store_true", help="apply them, under the sandbox's own names"
    )
    add_argocd(acceptance)
    acceptance.add_argument("--world", choices=("lab", "live"), default="lab")
    acceptance.add_argument("--context", default="", help="live: the kubeconfig's context, by name")
    acceptance.add_argument("--login", default="", help="live: whose token GHCR_TOKEN is")
    acceptance.add_argument(
        "--platform", action="append", default=[], help="live: the nodes' os/arch, not asked then"
    )
    acceptance.add_argument("--reports", type=Path, help="live: where result.json goes")
    acceptance.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    acceptance.set_defaults(run=_acceptance)


def _acceptance(options: argparse.Namespace) -> int:
    looking = Looking(options.context, options.login, tuple(options.platform), options.reports)
    if options.world == "live":
        if options.smoke:
            raise UsageError("--smoke is for the lab: in the live world nothing is played.")
        return run_live(options.target, options.kubernetes, looking, options.pytest)
    if looking != Looking():
        raise UsageError("--context, --login, --platform and --reports are for --world live.")
    allowed = [ALLOW_CLUSTER_OBJECTS] if options.allow_cluster_objects else []
    return run_acceptance(
        options.target,
        options.kubernetes,
        smoke=options.smoke,
        argocd=with_argocd(options),
        extra=[*options.pytest, *allowed],
    )


def _lint_workflows(_: argparse.Namespace) -> int:
    lint_workflows()
    return int(Exit.HOLDS)


def _report(_: argparse.Namespace) -> int:
    return write_page()


def _lab(options: argparse.Namespace) -> int:
    argocd = options.action == "up" and with_argocd(options)
    return commands.run(options.action, options.kubernetes, argocd=argocd)


if __name__ == "__main__":
    end_with_us()
    sys.exit(main())
