"""REG-002: the image exists.

The workflow pushes on the branch and on tags. The test runs it for a trivial change or by hand, and
verifies the pushed tag by its manifest, by the packages API, and by a pod that pulls it. The
criterion passes if the wanted tag has an image for the nodes, and the workflow would push it.
"""

import secrets
from dataclasses import replace

import pytest

from fixtures.scenario.checkouts import own_workflow
from pullrecovery.faults.symptoms import EVENTS, RunOn
from pullrecovery.model.verdict import failing, fails, passes
from pullrecovery.observe.workflow import play_workflow, push_of_change
from pullrecovery.tasks.reg_002_image_exists import reg_002

_BY_ACTIONS = """\
on: push
permissions: {contents: read, packages: write}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/setup-buildx-action@v3
      - uses: docker/login-action@v3
        with:
          registry: ghcr.io
          username: ${{ github.actor }}
          password: ${{ secrets.GITHUB_TOKEN }}
      - uses: docker/build-push-action@v6
        with:
          context: APP
          push: true
          tags: |
            REPOSITORY:${{ github.sha }}
            REPOSITORY:latest
"""


@pytest.mark.scenarios("REG-002")
def test_workflow_that_makes_no_image_recovers(
    scenario_run, fix_workflow, link_package, run_workflow, correct_values, redeploy, settled, pulls
):
    """The workflow does not start, does not push, or may not; once fixed, a pod pulls its image."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert verdicts["REG-002"] == fails(scenario_run.fault.cause)

    fix_workflow()
    link_package()
    run_workflow()

    assert scenario_run.run is not None, "the workflow did not run"
    assert scenario_run.run.played.succeeded, scenario_run.run.played.log
    assert scenario_run.run.probe.digest == scenario_run.run.listed == scenario_run.digest
    assert reg_002(scenario_run.observe()) == passes()
    correct_values()
    redeploy()
    assert failing(settled()) == {}
    if scenario_run.in_cluster:
        assert pulls.after(run_workflow).by(scenario_run.credential).of(scenario_run.digest)


@pytest.fixture(name="apart")
def _apart(lab_world, tmp_path):
    """The world with a workflow that pushes every image under a name of the test's own.

    The pods of rows with the literal names run the `latest` that it would push.
    """
    target = lab_world.target
    copy = own_workflow(target, tmp_path)
    copy.keep_apart(target)
    workloads = tuple(
        replace(
            workload,
            image=replace(workload.image, repository=copy.apart[workload.image.repository]),
        )
        for workload in target.workloads
    )
    workflow = replace(target.workflow, file=copy.file)
    return replace(lab_world, target=replace(target, workloads=workloads, workflow=workflow))


@pytest.mark.parametrize("started", RunOn)
def test_healthy_workflow_pushes_on_every_trigger(apart, started):
    """A change, a release tag, and a run by hand; only the branch pushes `latest`."""
    image = apart.target.workloads[0].image

    run = play_workflow(apart, image, EVENTS[started](apart.target), whole=True)

    assert run.played.succeeded, run.played.log
    assert run.probe.digest == run.listed != ""
    latest = set() if started is RunOn.RELEASE else {"latest"}
    assert {pushed.tag for pushed in run.played.pushed} == {run.played.sha} | latest
    assert "ghs_" not in run.played.log


def test_workflow_runs_on_stubs(lab_world, tmp_path):
    """GitHub cannot be reached for the real actions; the report names the stubs."""
    target = lab_world.target
    workload = target.workloads[0]
    app = str(workload.app.relative_to(target.root))
    image = replace(
        workload.image, repository=f"{workload.image.repository}-{secrets.token_hex(4)}"
    )
    file = tmp_path / "ci.yml"
    file.write_text(_BY_ACTIONS.replace("APP", app).replace("REPOSITORY", image.repository))
    workflow = replace(target.workflow, file=file)
    world = replace(lab_world, target=replace(target, workflow=workflow))

    run = play_workflow(world, image, push_of_change(world.target))

    assert run.played.succeeded, run.played.log
    assert run.probe.digest == run.listed != ""
    assert [stub.partition("@")[0] for stub in run.played.stubs] == [
        "docker/setup-buildx-action",
        "docker/login-action",
        "docker/build-push-action",
    ]
