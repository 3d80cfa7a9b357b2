"""What the command lines of `pullrecovery` and `devtools` share: errors, exit codes, options."""

import argparse
import os
import sys
from collections.abc import Sequence

from docker.errors import DockerException
from kubernetes.client.exceptions import ApiException

from pullrecovery.cli.error_hints import cure_of
from pullrecovery.common.errors import Exit, PullRecoveryError, UsageError
from pullrecovery.common.plain_text import plain
from pullrecovery.common.redaction import redact


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors have the project's exit code."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print the usage and the message, and exit with 4."""
        self.print_usage(sys.stderr)
        self.exit(int(Exit.USAGE), f"error: {message}\n")


def run_command(parser: Parser, argv: Sequence[str] | None) -> int:
    """Run one command and return its exit code; an error of ours is one line, and no traceback."""
    options = parser.parse_args(argv)
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


def add_kubernetes(command: argparse.ArgumentParser) -> None:
    """Add `--kubernetes`, a version; the variable KUBERNETES is its default."""
    command.add_argument("--kubernetes", default=os.environ.get("KUBERNETES", ""))


def add_argocd(command: argparse.ArgumentParser) -> None:
    """Add `--argocd` and `--no-argocd`; where neither is given, ARGOCD=0 leaves Argo CD out."""
    command.add_argument("--argocd", action=argparse.BooleanOptionalAction)


def with_argocd(options: argparse.Namespace) -> bool:
    """Whether Argo CD is wanted; raises UsageError for an ARGOCD that is neither 0 nor 1."""
    variable = os.environ.get("ARGOCD", "")
    if variable not in ("", "0", "1"):
        raise UsageError(f"ARGOCD={variable} is neither 0, which leaves Argo CD out, nor 1.")
    return variable != "0" if options.argocd is None else bool(options.argocd)
