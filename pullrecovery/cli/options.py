"""Options that several commands share."""

import argparse
import os

from pullrecovery.common.errors import UsageError

# An option of acceptance and gate: apply the chart's objects that are outside of its namespace.
ALLOW_CLUSTER_OBJECTS = "--allow-cluster-objects"


def add_kubernetes(command: argparse.ArgumentParser) -> None:
    """Add `--kubernetes`, a version; its default is the variable KUBERNETES."""
    command.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))


def add_argocd(command: argparse.ArgumentParser) -> None:
    """Add `--argocd` and `--no-argocd`; if neither is given, ARGOCD=0 skips Argo CD."""
    command.add_argument("--argocd", action=argparse.BooleanOptionalAction)


def with_argocd(options: argparse.Namespace) -> bool:
    """Return whether to use Argo CD; raises UsageError for an ARGOCD that is neither 0 nor 1."""
    variable = os.environ.get("ARGOCD", "")
    if variable not in ("", "0", "1"):
        raise UsageError(f"ARGOCD={variable} is neither 0, which leaves Argo CD out, nor 1.")
    return variable != "0" if options.argocd is None else bool(options.argocd)
