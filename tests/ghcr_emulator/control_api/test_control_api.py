"""The control port: its authentication, its documents, and refusals that change nothing."""

import copy

import pytest

GOOD = {"token": "ghp_fresh", "login": "Somebody", "scopes": ["read:packages"]}
CREDENTIAL = "/credentials/fresh"
PACKAGE = "/packages/bytequester/fresh"


def rows(ghcr):
    """Return all that the control port can change."""
    state = ghcr.state
    return copy.deepcopy((state._credentials, state._packages, state._owners))


@pytest.mark.parametrize("secret", [None, "", "wrong", "the-control-secret-of-the-test"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/log"),
        ("PUT", CREDENTIAL),
        ("DELETE", "/credentials/reader"),
        ("DELETE", "/packages/bytequester/open"),
        ("DELETE", "/packages/bytequester/open/tags/v1"),
        ("GET", "/nothing"),
    ],
)
def test_missing_secret_is_refused(ghcr, method, path, secret):
    """Every path answers 401 alike, and nothing changes."""
    before, tags = rows(ghcr), ghcr.storage.tags("bytequester/open")
    answer = ghcr.control(method, path, GOOD, secret=secret)

    assert answer.status_code == 401
    assert answer.json() == {"error": "the control secret is missing or wrong"}
    assert (rows(ghcr), ghcr.storage.tags("bytequester/open")) == (before, tags)


def test_health_names_this_life(ghcr):
    """The instance is the same for as long as the state lives."""
    first, second = (ghcr.control("GET", "/healthz").json() for _ in range(2))

    assert first["ok"] is True
    assert len(first["instance"]) == 16
    assert first == second


def test_credential_works_as_soon_as_it_is_put(ghcr):
    """A credential is valid as soon as it is put."""
    assert ghcr.control("PUT", CREDENTIAL, GOOD).status_code == 204

    assert ghcr.ask("GET", "/v2/", caller="fresh").status_code == 200


def test_credential_is_revoked_by_put(ghcr):
    """A PUT replaces the whole credential and voids its bearer tokens."""
    ghcr.control("PUT", CREDENTIAL, GOOD)
    given = ghcr.authorization("fresh")
    ghcr.control("PUT", CREDENTIAL, {**GOOD, "revoked": True})

    assert ghcr.ask("GET", "/v2/", headers=given).status_code == 401
    assert ghcr.token_for("fresh").status_code == 403


def test_deleted_credential_is_invalid(ghcr):
    """A deleted token is answered like an unknown one."""
    assert ghcr.control("DELETE", "/credentials/reader").status_code == 204

    assert ghcr.token_for("reader").status_code == 403
    assert ghcr.last_entry().credential is None


def test_package_changes_hands(ghcr):
    """Visibility and readers are those of the newest PUT."""
    path = "/packages/bytequester/closed"
    assert ghcr.ask("GET", "/v2/bytequester/closed/tags/list", caller="stranger").status_code == 403
    ghcr.control("PUT", path, {"visibility": "private", "readers": ["stranger"]})

    assert ghcr.ask("GET", "/v2/bytequester/closed/tags/list", caller="stranger").status_code == 200


def test_package_can_lie_deeper(ghcr):
    """A name with slashes is one package."""
    ghcr.control("PUT", "/packages/bytequester/team/app", {"visibility": "public"})

    answer = ghcr.token_for("nobody", "repository:bytequester/team/app:pull")

    assert answer.status_code == 200


def test_deleted_package_is_unknown(ghcr):
    """DELETE hides a package and its content; PUT brings both back."""
    tags, package = "/v2/bytequester/open/tags/list", "/packages/bytequester/open"
    assert ghcr.control("DELETE", package).status_code == 204
    gone = ghcr.ask("GET", tags, caller="reader")
    ghcr.control("PUT", package, {"visibility": "public"})

    assert gone.json()["errors"][0]["code"] == "NAME_UNKNOWN"
    assert ghcr.ask("GET", tags, caller="reader").json()["tags"] == ["multi", "v1"]


def test_only_creators_make_packages(ghcr):
    """Only the creators of the last PUT may create packages."""
    path = "/v2/bytequester/new/blobs/uploads/"
    ghcr.control("PUT", "/owners/bytequester", {"creators": ["Stranger"]})

    assert ghcr.ask("POST", path, caller="stranger").status_code == 202
    assert ghcr.ask("POST", path, caller="maker").status_code == 403
    assert ghcr.control("DELETE", "/owners/bytequester").status_code == 204
    assert ghcr.ask("POST", path, caller="stranger").status_code == 403


def test_deleted_tag_is_gone(ghcr):
    """A deleted tag is missing in the list and by its name."""
    assert ghcr.control("DELETE", "/packages/bytequester/closed/tags/v1").status_code == 204

    listed = ghcr.ask("GET", "/v2/bytequester/closed/tags/list", caller="reader")
    pulled = ghcr.ask("GET", "/v2/bytequester/closed/manifests/v1", caller="reader")
    assert listed.json()["tags"] == ["multi"]
    assert pulled.json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize(
    "path",
    [
        "/credentials/none",
        "/owners/none",
        "/packages/bytequester/none",
        "/packages/bytequester/none/tags/v1",
        "/packages/bytequester/open/tags/none",
    ],
)
def test_what_is_not_there_cannot_be_deleted(ghcr, path):
    """A DELETE of a missing object answers 404."""
    answer = ghcr.control("DELETE", path)

    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    ("path", "content", "sentence"),
    [
        pytest.param(CREDENTIAL, b"{", "the document is not JSON", id="no JSON"),
        pytest.param(CREDENTIAL, b"", "the document is not JSON", id="nothing"),
        pytest.param(CREDENTIAL, b"\xff{}", "the document is not JSON", id="no UTF-8"),
        pytest.param(CREDENTIAL, b"[" * 9999, "the document is not JSON", id="too deep"),
        pytest.param(CREDENTIAL, [], "the token must be a mapping, and is a list", id="no object"),
        pytest.param(
            CREDENTIAL,
            b'{"login":"a","login":"b"}',
            "the document has a key twice",
            id="key twice",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "scope": []},
            "the token has no key 'scope'; the keys are expired, revoked, kind, login, scopes,"
            " sso_authorised, expires, token",
            id="unknown key",
        ),
        pytest.param(CREDENTIAL, {"login": "a"}, "the token lacks 'token'", id="no token"),
        *(
            pytest.param(
                CREDENTIAL,
                {**GOOD, "expires": text},
                "'expires' of the token must be a time as 2026-12-01T09:00:00+00:00",
                id=f"expires {text}",
            )
            for text in ("soon", "2026-12-01T09:00:00")
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "token": 5},
            "'token' of the token must be a text, and is a number",
            id="token is a number",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "token": "ghp_\ud800"},
            "'token' of the token must be printable, and not empty",
            id="token is no text",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "token": "ghp_reader"},
            "'token' is that of another credential already",
            id="token of another",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "login": ""},
            "'login' of the token must be printable, and not empty",
            id="empty login",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "scopes": "read:packages"},
            "'scopes' of the token must be a list, and is a text",
            id="scopes is a string",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "scopes": [None]},
            "item 1 of 'scopes' of the token must be a text, and is nothing",
            id="scopes hold null",
        ),
        pytest.param(
            CREDENTIAL,
            {**GOOD, "revoked": 1},
            "'revoked' of the token must be true or false, and is a number",
            id="revoked is a number",
        ),
        pytest.param(
            "/credentials/a%20b",
            GOOD,
            "'name' in the path must be letters, digits, dots, dashes or _",
            id="name with a space",
        ),
        pytest.param(PACKAGE, {}, "the package lacks 'visibility'", id="no visibility"),
        pytest.param(
            PACKAGE,
            {"visibility": "secret"},
            "'visibility' of the package must be one of public, private, internal",
            id="unknown visibility",
        ),
        pytest.param(
            PACKAGE,
            {"visibility": "public", "readers": {}},
            "'readers' of the package must be a list, and is a mapping",
            id="readers is an object",
        ),
        pytest.param(
            "/packages/ByteQuester/fresh",
            {"visibility": "public"},
            "'owner' in the path must be a lower-case owner name",
            id="owner with capitals",
        ),
        pytest.param(
            "/packages/bytequester/Fresh",
            {"visibility": "public"},
            "'package' in the path must be a lower-case package name",
            id="package with capitals",
        ),
        pytest.param(
            "/owners/bytequester",
            {"member": []},
            "the owner has no key 'member'; the keys are sso_enforced, classic_tokens_forbidden,"
            " members, teams, creators, login, organisation",
            id="unknown key of an owner",
        ),
    ],
)
def test_wrong_document_is_one_sentence(ghcr, path, content, sentence):
    """The error names the key and quotes no value, and nothing changes."""
    before = rows(ghcr)
    answer = ghcr.control("PUT", path, content)

    assert answer.status_code == 400
    assert answer.json() == {"error": sentence}
    assert "ghp_" not in answer.text
    assert rows(ghcr) == before


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sinse=1", "unknown parameter 'sinse'"),
        ("since=-1", "'since' must be a whole number"),
        ("status=ok", "'status' must be a whole number"),
        ("identity=a&identity=b", "'identity' is there twice"),
    ],
)
def test_wrong_question_is_refused(ghcr, query, sentence):
    """A misspelt filter is an error, and does not return the whole log."""
    answer = ghcr.control("GET", f"/log?{query}")

    assert answer.status_code == 400
    assert answer.json() == {"error": sentence}


def test_document_has_a_limit(ghcr):
    """A body of more than 64 KiB is not read."""
    answer = ghcr.control("PUT", CREDENTIAL, b" " * 65_537)

    assert answer.status_code == 413


def test_wrong_method_is_refused_in_json(ghcr):
    """Errors of the router are one sentence in JSON too."""
    answer = ghcr.control("POST", CREDENTIAL, GOOD)

    assert answer.status_code == 405
    assert answer.json() == {"error": "Method Not Allowed"}


def test_token_is_stored_as_fingerprint(ghcr):
    """The state contains no token."""
    ghcr.control("PUT", CREDENTIAL, GOOD)

    assert "ghp_fresh" not in repr(ghcr.state)
