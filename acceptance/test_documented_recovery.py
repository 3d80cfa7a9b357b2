"""The commands of REG-007's page, typed in order, recover workloads."""

import json
import re
from functools import partial

import pytest

from fixtures.scenario.checkouts import forget_image, own_workload
from fixtures.scenario.documents import play
from fixtures.scenario.evidence import witnesses_of
from fixtures.scenario.page_blocks import block_with, failures_of, unprinted_of
from pullrecovery.common.clean_up import CleanUp
from pullrecovery.common.wait import wait_for
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.sandbox import Sandbox, auth_of
from pullrecovery.faults.symptoms import SYMPTOM_WITHIN
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.lab.tools.toolchain import go_arch
from pullrecovery.model.wiring import VALUES
from pullrecovery.monorepo.docs_page_template import page_text
from pullrecovery.observe import observe
from pullrecovery.observe.docs import observe_docs
from pullrecovery.tasks import judge

_RECOVERED = ("REG-003", "REG-004", "REG-005", "REG-006")
_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_IN_CLUSTER = ("kubectl", "helm upgrade")
# As in the runbook: afterwards the token is in the annotation.
_APPLY_SECRET = (
    "export KUBECONFIG=$PWD/kubeconfig;"
    " kubectl create secret docker-registry {name} --namespace {namespace}"
    " --from-file=.dockerconfigjson=old.json --dry-run=client --output yaml |"
    " kubectl apply --filename -"
)


@pytest.fixture
def stuck_workloads(lab_world, tmp_path, node):
    """Every workload under its literal name; only the first one's namespace has an old Secret.

    The client applied the old Secret, and its token is revoked.
    """
    target = lab_world.target
    sandboxes = [
        Sandbox(
            lab_world,
            own_workload(workload, target, tmp_path),
            VALUES,
            lab_world.issue_token(),
            lab_world.issue_token(),
            shared_namespace=True,
        )
        for workload in target.workloads
    ]
    with CleanUp() as clean_up:
        for sandbox in sandboxes:
            clean_up.enter(sandbox.started())
            sandbox.publish()
            forget_image(node, sandbox.workload.image)
        for sandbox in sandboxes:
            sandbox.delete_secret()
        _apply_revoked_secret(sandboxes[0])
        for sandbox in sandboxes:
            sandbox.world.helm.upgrade(sandbox.workload)
        for sandbox in sandboxes:
            what = f"{sandbox.workload.name} waits for its image"
            wait_for(what, partial(_stuck, sandbox), bool, timeout=SYMPTOM_WITHIN)
        yield sandboxes


def _apply_revoked_secret(sandbox):
    lab_world, old = sandbox.lab_world, sandbox.lab_world.issue_token()
    document = {"auths": {lab_world.target.registry: {"auth": auth_of(old)}}}
    files = {
        "old.json": json.dumps(document).encode(),
        "kubeconfig": lab_world.lab.cluster.kubeconfig_within(),
    }
    apply = _APPLY_SECRET.format(name=sandbox.secret_name, namespace=sandbox.namespace)
    (applied,) = lab_world.runner.run([apply], files=files)
    lab_world.revoke(old)
    assert applied.rc == 0, applied
    assert _ANNOTATION in _annotations(sandbox)


def _annotations(sandbox):
    secret = sandbox.core.read_namespaced_secret(sandbox.secret_name, sandbox.namespace)
    return secret.metadata.annotations or {}


def _stuck(sandbox):
    world = sandbox.lab_world
    deployment = observe_deployment(world, sandbox.workload)
    return stuck_containers(observe_pods(world, sandbox.workload, deployment))


def _shipped(lab_world):
    """Return the command blocks of the shipped docs page, as a browser shows them."""
    return observe_docs(lab_world).site.page.code


def _generated(lab_world):
    """Return the command blocks of the page that REG-007's remediation writes."""
    text = page_text(lab_world.target, "registry-auth")
    return tuple(re.findall(r"(?ms)^```bash\n(.*?)^```$", text))


@pytest.mark.all_names
@pytest.mark.parametrize("code", [_shipped, _generated], ids=["shipped", "generated"])
def test_page_commands_recover_every_workload(lab_world, stuck_workloads, code, tmp_path):
    """Type the page's commands with only the page, a checkout and a token."""
    token, mark = lab_world.issue_token(), lab_world.mark()

    played = play(lab_world, code(lab_world), tmp_path / "checkout", token)

    assert failures_of(played) == []
    assert unprinted_of(played) == []
    for sandbox in stuck_workloads:
        verdicts = judge(observe(sandbox.world, sandbox.workload))
        assert {reg: verdicts[reg] for reg in _RECOVERED if not verdicts[reg].passes} == {}
        assert witnesses_of(sandbox, since=mark, credential=token.name, digest=sandbox.digest)
        assert _ANNOTATION not in _annotations(sandbox)
    digests = {sandbox.digest for sandbox in stuck_workloads}
    assert digests.intersection(block_with(played, "crane digest").lines)


@pytest.mark.all_names
def test_broken_page_line_is_reported(make_control, lab_world, target, tmp_path):
    """The first command of a pipe names a missing tag, and the block's last line succeeds."""
    control = make_control("broken-line-of-the-page", "other-remediation")
    for workload in target.workloads:
        own_workload(workload, target, tmp_path)
    code = [
        block for block in _shipped(lab_world) if not any(each in block for each in _IN_CLUSTER)
    ]
    line = next(line for line in "\n".join(code).splitlines() if "manifest inspect" in line)
    scenario_run = line.replace("$TAG", "dev")

    played = play(
        lab_world,
        tuple(block.replace(line, scenario_run) for block in code),
        tmp_path / "checkout",
        lab_world.issue_token(),
    )

    (failure,), (unprinted,) = failures_of(played), unprinted_of(played)
    assert failure.startswith(f"{scenario_run}: exit code ")
    assert unprinted.startswith("2: not printed in ")
    assert block_with(played, scenario_run).lines[-1] == f"linux/{go_arch()}"
    control.outcome = "not-recovered"
