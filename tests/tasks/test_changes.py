"""Check how a remediation describes its change: one sentence, and a diff without secrets."""

from pullrecovery.tasks.changes import Change, diff_of
from tests.fakes import recorded

NAME = "charts/frontend/values.yaml"


def test_diff_names_file_and_lines():
    """The diff has the form of `diff -u`."""
    diff = diff_of("image:\n  tag: dev\n", "image:\n  tag: latest\n", NAME)

    assert diff.splitlines()[:2] == [f"--- {NAME}", f"+++ {NAME}"]
    assert "-  tag: dev" in diff.splitlines()
    assert "+  tag: latest" in diff.splitlines()


def test_nothing_changed_is_no_diff():
    """A change without a difference has an empty diff."""
    assert diff_of("a: 1\n", "a: 1\n", NAME) == ""
    assert str(Change("nothing to do")) == "nothing to do"


def test_diff_shows_no_token():
    """The diff is printed and may end in a log, so it shows no token."""
    diff = diff_of("", f"note: {recorded.TOKEN}\n", NAME)

    assert recorded.TOKEN not in diff
    assert "+note: [redacted]" in diff


def test_change_is_printed_with_its_diff():
    """A change prints its sentence first, and then its diff."""
    assert str(Change("would set it", "-a\n+b")) == "would set it\n-a\n+b"
