"""Common clients print the expected messages for the GHCR emulator's answers, over the network.

docker, crane, skopeo, oras and helm run in the runner, and containerd pulls for a pod's kubelet.
All use one login in one situation. tests/ghcr_emulator/test_protocol.py has the answers themselves,
byte for byte.
"""

import json
import re
import secrets
from dataclasses import dataclass

import pytest
from kubernetes import client as k8s

from ghcr_emulator.client import OwnerBody
from pullrecovery.common.clean_up import CleanUp
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.seed import issue_token
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image

_SAID_WITHIN = 60
# docker's login fails if the registry refuses; crane's stores the login for every client.
_LOGIN = 'crane auth login ghcr.io -u {login} --password-stdin < "$TOKEN_FILE"'
_ASKED = {
    "docker": "docker pull --quiet {image}",
    "crane": "crane digest {image}",
    "skopeo": "skopeo inspect {auth} --format '{{{{.Digest}}}}' docker://{image}",
    "oras": "oras manifest fetch --descriptor {image}",
    "oras tags": "oras repo tags {repository}",
    "helm": "helm pull oci://{repository} --version {tag}",
}
_AUTH = '--authfile "$DOCKER_CONFIG/config.json"'


@dataclass(frozen=True)
class Situation:
    """One request: a kind of package, and a kind of caller."""

    package: str
    caller: str
    words: dict[str, str]
    tag: str = "v1"


def _refused(sentence):
    """Return the clients' messages for one sentence of the registry in a 403."""
    told = re.escape(f"permission_denied: {sentence}")
    return {
        "docker": rf"pull access denied for \S+, repository does not exist .*: denied: {told}$",
        "crane": rf"GET https://ghcr\.io/v2/\S+/manifests/v1: DENIED: {told}$",
        "skopeo": rf"reading manifest v1 in \S+: denied: {told}",
        "oras": r"HEAD \S+/manifests/v1\": response status code 403: Forbidden$",
        "oras tags": rf"Error response from registry: denied: {told}$",
        "helm": rf"/manifests/v1\": response status code 403: denied: {told}$",
        "containerd": rf"HEAD request to \S+/manifests/v1: 403 Forbidden(\ndenied: {told}|$)",
    }


_DIGEST = r"sha256:[0-9a-f]{64}"
_FOUND = {
    "docker": r"^ghcr\.io/\S+:v1$",
    "crane": rf"^{_DIGEST}$",
    "skopeo": rf"^{_DIGEST}$",
    "oras": rf'"digest":"{_DIGEST}"',
    "oras tags": r"^v1$",
    # An image is no chart; this message shows that helm got the manifest.
    "helm": r"manifest does not contain minimum number of descriptors",
    "containerd": r"^Successfully pulled image \S+",
}
_FORBIDS = (
    "`{owner}` forbids access via a personal access token (classic). Please use a GitHub App,"
    " OAuth App, or a personal access token with fine-grained permissions."
)
SITUATIONS = {
    "public, nobody": Situation("public", "nobody", _FOUND),
    "private, who may read": Situation("private", "reader", _FOUND),
    "private, nobody": Situation(
        "private",
        "nobody",
        {
            "docker": r"Head \"https://ghcr\.io/v2/\S+/manifests/v1\": unauthorized$",
            "crane": r"GET https://ghcr\.io/token\?\S+: UNAUTHORIZED: authentication required$",
            "skopeo": r"unable to retrieve auth token: invalid username/password: unauthorized",
            "oras": r"Error response from registry: unauthorized: authentication required$",
            "oras tags": r"Error response from registry: unauthorized: authentication required$",
            "helm": r"response status code 401: unauthorized: authentication required$",
            "containerd": r"failed to fetch anonymous token: .*/token\?\S+: 401 Unauthorized$",
        },
    ),
    "missing, nobody": Situation(
        "missing",
        "nobody",
        {
            "docker": r"Head \"https://ghcr\.io/v2/\S+/manifests/v1\": denied$",
            "crane": r"/token\?\S+: DENIED: requested access to the resource is denied$",
            "skopeo": r"Requesting bearer token: invalid status code from registry 403",
            "oras": r"registry: denied: requested access to the resource is denied$",
            "oras tags": r"registry: denied: requested access to the resource is denied$",
            "helm": r"status code 403: denied: requested access to the resource is denied$",
            "containerd": r"failed to fetch anonymous token: .*/token\?\S+: 403 Forbidden$",
        },
    ),
    "private, a token that is none": Situation(
        "private",
        "invented",
        {
            "docker": r"Head \"https://ghcr\.io/v2/\S+/manifests/v1\": denied: denied$",
            "crane": r"GET https://ghcr\.io/token\?\S+: DENIED: denied$",
            "skopeo": r"Requesting bearer token: invalid status code from registry 403",
            "oras": r"Error response from registry: denied: denied$",
            "oras tags": r"Error response from registry: denied: denied$",
            "helm": r"/token\?\S+: response status code 403: denied: denied$",
            "containerd": r"failed to fetch oauth token: .*/token\?\S+: 403 Forbidden$",
        },
    ),
    "private, a token without the scope": Situation(
        "private", "scopeless", _refused("The token provided does not match expected scopes.")
    ),
    "private, a fine-grained token": Situation(
        "private", "fine-grained", _refused("The token provided does not match expected scopes.")
    ),
    "private, a stranger": Situation("private", "stranger", _refused("read_package")),
    "SSO, a token without it": Situation(
        "sso",
        "reader",
        _refused(
            "Resource protected by organization SAML enforcement. You must grant your Personal"
            " Access token access to this organization."
        ),
    ),
    "missing, who may read": Situation(
        "missing",
        "reader",
        {
            "docker": r"Error response from daemon: name unknown$",
            "crane": r"NAME_UNKNOWN: repository name not known to registry$",
            "skopeo": r"reading manifest v1 in \S+: name unknown",
            "oras": r"failed to find \"\S+\": \S+:v1: not found$",
            "oras tags": r"registry: name unknown: repository name not known to registry$",
            "helm": r"\S+:v1: not found$",
            "containerd": r"code = NotFound .*: not found$",
        },
    ),
    "a tag that is none": Situation(
        "private",
        "reader",
        {
            "docker": r"Error response from daemon: manifest unknown$",
            "crane": r"MANIFEST_UNKNOWN: manifest unknown$",
            "skopeo": r"reading manifest v2 in \S+: manifest unknown",
            "oras": r"failed to find \"\S+\": \S+:v2: not found$",
            "oras tags": r"^v1$",
            "helm": r"\S+:v2: not found$",
            "containerd": r"code = NotFound .*:v2: not found$",
        },
        tag="v2",
    ),
    "capitals, who may read": Situation(
        "capitals",
        "reader",
        {
            "docker": r"invalid reference format: repository name must be lowercase$",
            "crane": r"could not parse reference: \S+$",
            "skopeo": r"invalid reference format: repository name must be lowercase",
            "oras": r"invalid reference: invalid repository",
            "oras tags": r"invalid reference: invalid repository",
            "helm": r"invalid reference: invalid repository",
            "containerd": r"couldn't parse image name .* must be lowercase$",
        },
    ),
}


@dataclass(frozen=True)
class Accounts:
    """Creates callers by the names that situations use."""

    lab_world: object

    def called(self, name) -> Credential | None:
        """Return a credential of the kind that `name` says; None for an anonymous caller."""
        lab_world, login = self.lab_world, self.lab_world.target.login
        if name == "nobody":
            return None
        if name == "invented":
            return Credential(login, "ghp_" + secrets.token_hex(18))
        if name == "fine-grained":
            token = "github_pat_" + secrets.token_hex(20)
            lab_world.control.put_fine_grained(f"fine-{secrets.token_hex(4)}", token, login)
            return Credential(login, token)
        if name == "scopeless":
            return lab_world.issue_token(scopes=("repo",))
        if name == "stranger":
            stranger = f"stranger-{secrets.token_hex(4)}"
            return issue_token(lab_world.control, stranger, ("read:packages", "write:packages"))
        scopes = ("read:packages",) if name == "reader" else ("read:packages", "write:packages")
        return lab_world.issue_token(scopes=scopes)


@dataclass(frozen=True)
class Packages:
    """Creates packages for the test by the kinds that situations use."""

    lab_world: object

    def of(self, kind) -> str:
        """Return a repository of this kind, with the tag v1 if the kind has one."""
        target = self.lab_world.target
        owner, name = target.owner, f"words-{secrets.token_hex(4)}"
        if kind in ("sso", "forbids"):
            owner = self._organisation(kind)
        image = Image(f"{target.registry}/{owner}/{name}", "v1")
        if kind in ("public", "private", "sso", "forbids"):
            people = [target.login]
            visibility = "public" if kind == "public" else "private"
            self.lab_world.control.share_package(image.package, visibility, people, people, people)
        if kind in ("public", "private"):
            self.lab_world.publish(image, target.workloads[0].app)
        if kind == "capitals":
            return image.repository.replace(owner, owner.upper())
        return image.repository

    def _organisation(self, kind) -> str:
        name, login = f"org-{secrets.token_hex(4)}", self.lab_world.target.login
        rules = {"sso": {"sso_enforced": True}, "forbids": {"classic_tokens_forbidden": True}}
        owner = OwnerBody(login=name, organisation=True, members=[login], **rules[kind])
        self.lab_world.control.put_owner(name, owner)
        return name


@pytest.fixture(name="packages")
def _packages(lab_world):
    return Packages(lab_world)


@pytest.fixture(name="people")
def _people(lab_world):
    return Accounts(lab_world)


@pytest.fixture(name="pod_says")
def _pod_says(lab_world):
    """Have a bare pod pull an image, and return the messages of the kubelet's events."""
    core, namespace = lab_world.core, f"words-{secrets.token_hex(4)}"
    labels = {LABEL: "scenario"}
    core.create_namespace(k8s.V1Namespace(metadata=k8s.V1ObjectMeta(name=namespace, labels=labels)))
    with CleanUp() as clean_up:
        clean_up.add(lambda: core.delete_namespace(namespace))
        wait_for(
            f"ServiceAccount {namespace}/default",
            lambda: core.list_namespaced_service_account(namespace).items,
            bool,
            timeout=30,
        )
        yield lambda image, credential: _words_of_a_pod(core, namespace, image, credential)


def _words_of_a_pod(core, namespace, image, credential):
    if credential:
        core.create_namespaced_secret(namespace, _pull_secret(credential))
    core.create_namespaced_pod(namespace, _pod(image, wired=credential is not None))

    def look() -> list[str]:
        events = core.list_namespaced_event(namespace).items
        told = [event.message for event in events if event.reason in _TELLING]
        told = [text for text in told if not text.startswith("Error: ")]
        # On a busy node the kubelet may not have the Secret yet, and then it pulls anonymously.
        return [text for text in told if not (credential and _ANONYMOUSLY in text)]

    said = wait_for(f"the kubelet tells of {image}", look, bool, timeout=_SAID_WITHIN)
    return said[0]


_TELLING = ("Failed", "Pulled", "InspectFailed")
_ANONYMOUSLY = "failed to fetch anonymous token"


def _pull_secret(credential):
    return k8s.V1Secret(
        metadata=k8s.V1ObjectMeta(name="pull"),
        type="kubernetes.io/dockerconfigjson",
        string_data={
            ".dockerconfigjson": json.dumps({"auths": {"ghcr.io": {"auth": credential.auth}}})
        },
    )


def _pod(image, *, wired):
    container = k8s.V1Container(name="web", image=image, image_pull_policy="Always")
    spec = k8s.V1PodSpec(
        containers=[container],
        restart_policy="Never",
        termination_grace_period_seconds=0,
        automount_service_account_token=False,
        image_pull_secrets=[k8s.V1LocalObjectReference(name="pull")] if wired else None,
    )
    return k8s.V1Pod(metadata=k8s.V1ObjectMeta(name="words"), spec=spec)


def _run(lab_world, commands, credential):
    """Run named commands in the runner with one login; returns each message by name."""
    login = [_LOGIN.format(login=credential.login)] if credential else []
    ran = lab_world.runner.run(list(commands.values()), first=login, credential=credential)
    return dict(zip(commands, ran[len(login) :], strict=True))


def _text(ran):
    return ran.stdout.strip() if ran.rc == 0 else ran.stderr.strip()


def _asked(repository, tag, credential):
    auth = _AUTH if credential else ""
    names = {"image": f"{repository}:{tag}", "repository": repository, "tag": tag, "auth": auth}
    return {client: command.format(**names) for client, command in _ASKED.items()}


def _unexpected(said, words):
    return {
        client: text
        for client, text in said.items()
        if not re.search(words[client], text, re.DOTALL)
    }


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS.keys())
def test_clients_print_ghcr_messages(lab_world, packages, people, pod_says, situation):
    """All seven clients print the expected message, and none sends the bearer to the blob host."""
    repository = packages.of(situation.package)
    credential = people.called(situation.caller)
    mark = lab_world.mark()

    ran = _run(lab_world, _asked(repository, situation.tag, credential), credential)
    said = {client: _text(each) for client, each in ran.items()}
    said["containerd"] = pod_says(f"{repository}:{situation.tag}", credential)

    assert said.keys() == situation.words.keys()
    assert _unexpected(said, situation.words) == {}
    assert [entry for entry in lab_world.control.log(since=mark) if entry.credential_leaked] == []


def test_clients_report_forbidden_classic_token(lab_world, packages, people, pod_says):
    """The message names the organisation, which the test creates."""
    repository = packages.of("forbids")
    credential = people.called("reader")

    ran = _run(lab_world, _asked(repository, "v1", credential), credential)
    said = {client: _text(each) for client, each in ran.items()}
    said["containerd"] = pod_says(f"{repository}:v1", credential)

    words = _refused(_FORBIDS.format(owner=repository.split("/")[1]))
    assert _unexpected(said, words) == {}
