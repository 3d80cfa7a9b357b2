"""Break the harness in the ways in which other suites had false passes.

Each test must end in an error that names the guard, and nothing counts as passed. The list is
pullrecovery/faults/harness.py; the guards' messages are in result.json.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fixtures.scenario.evidence import witnesses_of
from fixtures.scenario.sandboxes import await_pods, deploy
from pullrecovery.cli.run_acceptance import egress
from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.common.wait import WaitError
from pullrecovery.faults.rollout import await_rollout
from pullrecovery.lab.cluster.kind_cluster import NODE, inner_networks
from pullrecovery.lab.engine.egress_guard import attempts, guard
from pullrecovery.lab.runner.shell import CASES
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.observe import observe
from pullrecovery.observe.registry import observe_identity, observe_platforms
from pullrecovery.tasks.reg_001_image_identity import DisagreementError, judge_identity
from pullrecovery.tasks.reg_006_redeploy import reg_006, rolled_out

_CHEAP = "test_reg_001_image_identity.py::test_uppercase_owner_is_refused_by_clients"


@dataclass(frozen=True)
class _Swallowing:
    """A runner whose every command is part of a script that does not stop at errors."""

    inner: Any

    def run(self, commands, *, first=(), credential=None):
        swallowed = [f"({command}) > /dev/null 2>&1 || true" for command in commands]
        return self.inner.run(swallowed, first=first, credential=credential)


@dataclass(frozen=True)
class _Ambient:
    """A runner whose every command uses the login in a given directory."""

    inner: Any
    folder: str

    def run(self, commands, *, first=(), credential=None):
        told = [f"export DOCKER_CONFIG={self.folder}; {command}" for command in commands]
        return self.inner.run(told, first=first, credential=credential)


@pytest.fixture(name="guarded")
def _guarded(engine_client):
    """Install the node's guard again afterwards, so that it counts from zero."""
    yield
    guard(engine_client, NODE, inner_networks())


def _docker_config(credential):
    return json.dumps({"auths": {"ghcr.io": {"auth": protect(credential.auth)}}}).encode()


@pytest.mark.harness_fault("V1")
def test_misspelt_target_key_is_error(ends_in, target, tmp_path):
    """If the unknown key were ignored, a default would decide how workloads are judged."""
    text = (target.root / "target.yaml").read_text()
    (tmp_path / "target.yaml").write_text(text.replace("pullSecretsKey:", "pullsecretsKey:"))

    with pytest.raises(UsageError) as error:
        load_target(tmp_path)

    ends_in(error.value)


@pytest.mark.harness_fault("V2")
def test_row_that_stands_twice_is_an_error(ends_in, inner_run):
    """Pytest would number the second row without the guard, and both would pass for one run."""
    twice = """
        def pytest_configure():
            import fixtures.scenario.matrix
            from pullrecovery.faults import FAULTS
            fixtures.scenario.matrix.FAULTS = (*FAULTS, *FAULTS)
    """

    inner = inner_run("test_reg_006_redeploy.py", "--collect-only", plugin=twice)

    assert inner.code != 0
    ends_in(inner.output)


@pytest.mark.harness_fault("V3")
def test_swallowed_script_error_is_noticed(ends_in, lab_world, make_package):
    """Every command ends with 0 and prints nothing; the harness sends its own request, too."""
    image = make_package("private")
    world = replace(lab_world, operator=None, runner=_Swallowing(lab_world.runner))

    seen = observe_identity(world, image.parsed)

    assert {command.rc for command in seen.commands} == {0}
    with pytest.raises(DisagreementError) as error:
        judge_identity(seen, world.target.login, observe_platforms(world))
    ends_in(error.value)


@pytest.mark.harness_fault("V4")
def test_helm_success_alone_is_not_trusted(ends_in, make_sandbox, make_package):
    """Helm with maxUnavailable 1 of 1 waits for no Ready pod at all."""
    sandbox = make_sandbox(image=make_package("private"))
    sandbox.set_value("rollingUpdate.maxUnavailable", 1)
    sandbox.set_value("image.tag", "dev")

    sandbox.world.helm.upgrade(sandbox.workload, wait=True, within=20)

    with pytest.raises(WaitError) as error:
        await_rollout(sandbox, timeout=3)
    assert not reg_006(observe(sandbox.world, sandbox.workload)).passes
    ends_in(error.value)


@pytest.mark.harness_fault("V6")
def test_tests_that_would_run_are_no_result(ends_in, inner_run):
    """A dry run judges nothing, whichever tests it lists."""
    inner = inner_run(_CHEAP, "--collect-only")

    assert inner.code == 0
    assert inner.result.run.exit == Exit.UNKNOWN
    ends_in(inner.result.run.unknowns)


@pytest.mark.harness_fault("V7")
def test_run_without_every_criterion_is_partial(ends_in, inner_run):
    """A plugin drops tests without an option that would show it."""
    dropping = """
        def pytest_collection_modifyitems(items):
            own = [item for item in items if item.name.endswith("-values]")]
            items[:] = own[:1]
    """

    inner = inner_run("test_reg_005_right_values.py", plugin=dropping)

    assert inner.code == 0, inner.output
    assert inner.result.scenarios[0].status == "recovered"
    assert inner.result.run.selection == "all"
    assert inner.result.run.exit == Exit.UNKNOWN
    ends_in(inner.result.missing)


@pytest.mark.harness_fault("V8")
def test_cached_image_has_no_pull_evidence(ends_in, make_sandbox, make_package):
    """The pod is Ready, but nothing was pulled for it."""
    sandbox = make_sandbox(image=make_package("private"))
    deploy(sandbox)
    (first,) = await_pods(sandbox, "the image is pulled", rolled_out)
    mark = sandbox.lab_world.mark()
    sandbox.core.delete_namespaced_pod(first.name, sandbox.namespace, grace_period_seconds=0)
    (second,) = await_pods(
        sandbox,
        "another pod runs on it",
        lambda deployment, pods: rolled_out(deployment, pods) and pods[0].uid != first.uid,
    )

    digest = second.containers[0].image_id.partition("@")[2]
    witnesses = witnesses_of(sandbox, since=mark, credential=sandbox.credential.name, digest=digest)

    assert not witnesses
    ends_in(repr(witnesses))


@pytest.mark.exclusive
@pytest.mark.harness_fault("V9")
def test_outside_request_is_counted(ends_in, lab, node, engine_client, guarded):
    """The request is refused, and the run that made it cannot end with 0."""
    del guarded
    assert attempts(engine_client, NODE) == 0

    tried = node.run("curl --silent --max-time 10 https://192.0.2.1/v2/")

    assert tried.rc == 7, "curl was not refused at once"
    ends_in(egress(lab))


@pytest.mark.harness_fault("V10")
def test_login_that_lies_about_is_noticed(ends_in, lab_world, make_package):
    """Each case has its own DOCKER_CONFIG; a runner that uses root's is detected."""
    image, folder = make_package("private"), f"{CASES}/ambient-login"
    anonymous = replace(lab_world, operator=None)
    logged_in = {"config.json": _docker_config(lab_world.issue_token())}
    anonymous.runner.run([f"install -D config.json {folder}/config.json"], files=logged_in)
    ambient = _Ambient(anonymous.runner, folder)

    seen = observe_identity(replace(anonymous, runner=ambient), image.parsed)
    anonymous.runner.run([f"rm -r {folder}"])

    assert seen.digest.rc == 0, seen.digest
    with pytest.raises(DisagreementError) as error:
        judge_identity(seen, anonymous.target.login, observe_platforms(anonymous))
    ends_in(error.value)


@pytest.mark.harness_fault("V11")
def test_ready_old_pod_does_not_pass(ends_in, make_sandbox, make_package):
    """The old pod serves on while the new one waits for its image."""
    sandbox = make_sandbox(image=make_package("private"))
    deploy(sandbox)
    (old,) = await_pods(sandbox, "the image is pulled", rolled_out)
    sandbox.set_value("image.tag", "dev")
    deploy(sandbox)
    await_pods(sandbox, "there are two", lambda _, pods: len(pods) == 2)

    with pytest.raises(WaitError) as error:
        await_rollout(sandbox, timeout=3)

    seen = observe(sandbox.world, sandbox.workload)
    assert old.uid in {pod.uid for pod in seen.pods if pod.ready}
    assert not reg_006(seen).passes
    ends_in(error.value)


@pytest.mark.harness_fault("V13")
def test_skipped_test_is_no_pass(ends_in, inner_run):
    """The exit code of pytest itself is 0."""
    skipping = """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.skip(reason="not today"))
    """

    inner = inner_run(_CHEAP, plugin=skipping)

    assert inner.code == 0, inner.output
    assert inner.result.run.exit == Exit.UNKNOWN
    ends_in(inner.result.run.unknowns)


@pytest.mark.harness_fault("V14")
def test_nothing_there_is_not_all_good(ends_in, make_sandbox):
    """No pod waits for an image if there is no pod, which must not count as a pass."""
    sandbox = make_sandbox()

    verdict = reg_006(observe(sandbox.world, sandbox.workload))

    assert not verdict.passes
    ends_in(verdict)
