"""The `gate sign` command checks a judged record again and signs it, in a separate process.

It has the private key, so it reads nothing of the target and runs no program of it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.secret_variables import SIGNING_KEY
from pullrecovery.common.suite_files import SCHEMAS
from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.gate.defaults import WORLDS
from pullrecovery.gate.verdict.document import Decision, GateVerdict, VerdictError, from_document
from pullrecovery.gate.verdict.keys import signing_key
from pullrecovery.gate.verdict.signing import VerdictExpectation, other_origin, refusals, sign
from pullrecovery.gate.verdict.verify import REQUIRED

SCHEMA = SCHEMAS / "gate-verdict.schema.json"
# The maximum age of a record, which may wait for its signature as long as a CI job runs.
_FRESH = timedelta(hours=2)
# Bytes; a verdict has some thousands.
_LONGEST = 1_000_000


@dataclass(frozen=True)
class Signing:
    """The judged record, the file of the key, and the file for the signed verdict.

    `key` is None if PULL_RECOVERY_GATE_KEY has the key. `revision` is the full commit id that the
    record must be about; '' accepts the one in the record.
    """

    record: Path
    key: Path | None
    revision: str
    out: Path


def run_sign(signing: Signing) -> int:
    """Sign the record; return 0 once it is signed, whatever its decision is.

    Raises VerdictError if the record is not a complete verdict of this suite, and UsageError if
    there is no key. Both also remove an earlier signature.
    """
    signing.out.unlink(missing_ok=True)
    verdict = checked_record(_content(signing.record), signing.revision, datetime.now(UTC))
    key = signing_key(signing.key)
    if key is None:
        raise UsageError(
            f"A private key is needed: name its file with --key, or set {SIGNING_KEY}."
        )
    signing.out.write_text(sign(verdict, key) + "\n", encoding="ascii")
    print(f"signed {verdict.decision} on {verdict.revision} with {key.thumbprint()}: {signing.out}")
    return int(Exit.PASS)


def checked_record(text: str, revision: str, now: datetime) -> GateVerdict:
    """Return the verdict in the text.

    Raises VerdictError with the reason if it must not be signed.
    """
    document = _document(text)
    verdict = from_document(document)
    decided = verdict.decided()
    if (decided.decision, decided.reasons) != (verdict.decision, verdict.reasons):
        raise VerdictError(
            f"the record says {verdict.decision}, and from its checks follows {decided.decision}:"
            f" {'; '.join(decided.reasons) or 'no reason'}"
        )
    names = [judged.name for judged in verdict.workloads]
    if len(set(names)) < len(names):
        raise VerdictError("the record has a workload twice")
    wrong = _wrong(verdict, revision or verdict.revision, now)
    if wrong:
        raise VerdictError(f"the record is not signed: {'; '.join(wrong)}")
    return verdict


def _wrong(verdict: GateVerdict, revision: str, now: datetime) -> list[str]:
    """Return why a verifier would reject the record.

    A record whose decision is not promote is signed too; only its origin is compared.
    """
    expected = VerdictExpectation(
        revision=revision,
        target=verdict.target,
        deployed={judged.name: judged.deployed for judged in verdict.workloads},
        images={judged.name: judged.image for judged in verdict.workloads},
        criteria=REQUIRED,
        suite=suite_version(),
        suite_commit=suite_commit(),
        now=now,
        worlds=frozenset(WORLDS),
        max_age=_FRESH,
    )
    promotes = verdict.decision is Decision.PROMOTE
    return refusals(verdict, expected) if promotes else list(other_origin(verdict, expected))


def _document(text: str) -> Any:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VerdictError(f"the record is no JSON: {type(error).__name__}: {error}") from error
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    wrong = next(Draft202012Validator(schema).iter_errors(document), None)
    if wrong:
        where = "/".join(str(part) for part in wrong.absolute_path) or "the whole"
        raise VerdictError(f"the record does not fit {SCHEMA.name}: {where}: {wrong.message[:200]}")
    return document


def _content(file: Path) -> str:
    try:
        if file.stat().st_size > _LONGEST:
            raise VerdictError(f"the record {file} has more than {_LONGEST} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The record {file} cannot be read: {error}") from error
