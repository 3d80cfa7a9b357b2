"""GitHub's packages API: its permissions, and the effect of deletions on the registry."""

import hashlib
import json
import re

import pytest

pytestmark = pytest.mark.over_distribution

OCI = "application/vnd.oci.image.manifest.v1+json"
API = "https://api.github.com"
WORLD = """\
users: {Alice: , Bob: , Carol: }
organisations:
  Acme: {sso_enforced: true, members: [Alice, Bob]}
  Strict: {classic_tokens_forbidden: true}
repositories: [Acme/App]
packages:
  acme/app:
    visibility: private
    readers: [Bob]
    writers: [Alice]
    admins: [Alice, "repository:Acme/App"]
  acme/open: {visibility: public}
  acme/team/tool: {visibility: internal}
  strict/app: {visibility: private, admins: [Alice]}
  alice/own: {visibility: private}
tokens:
  alice: {login: Alice, scopes: ["write:packages", "delete:packages"], sso_authorised: [Acme], token: ghp_alice}
  alice-writes: {login: Alice, scopes: ["write:packages"], sso_authorised: [Acme], token: ghp_alice-writes}
  alice-deletes: {login: Alice, scopes: ["delete:packages"], sso_authorised: [Acme], token: ghp_alice-deletes}
  alice-no-sso: {login: Alice, scopes: ["read:packages"], token: ghp_alice-no-sso}
  alice-repo: {login: Alice, scopes: [repo], sso_authorised: [Acme], token: ghp_alice-repo}
  bob: {login: Bob, scopes: ["read:packages", "write:packages", "delete:packages"], sso_authorised: [Acme], token: ghp_bob}
  carol: {login: Carol, scopes: ["read:packages"], sso_authorised: [Acme], token: ghp_carol}
  expired: {login: Alice, scopes: ["read:packages"], expired: true, token: ghp_expired}
  fine: {kind: fine-grained, login: Alice, sso_authorised: [Acme], token: ghp_fine}
  run: {kind: workflow, repository: Acme/App, packages: write, token: ghp_run}
  run-reads: {kind: workflow, repository: Acme/App, packages: read, token: ghp_run-reads}
"""
APP = "/orgs/Acme/packages/container/app"


@pytest.fixture(name="world")
def _world(ghcr):
    assert ghcr.control("PUT", "/world", WORLD.encode()).content == b""
    for tag in ("v1", "v2", "latest"):
        push(ghcr, "acme/app", tag, "one" if tag == "v1" else "two")
    ghcr.storage.put("acme/open", "v1", manifest("open"))
    return ghcr


def manifest(name):
    """Return the bytes of a manifest that differs by name."""
    config = {"digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(), "size": 2}
    document = {"schemaVersion": 2, "mediaType": OCI, "config": config}
    return json.dumps({**document, "annotations": {"name": name}}).encode()


def push(ghcr, package, tag, name, caller="alice"):
    """Push a manifest under a tag."""
    content = manifest(name)
    path, given = f"/v2/{package}/manifests/{tag}", {"Content-Type": OCI}
    ghcr.storage.put_blob(package, b"{}")
    answer = ghcr.ask("PUT", path, caller=caller, content=content, headers=given)
    assert answer.status_code == 201
    return answer.headers["docker-content-digest"]


def ask(ghcr, path, caller="alice", method="GET"):
    """Send a request to the API with the token of a caller."""
    caller = caller if " " in caller or caller == "nobody" else f"raw token ghp_{caller}"
    return ghcr.ask(method, f"{API}{path}", caller=caller)


def versions(ghcr, state="active"):
    """Return the tags of the package's versions by their ids."""
    rows = ask(ghcr, f"{APP}/versions?state={state}").json()
    return {row["id"]: row["metadata"]["container"]["tags"] for row in rows}


def pulled(ghcr, reference, caller="bob"):
    """Return the status and the body of a pull."""
    answer = ghcr.ask("GET", f"/v2/acme/app/manifests/{reference}", caller=caller, headers={"Accept": OCI})  # fmt: skip
    return answer.status_code, answer.content


SAML = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
FORBIDDEN = (
    "`Strict` forbids access via a personal access token (classic). "
    "Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
)
DELETES = "You need at least delete:packages and read:packages scopes to delete a package version."


@pytest.mark.parametrize(
    ("caller", "request_line", "status", "message"),
    [
        ("nobody", f"GET {APP}", 401, "Requires authentication"),
        ("invented", f"GET {APP}", 401, "Bad credentials"),
        ("invented", "GET /user", 401, "Bad credentials"),
        ("expired", "GET /user", 401, "Bad credentials"),
        ("expired", f"GET {APP}/versions", 401, "Bad credentials"),
        ("run", "GET /user", 403, "Resource not accessible by integration"),
        ("fine", f"GET {APP}", 403, "Resource not accessible by personal access token"),
        ("alice-repo", f"GET {APP}", 403, "You need at least read:packages scope to get a package."),
        ("alice-repo", f"GET {APP}/versions", 403, "You need at least read:packages scope to get a package's versions."),
        ("alice-repo", "GET /orgs/Acme/packages?package_type=container", 403, "You need at least read:packages scope to list packages."),
        ("alice-writes", f"DELETE {APP}/versions/1", 403, DELETES),
        ("alice-deletes", f"DELETE {APP}/versions/1", 403, DELETES),
        ("alice-deletes", f"DELETE {APP}", 403, "You need at least delete:packages and read:packages scopes to delete a package."),
        ("carol", f"POST {APP}/versions/1/restore", 403, "You need at least write:packages and read:packages scopes to restore a package version."),
        ("alice-no-sso", f"GET {APP}", 403, SAML),
        ("alice-no-sso", "GET /orgs/Acme/packages?package_type=container", 403, SAML),
        ("alice", "GET /orgs/Strict/packages/container/app", 403, FORBIDDEN),
        ("carol", f"GET {APP}", 404, "Package not found."),
        ("alice", "GET /orgs/Acme/packages/container/missing", 404, "Package not found."),
        ("bob", f"DELETE {APP}/versions/1", 403, "Forbidden"),
        ("run-reads", f"DELETE {APP}/versions/1", 403, "Resource not accessible by integration"),
        ("alice", f"GET {APP}/versions/999", 404, "Package version not found."),
        ("alice", "GET /orgs/Alice/packages/container/own", 404, "Not Found"),
        ("alice", "GET /users/Acme/packages/container/app", 404, "Not Found"),
        ("alice", "GET /orgs/Nobody/packages/container/app", 404, "Not Found"),
        ("alice", "GET /orgs/Acme/packages/npm/app", 404, "Not Found"),
        ("alice", "GET /orgs/Acme/packages/container/app/versions/one", 404, "Not Found"),
        ("alice", "POST /user", 404, "Not Found"),
        ("alice", "GET /users/Nobody", 404, "Not Found"),
        ("alice", "GET /", 404, "Not Found"),
    ],
)  # fmt: skip
def test_refusal_has_github_s_form(world, caller, request_line, status, message):
    """A refusal has message, documentation_url and the status as text."""
    method, path = request_line.split(" ")
    answer = ask(world, path, caller, method)
    body = answer.json()

    assert (answer.status_code, body["message"], body["status"]) == (status, message, str(status))
    assert list(body) == ["message", "documentation_url", "status"]
    assert body["documentation_url"].startswith("https://docs.github.com/")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "docker-distribution-api-version" not in answer.headers
    assert "x-github-request-id" in answer.headers


@pytest.mark.parametrize(
    ("caller", "scopes"),
    [("alice", "delete:packages, write:packages"), ("alice-repo", "repo"), ("fine", None)],
)
def test_user_has_token_scopes(world, caller, scopes):
    """The header lists the scopes of a classic token; other kinds have none."""
    answer = ask(world, "/user", caller)

    assert answer.json()["login"] == "Alice"
    assert answer.headers.get("x-oauth-scopes") == scopes


@pytest.mark.parametrize("kind", [{"scopes": ["read:packages"]}, {"kind": "fine-grained"}])
def test_token_expiry_is_in_every_answer(world, kind):
    """Every answer has the header, even without scopes; without an expiry it is missing."""
    ends = {"token": "ghp_ends", "login": "Alice", "expires": "2099-12-01T10:00:00+01:00", **kind}
    world.control("PUT", "/credentials/ends", ends)

    header = "github-authentication-token-expiration"
    assert ask(world, "/user", "ends").headers[header] == "2099-12-01 09:00:00 UTC"
    assert header not in ask(world, "/user").headers


def test_token_that_has_ended_is_a_bad_one(world):
    """An expired token is answered like a revoked one."""
    ended = {"token": "ghp_ended", "login": "Alice", "expires": "2020-12-01T10:00:00+00:00"}
    world.control("PUT", "/credentials/ended", ended)

    assert ask(world, "/user", "ended").json()["message"] == "Bad credentials"
    assert world.token_for("ended").status_code == 403


@pytest.mark.parametrize("form", ["token ghp_alice", "Bearer ghp_alice", "bearer ghp_alice"])
def test_token_comes_in_several_forms(world, form):
    """The API accepts a token as `token`, as a bearer, and as a password."""
    assert ask(world, "/user", f"raw {form}").status_code == 200
    assert ask(world, "/user", "basic alice").status_code == 200


def test_registry_bearer_is_no_api_token(world):
    """The bearer tokens of /token are valid in the registry alone."""
    bearer = world.authorization("alice")["Authorization"]

    assert ask(world, "/user", f"raw {bearer}").status_code == 401


def test_missing_sso_names_where_it_is_granted(world):
    """The header has the address at which a person authorises the token."""
    answer = ask(world, APP, "alice-no-sso")

    assert re.fullmatch(
        r"required; url=https://github\.com/orgs/Acme/sso\?authorization_request=\S+",
        answer.headers["x-github-sso"],
    )
    assert "sso" not in " ".join(ask(world, APP).headers)


def test_scope_refusal_has_scopes(world):
    """The headers of the 403 have the scopes of the token and the accepted ones."""
    headers = ask(world, APP, "alice-repo").headers

    assert headers["x-oauth-scopes"] == "repo"
    assert headers["x-accepted-oauth-scopes"] == "read:packages"


def test_public_package_needs_no_sso(world):
    """A public package is readable without SSO."""
    assert ask(world, "/orgs/Acme/packages/container/open", "alice-no-sso").status_code == 200


def test_package_has_visibility(world):
    """A package has its name, type, visibility, number of versions, and owner."""
    body = ask(world, APP).json()

    assert (body["name"], body["package_type"], body["visibility"]) == (
        "app",
        "container",
        "private",
    )
    assert body["version_count"] == 2
    assert (body["owner"]["login"], body["owner"]["type"]) == ("Acme", "Organization")
    assert body["url"] == f"{API}/orgs/Acme/packages/container/app"
    assert body["html_url"] == "https://github.com/orgs/Acme/packages/container/package/app"


def test_name_with_a_slash_is_encoded(world):
    """A name with a slash is one package, with %2F in its path and its address."""
    body = ask(world, "/orgs/acme/packages/container/team%2Ftool").json()

    assert (body["name"], body["visibility"]) == ("team/tool", "internal")
    assert body["url"] == f"{API}/orgs/Acme/packages/container/team%2Ftool"


@pytest.mark.parametrize(
    "path", ["/user/packages/container/own", "/users/alice/packages/container/own"]
)
def test_own_package_is_found_in_two_ways(world, path):
    """A package is found under the user's name and as the caller's own."""
    assert ask(world, path).json()["owner"]["login"] == "Alice"


def test_only_readable_packages_are_listed(world):
    """Each caller sees the packages that it may read, and may filter by visibility."""
    path = "/orgs/Acme/packages?package_type=container"

    def names(caller, more=""):
        return [row["name"] for row in ask(world, path + more, caller).json()]

    assert names("alice") == ["app", "open", "team/tool"]
    assert names("carol") == ["open"]
    assert names("alice", "&visibility=internal") == ["team/tool"]
    assert ask(world, "/orgs/Acme/packages?package_type=npm").json() == []


def test_versions_are_listed_newest_first(world):
    """There is one version for each manifest, and a moved tag belongs to the newer one."""
    newest, oldest = ask(world, f"{APP}/versions").json()

    assert newest["metadata"] == {
        "package_type": "container",
        "container": {"tags": ["v2", "latest"]},
    }
    assert oldest["metadata"]["container"]["tags"] == ["v1"]
    assert newest["name"].startswith("sha256:")
    assert newest["url"] == f"{API}/orgs/Acme/packages/container/app/versions/{newest['id']}"
    assert ask(world, f"{APP}/versions/{newest['id']}").json() == newest


def test_moved_tag_is_listed_anew(world):
    """The digests of tags are cached between two requests until a push."""
    assert sorted(versions(world).values()) == [["v1"], ["v2", "latest"]]

    push(world, "acme/app", "v1", "two")

    assert sorted(versions(world).values()) == [[], ["v2", "latest", "v1"]]


def test_unpushed_version_is_found_by_tag(world):
    """After a restart the versions are those that the registry's tags point to."""
    (row,) = ask(world, "/orgs/Acme/packages/container/open/versions").json()

    assert row["metadata"]["container"]["tags"] == ["v1"]


def test_untagged_version_is_a_version(world):
    """A moved tag leaves its old manifest as a version without tags."""
    push(world, "acme/app", "v1", "three")

    assert sorted(versions(world).values()) == [[], ["v1"], ["v2", "latest"]]


def test_versions_come_in_pages_with_links(world):
    """A page has 30 versions by default and 100 at most; links are whole addresses."""
    for number in range(5):
        push(world, "acme/app", f"t{number}", f"m{number}")
    first = ask(world, f"{APP}/versions?per_page=3")
    last = ask(world, f"{APP}/versions?per_page=3&page=3")

    assert [len(first.json()), len(last.json())] == [3, 1]
    base = f"{API}{APP}/versions?per_page=3&page="
    assert first.headers["link"] == f'<{base}2>; rel="next", <{base}3>; rel="last"'
    assert last.headers["link"] == f'<{base}2>; rel="prev", <{base}1>; rel="first"'
    assert "link" not in ask(world, f"{APP}/versions").headers
    assert len(ask(world, f"{APP}/versions?per_page=x&page=0").json()) == 7


def test_deleted_version_loses_tags(world):
    """A deleted version is missing by tag, by digest and in the list; the other one stays."""
    before = {ref: pulled(world, ref) for ref in ("v1", "v2", "latest")}
    (gone,) = [number for number, tags in versions(world).items() if "latest" in tags]
    digest = ask(world, f"{APP}/versions/{gone}").json()["name"]

    assert ask(world, f"{APP}/versions/{gone}", method="DELETE").status_code == 204

    unknown = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}\n'
    for reference in ("v2", "latest", digest):
        assert pulled(world, reference) == (404, unknown)
    assert pulled(world, "v1") == before["v1"]
    tags = world.ask("GET", "/v2/acme/app/tags/list", caller="bob").json()["tags"]
    assert tags == ["v1"]
    assert list(versions(world).values()) == [["v1"]]
    assert versions(world, "deleted") == {gone: ["v2", "latest"]}
    assert ask(world, f"{APP}/versions/{gone}").status_code == 404


def test_restored_version_has_tags(world):
    """A restored version has its bytes, its digest, and its tags in push order."""
    before = {ref: pulled(world, ref) for ref in ("v1", "v2", "latest")}
    (gone,) = [number for number, tags in versions(world).items() if "latest" in tags]
    ask(world, f"{APP}/versions/{gone}", method="DELETE")

    assert ask(world, f"{APP}/versions/{gone}/restore", method="POST").status_code == 204

    assert {ref: pulled(world, ref) for ref in before} == before
    tags = world.ask("GET", "/v2/acme/app/tags/list", caller="bob").json()["tags"]
    assert tags == ["v1", "v2", "latest"]
    assert versions(world, "deleted") == {}
    assert ask(world, f"{APP}/versions/{gone}/restore", method="POST").status_code == 404


def test_restored_version_takes_no_moved_tag(world):
    """A tag that points to another version by then stays there."""
    (gone,) = [number for number, tags in versions(world).items() if "latest" in tags]
    ask(world, f"{APP}/versions/{gone}", method="DELETE")
    push(world, "acme/app", "latest", "three")
    newest = pulled(world, "latest")
    ask(world, f"{APP}/versions/{gone}/restore", method="POST")

    assert pulled(world, "latest") == newest
    assert versions(world)[gone] == ["v2"]


def test_repushed_version_is_back(world):
    """A push of the same manifest restores the version."""
    (gone,) = [number for number, tags in versions(world).items() if "latest" in tags]
    ask(world, f"{APP}/versions/{gone}", method="DELETE")
    digest = push(world, "acme/app", "again", "two")

    assert pulled(world, digest)[0] == 200
    assert versions(world)[gone] == ["again"]


def test_last_tagged_version_cannot_be_deleted(world):
    """GitHub requires deletion of the package instead; an untagged version may be deleted."""
    keep, other = [number for number, _ in sorted(versions(world).items())]
    ask(world, f"{APP}/versions/{other}", method="DELETE")
    answer = ask(world, f"{APP}/versions/{keep}", method="DELETE")

    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "You cannot delete the last tagged version of a package. "
        "You must delete the package instead."
    )
    assert pulled(world, "v1")[0] == 200


def test_run_deletes_own_packages(world):
    """A workflow's own token may delete the versions of its package."""
    (gone,) = [number for number, tags in versions(world).items() if "latest" in tags]

    assert ask(world, f"{APP}/versions/{gone}", "run", "DELETE").status_code == 204


def test_deleted_package_is_unknown_until_restore(world):
    """The registry answers that the name is unknown; after the restore it is as before."""
    before = pulled(world, "v1")
    assert ask(world, APP, method="DELETE").status_code == 204
    gone = pulled(world, "v1")
    told = ask(world, APP).status_code
    assert ask(world, f"{APP}/restore", "bob", "POST").status_code == 403
    assert ask(world, f"{APP}/restore", method="POST").status_code == 204

    assert (gone[0], json.loads(gone[1])["errors"][0]["code"], told) == (404, "NAME_UNKNOWN", 404)
    assert pulled(world, "v1") == before
    assert ask(world, f"{APP}/restore", method="POST").status_code == 404


def test_head_is_get_without_a_body(world):
    """A HEAD has the status and headers of its GET, without a body."""
    head = ask(world, APP, method="HEAD")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == ask(world, APP).headers["content-length"]


def test_account_has_type(world):
    """The API says whether a name is a user or an organisation."""
    assert ask(world, "/users/acme").json()["type"] == "Organization"
    assert ask(world, "/users/Alice").json()["type"] == "User"


def test_log_has_deletions(world):
    """An entry of the API names the caller, the package, and the version's digest."""
    (gone,) = [number for number, tags in versions(world).items() if "latest" in tags]
    digest = ask(world, f"{APP}/versions/{gone}").json()["name"]
    ask(world, f"{APP}/versions/{gone}", method="DELETE")
    entry = world.last_entry()

    assert (entry.method, entry.route, entry.status) == ("DELETE", "api", 204)
    assert (entry.identity, entry.token_kind) == ("Alice", "classic")
    assert (entry.repository, entry.digest) == ("acme/app", digest)
    assert "ghp_" not in "\n".join(world.lines)


def test_silent_registry_is_502(world, monkeypatch):
    """The API answers 502 in its own form."""
    from ghcr_emulator.protocol import errors
    from ghcr_emulator.registry_api import upstream_proxy as storage

    async def refuse(*_):
        raise storage.UpstreamRefusedError(errors.STORAGE_UNAVAILABLE)

    monkeypatch.setattr(storage, "list_tags", refuse)
    answer = ask(world, APP)

    assert (answer.status_code, answer.json()["message"]) == (502, "Server Error")
