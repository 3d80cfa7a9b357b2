"""The answers of ghcr.io, row by row; ghcr_emulator/README.md has the sources."""

import hashlib
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.over_distribution

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "sha256:" + hashlib.sha256(b"a layer" * 100).hexdigest()
ABSENT = "sha256:" + "0" * 64


def error(code, message):
    """Return the bytes of an error as GHCR writes them."""
    return f'{{"errors":[{{"code":"{code}","message":"{message}"}}]}}\n'.encode()


def challenge(scope):
    """Return the WWW-Authenticate for a scope."""
    return f'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="{scope}"'


LOGIN = error("UNAUTHORIZED", "authentication required")
NO_TOKEN = error("UNAUTHORIZED", "authentication token not provided")
BAD_TOKEN = error(
    "UNAUTHORIZED", "unauthenticated: User cannot be authenticated with the token provided."
)
DENIED = error("DENIED", "denied")
NO_ACCESS = error("DENIED", "requested access to the resource is denied")
NO_SCOPE = error("DENIED", "permission_denied: The token provided does not match expected scopes.")
NO_READ = error("DENIED", "permission_denied: read_package")
NO_WRITE = error("DENIED", "permission_denied: write_package")
INVALID = error("DENIED", "invalid token")
NO_NAME = error("NAME_UNKNOWN", "repository name not known to registry")
NO_MANIFEST = error("MANIFEST_UNKNOWN", "manifest unknown")
NO_INDEX = error(
    "MANIFEST_UNKNOWN", "OCI index found, but Accept header does not support OCI indexes"
)
NO_OCI = error(
    "MANIFEST_UNKNOWN", "OCI manifest found, but Accept header does not support OCI manifests"
)
NO_BLOB = error("BLOB_UNKNOWN", "blob unknown to registry")
NO_OPERATION = error("UNSUPPORTED", "The operation is unsupported.")

PLACEHOLDER = challenge("repository:user/image:pull")
PULL_OPEN = challenge("repository:bytequester/open:pull")
PUSH_OPEN = challenge("repository:bytequester/open:pull,push")
PULL_DEEP = challenge("repository:bytequester/a/b:pull")
PULL_CLOSED = challenge("repository:bytequester/closed:pull")
PUSH_CLOSED = challenge("repository:bytequester/closed:pull,push")


@dataclass(frozen=True)
class Row:
    """One request and its answer; `challenge` None means that there is no WWW-Authenticate.

    A path that does not begin with a slash is below /v2/bytequester/.
    """

    description: str
    request: str
    caller: str
    status: int
    body: bytes | None = None
    challenge: str | None = None


TOKENS = [
    Row("anybody gets a token to a public package", "open", "nobody", 200),
    Row("nobody gets one to a private package", "closed", "nobody", 401, LOGIN, PLACEHOLDER),
    Row("internal is private to strangers", "inner", "nobody", 401, LOGIN, PLACEHOLDER),
    Row("a missing package is denied", "missing", "nobody", 403, NO_ACCESS),
    Row("capitals name no package", "Open", "nobody", 403, NO_ACCESS),
    Row("an invalid credential is denied", "closed", "invented", 403, DENIED),
    Row("an invalid one even for a public package", "open", "invented", 403, DENIED),
    Row("an expired credential is denied", "closed", "expired", 403, DENIED),
    Row("a revoked credential is denied", "closed", "revoked", 403, DENIED),
    Row("a valid credential gets a token", "closed", "reader", 200),
    Row("a valid one for a package it may not read", "closed", "stranger", 200),
    Row("a valid one for a package that is not there", "missing", "reader", 200),
    Row("a valid one without any scope of packages", "closed", "scopeless", 200),
]


@pytest.mark.parametrize("row", TOKENS, ids=lambda row: row.description)
def test_token_service_answers(ghcr, row):
    """/token authenticates the caller; permissions are checked under /v2/."""
    answer = ghcr.token_for(row.caller, f"repository:bytequester/{row.request}:pull")

    assert answer.status_code == row.status
    assert answer.headers.get("www-authenticate") == row.challenge
    assert answer.headers["content-type"] == "application/json"
    if row.status == 200:
        assert list(answer.json()) == ["token"]
    else:
        assert answer.content == row.body


REQUESTS = [
    # Authentication.
    Row("ping asks who is there", "GET /v2/", "nobody", 401, LOGIN, PLACEHOLDER),
    Row("ping without its last slash", "GET /v2", "nobody", 401, LOGIN, PLACEHOLDER),
    Row("ping greets a credential", "GET /v2/", "reader", 200, b"{}\n"),
    Row("ping greets one without scopes", "GET /v2/", "scopeless", 200, b"{}\n"),
    Row("ping takes no anonymous token", "GET /v2/", "anybody", 401, LOGIN, PLACEHOLDER),
    Row("the catalogue is not for nobody", "GET /v2/_catalog", "nobody", 401, LOGIN, PLACEHOLDER),
    Row(
        "the catalogue shows what is public",
        "GET /v2/_catalog",
        "reader",
        200,
        b'{"repositories":["bytequester/open"]}\n',
    ),
    Row("an empty bearer", "GET /v2/", "raw Bearer", 401, NO_TOKEN, PLACEHOLDER),
    Row("a bad bearer", "GET /v2/", "raw Bearer nonsense", 401, BAD_TOKEN, PLACEHOLDER),
    Row("an expired token as bearer", "GET /v2/", "pat expired", 401, BAD_TOKEN, PLACEHOLDER),
    Row("basic straight to the registry", "GET /v2/", "basic reader", 403, INVALID),
    Row("a token in base64 as bearer", "GET /v2/", "pat reader", 200, b"{}\n"),
    # Pulls.
    Row(
        "a private manifest asks for its scope",
        "GET closed/manifests/v1",
        "nobody",
        401,
        LOGIN,
        PULL_CLOSED,
    ),
    Row("a public manifest asks too", "GET open/manifests/v1", "nobody", 401, LOGIN, PULL_OPEN),
    Row("a missing package asks too", "GET a/b/tags/list", "nobody", 401, LOGIN, PULL_DEEP),
    Row("anybody reads what is public", "GET open/manifests/v1", "anybody", 200),
    Row(
        "anybody's token opens nothing private",
        "GET closed/manifests/v1",
        "anybody",
        401,
        LOGIN,
        PULL_CLOSED,
    ),
    Row("any base64 reads what is public", "GET open/manifests/v1", "raw Bearer QQ==", 200),
    Row(
        "any base64 reads nothing else",
        "GET closed/manifests/v1",
        "raw Bearer QQ==",
        401,
        BAD_TOKEN,
        PULL_CLOSED,
    ),
    Row(
        "what is no base64 reads nothing",
        "GET open/manifests/v1",
        "raw Bearer n=t",
        401,
        BAD_TOKEN,
        PULL_OPEN,
    ),
    Row(
        "a dead token reads nothing",
        "GET open/manifests/v1",
        "pat revoked",
        401,
        BAD_TOKEN,
        PULL_OPEN,
    ),
    Row(
        "any base64 pushes nothing",
        "POST open/blobs/uploads/",
        "raw Bearer QQ==",
        401,
        BAD_TOKEN,
        PUSH_OPEN,
    ),
    Row("the owner reads", "GET closed/manifests/v1", "reader", 200),
    Row("a reader reads", "GET closed/manifests/v1", "colleague", 200),
    Row("write includes read", "GET closed/manifests/v1", "builder", 200),
    Row("a stranger reads what is public", "GET open/manifests/v1", "stranger", 200),
    Row(
        "a stranger may not read what is private",
        "GET closed/manifests/v1",
        "stranger",
        403,
        NO_READ,
    ),
    Row(
        "a stranger may not read what is internal", "GET inner/tags/list", "stranger", 403, NO_READ
    ),
    Row(
        "the scope repo alone is not enough", "GET closed/manifests/v1", "scopeless", 403, NO_SCOPE
    ),
    Row("a missing package", "GET missing/manifests/v1", "reader", 404, NO_NAME),
    Row("a missing tag", "GET closed/manifests/dev", "reader", 404, NO_MANIFEST),
    Row("a missing digest", f"GET closed/manifests/{ABSENT}", "reader", 404, NO_MANIFEST),
    Row("an index for who cannot read one", "GET closed/manifests/multi", "reader", 404, NO_INDEX),
    Row("a blob is elsewhere", f"GET closed/blobs/{LAYER}", "reader", 307, b""),
    Row("a missing blob", f"GET closed/blobs/{ABSENT}", "reader", 404, NO_BLOB),
    Row(
        "referrers ask for a scope",
        f"GET closed/referrers/{LAYER}",
        "nobody",
        401,
        LOGIN,
        PULL_CLOSED,
    ),
    Row(
        "there are no referrers",
        f"GET closed/referrers/{LAYER}",
        "reader",
        404,
        b"404 page not found\n",
    ),
    Row("referrers are of a digest", "GET closed/referrers/v1", "reader", 404),
    Row(
        "tags of a package",
        "GET closed/tags/list",
        "reader",
        200,
        b'{"name":"bytequester/closed","tags":["multi","v1"]}\n',
    ),
    # Pushes.
    Row(
        "a push asks for its scope", "POST closed/blobs/uploads/", "nobody", 401, LOGIN, PUSH_CLOSED
    ),
    Row("a push needs somebody", "POST open/blobs/uploads/", "anybody", 401, BAD_TOKEN, PUSH_OPEN),
    Row("a writer pushes", "POST closed/blobs/uploads/", "builder", 202, b""),
    Row("the owner pushes", "POST closed/blobs/uploads/", "writer", 202, b""),
    Row("a push needs the scope to write", "POST closed/blobs/uploads/", "reader", 403, NO_SCOPE),
    Row("a reader may not push", "PUT closed/manifests/v2", "colleague", 403, NO_WRITE),
    Row("a stranger makes no package", "POST missing/blobs/uploads/", "stranger", 403, NO_WRITE),
    # Missing content.
    Row(
        "a manifest is never deleted here",
        "DELETE closed/manifests/v1",
        "writer",
        405,
        NO_OPERATION,
    ),
    Row(
        "an upload is never cancelled",
        "DELETE closed/blobs/uploads/lost",
        "writer",
        405,
        NO_OPERATION,
    ),
    Row("a token is not to be had by POST", "POST /token", "nobody", 405, NO_OPERATION),
    Row(
        "capitals are no name",
        "GET /v2/ByteQuester/closed/manifests/v1",
        "reader",
        404,
        b"404 page not found\n",
    ),
    Row("a package needs an owner", "GET /v2/closed/manifests/v1", "reader", 404),
    Row("no way out of a name", "GET %2e%2e/manifests/v1", "reader", 404),
    Row("no way out of an upload", "GET /v2/a/b/blobs/uploads/%2e%2e", "reader", 404),
    Row("a tag with a digest", f"GET /v2/a/b/manifests/v1@{ABSENT}", "reader", 404),
    Row("a token without a scope", "GET /token?service=ghcr.io", "nobody", 401, LOGIN, PLACEHOLDER),
    Row(
        "a raw token at the token service is nobody's",
        "GET /token?scope=repository:bytequester/closed:pull",
        "raw Bearer ghp_reader",
        401,
        LOGIN,
        PLACEHOLDER,
    ),
    Row(
        "a second scope that names nothing",
        "GET /token?scope=repository:bytequester/open:pull&scope=repository:user/image:pull",
        "nobody",
        403,
        NO_ACCESS,
    ),
    Row(
        "two scopes in one, one of them private",
        "GET /token?scope=repository:bytequester/open:pull%20repository:bytequester/closed:pull",
        "nobody",
        401,
        LOGIN,
        PLACEHOLDER,
    ),
]


@pytest.mark.parametrize("row", REQUESTS, ids=lambda row: row.description)
def test_registry_answers(ghcr, row):
    """Every route answers each kind of caller as GHCR does, byte for byte."""
    method, path = row.request.split(" ", 1)
    path = path if path.startswith("/") else f"/v2/bytequester/{path}"

    answer = ghcr.ask(method, path, caller=row.caller, headers={"Accept": OCI})

    assert answer.status_code == row.status
    assert answer.headers.get("www-authenticate") == row.challenge
    if row.body is not None:
        assert answer.content == row.body
    if answer.status_code >= 400 and answer.content.startswith(b"{"):
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("accept", "tag", "body"),
    [
        pytest.param("*/*", "multi", NO_INDEX, id="anything is no index"),
        pytest.param(OCI, "multi", NO_INDEX, id="a manifest is no index"),
        pytest.param(f"{OCI}, {INDEX};q=0.5", "multi", None, id="an index among others"),
        pytest.param(INDEX, "v1", NO_OCI, id="an index is no manifest"),
    ],
)
def test_manifest_goes_to_who_names_its_type(ghcr, accept, tag, body):
    """A client gets the types that it accepts, and else a 404 that says why."""
    path = f"/v2/bytequester/closed/manifests/{tag}"
    answer = ghcr.ask("GET", path, caller="reader", headers={"Accept": accept})

    assert answer.status_code == (404 if body else 200)
    assert body is None or answer.content == body
