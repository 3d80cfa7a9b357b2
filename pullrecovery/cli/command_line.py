"""Parse and run a command of `pullrecovery` or `devtools`, with its errors and exit code."""

import argparse
import sys
from collections.abc import Sequence

from pullrecovery.cli.error_hints import fix_for_error
from pullrecovery.common.errors import Exit, PullRecoveryError
from pullrecovery.common.plain_text import plain
from pullrecovery.common.redaction import redact

# The errors of these libraries describe the failure. They are matched by module name, because
# importing the classes takes a second.
_LIBRARIES = ("docker", "kubernetes")
EXIT_CODES = (
    "exit codes: 0 pass or promote; 1 fail or hold; 2 unknown, inconclusive, or interrupted;"
    " 4 usage or a wrong target file"
)


class Parser(argparse.ArgumentParser):
    """An argument parser that exits with the project's code for usage errors."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"epilog": EXIT_CODES, **options})  # type: ignore[arg-type]

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print the usage and the message, and exit with 4."""
        self.print_usage(sys.stderr)
        self.exit(int(Exit.USAGE), f"error: {message}\n")


def run_command(parser: Parser, argv: Sequence[str] | None) -> int:
    """Run one command and return its exit code; an expected error prints one line, no traceback."""
    options = parser.parse_args(argv)
    try:
        return int(options.run(options))
    except PullRecoveryError as error:
        return _fail(str(error), error.exit)
    except ModuleNotFoundError as error:
        return _fail(_missing(error, getattr(options, "extra", "lab")), Exit.USAGE)
    except KeyboardInterrupt:
        return _fail("interrupted; run the same command again to go on", Exit.UNKNOWN)
    except Exception as error:
        if not isinstance(error, OSError) and not _is_of_a_library(error):
            raise
        return _fail(f"{type(error).__name__}: {error}", Exit.UNKNOWN)


def _is_of_a_library(error: Exception) -> bool:
    modules = (kind.__module__.partition(".")[0] for kind in type(error).__mro__)
    return any(module in _LIBRARIES for module in modules)


def _missing(error: ModuleNotFoundError, extra: str) -> str:
    """Return how to install the extra; raises the error again if the module is this project's."""
    module = str(error.name).partition(".")[0]
    if module in ("", "pullrecovery", "ghcr_emulator", "fixtures", "devtools"):
        raise error
    return (
        f"this command needs the Python module {module}, which the plain install has not:"
        f" pip install 'pull-recovery[{extra}]'"
    )


def _fail(text: str, code: Exit) -> int:
    """Print the error, with a fix if one is known, and return the exit code."""
    fix = fix_for_error(text)
    print(f"error: {plain(redact(text))}", *([fix] if fix else []), sep="\n", file=sys.stderr)
    return int(code)
