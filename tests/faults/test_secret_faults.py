"""How the faults of the Secret and of the wiring spoil good ground: what they leave, and no more."""

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
from pullrecovery.faults.ground import Ground
from pullrecovery.lab.seed import Minted
from pullrecovery.model.probe import Credential
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.registry.keyring import DOCKER_CONFIG_JSON, matches

TOKEN = "ghp_" + "A1b2" * 9
TARGET = load_target(SUITE_ROOT / "sample")
NAME = "ghcr-credentials"
KIND_JSON = "kubernetes.io/dockerconfigjson"


class Cluster:
    """Secrets by namespace and name, and the default ServiceAccount's list."""

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
    """Keeps what is said of tokens, organisations and packages."""

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
        self.core, self.control, self.minted = Cluster(), Control(), []
        self.world = SimpleNamespace(target=TARGET, core=self.core)
        self.lab = SimpleNamespace(has_cluster=True)

    def mint(self, scopes=("read:packages",), login="ByteQuester"):
        self.minted.append((scopes, login))
        token = f"{TOKEN[:-2]}{len(self.minted):02d}"
        return Minted(f"c{len(self.minted)}", Credential(login, token))


@pytest.fixture(name="ground")
def _ground(tmp_path):
    """Return good ground for the sample's frontend-sample, in a copy of the sample."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    lab_world = LabWorld()
    secret, operator = lab_world.mint(), lab_world.mint()
    ground = Ground(lab_world, target.workload("frontend-sample"), "values", secret, operator)
    ground.put_secret(secret.credential)
    return ground


def _spoil(ground, name):
    next(fault for fault in FAULTS if fault.id == name).break_it(ground)


def _secret(ground, name=NAME):
    return ground.core.secrets[ground.namespace, name]


def _auths(ground, name=NAME):
    (content,) = _secret(ground, name).data.values()
    return json.loads(base64.b64decode(content))["auths"]


def _values(ground):
    return YAML(typ="safe").load(ground.workload.values_file.read_text())


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("server-docker-hub", "docker.io"),
        ("server-with-port", "ghcr.io:443"),
        ("server-github", "https://github.com"),
        ("server-of-other-owner", "ghcr.io/another-bytequester"),
    ],
)
def test_server_is_one_that_the_kubelet_does_not_match(ground, name, server):
    """The credential behind it is good."""
    good = _auths(ground)["ghcr.io"]

    _spoil(ground, name)

    assert _auths(ground) == {server: good}
    assert not matches(server, ground.workload.image.repository)


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("secret-opaque", "Opaque", ".dockerconfigjson"),
        ("secret-of-legacy-type", "kubernetes.io/dockercfg", ".dockercfg"),
    ],
)
def test_type_is_wrong_and_the_document_right(ground, name, kind, key):
    """What is in it would do in a Secret of the right type."""
    good = _auths(ground)

    _spoil(ground, name)

    assert (_secret(ground).type, *_secret(ground).data) == (kind, key)
    assert _auths(ground) == good


def test_secret_is_left_in_another_namespace(ground):
    """One of the scenario's own, which goes with it."""
    good = _auths(ground)

    _spoil(ground, "secret-in-other-namespace")

    (elsewhere,) = ground.other_namespaces
    assert ground.core.namespaces == [elsewhere]
    assert ground.core.secrets.keys() == {(elsewhere, NAME)}
    content = ground.core.secrets[elsewhere, NAME].data[".dockerconfigjson"]
    assert json.loads(base64.b64decode(content))["auths"] == good


def test_secret_has_another_name(ground):
    """It would do."""
    good = _auths(ground)

    _spoil(ground, "secret-of-other-name")

    assert ground.core.secrets.keys() == {(ground.namespace, "ghcr-credentials-dev")}
    assert _auths(ground, "ghcr-credentials-dev") == good
    assert _secret(ground, "ghcr-credentials-dev").type == DOCKER_CONFIG_JSON == KIND_JSON


@pytest.mark.parametrize("name", ["auth-not-base64", "auth-without-login"])
def test_auth_that_cannot_be_decoded_holds_a_token_and_is_never_printed(ground, name):
    """It is what people put there."""
    _spoil(ground, name)

    auth = _auths(ground)["ghcr.io"]["auth"]
    token = ground.credential.credential.token
    assert auth in (token, base64.b64encode(token.encode()).decode())
    assert redact(f"seen: {auth}") == "seen: [redacted]"


def test_empty_entry_is_for_the_right_server(ground):
    """And brings nothing."""
    _spoil(ground, "entry-empty")

    assert _auths(ground) == {"ghcr.io": {}}


def test_mistyped_token_is_one_character_off(ground):
    """Nobody has it."""
    _spoil(ground, "token-mistyped")

    auth = base64.b64decode(_auths(ground)["ghcr.io"]["auth"]).decode()
    login, _, typed = auth.partition(":")
    token = ground.credential.credential.token
    assert (login, typed[:-1], len(typed)) == ("ByteQuester", token[:-1], len(token))
    assert typed != token


@pytest.mark.parametrize(
    ("name", "state"), [("token-expired", {"expired": True}), ("token-revoked", {"revoked": True})]
)
def test_token_in_the_secret_is_void(ground, name, state):
    """The Secret itself is not touched."""
    before = _auths(ground)

    _spoil(ground, name)

    known = ground.lab_world.control.credentials[ground.credential.name]
    assert known == {"scopes": ["read:packages"], **state}
    assert _auths(ground) == before


def test_other_tokens_are_put_into_the_secret(ground):
    """One without the scope, a fine-grained one, one of somebody else."""
    _spoil(ground, "token-without-scope")
    assert ground.lab_world.minted[-1] == ((), "ByteQuester")
    _spoil(ground, "token-fine-grained")
    assert ground.lab_world.control.other_kinds[-1][1].startswith("github_pat_")
    _spoil(ground, "token-of-a-stranger")
    assert ground.lab_world.minted[-1][1].startswith("stranger-")


def test_both_of_two_entries_are_refused(ground):
    """Each for a reason of its own, the narrower one first."""
    _spoil(ground, "two-entries-refused")

    assert _auths(ground).keys() == {"ghcr.io/bytequester", "ghcr.io"}
    assert ground.lab_world.minted[-1][0] == ()
    assert ground.lab_world.control.credentials[ground.credential.name]["revoked"]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("token-without-sso", (True, False)),
        ("classic-tokens-forbidden", (False, True)),
        ("operator-token-without-sso", (True, False)),
        ("operator-classic-tokens-forbidden", (False, True)),
    ],
)
def test_organisation_with_a_rule_is_the_scenarios_own(ground, name, rules):
    """So that rows beside it do not feel its rules."""
    ground.found_organisation()
    owner = ground.workload.image.owner
    before = ground.operator

    _spoil(ground, name)

    said = ground.lab_world.control.owners[owner]
    assert (said.sso_enforced, said.classic_tokens_forbidden) == rules
    assert owner.startswith("bytequester-")
    assert ground.workload.image.package in ground.lab_world.control.packages
    # Who is not the fault's subject can go on: by a token with SSO, or by the run's.
    if name == "token-without-sso":
        known = ground.lab_world.control.credentials[ground.operator.name]
        assert known["sso_authorised"] == [owner]
    if name == "classic-tokens-forbidden":
        assert ground.operator is ground.run_token
    if name == "operator-token-without-sso":
        assert ground.operator is not before
    if name == "operator-classic-tokens-forbidden":
        assert ground.credential is ground.run_token


def test_run_token_is_had_in_an_organisation_alone(ground):
    """A row that wants one says so by its `organisation`."""
    with pytest.raises(LabError, match="no run in it"):
        ground.use_run_token()


def test_key_is_misspelt_as_people_misspell_it(ground):
    """The chart takes no notice."""
    _spoil(ground, "values-key-misspelt")

    values = _values(ground)
    assert (values["imagePullSecrets"], values["imagePullSecret"]) == ([], [{"name": NAME}])


@pytest.mark.parametrize("wiring", ["values", "service-account"])
def test_name_that_is_wired_is_no_secrets(ground, wiring):
    """Either way of wiring takes any name."""
    ground.wiring = wiring

    _spoil(ground, "wired-to-no-secret")

    if wiring == "values":
        assert _values(ground)["imagePullSecrets"] == [{"name": "ghcr-credential"}]
    else:
        assert ground.core.account.image_pull_secrets[0].name == "ghcr-credential"
    assert (ground.namespace, "ghcr-credential") not in ground.core.secrets


def test_other_secret_hides_the_account_or_replaces_what_it_names(ground):
    """It is there, and is for another registry."""
    _spoil(ground, "account-hidden")
    assert _values(ground)["imagePullSecrets"] == [{"name": "registry-mirror"}]
    _spoil(ground, "account-overwritten")
    assert ground.core.account.image_pull_secrets[0].name == "registry-mirror"
    assert _auths(ground, "registry-mirror").keys() == {"mirror.example"}


def test_account_that_is_patched_is_not_the_pods(ground):
    """The chart brings its own."""
    _spoil(ground, "account-not-the-pods")

    values = _values(ground)
    assert values["serviceAccount"]["create"] is True
    assert values["imagePullSecrets"] == []
    assert ground.core.account.image_pull_secrets[0].name == NAME
