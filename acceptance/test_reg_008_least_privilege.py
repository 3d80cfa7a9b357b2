"""REG-008: least privilege.

A package that is meant to be public is public, and pods pull it without a token. For a private
package, the cluster's token is a classic one with read:packages as its only scope. It is authorised
where the organisation demands SSO, does not expire soon, and is used in one namespace only where
the target says so.
"""

from dataclasses import replace

import pytest

from pullrecovery.model.verdict import Cause, failing, fails, passes
from pullrecovery.observe.registry import login_command
from pullrecovery.registry.github_packages import PackagesError
from pullrecovery.tasks.reg_008_least_privilege import reg_008

_OF_TOKENS = {
    Cause.TOKEN_TOO_WIDE,
    Cause.TOKEN_NOT_CLASSIC,
    Cause.TOKEN_ENDS_SOON,
    Cause.TOKEN_SHARED,
    Cause.SSO_MISSING,
}
_OF_PACKAGES = {Cause.PACKAGE_NOT_PUBLIC, Cause.PACKAGE_NOT_PRIVATE}


def _check_broken(scenario_run):
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    for reg in scenario_run.fault.must_fail & {"REG-006", "REG-008"}:
        assert verdicts[reg] == fails(_cause_of(scenario_run.fault, reg))


def _cause_of(fault, reg):
    # A pod gets the same answer for a fine-grained token as for one without the scope.
    of_the_pod = fault.cause is Cause.TOKEN_NOT_CLASSIC and reg == "REG-006"
    return Cause.SCOPE_MISSING if of_the_pod else fault.cause


@pytest.mark.scenarios("REG-008", causes=_OF_TOKENS)
def test_excessive_token_is_replaced(
    scenario_run, put_least_token, push_new_commit, redeploy, settled, pulls
):
    """The token is too wide, of the wrong kind, not authorised, expires soon, or is shared.

    The old token is revoked, unless another namespace still pulls with it.
    """
    _check_broken(scenario_run)

    put_least_token()
    put_least_token()

    assert put_least_token.done[-1].startswith("nothing to do")
    assert reg_008(scenario_run.observe()) == passes()
    push_new_commit()
    redeploy()
    assert failing(settled()) == {}
    assert pulls.after(put_least_token).by(put_least_token.credential).of(scenario_run.digest)
    registry, package = scenario_run.lab_world.registry, scenario_run.workload.image.package
    old = registry.tags(package, scenario_run.credential)
    kept = scenario_run.fault.cause is Cause.TOKEN_SHARED
    assert (old.stage, old.status) == (("registry", 200) if kept else ("token", 403))


@pytest.mark.scenarios("REG-008", causes=_OF_PACKAGES)
def test_wrong_visibility_is_switched(
    scenario_run, switch_visibility, push_new_commit, redeploy, settled, pulls
):
    """Pods then pull a public package without a secret, and a private one with the token."""
    _check_broken(scenario_run)

    switch_visibility()
    switch_visibility()

    assert switch_visibility.done[-1].startswith("nothing to do")
    assert reg_008(scenario_run.observe()) == passes()
    push_new_commit()
    redeploy()
    assert failing(settled()) == {}
    assert pulls.after(switch_visibility).by(scenario_run.credential).of(scenario_run.digest)


@pytest.mark.scenarios("REG-008", causes={Cause.SECRET_NEEDLESS})
def test_needless_secret_is_removed(
    scenario_run, remove_needless_secret, push_new_commit, redeploy, settled, pulls
):
    """The next pod has no pull secret, and pulls anonymously."""
    _check_broken(scenario_run)

    remove_needless_secret()
    remove_needless_secret()

    assert remove_needless_secret.done[-1].startswith("nothing to do")
    push_new_commit()
    redeploy()
    assert failing(settled()) == {}
    assert [pod.pull_secrets for pod in scenario_run.observe().pods] == [()]
    assert pulls.after(remove_needless_secret).by(scenario_run.credential).of(scenario_run.digest)


def _tries(lab_world, image, credential):
    """Return the results of a pull, a push and a deletion with a token."""
    world = lab_world
    pull, push = world.runner.run(
        [f"crane digest {image.reference}", f"crane tag {image.reference} pushed"],
        first=[login_command(image.registry, credential)],
        credential=credential,
    )[1:]
    packages = world.github.packages(image.owner, credential.token)
    (oldest,) = packages.versions(image.name)[-1:]
    try:
        packages.delete(image.name, oldest)
    except PackagesError as error:
        return pull, push, error.message
    return pull, push, "deleted"


@pytest.fixture
def two_versions(lab_world, make_package):
    """A private package with two versions, as the last version cannot be deleted."""
    image = make_package("private")
    app = lab_world.target.workloads[-1].app
    newer = replace(image, tag="newer")
    lab_world.publish(newer, app)
    return newer


def test_least_token_can_only_pull(lab_world, two_versions):
    """The token can neither push nor delete, with GitHub's message; only tried in the lab."""
    least = lab_world.issue_token()

    pull, push, deletion = _tries(lab_world, two_versions, least)

    assert pull.stdout.startswith("sha256:")
    assert "DENIED: permission_denied: The token provided does not match expected scopes" in (
        push.stderr
    )
    assert deletion.startswith("You need at least delete:packages")


def test_wide_token_can_do_it_all(lab_world, two_versions):
    """A wide token can pull, push and delete, so the refusals above come from the token."""
    wide = lab_world.issue_token(("read:packages", "write:packages", "delete:packages"))

    pull, push, deletion = _tries(lab_world, two_versions, wide)

    assert (pull.rc, push.rc, deletion) == (0, 0, "deleted")
