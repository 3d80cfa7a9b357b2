"""The grammars of the names that target.yaml holds.

Names reach programs as arguments, and shells in the commands that verdicts suggest.
"""

import re
from dataclasses import dataclass

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


@dataclass(frozen=True)
class Name:
    """The grammar of one kind of name; `most` is how many characters it may have."""

    pattern: str
    most: int
    source: str

    def problem(self, text: str) -> str:
        """Return what is wrong with `text`; '' where nothing is."""
        if len(text) <= self.most and re.fullmatch(self.pattern, text, re.ASCII):
            return ""
        return (
            f"is {text[:80]!r}; it must match {self.pattern} and be at most {self.most} characters"
            f" ({self.source})"
        )


# With it a tag of 128 characters and a label of 63 are made.
TARGET = Name(r"[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?", 44, "it names reports and verdicts")
OWNER = Name(r"[a-z0-9][-a-z0-9_]*", 39, "a GitHub account, in lower case")
LOGIN = Name(r"[A-Za-z0-9][-\w]*", 39, "a GitHub account")
SECRET = Name(rf"{_LABEL}(\.{_LABEL})*", 253, "a Secret's name, RFC 1123")
# With room for the suffix that scenarios add.
NAMESPACE = Name(_LABEL, 56, "a namespace's name, a DNS label")
# Helm takes a release's name of at most 53 characters.
RELEASE = Name(_LABEL, 53, "a Helm release's name")
VALUES_KEY = Name(r"[A-Za-z_][-\w]*(\.[A-Za-z_][-\w]*)*", 253, "a dotted values key")
# `git check-ref-format` allows more, and nothing that people use.
REF = Name(r"[A-Za-z0-9](?!.*\.\.)(?!.*//)[-\w./+]*(?<![./])", 250, "a git branch or tag")
REPOSITORY = Name(r"[A-Za-z0-9][-A-Za-z0-9]*/[-.\w]+", 140, "a repository on GitHub, Owner/name")
