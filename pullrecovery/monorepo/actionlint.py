"""Check workflow files with actionlint."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pullrecovery.common.process import CommandError, run
from pullrecovery.model.workflow_run import LintFinding

# shellcheck and pyflakes are off, because not every machine has them.
PLAIN: Sequence[str] = ("-shellcheck=", "-pyflakes=")
_FOUND = 1


@dataclass(frozen=True)
class Actionlint:
    """The actionlint program; `binary` is an absolute path."""

    binary: Path

    def check(self, text: str) -> tuple[LintFinding, ...]:
        """Return every finding in the text of a workflow; raises CommandError if it cannot run."""
        format_as = ["-format", "{{json .}}", "-"]
        try:
            printed = run([str(self.binary), *PLAIN, *format_as], stdin=text)
        except CommandError as error:
            if error.code != _FOUND:
                raise
            printed = error.output
        rows = json.loads(printed or "[]")
        return tuple(LintFinding(row["line"], row["kind"], row["message"]) for row in rows)
