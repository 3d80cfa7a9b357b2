"""Untrusted text is printed so that neither a terminal nor a CI system interprets it."""

import pytest

from pullrecovery.__main__ import main
from pullrecovery.common.plain_text import plain


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("chart 'käse' — ok", "chart 'käse' — ok"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("bell\x07, C1 \x9b31m", "bell\\x07, C1 \\x9b31m"),
        ("right to left \u202eexe", "right to left \\u202eexe"),
        ("one\n::error::two", "one\n    | ::error::two"),
        ("one\r::error::two", "one\n    | ::error::two"),
        ("one\u2028::error::two", "one\n    | ::error::two"),
        ("a ##[error]b", "a # #[error]b"),
        ("a\tb", "a   b"),
    ],
)
def test_text_is_printed_plain(text, printed):
    """Control characters are escaped, and commands of CI systems are marked."""
    assert plain(text) == printed


def test_error_is_printed_plain(capsys, tmp_path):
    """The error may quote a target's directory, or a file in it."""
    folder = tmp_path / "a\x1b[2J\n::error::b"

    assert main(["gate", "--target", str(folder)]) == 4

    printed = capsys.readouterr().err
    assert "is no folder" in printed
    assert "\x1b" not in printed
    assert [line for line in printed.splitlines() if line.startswith("::")] == []
