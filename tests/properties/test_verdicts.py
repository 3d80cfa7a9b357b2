"""Properties of signed verdicts: what is signed is read back, and nothing else."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jws

from pullrecovery.common.errors import UsageError
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.gate.verdict.document import (
    Checks,
    Decision,
    Failure,
    GateVerdict,
    Tier,
    VerdictError,
    from_document,
    to_document,
)
from pullrecovery.gate.verdict.signing import (
    TYPE,
    private_key,
    public_key,
    read,
    refusals,
    sign,
    verify,
)
from tests.fakes.verdicts import KEY, P256, expected, pem, public, verdict
from tests.properties.mutations import mutated_json, mutated_text

DOCUMENT = to_document(verdict())
SIGNED = {kind: sign(verdict(), key) for kind, key in (("Ed25519", KEY), ("P-256", P256))}
KEYS = {"Ed25519": public(), "P-256": public(P256)}
PEMS = [pem(key, private=private) for key in (KEY, P256) for private in (True, False)]
_TEXTS = st.text(max_size=12)
_LISTS = st.lists(_TEXTS, max_size=3).map(tuple)
_TIMES = st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
VERDICTS = st.builds(
    GateVerdict,
    **dict.fromkeys(("revision", "target", "suite", "suite_commit", "world", "kubernetes"), _TEXTS),
    issued=_TIMES,
    expires=_TIMES,
    workloads=st.lists(
        st.builds(
            JudgedRelease,
            **dict.fromkeys(
                ("name", "namespace", "chart_path", "chart", "reference", "image"), _TEXTS
            ),
            values_files=_LISTS,
        ),
        max_size=2,
    ).map(tuple),
    checks=st.builds(
        Checks,
        declared=_LISTS,
        optional=_LISTS,
        run=_LISTS,
        skipped=_LISTS,
        failed=st.lists(st.builds(Failure, _TEXTS, _TEXTS, _TEXTS, _TEXTS), max_size=2).map(tuple),
    ),
    partial=st.booleans(),
    doubts=_LISTS,
    tiers=st.lists(st.builds(Tier, _TEXTS, _TEXTS, st.floats(0, 1e6)), max_size=2).map(tuple),
    decision=st.sampled_from(Decision),
    reasons=_LISTS,
)


def _signed(payload):
    header = {"alg": "Ed25519", "typ": TYPE, "kid": KEY.thumbprint()}
    return jws.serialize_compact(header, payload, KEY, algorithms=["Ed25519"])


@given(judged=VERDICTS, kind=st.sampled_from(sorted(KEYS)))
def test_signed_verdict_reads_back(judged, kind):
    """Every field is that of the verdict that was signed."""
    key = {"Ed25519": KEY, "P-256": P256}[kind]

    assert read(sign(judged, key), KEYS[kind]) == judged


@given(document=mutated_json([DOCUMENT]).map(str.encode) | st.binary(max_size=80))
@example(document=b"[" * 20_000)
def test_signed_document_is_read_or_clear_error(document):
    """A valid signature does not help a document that is no verdict."""
    try:
        found = read(_signed(document), KEYS["Ed25519"])
    except VerdictError as error:
        assert str(error)
    else:
        assert from_document(to_document(found)) == found
        assert isinstance(refusals(found, expected()), list)


@given(kind=st.sampled_from(sorted(SIGNED)), at=st.integers(0, 5000), letter=st.characters())
def test_verdict_with_changed_letter_does_not_verify(kind, at, letter):
    """Another letter anywhere, also in the last one of the signature, is noticed."""
    text = SIGNED[kind]
    at %= len(text)
    changed = text[:at] + letter + text[at + 1 :]

    assert changed == text or verify(changed, KEYS[kind], expected()) != []


@given(kind=st.sampled_from(sorted(SIGNED)), data=st.data())
def test_verdict_with_more_letters_does_not_verify(kind, data):
    """Only white space around it is no change."""
    text = SIGNED[kind]
    at = data.draw(st.integers(0, len(text)))
    more = data.draw(st.text(min_size=1, max_size=4) | st.sampled_from(("=", "==", "!!!!", "AAAA")))
    changed = text[:at] + more + text[at:]

    assert changed.strip() == text or verify(changed, KEYS[kind], expected()) != []


@given(text=mutated_text(list(SIGNED.values())) | st.text(max_size=60) | st.binary().map(str))
@example(text="\ud800.a.b")
@example(text=f"{SIGNED['Ed25519'][:-1]}ä")
def test_mutated_signed_text_is_clear_error(text):
    """A text that was changed is no verdict, whatever is left of it."""
    try:
        assert read(text, KEYS["Ed25519"]) == verdict()
    except VerdictError as error:
        assert str(error)
    else:
        assert text.strip() == SIGNED["Ed25519"]


@given(
    header=st.dictionaries(
        st.sampled_from(("alg", "typ", "kid", "crit", "b64", "jwk", "zip")),
        st.sampled_from(
            ("none", "HS256", "Ed25519", TYPE, KEY.thumbprint(), ["b64"], False, None, {})
        ),
    )
    | st.just("text")
)
def test_any_header_is_clear_error(header):
    """A header that the key's owner did not write never verifies."""
    parts = SIGNED["Ed25519"].split(".")
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()

    assert verify(".".join([encoded, *parts[1:]]), KEYS["Ed25519"], expected()) != []


@given(text=mutated_text(PEMS) | st.text(max_size=60))
def test_mutated_key_is_read_or_clear_error(text):
    """The error names the source and repeats nothing of the key."""
    for reader in (private_key, public_key):
        try:
            reader(text, "gate.key")
        except UsageError as error:
            assert str(error).startswith("gate.key: ")
            assert not any(line in str(error) for pem_ in PEMS for line in pem_.splitlines()[1:-1])


@given(
    judged=st.just(verdict()),
    field=st.sampled_from(("revision", "target", "suite", "suite_commit", "world")),
    text=_TEXTS,
    hours=st.integers(-100, 100),
)
def test_verdict_on_something_else_is_refused(judged, field, text, hours):
    """A fact that differs from what is expected, or a time that is over, is a reason to hold."""
    assert refusals(judged, expected()) == []
    changed = replace(judged, **{field: text})
    moved = {name: getattr(judged, name) + timedelta(hours=hours) for name in ("issued", "expires")}

    assert changed == judged or refusals(changed, expected()) != [] or text == "live"
    assert (refusals(replace(judged, **moved), expected()) == []) == (-22 <= hours <= 1)
