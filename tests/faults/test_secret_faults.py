"""Check what the faults of the Secret and of the wiring change in a healthy sandbox."""

import base64
import json
import shutil
from types import SimpleNamespace

import pytest
from kubernetes.client import V1LocalObjectReference, V1ServiceAccount
from ruamel.yaml import YAML

from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import redact
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.faults import FAULTS
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.lab.seed import IssuedToken
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.registry.keyring import DOCKER_CONFIG_JSON, matches

TOKEN = "ghp_" + "A1b2" * 9
TARGET = load_target(SUITE_ROOT / "sample")
NAME = "ghcr-credentials"
KIND_JSON = "kubernetes.io/dockerconfigjson"


class Cluster:
    """Secrets by namespace and name, and the pull secrets of the default ServiceAccount."""

    def __init__(self):
        self.secrets, self.namespaces, self.account = {}, [], None

    def create_namespaced_secret(self, namespace, body):
        for key, text in (body.string_data or {}).items():
            body.data = {key: base64.b64encode(text.encode()).decode()}
        self.secrets[namespace, body.metadata.name] = body

    def delete_namespaced_secret(self, name, namespace):
        self.secrets.pop((namespace, name), None)

    def read_namespaced_secret(self, name, namespace):
        return self.secrets[namespace, name]

    def create_namespace(self, body):
        self.namespaces.append(body.metadata.name)

    def patch_namespaced_service_account(self, _, __, body):
        names = [entry["name"] for entry in body["imagePullSecrets"] or ()]
        self.account = V1ServiceAccount(
            image_pull_secrets=[V1LocalObjectReference(name=name) for name in names]
        )


class Control:
    """Records the calls about tokens, organisations and packages."""

    def __init__(self):
        self.credentials, self.owners, self.packages, self.other_kinds = {}, {}, {}, []

    def put_credential(self, name, token, login, scopes, **state):
        self.credentials[name] = {"scopes": scopes, **state}

    def put_fine_grained(self, name, token, login):
        self.other_kinds.append(("fine-grained", token))

    def put_run_token(self, name, token, repository, packages):
        self.other_kinds.append(("workflow", token))

    def put_owner(self, name, owner):
        self.owners[name] = owner

    def share_package(self, repository, *people):
        self.packages[repository] = people


class LabWorld:
    def __init__(self):
        self.core, self.control, self.issued = Cluster(), Control(), []
        self.target = TARGET
        self.lab = SimpleNamespace(has_cluster=True)

    def issue_token(self, scopes=("read:packages",), login="ByteQuester"):
        self.issued.append((scopes, login))
        token = f"{TOKEN[:-2]}{len(self.issued):02d}"
        return IssuedToken(login, token, f"c{len(self.issued)}")


@pytest.fixture(name="sandbox")
def _sandbox(tmp_path):
    """Return a healthy sandbox for frontend-sample, in a copy of the sample."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    lab_world = LabWorld()
    secret, operator = lab_world.issue_token(), lab_world.issue_token()
    sandbox = Sandbox(lab_world, target.workload("frontend-sample"), "values", secret, operator)
    sandbox.put_secret(secret)
    return sandbox


def _spoil(sandbox, name):
    next(fault for fault in FAULTS if fault.id == name).break_it(sandbox)


def _secret(sandbox, name=NAME):
    return sandbox.core.secrets[sandbox.namespace, name]


def _auths(sandbox, name=NAME):
    (content,) = _secret(sandbox, name).data.values()
    return json.loads(base64.b64decode(content))["auths"]


def _values(sandbox):
    return YAML(typ="safe").load(sandbox.workload.values_file.read_text())


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("secret-server-docker-hub", "docker.io"),
        ("secret-server-with-port", "ghcr.io:443"),
        ("secret-server-github", "https://github.com"),
        ("secret-server-of-other-owner", "ghcr.io/another-bytequester"),
    ],
)
def test_wrong_server_does_not_match(sandbox, name, server):
    """The entry's credential is good, but its server does not match."""
    good = _auths(sandbox)["ghcr.io"]

    _spoil(sandbox, name)

    assert _auths(sandbox) == {server: good}
    assert not matches(server, sandbox.workload.image.repository)


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("secret-opaque", "Opaque", ".dockerconfigjson"),
        ("secret-of-legacy-type", "kubernetes.io/dockercfg", ".dockercfg"),
    ],
)
def test_type_is_wrong_and_the_document_right(sandbox, name, kind, key):
    """The document would be right in a Secret of the right type."""
    good = _auths(sandbox)

    _spoil(sandbox, name)

    assert (_secret(sandbox).type, *_secret(sandbox).data) == (kind, key)
    assert _auths(sandbox) == good


def test_secret_is_left_in_another_namespace(sandbox):
    """The Secret exists only in another namespace of the scenario, which is deleted with it."""
    good = _auths(sandbox)

    _spoil(sandbox, "secret-in-other-namespace")

    (elsewhere,) = sandbox.other_namespaces
    assert sandbox.core.namespaces == [elsewhere]
    assert sandbox.core.secrets.keys() == {(elsewhere, NAME)}
    content = sandbox.core.secrets[elsewhere, NAME].data[".dockerconfigjson"]
    assert json.loads(base64.b64decode(content))["auths"] == good


def test_secret_has_another_name(sandbox):
    """A good Secret exists under another name."""
    good = _auths(sandbox)

    _spoil(sandbox, "secret-of-other-name")

    assert sandbox.core.secrets.keys() == {(sandbox.namespace, "ghcr-credentials-dev")}
    assert _auths(sandbox, "ghcr-credentials-dev") == good
    assert _secret(sandbox, "ghcr-credentials-dev").type == DOCKER_CONFIG_JSON == KIND_JSON


@pytest.mark.parametrize("name", ["secret-auth-not-base64", "secret-auth-without-login"])
def test_undecodable_auth_is_never_printed(sandbox, name):
    """The value may contain what a person typed, so no message prints it."""
    _spoil(sandbox, name)

    auth = _auths(sandbox)["ghcr.io"]["auth"]
    token = sandbox.credential.token
    assert auth in (token, base64.b64encode(token.encode()).decode())
    assert redact(f"seen: {auth}") == "seen: [redacted]"


def test_empty_entry_is_for_the_right_server(sandbox):
    """The entry is for the right server, but has no credential."""
    _spoil(sandbox, "secret-entry-empty")

    assert _auths(sandbox) == {"ghcr.io": {}}


def test_mistyped_token_is_one_character_off(sandbox):
    """No account has the mistyped token."""
    _spoil(sandbox, "token-mistyped")

    auth = base64.b64decode(_auths(sandbox)["ghcr.io"]["auth"]).decode()
    login, _, typed = auth.partition(":")
    token = sandbox.credential.token
    assert (login, typed[:-1], len(typed)) == ("ByteQuester", token[:-1], len(token))
    assert typed != token


@pytest.mark.parametrize(
    ("name", "state"), [("token-expired", {"expired": True}), ("token-revoked", {"revoked": True})]
)
def test_token_in_the_secret_is_void(sandbox, name, state):
    """The token is revoked or expired; the Secret itself stays unchanged."""
    before = _auths(sandbox)

    _spoil(sandbox, name)

    known = sandbox.lab_world.control.credentials[sandbox.credential.name]
    assert known == {"scopes": ["read:packages"], **state}
    assert _auths(sandbox) == before


def test_other_tokens_are_put_into_the_secret(sandbox):
    """The Secret gets a token without the scope, a fine-grained one, or another user's."""
    _spoil(sandbox, "token-without-scope")
    assert sandbox.lab_world.issued[-1] == ((), "ByteQuester")
    _spoil(sandbox, "token-fine-grained")
    assert sandbox.lab_world.control.other_kinds[-1][1].startswith("github_pat_")
    _spoil(sandbox, "token-of-other-user")
    assert sandbox.lab_world.issued[-1][1].startswith("stranger-")


def test_both_of_two_entries_are_refused(sandbox):
    """Both entries are refused for different reasons; the more specific server comes first."""
    _spoil(sandbox, "secret-entries-refused")

    assert _auths(sandbox).keys() == {"ghcr.io/bytequester", "ghcr.io"}
    assert sandbox.lab_world.issued[-1][0] == ()
    assert sandbox.lab_world.control.credentials[sandbox.credential.name]["revoked"]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("token-without-sso", (True, False)),
        ("classic-tokens-forbidden", (False, True)),
        ("operator-token-without-sso", (True, False)),
        ("operator-classic-tokens-forbidden", (False, True)),
    ],
)
def test_organisation_rule_is_scenarios_own(sandbox, name, rules):
    """The rule applies to an organisation of the scenario, and to no other scenario."""
    sandbox.found_organisation()
    owner = sandbox.workload.image.owner
    before = sandbox.operator

    _spoil(sandbox, name)

    said = sandbox.lab_world.control.owners[owner]
    assert (said.sso_enforced, said.classic_tokens_forbidden) == rules
    assert owner.startswith("bytequester-")
    assert sandbox.workload.image.package in sandbox.lab_world.control.packages
    # Credentials that are not the fault's subject still work: by a token with SSO, or the run's.
    if name == "token-without-sso":
        known = sandbox.lab_world.control.credentials[sandbox.operator.name]
        assert known["sso_authorised"] == [owner]
    if name == "classic-tokens-forbidden":
        assert sandbox.operator is sandbox.run_token
    if name == "operator-token-without-sso":
        assert sandbox.operator is not before
    if name == "operator-classic-tokens-forbidden":
        assert sandbox.credential is sandbox.run_token


def test_run_token_needs_organisation(sandbox):
    """A row requests an organisation by the field `organisation`."""
    with pytest.raises(LabError, match="no run in it"):
        sandbox.use_run_token()


def test_misspelt_key_is_realistic(sandbox):
    """The chart ignores the misspelt key."""
    _spoil(sandbox, "values-key-misspelt")

    values = _values(sandbox)
    assert (values["imagePullSecrets"], values["imagePullSecret"]) == ([], [{"name": NAME}])


@pytest.mark.parametrize("wiring", ["values", "service-account"])
def test_name_that_is_wired_is_no_secrets(sandbox, wiring):
    """Either wiring accepts any name of a Secret."""
    sandbox.wiring = wiring

    _spoil(sandbox, "wired-to-missing-secret")

    if wiring == "values":
        assert _values(sandbox)["imagePullSecrets"] == [{"name": "ghcr-credential"}]
    else:
        assert sandbox.core.account.image_pull_secrets[0].name == "ghcr-credential"
    assert (sandbox.namespace, "ghcr-credential") not in sandbox.core.secrets


def test_other_secret_hides_or_replaces_account(sandbox):
    """The other Secret exists, but is for another registry."""
    _spoil(sandbox, "account-secrets-ignored")
    assert _values(sandbox)["imagePullSecrets"] == [{"name": "registry-mirror"}]
    _spoil(sandbox, "account-secrets-overwritten")
    assert sandbox.core.account.image_pull_secrets[0].name == "registry-mirror"
    assert _auths(sandbox, "registry-mirror").keys() == {"mirror.example"}


def test_patched_account_is_not_the_pods(sandbox):
    """The chart has its own account, so patching the default one has no effect."""
    _spoil(sandbox, "wrong-account-patched")

    values = _values(sandbox)
    assert values["serviceAccount"]["create"] is True
    assert values["imagePullSecrets"] == []
    assert sandbox.core.account.image_pull_secrets[0].name == NAME
