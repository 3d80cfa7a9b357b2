"""A signed verdict promotes exactly its own subject; every other case holds by name."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from pullrecovery.common.errors import UsageError
from pullrecovery.gate.verdict.document import Checks, Decision, Failure, VerdictError, to_document
from pullrecovery.gate.verdict.signing import TYPE, private_key, public_key, read, sign, verify
from pullrecovery.model.verdict import Cause
from tests.fakes.verdicts import (
    JUDGED,
    KEY,
    NOW,
    OTHER_CHART,
    OTHER_IMAGE,
    OTHER_KEY,
    OTHER_REVISION,
    P256,
    SUITE,
    SUITE_COMMIT,
    checks,
    expected,
    pem,
    public,
    verdict,
)

STALE = Failure("frontend REG-006", Cause.RELEASE_STALE)


def _part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _edited(**changes):
    """Return a signed verdict that was changed afterwards."""
    header, _, signature = sign(verdict(), KEY).split(".")
    return ".".join([header, _part(to_document(verdict()) | changes), signature])


def _unsigned():
    header = {"alg": "none", "typ": TYPE, "kid": KEY.thumbprint()}
    return f"{_part(header)}.{_part(to_document(verdict()))}."


def _by_public_key_as_password():
    """Return a verdict signed by HMAC with the public key as its secret."""
    header = {"alg": "HS256", "typ": TYPE, "kid": KEY.thumbprint()}
    secret = OctKey.import_key(public().as_dict(private=False)["x"] * 2)
    payload = json.dumps(to_document(verdict()))
    return jws.serialize_compact(header, payload, secret, algorithms=["HS256"])


def _of_a_document(document, **header):
    """Return a document signed by the right key, whatever its content."""
    header = {"alg": "Ed25519", "typ": TYPE, "kid": KEY.thumbprint()} | header
    return jws.serialize_compact(header, json.dumps(document), KEY, algorithms=["Ed25519"])


def _claimed(**changes):
    """Return a signed verdict that promotes against its own checks."""
    said = replace(verdict(**changes), decision=Decision.PROMOTE, reasons=())
    return sign(said, KEY)


def _by_another_key_of_the_same_name():
    header = {"alg": "Ed25519", "typ": TYPE, "kid": KEY.thumbprint()}
    payload = json.dumps(to_document(verdict()))
    return jws.serialize_compact(header, payload, OTHER_KEY, algorithms=["Ed25519"])


GOOD = sign(verdict(), KEY)

HELD = {
    "edited": (_edited(decision="promote"), {}, "changed after signing"),
    "another signature": (
        f"{GOOD.rpartition('.')[0]}.{_part(bytes(64))}",
        {},
        "changed after signing",
    ),
    "wrong key": (sign(verdict(), OTHER_KEY), {}, "with another key than"),
    "wrong key under the right name": (
        _by_another_key_of_the_same_name(),
        {},
        "changed after signing",
    ),
    "alg none": (_unsigned(), {}, "signed by 'none', and not by Ed25519"),
    "public key as password": (_by_public_key_as_password(), {}, "signed by 'HS256'"),
    "wrong algorithm": (sign(verdict(), P256), {}, "signed by 'ES256', and not by Ed25519"),
    "another kind of token": (_of_a_document(to_document(verdict()), typ="JWT"), {}, "no pull"),
    "unknown schema": (
        _of_a_document(to_document(verdict()) | {"schema": 2}),
        {},
        "schema is 2, and 1 is what is known here",
    ),
    "no verdict": (_of_a_document({"schema": 1}), {}, "no verdict of schema 1"),
    "a list": (_of_a_document([]), {}, "no JSON object"),
    "empty file": ("", {}, "no signed verdict"),
    "unsigned JSON": (json.dumps(to_document(verdict())), {}, "no signed verdict"),
    "other sha": (
        GOOD,
        {"revision": OTHER_REVISION},
        f"and not on {OTHER_REVISION}",
    ),
    "other image digest": (
        GOOD,
        {"images": {"frontend": OTHER_IMAGE}},
        f"frontend: the image judged is {JUDGED.image}, and not {OTHER_IMAGE}",
    ),
    "digest not known now": (GOOD, {"images": {"frontend": ""}}, "and not known now"),
    "other chart digest": (
        GOOD,
        {"charts": {"frontend": OTHER_CHART}},
        f"frontend: the chart judged is {JUDGED.chart}, and not {OTHER_CHART}",
    ),
    "other workload": (
        GOOD,
        {"images": {"backend": JUDGED.image}},
        "says nothing of the workload backend",
    ),
    "expired": (GOOD, {"now": NOW + timedelta(hours=23)}, "the verdict expired at"),
    "issued in the future": (
        GOOD,
        {"now": NOW - timedelta(hours=1, minutes=2)},
        "issued in the future",
    ),
    "older than the verifier takes": (
        GOOD,
        {"max_age": timedelta(minutes=59)},
        "issued at 2026-11-24T11:00:00+00:00, over 0.983333 hours ago",
    ),
    "other commit of the suite": (
        GOOD,
        {"suite_commit": "f" * 40},
        f"the commit of the verdict's suite is {SUITE_COMMIT}, and not {'f' * 40}",
    ),
    "suite of no commit": (
        sign(verdict(suite_commit=""), KEY),
        {},
        f"suite is unknown, and not {SUITE_COMMIT}",
    ),
    "verifier of no commit": (GOOD, {"suite_commit": ""}, "so its commit is unknown"),
    "a failure made optional": (
        sign(verdict(checks=checks(failed=(STALE,), optional=(STALE.check,))), KEY),
        {},
        "frontend REG-006 was optional",
    ),
    "other suite": (GOOD, {"suite": "0.2.0"}, f"of suite {SUITE}, and not of 0.2.0"),
    "other world": (GOOD, {"worlds": frozenset({"live"})}, "found in the lab world"),
    "zero tests": (_claimed(checks=checks(run=())), {}, "nothing was judged"),
    "nothing declared": (_claimed(checks=Checks()), {}, "frontend REG-001 was not judged"),
    "all skipped": (
        _claimed(checks=checks(run=(), skipped=checks().declared)),
        {},
        "a skipped test is no pass: frontend REG-005",
    ),
    "one left out by -k": (_claimed(partial=True), {}, "not every check was selected"),
    "missing criterion": (
        _claimed(checks=checks(run=checks().declared[:2], declared=checks().declared[:2])),
        {},
        "frontend REG-006 was not judged",
    ),
    "a criterion it does not know": (
        GOOD,
        {"criteria": frozenset({"REG-002"})},
        "frontend REG-002 was not judged",
    ),
    "a failure behind a promotion": (
        _claimed(checks=checks(failed=(STALE,))),
        {},
        "says promote, and should not: frontend REG-006: cluster.release-stale",
    ),
    "a doubt behind a promotion": (
        _claimed(doubts=("lab: timed out",)),
        {},
        "says promote, and should not: lab: timed out",
    ),
    "hold": (
        sign(verdict(checks=checks(failed=(STALE,))), KEY),
        {},
        "hold: frontend REG-006: cluster.release-stale",
    ),
    "cannot tell": (sign(verdict(doubts=("late",)), KEY), {}, "cannot-tell: late"),
    "no workload asked for": (GOOD, {"images": {}}, "no workload's image was named"),
    "no criterion asked for": (GOOD, {"criteria": frozenset()}, "no criterion was named"),
}


@pytest.mark.parametrize(("signed", "changes", "reason"), HELD.values(), ids=HELD)
def test_other_verdicts_hold_with_reason(signed, changes, reason):
    """An empty, a foreign and a forged verdict each have a reason of one sentence."""
    reasons = verify(signed, public(), expected(**changes))

    assert any(reason in each for each in reasons), reasons


@pytest.mark.parametrize("key", [KEY, P256], ids=["Ed25519", "ES256"])
def test_expected_verdict_is_let_through(key):
    """The expected verdict is the control of the table above."""
    assert verify(sign(verdict(), key), public(key), expected()) == []


def test_small_clock_skew_holds_nothing():
    """Clocks of machines differ by seconds."""
    behind = NOW - timedelta(hours=1, seconds=30)

    assert verify(GOOD, public(), expected(now=behind)) == []


def test_a_verdict_is_read_as_it_was_signed():
    """All fields survive signing and reading."""
    assert read(f"{GOOD}\n", public()) == verdict()


def test_changed_verdict_is_refused():
    """A change of any character makes the verdict invalid."""
    header, payload, signature = GOOD.split(".")
    for at in (0, len(header) + 1, len(header) + len(payload) + 2, len(GOOD) - 10):
        other = "B" if GOOD[at] == "A" else "A"
        with pytest.raises(VerdictError):
            read(GOOD[:at] + other + GOOD[at + 1 :], public())
    assert signature


def test_keys_are_read_from_pem():
    """Keys have the form of `openssl genpkey` and `openssl pkey -pubout`."""
    for key in (KEY, P256):
        assert private_key(pem(key), "gate.key").thumbprint() == key.thumbprint()
        assert public_key(pem(key, private=False), "gate.pub").thumbprint() == key.thumbprint()


ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("reader", "text", "problem"),
    [
        (private_key, "", "gate.key: no PEM of a key is there. Make one with `openssl genpkey"),
        (private_key, pem(KEY, private=False), "gate.key: a public key signs nothing"),
        (private_key, pem(RSAKey.generate_key(2048)), "neither Ed25519 nor P-256"),
        (private_key, pem(ECKey.generate_key("P-384")), "neither Ed25519 nor P-256"),
        (private_key, pem(OKPKey.generate_key("X25519")), "neither Ed25519 nor P-256"),
        (private_key, pem(KEY)[:60], "neither Ed25519 nor P-256"),
        (public_key, pem(KEY), "gate.key: a private key does not belong where verdicts are"),
        (public_key, "ssh-ed25519 AAAA", "no PEM of a key is there. Make it with `openssl pkey"),
    ],
    ids=["empty", "public", "RSA", "P-384", "X25519", "cut off", "private", "ssh"],
)
def test_a_key_of_no_use_is_one_clear_error(reader, text, problem):
    """The error names the source of the key, and what to do."""
    with pytest.raises(UsageError) as error:
        reader(text, "gate.key")

    assert problem in str(error.value)


def test_an_encrypted_key_is_named_as_such():
    """An encrypted key would need a password, for which a pipeline cannot prompt."""
    from cryptography.hazmat.primitives import serialization

    locked = KEY.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()

    assert locked.startswith(ENCRYPTED)
    with pytest.raises(UsageError, match=r"gate.key: the key is encrypted"):
        private_key(locked, "gate.key")
