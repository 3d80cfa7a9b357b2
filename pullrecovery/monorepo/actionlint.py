"""actionlint: what is wrong with a workflow as it is written, and on which line."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pullrecovery.common.process import CommandError, run
from pullrecovery.model.workflow_run import LintFinding

# Without shellcheck and pyflakes, which some machines have and others have not.
PLAIN: Sequence[str] = ("-shellcheck=", "-pyflakes=")
_FOUND = 1


@dataclass(frozen=True)
class Actionlint:
    """The program; `binary` is an absolute path."""

    binary: Path

    def check(self, text: str) -> tuple[LintFinding, ...]:
        """Every finding in the text of a workflow; raises CommandError where it cannot be run."""
        format_as = ["-format", "{{json .}}", "-"]
        try:
            said = run([str(self.binary), *PLAIN, *format_as], stdin=text)
        except CommandError as error:
            if error.code != _FOUND:
                raise
            said = error.output
        rows = json.loads(said or "[]")
        return tuple(LintFinding(row["line"], row["kind"], row["message"]) for row in rows)
