"""Fault switches over HTTP: the answers of each kind, the requests that match, and the end."""

import asyncio
import gzip
import json

import httpx
import pytest

from ghcr_emulator.faults.body_transforms import WrongByte
from ghcr_emulator.faults.kinds import Hang, Slow
from ghcr_emulator.faults.matching import Switches
from tests.ghcr_emulator.conftest import (
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    SECRET,
    digest_of,
    manifest,
    send,
    until,
)

OPEN = "/v2/bytequester/open"
MANIFEST = f"{OPEN}/manifests/v1"
BLOB = f"{OPEN}/blobs/{digest_of(LAYER)}"
ACCEPT = {"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
LIMIT = "retry-after: 880.092µs, allowed: {}/minute"


@pytest.fixture(autouse=True)
def _blobs_come_at_once(ghcr):
    """Serve blobs in one answer; test_blob_redirects.py and the end of this file use redirects."""
    ghcr.control("PUT", "/assumptions", {"blobs": "inline"})


def error(code, message):
    """Return an error's body, byte for byte."""
    return f'{{"errors":[{{"code":"{code}","message":"{message}"}}]}}\n'.encode()


def on(ghcr, kind, **keys):
    """Switch a fault on through the control port."""
    answer = ghcr.control("PUT", "/switches/s", {"kind": kind, **keys})
    assert answer.status_code == 204, answer.text


def off(ghcr):
    """Switch the fault off through the control port."""
    assert ghcr.control("DELETE", "/switches/s").status_code == 204


def row(ghcr):
    """Return the one switch, as the control port lists it."""
    (only,) = ghcr.control("GET", "/switches").json()["switches"]
    return only


def pull(ghcr, path=MANIFEST, method="GET", caller="pat reader"):
    """Request existing content."""
    return ghcr.ask(method, path, caller=caller, headers=ACCEPT)


def fetch(ghcr, path):
    """Pull something, and follow a redirect to a blob."""
    answer = pull(ghcr, path)
    elsewhere = answer.headers.get("location")
    return send(ghcr.emulator, "GET", elsewhere, {}, None) if elsewhere else answer


UNAVAILABLE = error("UNAVAILABLE", "service unavailable")
TOLD = [
    ("GET", {"kind": "rate-limit"}, 429, error("TOOMANYREQUESTS", LIMIT.format(44000))),
    ("PUT", {"kind": "rate-limit"}, 429, error("TOOMANYREQUESTS", LIMIT.format(2000))),
    ("GET", {"kind": "outage", "status": 500}, 500, error("UNKNOWN", "unknown error")),
    ("GET", {"kind": "outage", "status": 502}, 502, UNAVAILABLE),
    ("GET", {"kind": "outage"}, 503, UNAVAILABLE),
    ("GET", {"kind": "outage", "status": 504}, 504, UNAVAILABLE),
    *(
        ("GET", {"kind": "outage", "status": status, "body": body}, status, told)
        for status, phrase in (
            (500, "Internal Server Error"),
            (502, "Bad Gateway"),
            (503, "Service Unavailable"),
            (504, "Gateway Timeout"),
        )
        for body, told in (("html", f"<html>{status} {phrase}</html>\n".encode()), ("empty", b""))
    ),
    ("GET", {"kind": "missing"}, 404, error("MANIFEST_UNKNOWN", "manifest unknown")),
    ("HEAD", {"kind": "missing"}, 404, b""),
    ("HEAD", {"kind": "rate-limit"}, 429, b""),
]


@pytest.mark.parametrize(
    ("method", "switch", "status", "body"),
    TOLD,
    ids=[f"{method} {' '.join(map(str, switch.values()))}" for method, switch, *_ in TOLD],
)
def test_switch_changes_answer(ghcr, method, switch, status, body):
    """The answer and the log have the fault, byte for byte; afterwards both are as before."""
    before = ghcr.storage.tags("bytequester/open")
    on(ghcr, **switch, route="manifest")
    told = pull(ghcr, method=method, caller="writer")
    logged = ghcr.last_entry()
    after_it = ghcr.storage.tags("bytequester/open")
    off(ghcr)

    assert (told.status_code, told.content) == (status, body)
    assert "retry-after" not in told.headers
    assert (logged.status, logged.bytes, logged.route) == (status, len(body), "manifest")
    assert (logged.credential, logged.repository) == ("writer", "bytequester/open")
    assert after_it == before
    assert pull(ghcr).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [("json", "application/json"), ("html", "text/html; charset=utf-8"), ("empty", None)],
)
def test_outage_says_what_its_body_is(ghcr, body, kind):
    """A page has the content type of a page, and an empty body is empty."""
    on(ghcr, "outage", body=body)

    assert pull(ghcr, caller="nobody").headers.get("content-type") == kind


def test_missing_blob_answers_404(ghcr):
    """Only a caller that may read the package gets the 404; others get their usual refusal."""
    on(ghcr, "missing", reference=digest_of(LAYER))
    told, stranger = pull(ghcr, BLOB), pull(ghcr, BLOB, caller="nobody")

    assert (told.status_code, told.content) == (
        404,
        error("BLOB_UNKNOWN", "blob unknown to registry"),
    )
    assert stranger.status_code == 401
    assert row(ghcr)["hits"] == 1


@pytest.mark.parametrize("path", [MANIFEST, BLOB])
def test_only_bytes_are_wrong(ghcr, path):
    """One byte differs; length and headers are those of the right content."""
    right = fetch(ghcr, path)
    on(ghcr, "wrong-bytes")
    wrong = fetch(ghcr, path)

    assert differing(right.content, wrong.content) == 1
    assert row(ghcr)["hits"] == 1
    for name in ("content-length", "docker-content-digest"):
        assert wrong.headers.get(name) == right.headers.get(name)
    assert digest_of(wrong.content) != digest_of(right.content)


def test_wrong_manifest_is_still_json(ghcr):
    """A client reports the wrong digest of a changed manifest, and no error of its JSON."""
    on(ghcr, "wrong-bytes")

    assert json.loads(pull(ghcr).content).keys() == json.loads(manifest("open")).keys()


def differing(one, other):
    """Return how many bytes differ."""
    return sum(first != second for first, second in zip(one, other, strict=True))


CONTENTS = {
    "gzip": gzip.compress(b"a layer" * 50),
    "JSON that ends with a digest": json.dumps({"digest": "sha256:" + "0f" * 32}).encode(),
    "JSON that ends with true": b'{"size":10,"empty_layer":true}',
    "letters": b"no digit",
    "signs": b"{}",
    "one byte": b"7",
    "nothing": b"",
}


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_one_byte_is_wrong_in_any_chunking(content, size):
    """The parts of a body may have any size, and the last one may be empty."""
    wrong, parts = WrongByte(), [content[i : i + size] for i in range(0, len(content), size)]
    out = b"".join(wrong.change(part, last=False) for part in parts) + wrong.change(b"", last=True)

    assert differing(content, out) == min(1, len(content))


@pytest.mark.parametrize("name", ["JSON that ends with a digest", "JSON that ends with true"])
def test_wrong_json_is_json(name):
    """A digit stays a digit; where there is a digit, no letter changes."""
    out = WrongByte().change(CONTENTS[name], last=True)

    assert json.loads(out).keys() == json.loads(CONTENTS[name]).keys()


def test_wrong_gzip_can_be_unpacked():
    """The changed byte is in the time of the gzip header."""
    assert gzip.decompress(WrongByte().change(CONTENTS["gzip"], last=True)) == b"a layer" * 50


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_digest_in_the_header_is_wrong(ghcr, method):
    """The content is right, and no content has the digest of the header."""
    right = pull(ghcr, method=method)
    on(ghcr, "wrong-digest")
    wrong = pull(ghcr, method=method)
    digest = wrong.headers["docker-content-digest"]

    assert wrong.content == right.content
    assert digest != right.headers["docker-content-digest"]
    assert pull(ghcr, f"{OPEN}/manifests/{digest}").status_code == 404


def test_refusal_is_not_altered(ghcr):
    """A 401 is not cut or changed."""
    for kind in ("wrong-bytes", "wrong-digest", "truncate", "missing"):
        on(ghcr, kind)

        assert pull(ghcr, caller="nobody").status_code == 401
        assert row(ghcr)["hits"] == 0


MATCHES = [
    ({"route": "manifest"}, True),
    ({"route": "blob"}, False),
    ({"method": "GET"}, True),
    ({"method": "HEAD"}, False),
    ({"repository": "bytequester/open"}, True),
    ({"repository": "bytequester/closed"}, False),
    ({"reference": "v1"}, True),
    ({"reference": "v2"}, False),
    ({"reference": digest_of(manifest("open"))}, True),
    ({"credential": "reader"}, True),
    ({"credential": "writer"}, False),
    ({"anonymous": True}, False),
    ({"route": "manifest", "method": "GET", "credential": "reader"}, True),
    ({"route": "manifest", "method": "GET", "credential": "writer"}, False),
]


@pytest.mark.parametrize(("match", "met"), MATCHES, ids=[str(match) for match, _ in MATCHES])
def test_switch_matches_its_request(ghcr, match, met):
    """A request must equal every field of the switch; a digest matches under a tag too."""
    on(ghcr, "outage", **match)
    told = pull(ghcr)

    assert told.status_code == (503 if met else 200)
    assert row(ghcr)["hits"] == (1 if met else 0)


def test_credential_is_matched_through_bearer(ghcr):
    """Two accounts pull the same image, and only one of them gets 429."""
    on(ghcr, "rate-limit", credential="colleague")

    given = [pull(ghcr, caller=who).status_code for who in ("pat colleague", "pat reader")]
    assert given == [429, 200]
    assert ghcr.token_for("colleague").status_code == 429


def test_anonymous_means_unknown_credential(ghcr):
    """`anonymous` matches at the token service and under /v2/."""
    on(ghcr, "outage", anonymous=True)

    assert pull(ghcr, caller="nobody").status_code == 503
    assert ghcr.token_for("nobody", "repository:bytequester/open:pull").status_code == 503
    assert ghcr.token_for("reader").status_code == 200


def test_token_service_fails_for_one_repository(ghcr):
    """The token service reads the repository from the scope."""
    on(ghcr, "outage", route="token", repository="bytequester/closed")

    scopes = ("repository:bytequester/closed:pull", "repository:bytequester/open:pull")
    assert [ghcr.token_for("reader", scope).status_code for scope in scopes] == [503, 200]


def test_failed_push_changes_nothing(ghcr):
    """The fault is applied before the registry gets the request."""
    on(ghcr, "outage", method="PUT")
    told = ghcr.ask("PUT", f"{OPEN}/manifests/v9", caller="writer", content=manifest("new"))
    off(ghcr)

    assert told.status_code == 503
    assert pull(ghcr, f"{OPEN}/manifests/v9").status_code == 404


def test_count_ends_it(ghcr):
    """After `count` hits answers are as before, and the entry shows the number of hits."""
    on(ghcr, "rate-limit", route="manifest", count=2)

    assert [pull(ghcr).status_code for _ in range(4)] == [429, 429, 200, 200]
    assert (row(ghcr)["hits"], row(ghcr)["count_left"], row(ghcr)["active"]) == (2, 0, False)


def test_time_ends_it(ghcr):
    """After `seconds` answers are as before."""
    now = [100.0]
    ghcr.switches.clock = lambda: now[0]
    on(ghcr, "rate-limit", route="manifest", seconds=30)
    seen = [(pull(ghcr).status_code, row(ghcr)["seconds_left"])]
    now[0] = 129.5
    seen.append((pull(ghcr).status_code, row(ghcr)["seconds_left"]))
    now[0] = 130
    seen.append((pull(ghcr).status_code, row(ghcr)["seconds_left"]))

    assert seen == [(429, 30), (429, 0.5), (200, 0)]
    assert row(ghcr)["active"] is False


def test_newest_switch_wins(ghcr):
    """A switch that is put again becomes the newest, and its hits restart."""
    ghcr.control("PUT", "/switches/a", {"kind": "rate-limit"})
    ghcr.control("PUT", "/switches/b", {"kind": "outage"})
    first = pull(ghcr, caller="nobody").status_code
    ghcr.control("PUT", "/switches/a", {"kind": "rate-limit"})
    second = pull(ghcr, caller="nobody").status_code
    ghcr.control("DELETE", "/switches")

    assert (first, second, pull(ghcr).status_code) == (503, 429, 200)


def test_idle_switch_leaves_older_one(ghcr):
    """A request that the newer switch does not alter gets the fault of the older switch."""
    ghcr.control("PUT", "/switches/a", {"kind": "outage", "method": "HEAD"})
    ghcr.control("PUT", "/switches/b", {"kind": "wrong-bytes"})

    assert [pull(ghcr, method=method).status_code for method in ("HEAD", "GET")] == [503, 200]


def play(ghcr, scene):
    """Run a scene with clients of the emulator and of its control port in one event loop."""

    async def run():
        given = {"Authorization": f"Bearer {SECRET}"}
        async with (
            httpx.AsyncClient(
                transport=httpx.ASGITransport(ghcr.emulator),
                base_url="https://ghcr.io",
                follow_redirects=True,
            ) as emulator,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(ghcr.control_app),
                base_url="http://control",
                headers=given,
            ) as control,
        ):
            return await scene(emulator, control)

    return asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize(
    "undo",
    [
        ("DELETE", "/switches/s", None),
        ("DELETE", "/switches", None),
        ("PUT", "/switches/s", {"kind": "truncate"}),
    ],
    ids=["off", "all off", "another in its place"],
)
def test_hang_lasts_until_it_is_undone(ghcr, undo):
    """The request is then answered as usual, with the body that came meanwhile."""
    given = {**ghcr.authorization("writer"), "Content-Type": OCI_MANIFEST}
    on(ghcr, "hang", route="manifest", count=1)

    async def scene(emulator, control):
        put = emulator.put(f"{OPEN}/manifests/v9", headers=given, content=manifest("new"))
        asked = asyncio.create_task(put)
        await until("it is met", lambda: next(iter(ghcr.switches)).hits)
        done, _ = await asyncio.wait({asked}, timeout=0.1)
        method, path, body = undo
        await control.request(method, path, json=body)
        return done, await asked

    done, answer = play(ghcr, scene)

    assert not done
    assert answer.status_code == 201
    assert ghcr.storage.tags("bytequester/open")["v9"] == digest_of(manifest("new"))


def test_hang_ends_by_itself():
    """A hang ends when its time is over."""
    switch = Switches().put("s", Hang.model_construct(seconds=0.05))

    assert asyncio.run(asyncio.wait_for(switch.over(), 5)) is True


def test_switch_wait_is_bounded():
    """A wait with a limit returns whether the switch is over."""
    switch = Switches().put("s", Slow(delay=1, seconds=60))

    assert asyncio.run(asyncio.wait_for(switch.over(within=0.01), 5)) is False


def timed(emulator, given):
    """Return a pull and the seconds that it took."""

    async def ask():
        started = asyncio.get_running_loop().time()
        answer = await emulator.get(BLOB, headers=given)
        return answer.content, asyncio.get_running_loop().time() - started

    return ask()


@pytest.mark.parametrize(
    "slow", [{"delay": 0.3}, {"bytes_per_second": 2000}], ids=["delay", "rate"]
)
def test_slow_answer_is_complete(ghcr, slow):
    """700 bytes at 2000 a second take 0.35 seconds."""
    given = ghcr.authorization("reader")
    # A document takes whole seconds, so model_construct() sets a delay that keeps the test quick.
    ghcr.switches.put("s", Slow.model_construct(repository="bytequester/open", **slow))

    content, seconds = play(ghcr, lambda emulator, _: timed(emulator, given))

    assert content == LAYER
    assert seconds >= 0.3


def test_slow_answer_ends_with_switch(ghcr):
    """The whole answer at one byte a second would take more than ten minutes."""
    given = ghcr.authorization("reader")
    on(ghcr, "slow", bytes_per_second=1, repository="bytequester/open")

    async def scene(emulator, control):
        asked = asyncio.create_task(timed(emulator, given))
        await until("it is met", lambda: next(iter(ghcr.switches)).hits)
        await control.delete("/switches/s")
        return await asked

    content, _ = play(ghcr, scene)

    assert content == LAYER


def test_row_says_what_was_asked_for(ghcr):
    """The entry has all parameters of the switch, and its hits."""
    on(ghcr, "outage", status=502, route="blob", method="GET", credential="reader", count=3)

    assert row(ghcr) == {
        "name": "s",
        "kind": "outage",
        "route": "blob",
        "method": "GET",
        "repository": None,
        "reference": None,
        "credential": "reader",
        "anonymous": False,
        "active": True,
        "hits": 0,
        "count_left": 3,
        "seconds_left": None,
    }


NO_KIND = (
    "the switch must have a 'kind' of rate-limit, outage, hang, close, reset, slow, truncate,"
    " wrong-bytes, wrong-digest, missing, certificate, plain-http, refuse"
)
COMMON = "kind, seconds, route, method, repository, reference, credential, anonymous, count"
REFUSED = [
    ({}, NO_KIND),
    ({"kind": "fire"}, NO_KIND),
    ({"kind": ["hang"]}, NO_KIND),
    ([], "the switch must be a mapping, and is a list"),
    ({"kind": "hang", "status": 500}, f"the switch has no key 'status'; the keys are {COMMON}"),
    (
        {"kind": "refuse", "count": 1},
        "the switch has no key 'count'; the keys are kind, seconds",
    ),
    (
        {"kind": "plain-http", "route": "blob"},
        "the switch has no key 'route'; the keys are kind, seconds, count",
    ),
    (
        {"kind": "outage", "status": 501},
        "'status' of the switch must be one of 500, 502, 503, 504",
    ),
    ({"kind": "outage", "body": "xml"}, "'body' of the switch must be one of json, html, empty"),
    ({"kind": "slow"}, "the switch needs one of 'delay' and 'bytes_per_second'"),
    ({"kind": "slow", "delay": 0}, "'delay' of the switch must be 1 or more"),
    ({"kind": "hang", "count": 0}, "'count' of the switch must be 1 or more"),
    ({"kind": "hang", "seconds": 10**30}, "'seconds' of the switch must be 1000000000 or less"),
    (
        {"kind": "hang", "seconds": 0.5},
        "'seconds' of the switch must be a whole number, and is a number",
    ),
    (
        {"kind": "hang", "count": 0, "anonymous": 1},
        (
            "'anonymous' of the switch must be true or false, and is a number\n"
            "'count' of the switch must be 1 or more"
        ),
    ),
    (
        {"kind": "hang", "method": "get"},
        "'method' of the switch must be one of GET, HEAD, POST, PUT, PATCH, DELETE",
    ),
    (
        {"kind": "hang", "anonymous": True, "credential": "reader"},
        "the switch has both 'anonymous' and 'credential', which exclude each other",
    ),
    (
        {"kind": "certificate"},
        "the switch lacks 'certificate'\nthe switch lacks 'key'",
    ),
    (
        {"kind": "certificate", "certificate": "secret", "key": "-----BEGIN secret"},
        "'certificate' of the switch must be a text in PEM's form",
    ),
    (
        {"kind": "certificate", "certificate": "-----BEGIN x", "key": "-----BEGIN secret"},
        "'certificate' and 'key' are no certificate and its key",
    ),
]


@pytest.mark.parametrize(
    ("content", "sentence"), REFUSED, ids=[json.dumps(content)[:50] for content, _ in REFUSED]
)
def test_wrong_switch_is_refused(ghcr, content, sentence):
    """The error names the key, and the switches that were on stay on."""
    on(ghcr, "rate-limit")
    answer = ghcr.control("PUT", "/switches/s", content)

    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
    assert row(ghcr)["kind"] == "rate-limit"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/switches/a%20b", 400),
        ("DELETE", "/switches/none", 404),
        ("POST", "/switches", 405),
    ],
)
def test_wrong_request_for_a_switch_is_refused(ghcr, method, path, status):
    """The error is JSON, as everywhere on the control port."""
    answer = ghcr.control(method, path, {"kind": "hang"})

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_switches_need_the_secret(ghcr, method):
    """A request without the secret cannot switch a fault."""
    path = "/switches/s" if method == "PUT" else "/switches"
    answer = ghcr.control(method, path, {"kind": "outage"}, secret="wrong")

    assert answer.status_code == 401
    assert list(ghcr.switches) == []


def stored(ghcr, switch=None, **keys):
    """Request a blob in the two steps of GHCR, with a switch on; return both answers."""
    ghcr.control("PUT", "/assumptions", {"blobs": "redirect"})
    if switch:
        on(ghcr, switch, **keys)
    sent_on = pull(ghcr, BLOB)
    there = sent_on.headers.get("location")
    return sent_on, ghcr.ask("GET", there) if there else None


def test_blob_switch_covers_storage(ghcr):
    """A switch for the registry's routes covers the second step of a blob too."""
    sent_on, wrong = stored(
        ghcr, "wrong-bytes", route="blob", repository="bytequester/open", credential="reader"
    )

    assert sent_on.status_code == 307
    assert differing(wrong.content, LAYER) == 1
    assert row(ghcr)["hits"] == 1


def test_other_repository_blobs_are_unaffected(ghcr):
    """A signed address identifies its repository."""
    _, content = stored(ghcr, "wrong-bytes", route="blob", repository="bytequester/other")

    assert content.content == LAYER
    assert row(ghcr)["hits"] == 0


def test_stored_blobs_may_be_meant_alone(ghcr):
    """A switch for stored blobs alone affects the storage, and not the registry."""
    sent_on, refused = stored(ghcr, "outage", status=503, route="stored-blob")

    assert (sent_on.status_code, refused.status_code) == (307, 503)


def test_refused_blob_answers_at_once(ghcr):
    """The registry refuses a blob itself, without a redirect to the storage."""
    refused, _ = stored(ghcr, "rate-limit", route="blob")

    assert refused.status_code == 429
