"""Classify GHCR's answers, in its own words and in the output of registry clients.

docker and crane print GHCR's messages unchanged, beside those for errors of their own;
docs/runner.md lists them, and docs/ghcr-emulator.md has the sources of GHCR's. docker omits the
message if it is the usual one for its code, and then prints only the code.
"""

import re
from enum import StrEnum, auto

from pullrecovery.model.probe import CommandResult, Probe
from pullrecovery.registry.failures import failure_in


class Meaning(StrEnum):
    """The result of a request to the registry."""

    FOUND = auto()
    NO_CREDENTIAL = auto()
    MISSING_OR_PRIVATE = auto()
    REJECTED = auto()
    SCOPE_MISSING = auto()
    SSO_MISSING = auto()
    CLASSIC_FORBIDDEN = auto()
    FORBIDDEN = auto()
    REPOSITORY_UNKNOWN = auto()
    MANIFEST_UNKNOWN = auto()
    INVALID_REFERENCE = auto()
    UNREACHABLE = auto()
    UNCLEAR = auto()


# The first match decides: GHCR's specific sentences begin with the general ones.
_RULES = (
    (Meaning.SCOPE_MISSING, r"does not match expected scopes"),
    (Meaning.SSO_MISSING, r"SAML enforcement"),
    (Meaning.CLASSIC_FORBIDDEN, r"forbids access via a personal access token \(classic\)"),
    (Meaning.FORBIDDEN, r"permission_denied: "),
    (Meaning.REJECTED, r"denied: denied\b|denied: invalid token"),
    (Meaning.MISSING_OR_PRIVATE, r"requested access to the resource is denied|: denied$"),
    (Meaning.NO_CREDENTIAL, r": unauthorized: authentication required|: unauthorized$"),
    (Meaning.REPOSITORY_UNKNOWN, r"name_unknown|\bname unknown$"),
    (Meaning.MANIFEST_UNKNOWN, r"manifest_unknown|\bmanifest unknown$|^no such manifest: "),
    (
        Meaning.INVALID_REFERENCE,
        (
            r"must be lowercase|can only contain the characters|invalid reference format"
            r"|could not parse reference"
        ),
    ),
)
_FORBIDDING_OWNER = re.compile(r"`(\S+)` forbids access")
_PATTERNS = tuple(
    (meaning, re.compile(rule, re.IGNORECASE | re.MULTILINE)) for meaning, rule in _RULES
)


def meaning_of(ran: CommandResult) -> Meaning:
    """Classify one command by its exit code and its error output."""
    if ran.rc == 0:
        return Meaning.FOUND
    if ran.timed_out or ran.met:
        return Meaning.UNREACHABLE
    return _read(ran.stderr or ran.stdout)


def meaning_of_probe(probe: Probe) -> Meaning:
    """Classify the answer to the suite's own probe, with the meanings used for commands."""
    if probe.ok:
        return Meaning.FOUND
    if probe.failure:
        return Meaning.UNREACHABLE
    return _read(f": {probe.code}: {probe.message}")


def forbidding_owner(probe: Probe) -> str:
    """The organisation that GHCR names in its answer CLASSIC_FORBIDDEN; '' if it names none."""
    named = _FORBIDDING_OWNER.search(probe.message)
    return named[1] if named else ""


def _read(text: str) -> Meaning:
    for meaning, pattern in _PATTERNS:
        if pattern.search(text.strip()):
            return meaning
    return Meaning.UNREACHABLE if failure_in(text) else Meaning.UNCLEAR
