"""REG-002: the image exists.

The workflow pushes on the branch and on tags. It is run, by a trivial change or by hand, and the
tag that it pushes is verified: by its manifest, by the packages API, and by a pod that pulls it.
Holds when the wanted tag has an image for the nodes, and the workflow would push it.
"""

import secrets
from dataclasses import replace

import pytest

from fixtures.scenario.checkouts import own_workflow
from fixtures.scenario.scenario import failing
from fixtures.scenario.symptoms import EVENTS
from pullrecovery.faults.rows import RunOn
from pullrecovery.model.verdict import fails, holds
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
    broken, mend_workflow, link_package, run_workflow, correct_values, redeploy, settled, pulls
):
    """It does not start, does not push, or may not: mended, it pushes what a pod then pulls."""
    verdicts = broken.verdicts()
    assert failing(verdicts).keys() == broken.fault.must_fail, failing(verdicts)
    assert verdicts["REG-002"] == fails(broken.fault.cause)

    mend_workflow()
    link_package()
    run_workflow()

    assert broken.run is not None, "nobody ran the workflow"
    assert broken.run.played.succeeded, broken.run.played.log
    assert broken.run.probe.digest == broken.run.listed == broken.digest
    assert reg_002(broken.observe()) == holds()
    correct_values()
    redeploy()
    assert failing(settled()) == {}
    if broken.in_cluster:
        assert pulls.after(run_workflow).by(broken.credential).of(broken.digest)


@pytest.fixture(name="apart")
def _apart(lab_world, tmp_path):
    """The world with a workflow that pushes every image under a name of the test's own.

    Rows with the literal names have the `latest` that it pushes on their pods meanwhile.
    """
    target = lab_world.world.target
    copy = own_workflow(target, tmp_path)
    copy.keep_apart(target)
    workloads = tuple(
        replace(each, image=replace(each.image, repository=copy.apart[each.image.repository]))
        for each in target.workloads
    )
    workflow = replace(target.workflow, file=copy.file)
    return replace(lab_world.world, target=replace(target, workloads=workloads, workflow=workflow))


@pytest.mark.parametrize("started", RunOn)
def test_workflow_in_good_order_pushes_by_each_of_its_triggers(apart, started):
    """A change, a release tag, and by hand; `latest` is the branch's alone."""
    image = apart.target.workloads[0].image

    run = play_workflow(apart, image, EVENTS[started](apart.target), whole=True)

    assert run.played.succeeded, run.played.log
    assert run.probe.digest == run.listed != ""
    latest = set() if started is RunOn.RELEASE else {"latest"}
    assert {pushed.tag for pushed in run.played.pushed} == {run.played.sha} | latest
    assert "ghs_" not in run.played.log


def test_workflow_made_of_dockers_actions_runs_on_their_stand_ins(lab_world, tmp_path):
    """GitHub cannot be reached for the real ones; the report names those that stood in."""
    target = lab_world.world.target
    workload = target.workloads[0]
    app = str(workload.app.relative_to(target.root))
    image = replace(
        workload.image, repository=f"{workload.image.repository}-{secrets.token_hex(4)}"
    )
    file = tmp_path / "ci.yml"
    file.write_text(_BY_ACTIONS.replace("APP", app).replace("REPOSITORY", image.repository))
    workflow = replace(target.workflow, file=file)
    world = replace(lab_world.world, target=replace(target, workflow=workflow))

    run = play_workflow(world, image, push_of_change(world.target))

    assert run.played.succeeded, run.played.log
    assert run.probe.digest == run.listed != ""
    assert [each.partition("@")[0] for each in run.played.stand_ins] == [
        "docker/setup-buildx-action",
        "docker/login-action",
        "docker/build-push-action",
    ]
