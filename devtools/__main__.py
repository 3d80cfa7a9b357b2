"""Commands for developers of this project, which the make targets call."""

import sys

from pullrecovery.common.secret_variables import enter

if __name__ == "__main__":
    # Before the other imports, which take seconds.
    enter(sys.argv[1:])

import argparse
from collections.abc import Sequence
from pathlib import Path

from devtools.bench.command import PARTS, run_bench
from devtools.bench.emulator import MEGABYTES, ROUNDS
from devtools.conformance.command import run_conformance
from devtools.demo_picture import draw_demo
from devtools.distributions import build_distributions
from devtools.docs_site import build_docs
from devtools.fuzz import run_fuzz
from devtools.lint_workflows import lint_workflows
from devtools.result_schema import write_schema
from devtools.status_page import write_pages
from devtools.trials.commands import run_trials
from devtools.upstream_tables.command import write_tables
from pullrecovery.cli.command_line import Parser, run_command
from pullrecovery.cli.options import add_kubernetes, with_argocd
from pullrecovery.common.process import stop_with_us
from pullrecovery.common.suite_files import REPORTS


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error of this project prints one line on stderr and no traceback."""
    return run_command(_parser(), argv)


def _parser() -> Parser:
    parser = Parser(prog="python -m devtools", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    trials = commands.add_parser("lab-trials", help="kill runs at random moments, recover, clean")
    add_kubernetes(trials)
    trials.add_argument("--seed", type=int, help="play the kills of an earlier series again")
    trials.add_argument("--kills", type=int, default=20)
    trials.set_defaults(run=lambda given: run_trials(given.kubernetes, given.seed, given.kills))
    conformance = commands.add_parser("conformance", help="OCI conformance of the GHCR emulator")
    conformance.set_defaults(run=lambda _: run_conformance())
    bench = commands.add_parser("bench", help="figures of the GHCR emulator, and of the recovery")
    bench.add_argument("--only", choices=PARTS, help="one of the two parts")
    bench.add_argument("--target", default="sample", type=Path)
    add_kubernetes(bench)
    bench.add_argument("--argocd", action="store_true", help="wait for its Degraded, ten minutes")
    bench.add_argument("--megabytes", type=_count, default=MEGABYTES, help="size of the layer")
    bench.add_argument("--rounds", type=_count, default=ROUNDS)
    bench.set_defaults(run=_bench)
    workflows = commands.add_parser("lint-workflows", help="actionlint over every workflow")
    workflows.set_defaults(run=lambda _: lint_workflows())
    dist = commands.add_parser("dist", help="build sdist, wheel and SBOM")
    dist.set_defaults(run=lambda _: build_distributions())
    tables = commands.add_parser("upstream-tables", help="ask the kubelet's modules again")
    tables.set_defaults(run=lambda _: write_tables())
    picture = commands.add_parser("demo-picture", help="draw a log of `make demo` for the README")
    picture.add_argument("log", type=Path)
    picture.set_defaults(run=lambda given: draw_demo(given.log))
    docs = commands.add_parser("docs", help="build the site of docs/")
    docs.add_argument("--repository", default="", help="URL that links to other files lead into")
    docs.set_defaults(run=lambda given: build_docs(given.repository))
    fuzz = commands.add_parser("fuzz", help="run each file of property tests for a time")
    fuzz.add_argument("--seconds", type=_count, default=60, help="for each file")
    fuzz.add_argument("arguments", nargs="*", help="further arguments for pytest, behind --")
    fuzz.set_defaults(run=lambda given: run_fuzz(given.seconds, given.arguments))
    status = commands.add_parser(
        "status", help="write docs/status.md and docs/detection-matrix.md from a complete run"
    )
    status.add_argument("result", nargs="?", type=Path, default=REPORTS / "result.json")
    status.set_defaults(run=lambda given: write_pages(given.result))
    schema = commands.add_parser("result-schema", help="write docs/result.schema.json")
    schema.set_defaults(run=lambda _: write_schema())
    return parser


def _bench(options: argparse.Namespace) -> int:
    parts = (options.only,) if options.only else PARTS
    return run_bench(
        parts,
        options.megabytes,
        options.rounds,
        options.target,
        options.kubernetes,
        argocd=with_argocd(options),
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of 1 or more")
    return int(text)


if __name__ == "__main__":
    stop_with_us()
    sys.exit(main())
