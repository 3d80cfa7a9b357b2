"""REG-001: identify the image.

For the chart in use, the exact repository and an existing tag are known. The task's commands run on
a CI machine of the lab: `docker login`, `docker manifest inspect`, `crane ls`. The criterion passes
if the registry answers the operator's credential with the digest, its platforms and the existing
tags.
"""

from dataclasses import replace

import pytest

from fixtures.plugin.options import target_of
from fixtures.scenario.matrix import NAMINGS
from pullrecovery.model.verdict import Cause, failing, fails, passes
from pullrecovery.observe.registry import observe_identity, observe_platforms
from pullrecovery.tasks.reg_001_image_identity import judge_identity, reg_001


def pytest_generate_tests(metafunc):
    """Run for every workload of the target, with each way to name its image."""
    if "naming" in metafunc.fixturenames:
        workloads = target_of(metafunc.config).workloads
        metafunc.parametrize("naming", NAMINGS)
        metafunc.parametrize("workload", workloads, ids=[workload.name for workload in workloads])


def _wanted_digest(world, image):
    return world.registry.manifest(image.package, image.tag, world.reader).digest


def _reference(world, workload, naming):
    image = workload.image
    if naming == "digest":
        return replace(image.parsed, tag="", digest=_wanted_digest(world, image))
    return replace(image, tag="latest").parsed if naming == "latest" else image.parsed


def test_image_is_identified_by_every_name(lab_world, workload, naming):
    """The verdict describes the image for `latest`, for the commit and for the digest.

    It never runs beside rows with the literal names, which push the wanted commit again.
    """
    world = lab_world
    reference = _reference(world, workload, naming)

    seen, platforms = observe_identity(world, reference), observe_platforms(world)
    verdict = judge_identity(seen, world.target.login, platforms)

    assert verdict == passes()
    assert "Login Succeeded" in seen.login.stdout
    assert seen.inspect.stdout.strip() == "2"
    assert seen.digest.stdout.strip() in verdict.evidence
    assert platforms[0] in verdict.evidence
    assert "latest" in seen.tags.stdout.split()


def test_uppercase_owner_is_refused_by_clients(lab_world, target):
    """The owner is in upper case; no request with that name reaches the registry."""
    world, image = lab_world, target.workloads[0].image
    path = image.parsed.path.replace(target.owner, target.owner.upper())
    capitals = replace(image.parsed, path=path)

    seen = observe_identity(world, capitals)

    platforms = observe_platforms(world)
    assert judge_identity(seen, target.login, platforms) == fails(Cause.OWNER_IN_CAPITALS)
    assert "repository name must be lowercase" in seen.inspect.stderr


def test_login_of_one_case_is_gone_in_the_next(lab_world, target):
    """Docker stores a login until another one replaces it, so each case starts without one."""
    world = lab_world
    # By digest, as rows with the literal names push the tags again meanwhile.
    reference = _reference(world, target.workloads[0], "digest")
    platforms = observe_platforms(world)
    identity = observe_identity(world, reference)
    assert judge_identity(identity, target.login, platforms) == passes()

    anonymous = replace(world, operator=None)

    verdict = judge_identity(observe_identity(anonymous, reference), target.login, platforms)
    assert verdict == fails(Cause.OPERATOR_NOT_LOGGED_IN)


@pytest.mark.scenarios("REG-001", surface="registry")
def test_operator_who_is_refused_recovers(scenario_run, log_in, settled):
    """Pods still run if the registry rejects the operator's login, but its clients fail."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert verdicts["REG-001"] == fails(scenario_run.fault.cause)

    log_in()

    assert failing(settled()) == {}
    assert scenario_run.lab_world.reads(
        since=log_in.mark, digest=scenario_run.digest, credential=log_in.credential.name
    )


@pytest.mark.scenarios("REG-001", but="registry")
def test_image_of_an_unknown_name_recovers(
    scenario_run, take_existing_image, correct_values, redeploy, settled, pulls
):
    """A tag or repository that was never pushed: an existing tag, or a push, fixes it."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert verdicts["REG-001"] == fails(scenario_run.fault.cause)

    take_existing_image()

    assert reg_001(scenario_run.observe()) == passes()
    correct_values()
    redeploy()
    assert failing(settled()) == {}
    if scenario_run.in_cluster:
        assert pulls.after(take_existing_image).by(scenario_run.credential).of(scenario_run.digest)
