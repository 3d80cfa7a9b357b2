"""The world file: it replaces the whole state or nothing, and every mistake has its line."""

import copy

import pytest

from ghcr_emulator.documents.problems import DocumentError
from ghcr_emulator.state.accounts import Kind, Level, PackageVisibility
from ghcr_emulator.state.config import ConfigError, read_world_file
from ghcr_emulator.state.world_file import read_world

WORLD = """\
users:
  Alice: {creators: [Bob]}
  Bob:
organisations:
  Acme:
    sso_enforced: true
    classic_tokens_forbidden: false
    members: [Alice]
    teams:
      deployers: [Bob]
    creators: [Alice, "team:deployers"]
repositories: [Acme/App]
packages:
  acme/app:
    visibility: private
    readers: ["team:deployers", "repository:Acme/App"]
    writers: [Alice]
    admins: [Alice]
  alice/tool: {visibility: public}
tokens:
  alice:
    login: Alice
    scopes: ["read:packages", "write:packages"]
    sso_authorised: [Acme]
    token: ghp_alice
  bob: {kind: fine-grained, login: Bob, token: ghp_bob, revoked: true}
  run: {kind: workflow, repository: Acme/App, packages: read, token: ghp_run}
assumptions:
  token_private: 403
"""


def rows(ghcr):
    """Return everything that a world file can change."""
    state = ghcr.state
    parts = (state._credentials, state._packages, state._owners, state.assumptions)
    return copy.deepcopy(parts)


def test_world_is_read_whole():
    """Every part of a file becomes a record."""
    world = read_world(WORLD.encode(), "accounts.yaml")
    alice, bob, acme = world.owners
    app, tool = world.packages
    classic, fine, run = world.credentials

    assert (alice.name, alice.shown, alice.creators) == ("alice", "Alice", {"Bob"})
    assert (bob.organisation, acme.organisation, acme.sso_enforced) == (False, True, True)
    assert acme.teams == {"deployers": {"Bob"}}
    assert acme.members == {"Alice"}
    assert (app.repository, app.visibility, app.admins) == (
        "acme/app",
        PackageVisibility.PRIVATE,
        {"Alice"},
    )
    assert app.readers == {"team:deployers", "repository:Acme/App"}
    assert tool.public
    assert (classic.kind, classic.sso_authorised) == (Kind.CLASSIC, {"acme"})
    assert (fine.kind, fine.usable) == (Kind.FINE_GRAINED, False)
    assert (run.repository, run.packages, run.login) == (
        "acme/app",
        Level.READ,
        "github-actions[bot]",
    )
    assert world.assumptions.token_private == 403


def test_example_of_the_readme_is_a_world():
    """The example on the page can be put without a change."""
    from pathlib import Path

    import ghcr_emulator

    text = (Path(ghcr_emulator.__file__).parent / "README.md").read_text()
    example = text.partition("```yaml\n")[2].partition("```")[0]

    with pytest.raises(DocumentError, match="no folder here to read a 'token_file' from"):
        read_world(example.encode(), "README.md")
    tokens = example.replace("token_file: tokens/", "token: ghp_")
    assert len(read_world(tokens.encode(), "README.md").credentials) == 3


def test_new_world_replaces_old(ghcr):
    """After a PUT there is only the content of the file."""
    answer = ghcr.control("PUT", "/world", WORLD.encode())

    assert (answer.status_code, answer.content) == (204, b"")
    assert ghcr.token_for("alice").status_code == 200
    assert ghcr.token_for("reader").status_code == 403
    assert ghcr.token_for("nobody", "repository:bytequester/open:pull").status_code == 403
    assert ghcr.control("GET", "/assumptions").json()["token_private"] == 403


def test_world_without_assumptions_keeps_them(ghcr):
    """A file without assumptions changes none."""
    ghcr.control("PUT", "/assumptions", {"catalog": "denied"})
    ghcr.control("PUT", "/world", b"users: {Alice: }")

    assert ghcr.control("GET", "/assumptions").json()["catalog"] == "denied"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(("users:\n", "persons:\n"), "1: the world has no key 'persons'", id="top"),
        pytest.param(
            ("sso_enforced", "sso"), "6: organisation 'Acme' has no key 'sso'", id="organisation"
        ),
        pytest.param(("    writers:", "    writer:"), "17: package 'acme/app' has no key", id="package"),
        pytest.param(("    login: Alice", "    user: Alice"), "22: token 'alice' has no key", id="token"),
        pytest.param(
            ("kind: workflow, ", "kind: workflow, scopes: [], "),
            "27: token 'run' has no key 'scopes'",
            id="a key of another kind",
        ),
        pytest.param(("token_private", "token_privat"), "29: the set of assumptions has no key 'token_privat'; the keys are token_private", id="assumption"),
        pytest.param(("403", "404"), "29: 'token_private' of the set of assumptions must be one of 401, 403", id="assumption's value"),
        pytest.param(
            ("    login: Alice\n", "    login: Alice\n    token: ghp_other\n"),
            "26: a key is there twice",
            id="key twice",
        ),
        pytest.param(("  Bob:\n", "  alice:\n"), "3: 'alice' is there twice", id="login twice"),
        pytest.param(("sso_enforced: true", "sso_enforced: 1"), "6: 'sso_enforced' of organisation 'Acme' must be true or false, and is a number", id="type"),
        pytest.param(("members: [Alice]", "members: Alice"), "8: 'members' of organisation 'Acme' must be a list, and is a text", id="no list"),
        pytest.param(("members: [Alice]", "members: [5]"), "8: item 1 of 'members' of organisation 'Acme' must be a text, and is a number", id="list of numbers"),
        pytest.param(("visibility: public", "visibility: open"), "19: 'visibility' of package 'alice/tool' must be one of public, private, internal", id="visibility"),
        pytest.param(("  alice/tool: {visibility: public}", "  alice/tool: 5"), "19: 'alice/tool' of 'packages' of the world must be a mapping, and is a number", id="no mapping"),
        pytest.param(("alice/tool:", "Alice/tool:"), "19: a package is 'owner/name' in lower case", id="capitals"),
        pytest.param(("alice/tool:", "carol/tool:"), "19: 'carol/tool' has an owner that is not", id="owner"),
        pytest.param(("deployers: [Bob]", "deployers: [Carol]"), "10: there is no user 'Carol'", id="member of a team"),
        pytest.param(("writers: [Alice]", "writers:\n    - Alice\n    - Carol"), "19: there is no user 'Carol'", id="line in a list"),
        pytest.param(('readers: ["team:deployers"', 'readers: ["team:testers"'), "16: 'acme' has no 'team:testers'", id="team"),
        pytest.param(("visibility: public", 'visibility: public, readers: ["team:deployers"]'), "19: 'alice' is no organisation", id="team of a user"),
        pytest.param(('"repository:Acme/App"', '"repository:Acme/Ap"'), "16: there is no repository 'Acme/Ap'", id="repository"),
        pytest.param(("repositories: [Acme/App]", "repositories: [Nobody/App]"), "12: 'Nobody/App' has an owner", id="repository's owner"),
        pytest.param(("repositories: [Acme/App]", "repositories: [App]"), "12: a repository is 'owner/name'", id="repository's form"),
        pytest.param(("repository: Acme/App", "repository: Acme/Ap"), "27: there is no repository", id="repository of a run"),
        pytest.param(("login: Bob", "login: Carol"), "26: there is no user 'Carol'", id="holder"),
        pytest.param(("sso_authorised: [Acme]", "sso_authorised: [Bob]"), "24: there is no organisation 'Bob'", id="organisation of a token"),
        pytest.param(("packages: read,", "packages: admin,"), "27: 'packages' of token 'run' must be one of none, read, write", id="level"),
        pytest.param((", packages: read,", ","), "27: token 'run' lacks 'packages'", id="no level"),
        pytest.param(("kind: fine-grained", "kind: oauth"), "26: 'bob' of 'tokens' of the world must have a 'kind' of classic, fine-grained, workflow", id="kind"),
        pytest.param(("ghp_bob", "ghp_alice"), "26: token 'bob' is the same as token 'alice'", id="token twice"),
        pytest.param(("token: ghp_run", "token_file: run"), "27: there is no folder here", id="file over the wire"),
        pytest.param((", token: ghp_run", ""), "27: token 'run' needs either 'token' or 'token_file'", id="no token"),
        pytest.param(("token: ghp_run", "token: 5"), "27: 'token' of token 'run' must be a text, and is a number", id="number"),
        pytest.param(("token: ghp_run", 'token: "ghp_\\u0007"'), "27: 'token' of token 'run' must be printable", id="unprintable"),
        pytest.param(("  run:", "  r/n:"), "27: the name of a token is letters", id="token's name"),
        pytest.param(("token: ghp_run", "token: 1.5"), "27: 'token' of token 'run' must be a text, and is a number", id="fraction"),
        pytest.param(("token: ghp_run", "token: {a: b}"), "27: 'token' of token 'run' must be a text, and is a mapping", id="mapping"),
        pytest.param(("login: Bob, token: ghp_bob", "login: ghp_bob, token: Bob"), "26: there is no user '[a token]'", id="token for a login"),
        pytest.param(("  run:", "  ghp_run: {login: Bob}\n  run:"), "27: token '[a token]' needs either 'token'", id="token for a name"),
        pytest.param(("token: ghp_run", "ghp_run: token"), "27: token 'run' has no key '[a token]'", id="token for a key"),
        pytest.param(("token: ghp_run}", "token: [ghp_run}"), "27: this is not YAML", id="no YAML"),
        pytest.param(("token: ghp_run", "token: *ghp_run"), "27: this is not YAML", id="alias"),
    ],
)  # fmt: skip
def test_world_error_has_line(ghcr, change, error):
    """The error has the line and the mistake but no token; the old world stays."""
    text = WORLD.replace(*change, 1)
    assert text != WORLD
    before = rows(ghcr)

    answer = ghcr.control("PUT", "/world", text.encode())

    assert answer.status_code == 400
    lines = answer.json()["error"].splitlines()
    assert [line for line in lines if line.startswith(f"world:{error}")]
    assert "ghp_" not in answer.text
    assert rows(ghcr) == before


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b"[" * 5000, b"a: 2026-99-99"])
def test_what_is_no_mapping_is_refused(ghcr, text):
    """A document that is empty, a list or no text is refused."""
    answer = ghcr.control("PUT", "/world", text)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("world:1: ")


def test_world_needs_the_secret(ghcr):
    """Without the secret a request can change neither the world nor an assumption."""
    before = rows(ghcr)

    assert ghcr.control("PUT", "/world", WORLD.encode(), secret="wrong").status_code == 401
    assert (
        ghcr.control("PUT", "/assumptions", {"catalog": "denied"}, secret=None).status_code == 401
    )
    assert rows(ghcr) == before


@pytest.fixture(name="folder")
def _folder(tmp_path):
    text = WORLD.replace("token: ghp_run", "token_file: tokens/run")
    (tmp_path / "accounts.yaml").write_text(text)
    (tmp_path / "tokens").mkdir()
    token = tmp_path / "tokens" / "run"
    token.touch(mode=0o600)
    token.write_text("ghs_of_a_workflow_run\n")
    return tmp_path


def test_token_is_read_from_file(folder):
    """The path is relative to the file's directory, and the newline is no part of the token."""
    from ghcr_emulator.state.tokens import fingerprint

    world = read_world_file(folder / "accounts.yaml")

    assert world.credentials[-1].fingerprint == fingerprint("ghs_of_a_workflow_run")
    assert "ghs_of" not in repr(world)


def test_folder_without_accounts_has_no_world(tmp_path):
    """The file accounts.yaml is optional."""
    assert read_world_file(tmp_path / "accounts.yaml") is None


def test_file_open_to_others_is_refused(folder):
    """A token file that others can read is refused; the error names both files."""
    (folder / "tokens" / "run").chmod(0o644)

    with pytest.raises(ConfigError, match=r"accounts\.yaml:27: .*run is open to others"):
        read_world_file(folder / "accounts.yaml")


def test_file_that_is_not_there_is_named(folder):
    """The error has the line that names the file."""
    (folder / "tokens" / "run").unlink()

    with pytest.raises(ConfigError, match=r"accounts\.yaml:27: .*run cannot be read"):
        read_world_file(folder / "accounts.yaml")


def test_file_from_anywhere_is_refused(folder):
    """A path must be relative, so that it stays below the directory."""
    text = (folder / "accounts.yaml").read_text()
    (folder / "accounts.yaml").write_text(text.replace("tokens/run", "/etc/passwd"))

    with pytest.raises(ConfigError, match=r"accounts\.yaml:27: 'token_file' is a path relative"):
        read_world_file(folder / "accounts.yaml")
