"""Text of others as it may be printed: nothing in it moves a cursor or commands a CI system."""

# What begins a later line. GitHub Actions takes a line for a command that begins with `::`.
_LATER = "\n    | "


def plain(text: str) -> str:
    """Return `text` with every character escaped that is not shown as itself, such as ESC.

    A line break stays, and every line behind one begins with a mark.
    """
    lines = ("".join(map(_shown, line)) for line in text.expandtabs(4).splitlines())
    return _LATER.join(lines).replace("##[", "# #[")


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
