"""The commands of the tasks, typed word for word against workloads that cannot pull.

Each test asserts the broken state, what a command prints and what it changes. docs/runbook.md has
the table of commands. One line passes the token to kubectl as an argument; it is typed unchanged
inside the runner, and none of its text is printed.
"""

import base64
import json
import re
import secrets
from dataclasses import replace

import pytest
from kubernetes.client.exceptions import ApiException

from fixtures.scenario import runbook
from fixtures.scenario.evidence import witnesses_of
from fixtures.scenario.runbook import BACKEND, FRONTEND, deploy_stuck, push_oci_index
from pullrecovery.common.wait import wait_for
from pullrecovery.faults.rollout import await_rollout
from pullrecovery.lab.registry.tagging import Tags, tag_deleted
from pullrecovery.model.verdict import Cause, fails
from pullrecovery.model.wiring import SERVICE_ACCOUNT
from pullrecovery.monorepo.image_values import naming
from pullrecovery.observe import observe_pull
from pullrecovery.tasks import CRITERIA

pytestmark = pytest.mark.literal_names

_RUNS_WITHIN = 90.0
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CLIENTS = ("docker", "docker-29")
_UNAUTHORIZED = "unauthorized|UNAUTHORIZED"
_REGISTRY = {
    f"{verb}-{name}": (commands[name], printed)
    for verb, commands, printed in (
        ("inspect", runbook.INSPECT, r"^2$"),
        ("list", runbook.LIST, r"^latest$"),
    )
    for name in commands
}
_IN_NAMESPACE = {FRONTEND: "frontend-sample", BACKEND: "backend"}


def _verdict(sandbox, reg):
    return CRITERIA[reg](observe_pull(sandbox.world, sandbox.workload))


def _read_secret(sandbox):
    return sandbox.core.read_namespaced_secret(sandbox.secret_name, sandbox.namespace)


def _await_pulled(sandbox, credential, mark):
    """Wait until REG-006 passes; return the three witnesses of the pull."""
    await_rollout(sandbox, _RUNS_WITHIN)
    if sandbox.argocd:
        sandbox.argocd.refresh(sandbox.workload)
    wait_for(
        "REG-006 passes",
        lambda: _verdict(sandbox, "REG-006"),
        lambda verdict: verdict.passes,
        timeout=_RUNS_WITHIN,
    )
    return witnesses_of(sandbox, since=mark, credential=credential.name, digest=sandbox.digest)


@pytest.mark.reg001
@pytest.mark.parametrize("client", _CLIENTS)
@pytest.mark.parametrize("command", _REGISTRY)
def test_registry_command_answers_after_login(lab_world, terminal, client, command):
    """The registry refuses the command without a login, and answers it after one."""
    text, printed = _REGISTRY[command]
    issued, mark = lab_world.issue_token(), lab_world.mark()
    shell = replace(terminal, docker=client)

    refused, login, answered = shell.type(text, runbook.LOGIN, text, token=issued)

    assert refused.rc != 0
    assert re.search(_UNAUTHORIZED, refused.said), refused.said
    assert (login.rc, "Login Succeeded" in login.stdout) == (0, True), login.said
    assert answered.rc == 0, answered.said
    assert re.search(printed, answered.stdout, re.MULTILINE), answered.stdout
    assert lab_world.control.log(since=mark, credential=issued.name, status=200)


@pytest.mark.reg001
@pytest.mark.parametrize("client", _CLIENTS)
def test_revoked_token_is_refused_at_login(lab_world, terminal, client):
    """The login fails, docker stores none, and the registry still refuses."""
    issued, text = lab_world.issue_token(), runbook.INSPECT["frontend"]
    lab_world.revoke(issued)
    shell = replace(terminal, docker=client)

    login, refused = shell.type(runbook.LOGIN, text, token=issued)

    assert login.rc != 0
    assert "denied: denied" in login.said
    assert refused.rc != 0
    assert re.search(_UNAUTHORIZED, refused.said), refused.said


@pytest.mark.reg001
@pytest.mark.parametrize("client", _CLIENTS)
@pytest.mark.parametrize("name", runbook.LIST)
def test_missing_tag_is_found_by_listing(lab_world, terminal, target, client, name):
    """Docker finds no manifest without `latest`, and crane lists the other tags.

    The tag is pushed again afterwards.
    """
    image, token = target.workload(name).image, lab_world.issue_token()
    tags = Tags(lab_world.registry, lab_world.pusher.credential)
    shell = replace(terminal, docker=client)
    lines = (runbook.LOGIN, runbook.INSPECT[name], runbook.LIST[name])

    with tag_deleted(lab_world.control, tags, image.package, "latest"):
        _, missing, without = shell.type(*lines, token=token)
    _, there, listed = shell.type(*lines, token=token)

    assert missing.rc != 0
    assert re.search("no such manifest|manifest unknown", missing.said), missing.said
    assert (without.rc, there.rc, listed.rc) == (0, 0, 0)
    assert there.stdout.strip() == "2"
    # Other tests push their own tags meanwhile.
    assert "latest" in listed.stdout.split()
    assert "latest" not in without.stdout.split()
    assert image.tag in without.stdout.split()


@pytest.mark.reg001
def test_oci_index_needs_current_docker_client(lab_world, terminal, target):
    """An OCI index exists: docker 20.10 reports it as missing; docker 29 and crane find it."""
    image = replace(target.workload("frontend").image, tag=f"index-{secrets.token_hex(8)}")
    digest, token = push_oci_index(lab_world, image), lab_world.issue_token()
    inspect = f"docker manifest inspect {image.reference} | jq .schemaVersion"
    lines = (runbook.LOGIN, inspect, f"crane digest {image.reference}")

    _, old, _ = terminal.type(*lines, token=token)
    _, new, seen = replace(terminal, docker="docker-29").type(*lines, token=token)
    lab_world.control.delete_tag(image.package, image.tag)

    assert old.rc != 0
    assert "no such manifest" in old.said
    assert (new.rc, new.stdout.strip()) == (0, "2"), new.said
    assert seen.stdout.strip() == digest


@pytest.mark.reg003
@pytest.mark.parametrize("namespace", _IN_NAMESPACE)
def test_created_secret_recovers_waiting_pods(lab_world, terminal, set_up, namespace):
    """The line creates the Secret, new pods pull with it, and the line refreshes its token."""
    sandbox, issued = set_up(_IN_NAMESPACE[namespace]), lab_world.issue_token()
    sandbox.delete_secret()
    deploy_stuck(sandbox)
    assert _verdict(sandbox, "REG-003") == fails(Cause.SECRET_MISSING)
    assert not _verdict(sandbox, "REG-006").passes
    create, get = runbook.CREATE_SECRET[namespace], runbook.GET_SECRET[namespace]
    mark = lab_world.mark()

    lines = (get, create, get, create, runbook.DELETE_PODS[namespace])
    missing, created, there, again, deleted = terminal.type(*lines, token=issued)

    assert (missing.rc, missing.stdout) == (1, "")
    assert '(NotFound): secrets "ghcr-credentials" not found' in missing.stderr
    assert (created.rc, created.stdout) == (0, "secret/ghcr-credentials created\n"), created.said
    assert re.search(r"(?m)^ghcr-credentials +kubernetes.io/dockerconfigjson +1 ", there.stdout)
    assert (again.rc, again.stdout) == (0, "secret/ghcr-credentials unchanged\n"), again.said
    assert re.search(r'^pod "\S+" deleted', deleted.stdout), deleted.said
    assert _await_pulled(sandbox, issued, mark)
    assert _verdict(sandbox, "REG-003").passes

    (refreshed,) = terminal.type(create, token=lab_world.issue_token())

    assert (refreshed.rc, refreshed.stdout) == (0, "secret/ghcr-credentials configured\n")


@pytest.mark.reg003
@pytest.mark.parametrize("namespace", _IN_NAMESPACE)
def test_second_kubectl_needs_kubeconfig(lab_world, terminal, set_up, namespace):
    """The first kubectl has KUBECONFIG by its flag; the second fails until it is exported.

    KUBECONFIG is a shell variable. Once exported, both use the cluster that it names.
    """
    sandbox, token = set_up(_IN_NAMESPACE[namespace]), lab_world.issue_token()
    sandbox.delete_secret()
    line = runbook.CREATE_SECRET[namespace]

    (failed,) = replace(terminal, setting=()).type(line, token=token)

    assert failed.rc != 0
    assert re.search(r"localhost:8080.*refused|refused.*localhost:8080", failed.stderr)
    with pytest.raises(ApiException, match="404"):
        _read_secret(sandbox)

    (created,) = terminal.type(line, token=token)

    assert (created.rc, created.stdout) == (0, "secret/ghcr-credentials created\n")
    assert _read_secret(sandbox).type == "kubernetes.io/dockerconfigjson"


@pytest.mark.reg003
@pytest.mark.parametrize("namespace", _IN_NAMESPACE)
def test_client_side_apply_keeps_token(lab_world, terminal, set_up, namespace):
    """The line leaves the token in an annotation, and with `--server-side` it does not.

    If the annotation exists already, `--server-side` writes the next token into it, too.
    """
    sandbox, first, second = set_up(_IN_NAMESPACE[namespace]), *_two_tokens(lab_world)
    sandbox.delete_secret()
    line = runbook.CREATE_SECRET[namespace]
    server_side = line.replace("kubectl apply", "kubectl apply --server-side")

    (client,) = terminal.type(line, token=first)
    annotated = _read_secret(sandbox)
    (over,) = terminal.type(server_side, token=second)
    refreshed = _read_secret(sandbox)
    sandbox.delete_secret()
    (server,) = terminal.type(server_side, token=second)
    plain = _read_secret(sandbox)

    assert (client.rc, over.rc, server.rc) == (0, 0, 0), (client.said, over.said, server.said)
    assert over.stdout == server.stdout == "secret/ghcr-credentials serverside-applied\n"
    # An assertion would print the compared values.
    assert _is_annotated_with(annotated, first.token)
    assert _is_annotated_with(refreshed, second.token)
    assert list(plain.metadata.annotations or {}) == []
    assert _holds(plain.data, second.token)


def _two_tokens(lab_world):
    return [lab_world.issue_token() for _ in range(2)]


def _is_annotated_with(secret, token):
    applied = json.loads((secret.metadata.annotations or {}).get(_LAST_APPLIED, "{}"))
    return _holds(applied.get("data", {}), token)


def _holds(data, token):
    return token in base64.b64decode(data.get(".dockerconfigjson", "")).decode()


@pytest.mark.reg004
@pytest.mark.parametrize("namespace", [FRONTEND])
def test_patched_account_recovers_workload(lab_world, terminal, set_up, namespace):
    """`frontend-sample` runs as `default`, and nothing names the Secret, which is healthy.

    The patch alone changes no existing pod; pods created after it pull.
    """
    sandbox = set_up("frontend-sample", SERVICE_ACCOUNT)
    sandbox.set_account_secrets([])
    deploy_stuck(sandbox)
    assert _verdict(sandbox, "REG-004") == fails(Cause.NOT_WIRED)
    assert not _verdict(sandbox, "REG-006").passes
    mark, token = lab_world.mark(), lab_world.issue_token()

    lines = (runbook.GET_ACCOUNT, runbook.PATCH_ACCOUNT, runbook.GET_ACCOUNT)
    before, patched, after = terminal.type(*lines, token=token)
    stale = _verdict(sandbox, "REG-004")
    (deleted,) = terminal.type(runbook.DELETE_PODS[namespace], token=token)

    assert (before.rc, "imagePullSecrets" in before.stdout) == (0, False)
    assert (patched.rc, patched.stdout) == (0, "serviceaccount/default patched\n"), patched.said
    assert "imagePullSecrets:\n- name: ghcr-credentials\n" in after.stdout
    assert stale == fails(Cause.PODS_STALE)
    assert re.search(r'^pod "\S+" deleted', deleted.stdout), deleted.said
    assert _await_pulled(sandbox, sandbox.credential, mark)
    assert _verdict(sandbox, "REG-004").passes


@pytest.mark.reg005
@pytest.mark.parametrize("name", runbook.UPGRADE)
def test_helm_upgrade_recovers_as_watch_shows(lab_world, terminal, set_up, tmp_path, name):
    """The values first have the tag `dev`, which CI never pushes, and then the wanted one.

    `helm template` renders either, and the watch prints pods in back-off and then a running one.
    """
    sandbox = set_up(name)
    wanted, token = sandbox.workload.image, lab_world.issue_token()
    sandbox.set_values(naming(replace(wanted, tag="dev")))
    deploy_stuck(sandbox)
    assert _verdict(sandbox, "REG-005") == fails(Cause.WRONG_TAG)
    assert not _verdict(sandbox, "REG-006").passes
    checkout, mark = tmp_path / "checkout", lab_world.mark()
    (before,) = terminal.type(runbook.TEMPLATE[name], token=token, checkout=checkout)

    sandbox.set_values(naming(wanted))
    (after,) = terminal.type(runbook.TEMPLATE[name], token=token, checkout=checkout)
    watched = terminal.type_watched(runbook.UPGRADE[name], runbook.WATCH, token, checkout)

    assert f'image: "{wanted.repository}:dev"' in before.stdout, before.said
    assert f'image: "{wanted.reference}"' in after.stdout, after.said
    assert watched.rc == 0, watched.said
    assert f'Release "{name}" has been upgraded. Happy Helming!' in watched.stderr
    transition = r"(?s)^NAME +READY +STATUS.* 0/1 +(ErrImagePull|ImagePullBackOff) .* 1/1 +Running "
    assert re.search(transition, watched.stdout), watched.stdout
    assert _await_pulled(sandbox, sandbox.credential, mark)
    assert _verdict(sandbox, "REG-005").passes


@pytest.mark.argocd
@pytest.mark.reg006
@pytest.mark.parametrize("name", runbook.SYNC)
def test_argocd_sync_recovers_application(lab_world, terminal, set_up, argocd, name):
    """The Application has the manifest's name, and its branch has a tag that does not exist.

    Automated sync is off. After the values are corrected and pushed, Argo CD compares, and only the
    sync applies them to the cluster.
    """
    sandbox = set_up(name, argocd=argocd)
    wanted, token = sandbox.workload.image, lab_world.issue_token()
    sandbox.set_values(naming(replace(wanted, tag="dev")))
    deploy_stuck(sandbox)
    argocd.patch(sandbox.workload, {"spec": {"syncPolicy": {"automated": None}}})
    sandbox.set_values(naming(wanted))
    commit, mark = argocd.push(sandbox.workload), lab_world.mark()
    argocd.refresh(sandbox.workload)
    before = argocd.read(sandbox.workload)
    assert (before["metadata"]["name"], before["status"]["sync"]["status"]) == (name, "OutOfSync")
    assert before["status"]["history"][-1]["revision"] != commit
    assert not _verdict(sandbox, "REG-006").passes
    setting = (*terminal.setting, *runbook.CORE)

    (synced,) = replace(terminal, setting=setting).type(runbook.SYNC[name], token=token)

    assert synced.rc == 0, synced.said
    assert re.search(rf"(?m)^Name: +argocd/{name}$", synced.stdout), synced.stdout
    assert re.search(r"(?m)^Phase: +Succeeded$", synced.stdout), synced.stdout
    assert f"deployment.apps/{name} configured" in synced.stdout
    assert argocd.read(sandbox.workload)["status"]["history"][-1]["revision"] == commit
    assert _await_pulled(sandbox, sandbox.credential, mark)
    assert _verdict(sandbox, "REG-005").passes
