"""The command line of `lab`."""

import argparse
from pathlib import Path
from typing import Any

from pullrecovery.cli.options import add_argocd, add_kubernetes, with_argocd

_ACTIONS = ("up", "down", "status", "doctor", "clean", "clean-cache", "ghcr")


def add_lab(commands: Any) -> None:
    """Add `lab` to the commands."""
    lab = commands.add_parser("lab", help="the lab alone")
    lab.add_argument("action", choices=_ACTIONS)
    lab.add_argument("--people", type=Path, help="ghcr: the world file to begin with")
    add_kubernetes(lab)
    add_argocd(lab)
    lab.set_defaults(run=_lab)


def _lab(options: argparse.Namespace) -> int:
    from pullrecovery.cli import run_lab

    if options.action == "ghcr":
        return run_lab.serve_ghcr(options.people)
    argocd = options.action == "up" and with_argocd(options)
    return run_lab.run(options.action, options.kubernetes, argocd=argocd)
