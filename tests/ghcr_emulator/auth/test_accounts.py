"""The answers to each kind of token, under an organisation's rules and a package's permissions."""

import json
from dataclasses import dataclass

import pytest

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
WORLD = """\
users: {Alice: , Bob: , Carol: }
organisations:
  Acme:
    sso_enforced: true
    members: [Alice, Bob]
    teams: {deployers: [Bob]}
    creators: [Alice]
  Strict:
    classic_tokens_forbidden: true
    creators: [Alice]
repositories: [Acme/App, Acme/Other, Alice/Tool]
packages:
  acme/app:
    visibility: private
    readers: ["team:deployers", "repository:acme/app"]
    writers: [Alice, "repository:acme/app"]
  acme/inner: {visibility: internal}
  acme/open: {visibility: public, writers: [Alice]}
  strict/app: {visibility: private, writers: [Alice]}
  strict/open: {visibility: public}
  alice/tool: {visibility: private}
tokens:
  alice: {login: Alice, scopes: ["write:packages"], sso_authorised: [Acme], token: ghp_alice}
  alice-no-sso: {login: Alice, scopes: ["write:packages"], token: ghp_alice-no-sso}
  bob: {login: bob, scopes: ["read:packages"], sso_authorised: [acme], token: ghp_bob}
  carol: {login: Carol, scopes: ["read:packages"], sso_authorised: [Acme], token: ghp_carol}
  fine: {kind: fine-grained, login: Alice, sso_authorised: [Acme], token: ghp_fine}
  fine-expired: {kind: fine-grained, login: Alice, expired: true, token: ghp_fine-expired}
  run: {kind: workflow, repository: Acme/App, packages: write, token: ghp_run}
  run-reads: {kind: workflow, repository: Acme/App, packages: read, token: ghp_run-reads}
  run-nothing: {kind: workflow, repository: Acme/App, packages: none, token: ghp_run-nothing}
  run-other: {kind: workflow, repository: Acme/Other, packages: write, token: ghp_run-other}
  run-tool: {kind: workflow, repository: Alice/Tool, packages: read, token: ghp_run-tool}
  run-over: {kind: workflow, repository: Acme/App, packages: write, revoked: true, token: ghp_run-over}
"""

SCOPES = "permission_denied: The token provided does not match expected scopes."
SAML = (
    "permission_denied: Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
CLASSIC = (
    "permission_denied: `Strict` forbids access via a personal access token (classic). "
    "Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
)
READ = "permission_denied: read_package"
WRITE = "permission_denied: write_package"
CREATES = "installation not allowed to Create organization package"
WRITES = "installation not allowed to Write organization package"
BAD = "unauthenticated: User cannot be authenticated with the token provided."
LOGIN = "authentication required"


@dataclass(frozen=True)
class Row:
    """A caller, its request, and the message of the answer; None is an answer of 2xx."""

    caller: str
    request: str
    message: str | None


PULL, PUSH = "GET {}/manifests/v1", "POST {}/blobs/uploads/"
ROWS = [
    Row("alice", PULL.format("acme/app"), None),
    Row("alice-no-sso", PULL.format("acme/app"), SAML),
    Row("alice-no-sso", PULL.format("acme/inner"), SAML),
    Row("alice-no-sso", PULL.format("acme/open"), None),
    Row("alice-no-sso", PULL.format("alice/tool"), None),
    Row("alice-no-sso", PULL.format("acme/missing"), SAML),
    Row("bob", PULL.format("acme/app"), None),
    Row("bob", PULL.format("acme/inner"), None),
    Row("carol", PULL.format("acme/app"), READ),
    Row("carol", PULL.format("acme/inner"), READ),
    Row("fine", PULL.format("acme/app"), SCOPES),
    Row("fine", PULL.format("alice/tool"), SCOPES),
    Row("alice", PULL.format("strict/app"), CLASSIC),
    Row("alice", PULL.format("strict/open"), None),
    Row("run", PULL.format("acme/app"), None),
    Row("run-reads", PULL.format("acme/app"), None),
    Row("run-nothing", PULL.format("acme/app"), READ),
    Row("run-nothing", PULL.format("acme/open"), None),
    Row("run-other", PULL.format("acme/app"), READ),
    Row("run-other", PULL.format("acme/open"), None),
    Row("run-tool", PULL.format("alice/tool"), READ),
    Row("alice", PUSH.format("acme/app"), None),
    Row("alice-no-sso", PUSH.format("acme/app"), SAML),
    Row("alice-no-sso", PUSH.format("acme/open"), SAML),
    Row("alice", PUSH.format("acme/new"), None),
    Row("bob", PUSH.format("acme/app"), SCOPES),
    Row("fine", PUSH.format("acme/app"), SCOPES),
    Row("alice", PUSH.format("strict/app"), CLASSIC),
    Row("run", PUSH.format("acme/app"), None),
    Row("run", PUSH.format("acme/new"), None),
    Row("run", PUSH.format("strict/new"), CREATES),
    Row("run-reads", PUSH.format("acme/app"), WRITES),
    Row("run-reads", PUSH.format("acme/new"), CREATES),
    Row("run-other", PUSH.format("acme/app"), WRITES),
    Row("run-tool", PUSH.format("alice/tool"), WRITE),
    Row("pat fine-expired", PULL.format("alice/tool"), BAD),
    Row("pat run-over", PULL.format("acme/app"), BAD),
]


@pytest.fixture(name="world")
def _world(ghcr):
    assert ghcr.control("PUT", "/world", WORLD.encode()).content == b""
    for package in (
        "acme/app",
        "acme/inner",
        "acme/open",
        "strict/app",
        "strict/open",
        "alice/tool",
    ):
        ghcr.storage.put_image(package, "v1", package)
    return ghcr


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.caller}: {row.request}")
def test_token_answer_follows_kind_and_organisation(world, row):
    """Kind, scopes, organisation's rules and permissions are checked in that order."""
    method, path = row.request.split(" ")
    answer = world.ask(method, f"/v2/{path}", caller=row.caller, headers={"Accept": OCI})

    if row.message is None:
        assert answer.status_code in {200, 202}
        return
    (error,) = answer.json()["errors"]
    status = {BAD: 401}.get(row.message, 403)
    code = {BAD: "UNAUTHORIZED"}.get(row.message, "DENIED")
    assert (answer.status_code, error) == (status, {"code": code, "message": row.message})


@pytest.mark.parametrize("name", ["fine-expired", "run-over"])
def test_dead_token_of_any_kind_is_denied(world, name):
    """The token service denies expired and revoked tokens of every kind."""
    answer = world.token_for(name, "repository:acme/open:pull")

    assert answer.status_code == 403
    assert answer.content == b'{"errors":[{"code":"DENIED","message":"denied"}]}\n'


@pytest.mark.parametrize("name", ["alice-no-sso", "fine", "run-nothing"])
def test_any_valid_token_gets_bearer(world, name):
    """A login with any valid token succeeds, whatever a later pull is answered."""
    assert world.token_for(name, "repository:acme/app:pull").status_code == 200


def test_run_package_belongs_to_repository(world):
    """A package that a run pushes can be written by that run's repository alone."""
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    given = {"Content-Type": INDEX}
    path = "/v2/acme/new/manifests/v1"
    pushed = world.ask("PUT", path, caller="run", content=index, headers=given)
    again = world.ask("POST", "/v2/acme/new/blobs/uploads/", caller="run")
    other = world.ask("POST", "/v2/acme/new/blobs/uploads/", caller="run-other")

    assert (pushed.status_code, again.status_code, other.status_code) == (201, 202, 403)


@pytest.mark.parametrize(
    ("assumptions", "caller", "path", "status", "message"),
    [
        ({"token_private": 403}, "nobody", "/token?scope=repository:acme/app:pull", 403, "requested access to the resource is denied"),
        ({"token_missing": 401}, "nobody", "/token?scope=repository:acme/no:pull", 401, LOGIN),
        ({"token_scopeless": 403}, "basic fine", "/token", 403, "requested access to the resource is denied"),
        ({"missing_package": "MANIFEST_UNKNOWN"}, "alice", "/v2/alice/no/manifests/v1", 404, "manifest unknown"),
        ({"write_reads": False}, "alice", "/v2/acme/app/manifests/v1", 403, SCOPES),
        ({"sso_pull": "read_package"}, "alice-no-sso", "/v2/acme/app/manifests/v1", 403, READ),
        ({"any_bearer": False}, "raw Bearer QQ==", "/v2/acme/open/manifests/v1", 401, BAD),
        ({"catalog": "denied"}, "alice", "/v2/_catalog", 403, "requested access to the resource is denied"),
        ({"catalog_anonymous": 403}, "nobody", "/v2/_catalog", 403, "requested access to the resource is denied"),
    ],
)  # fmt: skip
def test_assumption_changes_one_answer(world, assumptions, caller, path, status, message):
    """Each uncertain row has an assumption, and the default gives another answer."""
    default = world.ask("GET", path, caller=caller)
    assert world.control("PUT", "/assumptions", assumptions).status_code == 204
    turned = world.ask("GET", path, caller=caller)

    assert turned.status_code == status
    assert turned.json()["errors"][0]["message"] == message
    assert turned.content != default.content


@pytest.mark.parametrize("assumptions", [{"token_missing": 401}, {"token_private": 403}])
def test_token_without_scope_has_no_assumption(world, assumptions):
    """The captured answer stays 401, whatever the assumptions for packages are."""
    world.control("PUT", "/assumptions", assumptions)

    assert world.ask("GET", "/token").status_code == 401


def test_bearer_lifetime_is_assumption(world):
    """With a lifetime a bearer token expires; without one it lasts as long as its credential."""
    now = [0.0]
    world.state.bearers._clock = lambda: now[0]
    given = world.authorization("alice")
    now[0] = 301.0
    before = world.ask("GET", "/v2/", headers=given)
    world.control("PUT", "/assumptions", {"bearer_seconds": 300})

    assert before.status_code == 200
    assert world.ask("GET", "/v2/", headers=given).status_code == 401


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "the set of assumptions must be a mapping, and is a list"),
        (
            {"catalogue": "denied"},
            "the set of assumptions has no key 'catalogue'; the keys are token_private, ",
        ),
        ({"catalog": "open"}, "'catalog' of the set of assumptions must be one of public, denied"),
        (
            {"token_private": "401"},
            "'token_private' of the set of assumptions must be one of 401, 403",
        ),
        (
            {"write_reads": 1},
            "'write_reads' of the set of assumptions must be true or false, and is a number",
        ),
        ({"bearer_seconds": -1}, "'bearer_seconds' of the set of assumptions must be 0 or more"),
        (
            {"catalog": "denied", "blobs": None},
            "'blobs' of the set of assumptions must be one of redirect, inline",
        ),
    ],
)
def test_wrong_assumption_changes_nothing(ghcr, body, sentence):
    """The error names the assumption and its values."""
    before = ghcr.control("GET", "/assumptions").json()
    answer = ghcr.control("PUT", "/assumptions", body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
    assert ghcr.control("GET", "/assumptions").json() == before


def test_any_credential_kind_can_be_put(ghcr):
    """The control port accepts every kind of credential, as the world file does."""
    run = {"kind": "workflow", "repository": "ByteQuester/App", "packages": "write"}
    ghcr.control("PUT", "/credentials/run", {"token": "ghp_run", **run})
    ghcr.control("PUT", "/packages/bytequester/closed", {"visibility": "private", "writers": ["repository:bytequester/app"]})  # fmt: skip
    ghcr.control("PUT", "/owners/bytequester", {"organisation": True, "sso_enforced": True, "teams": {"all": ["Stranger"]}})  # fmt: skip
    pushed = ghcr.ask("POST", "/v2/bytequester/closed/blobs/uploads/", caller="run")
    refused = ghcr.ask("GET", "/v2/bytequester/closed/tags/list", caller="stranger")

    assert pushed.status_code == 202
    assert refused.json()["errors"][0]["message"] == SAML


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/credentials/a", {"kind": "workflow", "token": "ghp_a", "login": "A", "repository": "a/b", "packages": "read"}, "the token has no key 'login'; the keys are expired, revoked, kind, repository, packages, token"),
        ("/credentials/a", {"token": "ghp_a", "login": "A", "repository": "a/b"}, "the token has no key 'repository'; the keys are expired, revoked, kind, login, scopes, sso_authorised, expires, token"),
        ("/credentials/a", {"kind": "oauth", "token": "ghp_a"}, "the token must have a 'kind' of classic, fine-grained, workflow"),
        ("/credentials/a", {"kind": ["classic"], "token": "ghp_a"}, "the token must have a 'kind' of classic, fine-grained, workflow"),
        ("/credentials/a", {"kind": "fine-grained", "token": "ghp_a", "login": "A", "scopes": ["repo"]}, "'scopes' of the token are nothing that a fine-grained token has"),
        ("/owners/a", {"teams": []}, "'teams' of the owner must be a mapping, and is a list"),
        ("/owners/a", {"teams": {"b": "c"}}, "'b' of 'teams' of the owner must be a list, and is a text"),
    ],
)  # fmt: skip
def test_row_that_is_no_row_is_refused(ghcr, path, body, sentence):
    """A key of another kind of token is a mistake, and so is a wrong type."""
    answer = ghcr.control("PUT", path, body)

    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
