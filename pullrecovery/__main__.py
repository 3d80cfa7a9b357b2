"""`python -m pullrecovery`: the commands behind the Makefile, with their exit codes."""

import sys

from pullrecovery.common.secret_variables import enter

if __name__ == "__main__":
    # Before the rest is loaded, which takes seconds.
    enter(sys.argv[1:])

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from kubernetes.client.exceptions import ApiException

from devtools.bench.command import PARTS, run_bench
from devtools.bench.front import MEGABYTES, ROUNDS
from devtools.conformance.command import run_conformance
from devtools.trials.commands import run_trials
from pullrecovery import __version__
from pullrecovery.cli import lab as commands
from pullrecovery.cli.acceptance import run_acceptance
from pullrecovery.cli.error_hints import cure_of
from pullrecovery.cli.gate import add_gate
from pullrecovery.cli.lint_workflows import lint_workflows
from pullrecovery.cli.live import Looking, run_live
from pullrecovery.cli.suite_image import add_suite_image
from pullrecovery.common.errors import Exit, PullRecoveryError, UsageError
from pullrecovery.common.plain_text import plain
from pullrecovery.common.process import end_with_us
from pullrecovery.common.redaction import redact
from pullrecovery.lab.cluster.cluster_objects import ALLOW_CLUSTER_OBJECTS
from pullrecovery.report.page import write_page


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error of ours is one line on stderr, never a traceback."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except PullRecoveryError as error:
        return _fail(str(error), error.exit)
    except (DockerException, ApiException, OSError) as error:
        return _fail(f"{type(error).__name__}: {error}", Exit.CANNOT_TELL)
    except KeyboardInterrupt:
        return _fail("interrupted; run the same command again to go on", Exit.CANNOT_TELL)


def _fail(text: str, code: Exit) -> int:
    """Say what is wrong, and what to do where that is known; returns the exit code."""
    cure = cure_of(text)
    print(f"error: {plain(redact(text))}", *([cure] if cure else []), sep="\n", file=sys.stderr)
    return int(code)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(int(Exit.USAGE), f"error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m pullrecovery", description=__doc__)
    parser.add_argument("--version", action="version", version=f"pull-recovery {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_acceptance(commands)
    lab = commands.add_parser("lab", help="the lab alone")
    lab.add_argument(
        "action", choices=("up", "down", "status", "doctor", "clean", "clean-cache", "ghcr")
    )
    lab.add_argument("--people", type=Path, help="ghcr: the world file to begin with")
    lab.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))
    _add_argocd(lab)
    lab.set_defaults(run=_lab)
    trials = commands.add_parser("lab-trials", help="kill runs at random moments, recover, clean")
    trials.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))
    trials.add_argument("--seed", type=int, help="play the kills of an earlier series again")
    trials.add_argument("--kills", type=int, default=20)
    trials.set_defaults(run=_lab_trials)
    workflows = commands.add_parser("lint-workflows", help="actionlint over every workflow")
    workflows.set_defaults(run=_lint_workflows)
    conformance = commands.add_parser("conformance", help="OCI conformance of the stand-in")
    conformance.set_defaults(run=_conformance)
    bench = commands.add_parser("bench", help="figures of the stand-in, and of the recovery")
    bench.add_argument("--only", choices=PARTS, help="one of the two parts")
    bench.add_argument("--target", default="sample", type=Path)
    bench.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))
    bench.add_argument("--argocd", action="store_true", help="wait for its Degraded, ten minutes")
    bench.add_argument("--megabytes", type=_count, default=MEGABYTES, help="size of the layer")
    bench.add_argument("--rounds", type=_count, default=ROUNDS)
    bench.set_defaults(run=_bench)
    add_gate(commands)
    add_suite_image(commands)
    report = commands.add_parser("report", help="pages made from the last run's result.json")
    report.add_argument("page", choices=("kill-matrix",))
    report.set_defaults(run=_report)
    return parser


def _add_argocd(command: argparse.ArgumentParser) -> None:
    """`--argocd` and `--no-argocd`; where neither is given, ARGOCD=0 leaves Argo CD out."""
    command.add_argument("--argocd", action=argparse.BooleanOptionalAction)


def _with_argocd(options: argparse.Namespace) -> bool:
    """Whether Argo CD is wanted; raises UsageError for an ARGOCD that is neither 0 nor 1."""
    variable = os.environ.get("ARGOCD", "")
    if variable not in ("", "0", "1"):
        raise UsageError(f"ARGOCD={variable} is neither 0, which leaves Argo CD out, nor 1.")
    return variable != "0" if options.argocd is None else bool(options.argocd)


def _add_acceptance(commands: Any) -> None:
    acceptance = commands.add_parser("acceptance", help="raise the lab and run every criterion")
    acceptance.add_argument("--target", default="sample", type=Path)
    acceptance.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))
    acceptance.add_argument("--smoke", action="store_true", help="one row a criterion")
    acceptance.add_argument(
        ALLOW_CLUSTER_OBJECTS, action="store_true", help="apply them, under the sandbox's own names"
    )
    _add_argocd(acceptance)
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
        argocd=_with_argocd(options),
        extra=[*options.pytest, *allowed],
    )


def _lab_trials(options: argparse.Namespace) -> int:
    return run_trials(options.kubernetes, options.seed, options.kills)


def _lint_workflows(_: argparse.Namespace) -> int:
    lint_workflows()
    return int(Exit.HOLDS)


def _conformance(_: argparse.Namespace) -> int:
    return run_conformance()


def _bench(options: argparse.Namespace) -> int:
    parts = (options.only,) if options.only else PARTS
    return run_bench(
        parts,
        options.megabytes,
        options.rounds,
        options.target,
        options.kubernetes,
        argocd=_with_argocd(options),
    )


def _report(_: argparse.Namespace) -> int:
    return write_page()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of 1 or more")
    return int(text)


def _lab(options: argparse.Namespace) -> int:
    if options.action == "ghcr":
        return commands.serve_ghcr(options.people)
    argocd = options.action == "up" and _with_argocd(options)
    return commands.run(options.action, options.kubernetes, argocd=argocd)


if __name__ == "__main__":
    end_with_us()
    sys.exit(main())
