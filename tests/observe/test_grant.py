"""Check the requests to GitHub about a grant, and REG-008's remediations with dry runs."""

import base64
import json
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from kubernetes.client import V1LocalObjectReference, V1Secret, V1ServiceAccount
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.grant import TokenGrant
from pullrecovery.model.observation import PullSecret, PullSecretEntry
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Visibility
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.observe.grant import observe_grant
from pullrecovery.registry.github_packages import GitHub, Packages
from pullrecovery.tasks import reg_008_least_privilege as task
from tests.fakes import recorded

TARGET = recorded.GOOD.target
WORKLOAD = recorded.GOOD.workload
NAME = TARGET.pull_secret
WIDE = Credential("ByteQuester", "w1de-token")
LEAST = Credential("ByteQuester", "l3ast-token")
SCOPES = {
    "w1de-token": "read:packages, write:packages",
    "l3ast-token": "read:packages",
    "f1ne-token": None,
}
NO_SECRET = PullSecret(NAME, WORKLOAD.namespace, exists=False)


@dataclass
class GitHubDouble:
    """A user's packages of one visibility, and what its tokens may do."""

    visibility: str = "private"
    ends: str = ""
    asked: list = field(default_factory=list)

    def __call__(self, request):
        path, token = request.url.path, request.headers["authorization"].split()[-1]
        self.asked.append(path)
        if path == "/user":
            return self._user(token)
        if path.startswith("/users/bytequester/packages"):
            return httpx.Response(200, json={"visibility": self.visibility})
        if path == "/users/bytequester":
            return httpx.Response(200, json={"type": "User"})
        return httpx.Response(404, json={"message": "Not Found"})

    def _user(self, token):
        if token not in SCOPES:
            return httpx.Response(401, json={"message": "Bad credentials"})
        scopes = {"x-oauth-scopes": SCOPES[token]} if SCOPES[token] else {}
        ends = {"github-authentication-token-expiration": self.ends} if self.ends else {}
        return httpx.Response(200, json={"login": "ByteQuester"}, headers={**scopes, **ends})


class Core:
    """Pull secrets by namespace, and one ServiceAccount, as in the API server."""

    def __init__(self, pull_secrets=(), **tokens):
        self.secrets = {name.replace("_", "-"): _secret(token) for name, token in tokens.items()}
        names = [V1LocalObjectReference(name=name) for name in pull_secrets]
        self.account = V1ServiceAccount(image_pull_secrets=names or None)

    def read_namespaced_secret(self, _, namespace):
        if namespace not in self.secrets:
            raise ApiException(status=404)
        return self.secrets[namespace]

    def list_secret_for_all_namespaces(self, **_):
        return SimpleNamespace(items=[])

    def list_namespaced_secret(self, *_, **__):
        return SimpleNamespace(items=[])

    def delete_namespaced_secret(self, _, namespace):
        del self.secrets[namespace]

    def read_namespaced_service_account(self, *_):
        return self.account

    def patch_namespaced_service_account(self, _name, _namespace, body):
        entries = body["imagePullSecrets"] or ()
        self.account.image_pull_secrets = [V1LocalObjectReference(**entry) for entry in entries]

    def token_in(self, namespace):
        data = base64.b64decode(self.secrets[namespace].data[".dockerconfigjson"])
        return json.loads(data)["auths"]["ghcr.io"]["password"]


def _secret(token):
    entry = {"username": "ByteQuester", "password": token}
    text = json.dumps({"auths": {"ghcr.io": entry}}).encode()
    data = {".dockerconfigjson": base64.b64encode(text).decode()}
    return V1Secret(type="kubernetes.io/dockerconfigjson", data=data)


@dataclass
class World:
    """A GitHub, a cluster, and a registry that gives every caller the same answer."""

    double: GitHubDouble = field(default_factory=GitHubDouble)
    core: Core = field(default_factory=Core)
    target: object = TARGET
    probe: object = recorded.ACCEPTED
    asked: list = field(default_factory=list)
    reader: Credential = LEAST

    def __post_init__(self):
        self.github = GitHub(lambda: httpx.MockTransport(self.double))
        self.registry = SimpleNamespace(tags=self._ask, manifest=self._ask)

    def _ask(self, *question):
        self.asked.append(question)
        return self.probe


@pytest.fixture(autouse=True)
def _refreshing(monkeypatch):
    """Replace REG-003's remediation, which has its own tests, by one that records the token."""

    def refresh(world, workload, credential):
        world.core.secrets[workload.namespace] = _secret(credential.token)

    monkeypatch.setattr(task, "refresh_secret", refresh)


@pytest.fixture(name="frontend")
def _frontend(tmp_path):
    """Return the sample's frontend in a copy of the sample, with a package meant to be public."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    return replace(target.workload("frontend"), visibility=Visibility.PUBLIC)


def _pull_secret(token):
    entry = PullSecretEntry("ghcr.io", Credential("ByteQuester", token), recorded.ACCEPTED)
    return replace(recorded.GOOD.secret, entries=(entry, entry))


def test_private_grant_costs_two_requests():
    """One more request asks once whether the owner is an organisation."""
    world = World(GitHubDouble(ends="2026-12-01 09:00:00 UTC"))

    seen = observe_grant(world, WORKLOAD, _pull_secret("l3ast-token"))
    observe_grant(world, WORKLOAD, _pull_secret("l3ast-token"))

    assert (seen.visibility, seen.status, seen.anonymous, seen.shared_with) == (
        "private",
        200,
        None,
        (),
    )
    ends = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert seen.tokens == (TokenGrant(200, frozenset({"read:packages"}), ends),)
    package = "/users/bytequester/packages/container/hosting-monorepo"
    assert world.double.asked == ["/users/bytequester", package, "/user", package, "/user"]
    assert world.asked == []


def test_public_package_is_probed_anonymously():
    """The probe is anonymous, as a pull of a pod without a Secret is."""
    world = World(GitHubDouble("public"))

    seen = observe_grant(world, replace(WORKLOAD, visibility=Visibility.PUBLIC), NO_SECRET)

    assert (seen.visibility, seen.tokens, seen.anonymous) == ("public", (), recorded.ACCEPTED)
    assert world.asked == [(WORKLOAD.image.package, recorded.TAG, None)]


def test_untold_package_has_no_visibility():
    """The refusal is part of the observation."""
    elsewhere = replace(WORKLOAD, image=replace(WORKLOAD.image, repository="ghcr.io/nobody/app"))

    seen = observe_grant(World(), elsewhere, NO_SECRET)

    assert (seen.visibility, seen.status) == ("", 404)


@pytest.mark.parametrize(("asked_for", "found"), [(True, ("backend-dev",)), (False, ())])
def test_other_namespaces_are_read_on_request(asked_for, found):
    """Another namespace of the target has the same token under the same name."""
    others = tuple(
        replace(WORKLOAD, name=name, namespace=name) for name in ("backend-dev", "third", "none")
    )
    target = replace(TARGET, token_per_namespace=asked_for, workloads=(WORKLOAD, *others))
    world = World(core=Core(backend_dev="w1de-token", third="l3ast-token"), target=target)

    assert observe_grant(world, WORKLOAD, _pull_secret("w1de-token")).shared_with == found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01 09:00:00 UTC", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01 10:00:00 +0100", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_token_expiry_has_two_forms(text, moment):
    """GitHub sends the expiry with a zone's name or with an offset."""
    double = httpx.MockTransport(GitHubDouble(ends=text))

    assert Packages("bytequester", "l3ast-token", transport=double).token().expires == moment


@pytest.mark.parametrize(("cuts", "status"), [(1, 200), (2, 0)])
def test_cut_connection_is_retried(cuts, status):
    """One cut connection is retried; two in a row are an answer."""
    double, left = GitHubDouble(), [httpx.ReadError("cut") for _ in range(cuts)]

    def answer(request):
        if left:
            raise left.pop()
        return double(request)

    seen = Packages("bytequester", "l3ast-token", transport=httpx.MockTransport(answer)).token()

    assert seen.status == status


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        ("f1ne-token", TokenGrant(200)),
        ("g0ne-token", TokenGrant(401, message="Bad credentials")),
    ],
)
def test_refused_token_is_observed(token, seen):
    """The refusal is an observation that the criterion judges, and no error."""
    double = httpx.MockTransport(GitHubDouble())

    assert Packages("bytequester", token, transport=double).token() == seen


def _replace(world, credential=LEAST, **options):
    revoked = []
    change = task.replace_token(world, WORKLOAD, credential, revoked.append, **options)
    return change, revoked


def test_least_token_replaces_wide_one():
    """The printed change has no token in it."""
    world = World(core=Core(frontend_dev="w1de-token"))

    change, revoked = _replace(world)

    assert revoked == [WIDE]
    assert world.core.token_in("frontend-dev") == "l3ast-token"
    assert "-a token of ByteQuester with read:packages, write:packages, without" in change.diff
    assert "+a token of ByteQuester with read:packages, without an end" in change.diff
    assert not [each for each in ("w1de-token", "l3ast-token") if each in str(change)]


def test_token_is_replaced_once():
    """A second run has nothing to replace and nothing to revoke."""
    world = World(core=Core(frontend_dev="w1de-token"))
    _replace(world)

    change, revoked = _replace(world)

    assert change.summary.startswith("nothing to do")
    assert (change.diff, revoked) == ("", [])


def test_replacement_dry_run_changes_nothing():
    """The dry run shows the same change as the run."""
    world = World(core=Core(frontend_dev="w1de-token"))

    change, revoked = _replace(world, dry_run=True)

    assert world.core.token_in("frontend-dev") == "w1de-token"
    assert revoked == []
    assert change == _replace(world)[0]


@pytest.mark.parametrize("token", ["w1de-token", "f1ne-token", "g0ne-token"])
def test_excessive_new_token_is_refused(token):
    """A too wide token must not be replaced by another too wide one."""
    world = World(core=Core(frontend_dev="0ld-token"))

    with pytest.raises(PullRecoveryError, match="must have read:packages alone; it has "):
        _replace(world, Credential("ByteQuester", token))

    assert world.core.token_in("frontend-dev") == "0ld-token"


def test_refused_new_token_keeps_old():
    """Pods must still be able to pull afterwards."""
    world = World(core=Core(frontend_dev="w1de-token"), probe=recorded.READ_DENIED)

    with pytest.raises(PullRecoveryError, match="The registry refuses the new token"):
        _replace(world)

    assert world.core.token_in("frontend-dev") == "w1de-token"


def test_shared_token_is_not_revoked():
    """Another namespace's pods would stop pulling."""
    other = replace(WORKLOAD, name="backend", namespace="backend-dev")
    target = replace(TARGET, workloads=(WORKLOAD, other))
    world = World(core=Core(frontend_dev="w1de-token", backend_dev="w1de-token"), target=target)

    change, revoked = _replace(world)

    assert revoked == []
    assert change.summary.endswith("; left the old one to backend-dev")
    assert world.core.token_in("backend-dev") == "w1de-token"


@pytest.mark.parametrize("wanted", Visibility)
def test_visibility_is_switched_once(wanted):
    """The visibility becomes the one in the target."""
    other = next(each for each in Visibility if each is not wanted)
    world, workload = World(GitHubDouble(other)), replace(WORKLOAD, visibility=wanted)

    def switch(package, visibility):
        assert package == "bytequester/hosting-monorepo"
        world.double.visibility = visibility

    dry = task.switch_visibility(world, workload, switch, dry_run=True)
    assert world.double.visibility == other

    assert task.switch_visibility(world, workload, switch) == dry
    assert world.double.visibility == wanted
    assert f"-visibility: {other}\n+visibility: {wanted}" in dry.diff
    assert task.switch_visibility(world, workload, switch).summary.startswith("nothing to do")


def _world_with_a_needless_secret(frontend, *neighbours):
    target = replace(TARGET, workloads=(frontend, *neighbours))
    core = Core(pull_secrets=("other", NAME), frontend_dev="w1de-token")
    return World(core=core, target=target)


def test_needless_secret_is_unwired_and_deleted(frontend):
    """Pull secrets for other registries stay, and a second run changes nothing."""
    world, revoked = _world_with_a_needless_secret(frontend), []
    frontend.values_file.write_text(
        "serviceAccount:\n  imagePullSecrets: # of CI\n    - name: other\n"
        "    - name: ghcr-credentials\n"
    )

    change = task.remove_needless_secret(world, frontend, revoked.append)
    again = task.remove_needless_secret(world, frontend, revoked.append)

    assert frontend.values_file.read_text() == (
        "serviceAccount:\n  imagePullSecrets: # of CI\n    - name: other\n"
    )
    assert [entry.name for entry in world.core.account.image_pull_secrets] == ["other"]
    assert world.core.secrets == {}
    assert revoked == [WIDE]
    assert "-    - name: ghcr-credentials" in change.diff
    assert "w1de-token" not in str(change)
    assert (again.summary[:13], again.diff) == ("nothing to do", "")


def test_removal_dry_run_changes_nothing(frontend):
    """The dry run shows the same change as the run."""
    world, revoked = _world_with_a_needless_secret(frontend), []
    before = frontend.values_file.read_text()

    dry = task.remove_needless_secret(world, frontend, revoked.append, dry_run=True)

    assert frontend.values_file.read_text() == before
    assert world.core.token_in("frontend-dev") == "w1de-token"
    assert [entry.name for entry in world.core.account.image_pull_secrets] == ["other", NAME]
    assert revoked == []
    assert dry == task.remove_needless_secret(world, frontend, revoked.append)


def test_secret_of_private_neighbour_stays(frontend):
    """Only the public workload's own values are edited."""
    neighbour = replace(frontend, name="neighbour", visibility=Visibility.PRIVATE)
    world, revoked = _world_with_a_needless_secret(frontend, neighbour), []

    change = task.remove_needless_secret(world, frontend, revoked.append)

    assert change.diff
    assert NAME not in frontend.values_file.read_text()
    assert world.core.token_in("frontend-dev") == "w1de-token"
    assert [entry.name for entry in world.core.account.image_pull_secrets] == ["other", NAME]
    assert revoked == []
