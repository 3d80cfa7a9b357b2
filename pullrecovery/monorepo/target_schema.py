"""The keys of target.yaml with their types, and the grammars of the names that they hold.

Names reach programs as arguments, and shells in the commands that verdicts suggest.
"""

import re
from dataclasses import dataclass

KEYS = {
    "schema": int,
    "name": str,
    "registry": str,
    "owner": str,
    "login": str,
    "pullSecret": str,
    "privilege": str,
    "tokenPerNamespace": bool,
    "namespaces": list,
    "workloads": list,
    "docs": dict,
    "workflow": dict,
}
WORKLOAD_KEYS = {
    "name": str,
    "chart": str,
    "values": list,
    "namespace": str,
    "image": dict,
    "pullSecretsKey": str,
    "visibility": str,
    "app": str,
    "application": str,
}
DOCS_KEYS = {"folder": str, "page": str, "referring": list}
IMAGE_KEYS = {"repository": str, "tag": str}
WORKFLOW_KEYS = {
    "file": str,
    "repository": str,
    "branch": str,
    "release": str,
    "change": str,
    "dispatch": bool,
}
OPTIONAL = {
    "values",
    "privilege",
    "tokenPerNamespace",
    "visibility",
    "docs",
    "release",
    "dispatch",
    "application",
}

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


@dataclass(frozen=True)
class Name:
    """The grammar of one kind of name; `most` is how many characters it may have."""

    pattern: str
    most: int
    source: str

    def problem(self, what: str, text: str) -> str:
        """Return what is wrong with `text`, the value of the key `what`; '' where nothing is."""
        if len(text) <= self.most and re.fullmatch(self.pattern, text, re.ASCII):
            return ""
        return (
            f"{what} {text!r}: it must match {self.pattern} and be at most {self.most} characters"
            f" ({self.source})."
        )


# Of the target.
TOP_NAMES = {
    # With it a tag of 128 characters and a label of 63 are made.
    "name": Name(r"[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?", 44, "it names reports and verdicts"),
    "owner": Name(r"[a-z0-9][-a-z0-9_]*", 39, "a GitHub account, in lower case"),
    "login": Name(r"[A-Za-z0-9][-\w]*", 39, "a GitHub account"),
    "pullSecret": Name(rf"{_LABEL}(\.{_LABEL})*", 253, "a Secret's name, RFC 1123"),
}
# Of a workload. Helm takes a release's name of at most 53 characters.
WORKLOAD_NAMES = {
    "name": Name(_LABEL, 53, "a Helm release's name"),
    "pullSecretsKey": Name(r"[A-Za-z_][-\w]*(\.[A-Za-z_][-\w]*)*", 253, "a dotted values key"),
}
# Of the workflow. `git check-ref-format` allows more, and nothing that people use.
_REF = Name(r"[A-Za-z0-9](?!.*\.\.)(?!.*//)[-\w./+]*(?<![./])", 250, "a git branch or tag")
WORKFLOW_NAMES = {"branch": _REF}
RELEASE_NAMES = {"release": _REF}
