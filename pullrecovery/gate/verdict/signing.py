"""Sign a verdict with the user's key, and verify a signed one against expectations.

The form is a compact JWS (RFC 7515), by Ed25519 (RFC 9864) or ES256: docs/adr/0018.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import BadSignatureError, DecodeError, JoseError
from joserfc.jwk import ECKey, OKPKey

from pullrecovery.common.errors import UsageError
from pullrecovery.gate.defaults import VALID_FOR
from pullrecovery.gate.releases import Deployed
from pullrecovery.gate.verdict.document import (
    Decision,
    GateVerdict,
    VerdictError,
    check,
    from_document,
    to_document,
)

Key = OKPKey | ECKey

TYPE = "pullrecovery-verdict+jws"
_ALGORITHMS = {"Ed25519": "Ed25519", "P-256": "ES256"}
_MAKE = "openssl genpkey -algorithm ed25519 -out gate.key"
_MAKE_PUBLIC = "openssl pkey -in gate.key -pubout -out gate.pub"
# Clocks differ by seconds; a larger difference is not a clock's.
_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class VerdictExpectation:
    """What a verdict must be about to let something through.

    `target` is the target's name. `deployed` maps every workload at stake to its files and
    namespace; with a chart of '', chart and values files are not compared. `images` has the current
    digest of every workload at stake in the registry, and `charts` the chart digests that the
    verifier knows. `criteria` must have been judged of each workload, by the suite with the version
    `suite` and the commit `suite_commit`, in one of `worlds`. A verdict older than `max_age` is
    held, whatever its expiry is.
    """

    revision: str
    target: str
    images: Mapping[str, str]
    deployed: Mapping[str, Deployed]
    criteria: frozenset[str]
    suite: str
    suite_commit: str
    now: datetime
    charts: Mapping[str, str] = field(default_factory=dict)
    worlds: frozenset[str] = frozenset({"lab", "live"})
    max_age: timedelta = VALID_FOR


def private_key(text: str, where: str) -> Key:
    """Return a signing key from PEM (PKCS #8, not encrypted); errors name its source `where`."""
    key = _key(text, where, f"Make one with `{_MAKE}`.")
    if not key.is_private:
        raise UsageError(f"{where}: a public key signs nothing; give the private one.")
    return key


def public_key(text: str, where: str) -> Key:
    """Return a verification key from PEM (SubjectPublicKeyInfo); errors name its source `where`."""
    key = _key(text, where, f"Make it with `{_MAKE_PUBLIC}`.")
    if key.is_private:
        problem = "a private key does not belong where verdicts are verified"
        raise UsageError(f"{where}: {problem}. Make the public one with `{_MAKE_PUBLIC}`.")
    return key


def sign(verdict: GateVerdict, key: Key) -> str:
    """Return the verdict and its signature as one text of three parts."""
    header = {"alg": _algorithm(key), "typ": TYPE, "kid": key.thumbprint()}
    payload = json.dumps(to_document(verdict), sort_keys=True)
    return jws.serialize_compact(header, payload, key, algorithms=[header["alg"]])


def read(signed: str, key: Key) -> GateVerdict:
    """Return the verdict that `key` signed.

    Raises VerdictError with the reason if there is none.
    """
    try:
        parsed = jws.extract_compact(signed.strip().encode())
        _check_header(parsed.headers(), key)
        found = jws.deserialize_compact(signed.strip(), key, algorithms=[_algorithm(key)])
        return from_document(json.loads(found.payload))
    except BadSignatureError as error:
        raise VerdictError("the signature does not fit: it was changed after signing") from error
    except (DecodeError, JoseError, ValueError, RecursionError) as error:
        raise VerdictError(f"the text is no signed verdict: {error}") from error


def verify(signed: str, key: Key, expected: VerdictExpectation) -> list[str]:
    """Return why `signed` does not let through what is expected; empty if it does."""
    try:
        verdict = read(signed, key)
    except VerdictError as error:
        return [str(error)]
    return refusals(verdict, expected)


def refusals(verdict: GateVerdict, expected: VerdictExpectation) -> list[str]:
    """Return why a verdict does not let through what is expected, whoever signed it."""
    origin = other_origin(verdict, expected)
    return [*_undecided(verdict), *origin, *_foreign(verdict, expected), *_empty(verdict, expected)]


def _undecided(verdict: GateVerdict) -> Iterator[str]:
    """Yield why the verdict's own decision, or its checks, do not promote."""
    decided = verdict.decided()
    if verdict.decision is not Decision.PROMOTE:
        yield from (f"{verdict.decision}: {each}" for each in verdict.reasons or ("no reason",))
    elif decided.decision is not Decision.PROMOTE:
        # The decision is derived again from the checks, whoever signed it.
        yield from (f"it says promote, and should not: {reason}" for reason in decided.reasons)


def _foreign(verdict: GateVerdict, expected: VerdictExpectation) -> Iterator[str]:
    """Yield why the verdict is of another target, environment, chart or image."""
    if verdict.target != expected.target:
        yield f"the verdict is on target {verdict.target}, and not on {expected.target}"
    yield from _elsewhere(verdict, expected)
    if not expected.images:
        yield "nothing is expected: no workload's image was named"
    for name, digest in expected.images.items():
        judged = verdict.workload(name)
        if judged is None:
            yield f"the verdict says nothing of the workload {name}"
        elif not digest or judged.image != digest:
            seen, now = judged.image or "none", digest or "known now"
            yield f"{name}: the image judged is {seen}, and not {now}"
    for name, digest in expected.charts.items():
        judged = verdict.workload(name)
        if judged and judged.chart != digest:
            yield f"{name}: the chart judged is {judged.chart}, and not {digest}"


def _elsewhere(verdict: GateVerdict, expected: VerdictExpectation) -> Iterator[str]:
    """Yield where a workload is deployed otherwise than it was judged."""
    for name in expected.images:
        judged, wanted = verdict.workload(name), expected.deployed.get(name)
        if wanted is None:
            yield f"nothing is expected: where {name} is deployed was not named"
        elif judged and judged.namespace != wanted.namespace:
            yield f"{name}: it was judged for {judged.namespace}, and not for {wanted.namespace}"
        if judged and wanted and wanted.chart:
            yield from _otherwise(name, "the chart", judged.chart_path, wanted.chart)
            seen, now = (" ".join(each) or "none" for each in (judged.values_files, wanted.values))
            yield from _otherwise(name, "values files", seen, now)


def _otherwise(name: str, what: str, judged: str, deployed: str) -> Iterator[str]:
    if judged != deployed:
        yield f"{name}: {what} {judged} judged, and {deployed} deployed"


def other_origin(verdict: GateVerdict, expected: VerdictExpectation) -> Iterator[str]:
    """Yield why a verdict is not of this revision, time, suite and world."""
    if verdict.revision != expected.revision:
        yield f"the verdict is on revision {verdict.revision}, and not on {expected.revision}"
    if verdict.issued > expected.now + _SKEW:
        yield f"the verdict was issued in the future, at {verdict.issued.isoformat()}"
    if verdict.expires <= expected.now:
        yield f"the verdict expired at {verdict.expires.isoformat()}"
    if expected.now - verdict.issued > expected.max_age:
        hours = expected.max_age / timedelta(hours=1)
        yield f"the verdict was issued at {verdict.issued.isoformat()}, over {hours:g} hours ago"
    if verdict.suite != expected.suite:
        yield f"the verdict is of suite {verdict.suite}, and not of {expected.suite}"
    if not expected.suite_commit:
        yield "this suite is neither a git checkout nor an image of one, so its commit is unknown"
    elif verdict.suite_commit != expected.suite_commit:
        found = verdict.suite_commit or "unknown"
        yield f"the commit of the verdict's suite is {found}, and not {expected.suite_commit}"
    if verdict.world not in expected.worlds:
        yield f"the verdict was found in the {verdict.world} world, which is not taken here"


def _empty(verdict: GateVerdict, expected: VerdictExpectation) -> Iterator[str]:
    """Yield the expected checks that the verdict did not judge or had as optional."""
    if not expected.criteria:
        yield "nothing is expected: no criterion was named"
    wanted = [check(name, reg) for name in expected.images for reg in sorted(expected.criteria)]
    yield from (f"{each} was not judged" for each in wanted if each not in verdict.checks.run)
    yield from (f"{each} was optional" for each in wanted if each in verdict.checks.optional)


def _check_header(header: Mapping[str, Any], key: Key) -> None:
    """Raise VerdictError unless the header names this key and the key's algorithm."""
    wanted, named = _algorithm(key), header.get("alg")
    if named != wanted:
        raise VerdictError(f"it is signed by {named!r}, and not by {wanted}, as this key signs")
    if header.get("typ") != TYPE:
        raise VerdictError(f"what is signed is a {header.get('typ')!r}, and no {TYPE}")
    if header.get("kid") != key.thumbprint():
        raise VerdictError(f"it is signed with another key than {key.thumbprint()}")


def _algorithm(key: Key) -> str:
    return _ALGORITHMS[key.curve_name]


def _key(text: str, where: str, fix: str) -> Key:
    problem = "no PEM of a key is there"
    for kind in (OKPKey, ECKey) if "-----BEGIN " in text else ():
        try:
            key: Key = kind.import_key(text.strip())
        except TypeError:
            problem = "the key is encrypted; take its password off with `openssl pkey`"
        except (ValueError, JoseError):
            problem = "the key is neither Ed25519 nor P-256"
        else:
            if key.curve_name in _ALGORITHMS:
                return key
    raise UsageError(f"{where}: {problem}. {fix}")
