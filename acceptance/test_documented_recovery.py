"""The page of REG-007 held against reality: its commands, played in order, recover workloads."""

from functools import partial

import pytest

from fixtures.checkouts import forget_image, own_workload
from fixtures.documents import play
from fixtures.symptoms import SYMPTOM_WITHIN
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import VALUES
from pullrecovery.observe import observe
from pullrecovery.observe.cluster import observe_deployment, observe_pods
from pullrecovery.observe.docs import observe_docs
from pullrecovery.tasks import judge
from pullrecovery.wait import wait_for

_RECOVERED = ("REG-003", "REG-004", "REG-005", "REG-006")


@pytest.fixture
def stuck_workloads(lab_world, tmp_path, node):
    """Every workload of the target under its literal name, without a Secret to pull with."""
    target = lab_world.world.target
    grounds = [
        Ground(
            lab_world,
            own_workload(workload, target, tmp_path),
            VALUES,
            lab_world.mint(),
            lab_world.mint(),
            shared_namespace=True,
        )
        for workload in target.workloads
    ]
    for ground in grounds:
        ground.lay()
        forget_image(node, ground.workload.image)
    for ground in grounds:
        ground.delete_secret()
        lab_world.world.helm.upgrade(ground.workload)
    for ground in grounds:
        what = f"{ground.workload.name} waits for its image"
        wait_for(what, partial(_stuck, ground), bool, timeout=SYMPTOM_WITHIN)
    yield grounds
    for ground in grounds:
        ground.clear()


def _stuck(ground):
    world = ground.lab_world.world
    deployment = observe_deployment(world, ground.workload)
    return stuck_containers(observe_pods(world, ground.workload, deployment))


@pytest.mark.all_names
def test_commands_of_the_page_recover_every_workload(lab_world, stuck_workloads, tmp_path):
    """As a colleague would type them who has nothing but the page, a checkout and a token."""
    page = observe_docs(lab_world.world).site.page
    token = lab_world.mint().credential

    played = play(lab_world, page.code, tmp_path / "checkout", token)

    assert [ran for ran in played if ran.rc != 0] == []
    for ground in stuck_workloads:
        verdicts = judge(observe(ground.world, ground.workload))
        assert {reg: verdicts[reg] for reg in _RECOVERED if not verdicts[reg].holds} == {}
