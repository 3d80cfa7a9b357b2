"""Make untrusted text safe to print: it cannot move a cursor or command a CI system."""

# Prefix of every line but the first: GitHub Actions runs lines that begin with `::`.
_LATER = "\n    | "


def plain(text: str) -> str:
    """Return `text` with every character escaped that is not printable, such as ESC.

    Line breaks stay, and every line after one begins with a marker.
    """
    lines = ("".join(map(_shown, line)) for line in text.expandtabs(4).splitlines())
    return _LATER.join(lines).replace("##[", "# #[")


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
