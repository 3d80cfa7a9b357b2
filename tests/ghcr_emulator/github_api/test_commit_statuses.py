"""Commit statuses in the emulator's API: permissions, validation and lists."""

import json

import httpx
import pytest

from pullrecovery.gate.verdict.commit_status import Said, StatusError, post_status

API = "https://api.github.com"
SHA = "38944b80c6cd88ef7de43520f6e95fcb87e6f245"
STATUSES = f"/repos/Acme/App/statuses/{SHA}"
LISTED = f"/repos/Acme/App/commits/{SHA}/statuses"
GOOD = {"state": "success", "description": "promote", "context": "pull-recovery/gate"}
WORLD = """\
users: {Alice: }
organisations:
  Acme: {members: [Alice]}
repositories: [Acme/App, Acme/Other]
tokens:
  alice: {login: Alice, scopes: ["repo:status"], token: ghp_alice}
  whole: {login: Alice, scopes: [repo], token: ghp_whole}
  packages: {login: Alice, scopes: ["write:packages"], token: ghp_packages}
  fine: {kind: fine-grained, login: Alice, token: ghp_fine}
  run: {kind: workflow, repository: Acme/App, packages: read, token: ghp_run}
  elsewhere: {kind: workflow, repository: Acme/Other, packages: read, token: ghp_elsewhere}
"""


@pytest.fixture(name="world")
def _world(ghcr):
    assert ghcr.control("PUT", "/world", WORLD.encode()).content == b""
    return ghcr


def ask(ghcr, method, path, content=None, caller="alice"):
    """Send a request with the token of a caller, and a body of JSON or raw bytes."""
    caller = caller if caller == "nobody" else f"raw token ghp_{caller}"
    body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
    return ghcr.ask(method, f"{API}{path}", caller=caller, content=body)


@pytest.mark.parametrize("caller", ["alice", "whole", "run"])
def test_statuses_are_listed_newest_first(world, caller):
    """A scope for statuses is enough, and a run writes in its own repository."""
    assert ask(world, "POST", STATUSES, {"state": "pending"}, caller).status_code == 201
    made = ask(world, "POST", STATUSES, GOOD, caller)

    assert made.status_code == 201
    assert made.json()["url"] == f"{API}/repos/acme/app/statuses/{SHA}"
    listed = ask(world, "GET", LISTED, caller=caller).json()
    assert [(row["state"], row["context"]) for row in listed] == [
        ("success", "pull-recovery/gate"),
        ("pending", "default"),
    ]


def test_nothing_is_listed_of_another_commit(world):
    """A status belongs to one commit of one repository."""
    ask(world, "POST", STATUSES, GOOD)

    assert ask(world, "GET", LISTED.replace(SHA, "0" * 40)).json() == []
    assert ask(world, "GET", LISTED.replace("App", "Other")).json() == []


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        ("nobody", 401, "Requires authentication"),
        ("wrong", 401, "Bad credentials"),
        ("packages", 404, "Not Found"),
        ("fine", 403, "Resource not accessible by personal access token"),
        ("elsewhere", 403, "Resource not accessible by integration"),
    ],
)
def test_who_may_not_write_is_refused(world, caller, status, message):
    """A repository that the token may not see answers 404."""
    answer = ask(world, "POST", STATUSES, GOOD, caller)

    assert (answer.status_code, answer.json()["message"]) == (status, message)


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        (STATUSES, GOOD | {"state": "green"}, 422, "state is not included in the list"),
        (STATUSES, {}, 422, "state is not included in the list"),
        (STATUSES, [], 422, "state is not included in the list"),
        (STATUSES, GOOD | {"description": "x" * 141}, 422, "maximum is 140 characters"),
        (STATUSES.replace(SHA, "main"), GOOD, 422, "sha must be a 40 character SHA1"),
        (STATUSES.replace("Acme", "Nobody"), GOOD, 404, "Not Found"),
        (STATUSES, b"no JSON", 400, "Problems parsing JSON"),
    ],
    ids=["state", "empty", "a list", "too long", "a branch", "unknown owner", "no JSON"],
)
def test_what_is_no_status_is_refused(world, path, content, status, message):
    """Each invalid status is refused with its error."""
    answer = ask(world, "POST", path, content)

    assert answer.status_code == status
    assert message in answer.text


def test_scopes_that_would_do_are_named(world):
    """The header names the scopes that a classic token needs, as at GitHub."""
    answer = ask(world, "GET", LISTED)

    assert answer.headers["x-accepted-oauth-scopes"] == "repo, repo:status"


def test_gate_sets_commit_status(world):
    """`gate commit-status` sets a status at the emulator, as it does at GitHub in CI."""

    def take(request):
        headers, content = dict(request.headers), request.read()
        answer = world.ask(request.method, str(request.url), headers=headers, content=content)
        return httpx.Response(answer.status_code, content=answer.content)

    client = httpx.Client(base_url=API, transport=httpx.MockTransport(take))
    held = Said(SHA, "shop", "failure", "hold: frontend REG-005: render.wrong-tag")

    where = post_status(held, "Acme/App", "ghp_run", url="https://ci.example/1", http=client)

    (listed,) = ask(world, "GET", LISTED).json()
    assert where == listed["url"]
    assert (listed["state"], listed["context"]) == ("failure", "pull-recovery/gate/shop")
    assert listed["description"] == held.description
    with pytest.raises(StatusError, match="404 Not Found"):
        post_status(held, "Acme/App", "ghp_packages", http=client)
