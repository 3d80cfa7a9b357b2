"""The options of the `lab` command."""

import argparse
from typing import Any

from pullrecovery.cli.options import add_argocd, add_kubernetes, with_argocd

_ACTIONS = ("up", "down", "status", "doctor", "clean", "clean-cache")


def add_lab(commands: Any) -> None:
    """Add the `lab` command and its options."""
    lab = commands.add_parser("lab", help="the lab alone")
    lab.add_argument("action", choices=_ACTIONS)
    add_kubernetes(lab)
    add_argocd(lab)
    lab.set_defaults(run=_lab)


def _lab(options: argparse.Namespace) -> int:
    from pullrecovery.cli import run_lab

    argocd = options.action == "up" and with_argocd(options)
    return run_lab.run(options.action, options.kubernetes, argocd=argocd)
