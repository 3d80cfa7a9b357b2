"""workflow_dispatch events in the emulator's API: permissions, and stored events."""

import json

import pytest

API = "https://api.github.com"
WORKFLOW = "/repos/Acme/App/actions/workflows/ci.yml"
DISPATCHES = f"{WORKFLOW}/dispatches"
ON_MAIN = {"ref": "main", "inputs": {"level": "debug"}}
WORLD = """\
users: {Alice: , Bob: }
organisations:
  Acme: {members: [Alice]}
repositories: [Acme/App]
tokens:
  alice: {login: Alice, scopes: [repo], token: ghp_alice}
  packages: {login: Alice, scopes: ["write:packages"], token: ghp_packages}
  bob: {login: Bob, scopes: [repo], token: ghp_bob}
  fine: {kind: fine-grained, login: Alice, token: ghp_fine}
  run: {kind: workflow, repository: Acme/App, packages: write, token: ghp_run}
"""


@pytest.fixture(name="world")
def _world(ghcr):
    """Acme/App with two workflows: ci.yml can be started by hand, and push.yml cannot."""
    assert ghcr.control("PUT", "/world", WORLD.encode()).content == b""
    for file, dispatch in (("ci.yml", True), ("push.yml", False)):
        body = {"refs": ["main"], "writers": ["Alice"], "dispatch": dispatch}
        assert ghcr.control("PUT", f"/workflows/acme/app/{file}", body).status_code == 204
    return ghcr


def ask(ghcr, method, path, content=None, caller="alice"):
    """Send a request with the token of a caller, and a body of JSON or raw bytes."""
    caller = caller if caller == "nobody" else f"raw token ghp_{caller}"
    body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
    return ghcr.ask(method, f"{API}{path}", caller=caller, content=body)


def taken(ghcr, credential="alice"):
    """Return the stored events of a credential, as the control port lists them."""
    return ghcr.control("GET", f"/dispatches?credential={credential}").json()["dispatches"]


def test_dispatch_is_listed_by_credential(world):
    """GitHub answers 204 without a body; another credential has no events."""
    answer = ask(world, "POST", DISPATCHES, ON_MAIN)

    assert (answer.status_code, answer.content) == (204, b"")
    assert taken(world) == [
        {
            "run": 1,
            "repository": "acme/app",
            "file": "ci.yml",
            "ref": "main",
            "inputs": {"level": "debug"},
            "credential": "alice",
        }
    ]
    assert taken(world, "bob") == []


def test_dispatch_returns_run_on_request(world):
    """The request uses the workflow's id and return_run_details, as gh does."""
    shown = ask(world, "GET", WORKFLOW).json()

    path = WORKFLOW.replace("ci.yml", f"{shown['id']}/dispatches")
    answer = ask(world, "POST", path, {"ref": "refs/heads/main", "return_run_details": True})

    assert (shown["path"], shown["state"]) == (".github/workflows/ci.yml", "active")
    assert answer.status_code == 200
    assert answer.json() == {
        "workflow_run_id": 1,
        "run_url": f"{API}/repos/acme/app/actions/runs/1",
        "html_url": "https://github.com/acme/app/actions/runs/1",
    }
    assert [each["ref"] for each in taken(world)] == ["refs/heads/main"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        ("nobody", 401, "Requires authentication"),
        ("wrong", 401, "Bad credentials"),
        ("packages", 404, "Not Found"),
        ("bob", 404, "Not Found"),
        ("fine", 403, "Resource not accessible by personal access token"),
        ("run", 403, "Resource not accessible by integration"),
    ],
)
def test_dispatch_needs_permission(world, method, caller, status, message):
    """A workflow of a repository that the caller may not read answers 404."""
    path = WORKFLOW if method == "GET" else DISPATCHES

    answer = ask(world, method, path, ON_MAIN, caller)

    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert taken(world, caller) == []


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        (DISPATCHES.replace("ci", "push"), ON_MAIN, 422, "have 'workflow_dispatch' trigger"),
        (DISPATCHES, {"ref": "gone"}, 422, "No ref found for: gone"),
        (DISPATCHES, {}, 422, '"ref" wasn\'t supplied'),
        (DISPATCHES, [], 422, '"ref" wasn\'t supplied'),
        (DISPATCHES, {"ref": 1}, 422, '"ref" wasn\'t supplied'),
        (DISPATCHES, b"no JSON", 400, "Problems parsing JSON"),
        (DISPATCHES.replace("ci", "other"), ON_MAIN, 404, "Not Found"),
        (DISPATCHES.replace("App", "Other"), ON_MAIN, 404, "Not Found"),
    ],
    ids=["trigger", "ref", "empty", "a list", "a number", "no JSON", "file", "repository"],
)
def test_dispatch_is_refused_with_its_reason(world, path, content, status, message):
    """A refused event is not stored."""
    answer = ask(world, "POST", path, content)

    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert taken(world) == []


def test_scope_for_dispatch_is_named(world):
    """GitHub names it in a header for a classic token."""
    assert ask(world, "GET", WORKFLOW).headers["x-accepted-oauth-scopes"] == "repo"


@pytest.mark.parametrize("path", ["Acme/app/ci.yml", "acme/app/..yml", "acme/App/ci.yml"])
def test_wrong_workflow_name_is_refused(ghcr, path):
    """Owner and repository are lower case; a file's name begins with a letter or a digit."""
    answer = ghcr.control("PUT", f"/workflows/{path}", {"refs": ["main"], "dispatch": True})

    assert answer.status_code == 400
    assert "lower-case owner/repository" in answer.json()["error"]
