"""Options that several commands have."""

import argparse
import os

from pullrecovery.common.errors import UsageError

# Of acceptance and gate: what a chart has outside of its namespace is applied.
ALLOW_CLUSTER_OBJECTS = "--allow-cluster-objects"


def add_kubernetes(command: argparse.ArgumentParser) -> None:
    """Add `--kubernetes`, a version; the variable KUBERNETES is its default."""
    command.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))


def add_argocd(command: argparse.ArgumentParser) -> None:
    """Add `--argocd` and `--no-argocd`; where neither is given, ARGOCD=0 leaves Argo CD out."""
    command.add_argument("--argocd", action=argparse.BooleanOptionalAction)


def with_argocd(options: argparse.Namespace) -> bool:
    """Return whether Argo CD is wanted; raises UsageError for an ARGOCD that is neither 0 nor 1."""
    variable = os.environ.get("ARGOCD", "")
    if variable not in ("", "0", "1"):
        raise UsageError(f"ARGOCD={variable} is neither 0, which leaves Argo CD out, nor 1.")
    return variable != "0" if options.argocd is None else bool(options.argocd)
