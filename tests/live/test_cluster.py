"""Check that a user's cluster is read-only, and that what it does not allow is named."""

import inspect
from types import SimpleNamespace

import httpx
import pytest
from kubernetes.client.exceptions import ApiException
from ruamel.yaml import YAML
from urllib3.exceptions import NewConnectionError

from pullrecovery.common.errors import ForbiddenError, NotObservedError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.deploy.helm import Helm, HelmReader
from pullrecovery.live import world as live_world
from pullrecovery.live.cluster import LiveApps, LiveCore, ReadOnlyRest
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.world import read_only as view
from pullrecovery.world.world import World

READS = ("list_", "read_")
ROLE = list(YAML(typ="safe").load_all((SUITE_ROOT / "sample/live/role.yaml").read_text()))


def _methods(kind):
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}


@pytest.mark.parametrize(
    ("protocol", "live"), [(view.CoreReads, LiveCore), (view.AppsReads, LiveApps)]
)
def test_live_cluster_is_read_only(protocol, live):
    """The Protocol and its implementation have only methods that read."""
    assert _methods(protocol) == _methods(live) != set()
    assert [name for name in _methods(live) if not name.startswith(READS)] == []


def test_live_helm_only_reads():
    """The methods that change a cluster are in another class."""
    assert _methods(HelmReader) == _methods(view.HelmReads) == {"template", "manifest"}
    assert {"upgrade", "rollback", "uninstall"} <= _methods(Helm)
    assert "HelmReader(" in inspect.getsource(live_world)


def test_live_world_covers_dry_run():
    """The live world has every attribute of World that a remediation's dry run may use."""
    asked = {name for name in (*World.__dataclass_fields__, *vars(World)) if name[0] != "_"}
    there = {*live_world.LiveWorld.__dataclass_fields__, *vars(live_world.LiveWorld)}

    assert asked - there == set()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post"])
def test_client_beneath_sends_nothing_but_get(method):
    """A writing request raises before it reaches the network."""
    sent = []
    rest = ReadOnlyRest(SimpleNamespace(request=lambda *arguments, **_: sent.append(arguments)))

    rest.request("GET", "/api/v1/pods")
    with pytest.raises(NotObservedError, match="only reads"):
        rest.request(method, "/api/v1/pods")

    assert sent == [("GET", "/api/v1/pods")]


def test_live_http_client_cannot_push():
    """A writing request to the registry raises an error."""
    hooks = {"request": [live_world._refuse_to_write]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200))

    with httpx.Client(transport=transport, event_hooks=hooks) as http:
        assert http.get("https://ghcr.io/v2/").status_code == 200
        with pytest.raises(NotObservedError, match="only reads"):
            http.put("https://ghcr.io/v2/x/manifests/y", content=b"")


def _core(error):
    def refuse(*_, **__):
        raise error

    return LiveCore(SimpleNamespace(list_namespaced_pod=refuse, read_namespaced_secret=refuse))


def _api_error(status, message="pods is forbidden: …"):
    error = ApiException(status=status)
    error.body = f'{{"kind": "Status", "message": "{message}"}}'
    return error


def test_forbidden_verb_and_resource_are_named():
    """The error names the verb and resource that the Role lacks."""
    with pytest.raises(ForbiddenError) as error:
        _core(_api_error(403)).list_namespaced_pod("frontend-dev", label_selector="x=y")

    assert error.value.what == "list pods in frontend-dev"
    assert "forbids to list pods in frontend-dev: pods is forbidden" in str(error.value)
    assert error.value.exit == 2


def test_forbidden_secret_is_named_by_its_name():
    """The error names the Secret, as the Role lists Secrets one by one."""
    with pytest.raises(ForbiddenError, match="get secrets/ghcr-credentials in frontend-dev"):
        _core(_api_error(403)).read_namespaced_secret("ghcr-credentials", "frontend-dev")


def test_missing_object_is_an_answer():
    """A 404 is passed on, as the caller knows what it means."""
    with pytest.raises(ApiException):
        _core(_api_error(404)).read_namespaced_secret("ghcr-credentials", "frontend-dev")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (_api_error(401, "Unauthorized"), "does not know the user of this context"),
        (_api_error(500, "etcd"), r"could not list pods in frontend-dev \(500\): etcd"),
        (NewConnectionError(None, "refused"), "does not answer"),
        (TimeoutError("20 s"), "does not answer"),
    ],
    ids=["unknown user", "server error", "refused", "time-out"],
)
def test_silent_cluster_is_no_verdict(error, said):
    """An unreachable cluster says neither that there are pods nor that there are none."""
    with pytest.raises(NotObservedError, match=said):
        _core(error).list_namespaced_pod("frontend-dev", label_selector="x=y")


def test_role_of_the_sample_only_looks():
    """The Role has no verb that writes, no watch, and the pull secret as its only Secret."""
    rules = [rule for each in ROLE if each["kind"] == "Role" for rule in each["rules"]]
    secrets = [rule for rule in rules if "secrets" in rule["resources"]]
    target = load_target(SUITE_ROOT / "sample")

    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    assert [rule["resourceNames"] for rule in secrets] == [[target.pull_secret]] * 2
    assert [rule["verbs"] for rule in secrets] == [["get"]] * 2


def test_sample_role_is_namespaced():
    """Each namespace has the same Role and its binding."""
    wanted = {workload.namespace for workload in load_target(SUITE_ROOT / "sample").workloads}
    roles = {each["metadata"]["namespace"]: each for each in ROLE if each["kind"] == "Role"}
    bound = {each["metadata"]["namespace"] for each in ROLE if each["kind"] == "RoleBinding"}

    assert roles.keys() == bound == wanted
    assert len({str(role["rules"]) for role in roles.values()}) == 1
    assert {each["kind"] for each in ROLE} == {"Namespace", "ServiceAccount", "Role", "RoleBinding"}


def test_audit_policy_covers_role():
    """The policy logs no other account, as every entry costs the API server."""
    file = SUITE_ROOT / "pullrecovery/lab/cluster/node_files/apiserver/audit-policy.yaml"
    policy = YAML(typ="safe").load(file.read_text())
    (account,) = (each for each in ROLE if each["kind"] == "ServiceAccount")
    first, *rest = policy["rules"]

    assert first["userGroups"] == [f"system:serviceaccounts:{account['metadata']['namespace']}"]
    assert first["level"] == "Metadata"
    assert rest == [{"level": "None"}]
