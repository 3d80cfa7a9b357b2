"""Check that every sandbox is set up by its block, which also tears it down."""

import re

from pullrecovery.common.suite_files import SUITE_ROOT

FOLDERS = ("pullrecovery", "fixtures", "acceptance", "devtools")
TEXTS = {
    str(file.relative_to(SUITE_ROOT)): file.read_text()
    for folder in FOLDERS
    for file in sorted((SUITE_ROOT / folder).rglob("*.py"))
}
SANDBOX = "pullrecovery/faults/sandbox.py"


def _files_with(pattern):
    return {name for name, text in TEXTS.items() if re.search(pattern, text)}


def test_no_file_sets_a_sandbox_up():
    """Only the block `started` calls the set-up, and there is no tear-down to call."""
    assert _files_with(r"\._?set_up\(") == {SANDBOX}
    assert _files_with(r"\._?tear_down\(") == set()


def test_chart_namespace_is_made_in_a_block():
    """A sandbox and the gate make one, each with its clean-ups."""
    makers = {"pullrecovery/faults/sandbox.py", "pullrecovery/gate/run/start_charts.py"}

    assert _files_with(r"[ =(]make_chart_namespace\(") - {
        "pullrecovery/lab/chart_namespace.py"
    } == (makers)
    assert all("CleanUp()" in TEXTS[name] or "CleanUp," in TEXTS[name] for name in makers)


def test_every_started_sandbox_is_in_a_block():
    """Every call of `started` is in a `with`, or in a CleanUp, which leaves the block."""
    lines = [line for text in TEXTS.values() for line in text.splitlines() if ".started()" in line]

    assert len(lines) > 10
    assert [line for line in lines if not re.search(r"\bwith |\benter\(", line)] == []
