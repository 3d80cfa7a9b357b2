"""The options of the `acceptance` command, for the lab and for the live world."""

import argparse
from pathlib import Path
from typing import Any

from pullrecovery.cli.options import (
    ALLOW_CLUSTER_OBJECTS,
    add_argocd,
    add_kubernetes,
    with_argocd,
)
from pullrecovery.common.errors import UsageError


def add_acceptance(commands: Any) -> None:
    """Add the `acceptance` command and its options."""
    acceptance = commands.add_parser("acceptance", help="start the lab and run every criterion")
    acceptance.add_argument(
        "--target", default=".", type=Path, help="folder that holds the target.yaml"
    )
    add_kubernetes(acceptance)
    acceptance.add_argument("--smoke", action="store_true", help="one scenario a criterion")
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
    return _live(options) if options.world == "live" else _lab(options)


def _lab(options: argparse.Namespace) -> int:
    if options.context or options.login or options.platform or options.reports:
        raise UsageError("--context, --login, --platform and --reports are for --world live.")
    from pullrecovery.cli.run_acceptance import run_acceptance

    allowed = [ALLOW_CLUSTER_OBJECTS] if options.allow_cluster_objects else []
    return run_acceptance(
        options.target,
        options.kubernetes,
        smoke=options.smoke,
        argocd=with_argocd(options),
        extra=[*options.pytest, *allowed],
    )


def _live(options: argparse.Namespace) -> int:
    if options.smoke:
        raise UsageError("--smoke is for the lab: in the live world nothing is played.")
    from pullrecovery.cli.run_live import LiveOptions, run_live

    live_options = LiveOptions(
        options.context, options.login, tuple(options.platform), options.reports
    )
    return run_live(options.target, options.kubernetes, live_options, options.pytest)
