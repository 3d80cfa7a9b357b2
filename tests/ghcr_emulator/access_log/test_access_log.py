"""The access log: its entries, its filters, and the secrets that it never contains."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta

import pytest

from ghcr_emulator.access_log.log import AccessLog, Draft, Query

MANIFEST = "/v2/bytequester/closed/manifests/v1"
ACCEPT = {"Accept": "application/vnd.oci.image.manifest.v1+json"}


def test_pull_is_logged_in_full(ghcr):
    """An entry has the time, the caller, the credential, the target and the answer."""
    headers = {**ACCEPT, "User-Agent": "containerd/v2.3.4"}
    answer = ghcr.ask("GET", MANIFEST, caller="colleague", headers=headers)
    entry = asdict(ghcr.last_entry())
    time = datetime.fromisoformat(entry.pop("time"))

    assert time.utcoffset() == timedelta(0)
    assert entry == {
        "seq": 2,
        "method": "GET",
        "route": "manifest",
        "identity": "Colleague",
        "credential": "colleague",
        "token_kind": "classic",
        "user_agent": "containerd/v2.3.4",
        "repository": "bytequester/closed",
        "reference": "v1",
        "digest": answer.headers["docker-content-digest"],
        "bytes": len(answer.content),
        "status": 200,
        "credential_leaked": False,
    }


def test_time_is_utc_with_microseconds_and_a_z(ghcr):
    """The form of the time never depends on the time."""
    ghcr.ask("GET", "/v2/")

    assert len(ghcr.last_entry().time) == len("2026-11-24T03:04:33.000000Z")
    assert ghcr.last_entry().time.endswith("Z")


@pytest.mark.parametrize(
    ("request_line", "caller", "route"),
    [
        pytest.param("GET /v2/", "reader", "ping", id="ping"),
        pytest.param("GET /token", "nobody", "token", id="token"),
        pytest.param(f"GET {MANIFEST}", "reader", "manifest", id="manifest"),
        pytest.param("GET /v2/a/b/blobs/sha256:" + "0" * 64, "reader", "blob", id="blob"),
        pytest.param("POST /v2/a/b/blobs/uploads/", "reader", "upload", id="upload"),
        pytest.param("GET /v2/a/b/tags/list", "reader", "tags", id="tags"),
        pytest.param("GET /v2/_catalog", "reader", "catalog", id="catalog"),
        pytest.param(
            "GET /v2/a/b/referrers/sha256:" + "0" * 64, "reader", "referrers", id="referrers"
        ),
        pytest.param("GET /favicon.ico", "reader", "other", id="other"),
    ],
)
def test_every_request_has_a_class(ghcr, request_line, caller, route):
    """Each route of the registry is one of nine classes, whatever came of the request."""
    method, path = request_line.split(" ")
    ghcr.ask(method, path, caller=caller)

    assert ghcr.last_entry().route == route


@pytest.mark.parametrize("name", ["expired", "revoked"])
def test_rejected_credential_is_anonymous(ghcr, name):
    """The log names a rejected credential, but authenticates no account by it."""
    ghcr.token_for(name, "repository:bytequester/closed:pull")
    entry = ghcr.last_entry()

    assert (entry.credential, entry.identity, entry.status) == (name, None, 403)
    assert entry.repository == "bytequester/closed"


def test_uppercase_name_is_logged_as_asked(ghcr):
    """An invalid name is logged unchanged."""
    ghcr.ask("GET", "/v2/ByteQuester/closed/manifests/v1", caller="nobody")
    entry = ghcr.last_entry()

    assert (entry.repository, entry.route, entry.status) == ("ByteQuester/closed", "other", 404)


def test_head_sends_no_bytes(ghcr):
    """The length in a HEAD's headers is not counted, because no body was sent."""
    ghcr.ask("HEAD", "/v2/bytequester/closed/tags/list", caller="reader")
    entry = ghcr.last_entry()

    assert (entry.method, entry.status, entry.bytes) == ("HEAD", 200, 0)


def test_emulator_error_is_logged(ghcr, monkeypatch):
    """A request that ends in an error of the emulator is logged as 500."""
    monkeypatch.setattr("ghcr_emulator.registry_api.tags.page", None)

    with pytest.raises(TypeError):
        ghcr.ask("GET", "/v2/bytequester/closed/tags/list", caller="reader")

    assert ghcr.last_entry().status == 500


def test_no_secret_is_ever_written(ghcr):
    """The log has no tokens, users or queries in any form, for any kind of caller."""
    for caller in (
        "basic reader",
        "pat reader",
        "pat revoked",
        "reader",
        "anybody",
        "basic made-up",
    ):
        ghcr.ask("GET", f"{MANIFEST}?spill=ghp_query", caller=caller)
        ghcr.ask("GET", "/token?scope=repository:ghp_query:pull&account=ghp_query", caller=caller)
    issued = ghcr.token_for("reader").json()["token"]
    ghcr.ask("PUT", "/v2/bytequester/open/blobs/uploads/u?digest=ghp_query", caller="writer")
    written = "\n".join(ghcr.lines)

    assert len(ghcr.lines) > 12
    for secret in ("ghp_", "Z2hwX", "Z2hw", "Basic", "Bearer", "anyone", "spill", issued):
        assert secret not in written


def test_every_entry_is_one_line_of_json(ghcr):
    """Lines on stdout equal the entries of the control port."""
    ghcr.ask("GET", MANIFEST, caller="reader", headers=ACCEPT)
    given = ghcr.control("GET", "/log").json()["entries"]

    assert [json.loads(line) for line in ghcr.lines] == given


def test_log_is_bounded_and_counts_all():
    """A full log drops its oldest entries; numbers are never used twice."""
    log = AccessLog(capacity=3, sink=lambda _: None)
    for _ in range(5):
        log.add(Draft(time="", method="GET"))

    assert [entry.seq for entry in log.find(Query())] == [3, 4, 5]
    assert [entry.seq for entry in log.find(Query(since=5))] == [5]
    assert log.next == 6


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("identity=ByteQuester", ["reader"], id="identity"),
        pytest.param("identity=", ["revoked", None], id="nobody's identity"),
        pytest.param("credential=revoked", ["revoked"], id="credential"),
        pytest.param("credential=", [None], id="no credential"),
        pytest.param("token_kind=classic", ["reader", "revoked"], id="kind"),
        pytest.param("token_kind=", [None], id="no kind"),
        pytest.param("token_kind=workflow", [], id="other kind"),
        pytest.param("repository=bytequester/closed", ["reader", "revoked"], id="repository"),
        pytest.param("repository=bytequester/open", [None], id="other repository"),
        pytest.param("status=401", ["revoked", None], id="status"),
        pytest.param("status=200&credential=revoked", [], id="two at once"),
        pytest.param("since=2", ["revoked", None], id="since"),
        pytest.param("since=4", [], id="since the end"),
        pytest.param("digest=sha256:x", [], id="digest of nothing"),
    ],
)
def test_log_is_asked_by_field(ghcr, asked, found):
    """Each parameter narrows the answer; an empty one asks for entries without that field."""
    ghcr.ask("GET", MANIFEST, caller="pat reader", headers=ACCEPT)
    ghcr.ask("GET", MANIFEST, caller="pat revoked", headers=ACCEPT)
    ghcr.ask("GET", "/v2/bytequester/open/manifests/v1")

    entries = ghcr.control("GET", f"/log?{asked}").json()["entries"]

    assert [entry["credential"] for entry in entries] == found


def test_log_is_read_on_without_gap_or_repeat(ghcr):
    """The `next` of one answer works as the `since` of the next request."""
    ghcr.ask("GET", "/v2/")
    first = ghcr.control("GET", "/log").json()
    ghcr.ask("GET", "/v2/_catalog")
    second = ghcr.control("GET", f"/log?since={first['next']}").json()

    assert [entry["route"] for entry in first["entries"]] == ["ping"]
    assert [entry["route"] for entry in second["entries"]] == ["catalog"]
    assert ghcr.control("GET", f"/log?since={second['next']}").json()["entries"] == []
