"""The grammars of the names in target.yaml.

Names become arguments of programs, and part of shell commands that verdicts suggest.
"""

import re
from dataclasses import dataclass

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


@dataclass(frozen=True)
class Name:
    """The grammar of one kind of name; `most` is its maximum length in characters."""

    pattern: str
    most: int
    source: str

    def problem(self, text: str) -> str:
        """Return why `text` is invalid; '' if it is valid."""
        if len(text) <= self.most and re.fullmatch(self.pattern, text, re.ASCII):
            return ""
        return (
            f"is {text[:80]!r}; it must match {self.pattern} and be at most {self.most} characters"
            f" ({self.source})"
        )


# A tag of at most 128 characters and a label of at most 63 are built from it.
TARGET = Name(r"[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?", 44, "it names reports and verdicts")
OWNER = Name(r"[a-z0-9][-a-z0-9_]*", 39, "a GitHub account, in lower case")
LOGIN = Name(r"[A-Za-z0-9][-\w]*", 39, "a GitHub account")
SECRET = Name(rf"{_LABEL}(\.{_LABEL})*", 253, "a Secret's name, RFC 1123")
# Leaves room for the suffix that scenarios add.
NAMESPACE = Name(_LABEL, 56, "a namespace's name, a DNS label")
# Helm accepts a release name of at most 53 characters.
RELEASE = Name(_LABEL, 53, "a Helm release's name")
VALUES_KEY = Name(r"[A-Za-z_][-\w]*(\.[A-Za-z_][-\w]*)*", 253, "a dotted values key")
# `git check-ref-format` allows more, but only names that are unusual in practice.
REF = Name(r"[A-Za-z0-9](?!.*\.\.)(?!.*//)[-\w./+]*(?<![./])", 250, "a git branch or tag")
REPOSITORY = Name(r"[A-Za-z0-9][-A-Za-z0-9]*/[-.\w]+", 140, "a repository on GitHub, Owner/name")
