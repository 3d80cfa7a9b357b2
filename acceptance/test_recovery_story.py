"""The whole recovery: five causes at once, fixed by the tasks in their order.

Besides the causes at the pods, the workflow pushes nothing and the docs page is missing; and a too
wide token is put in place. Each fixed cause uncovers the next one, and every verdict names what
still fails. `make demo` runs this test only, and prints each step.
"""

import pytest

from pullrecovery.faults import FAULTS
from pullrecovery.model.verdict import Cause
from pullrecovery.tasks import (
    reg_003_pull_secret,
    reg_004_wiring,
    reg_005_right_values,
    reg_006_redeploy,
    reg_007_document,
)

_AROUND = ("workflow-push-disabled", "page-missing")


@pytest.fixture(name="capitals")
def _capitals(frontend):
    """The frontend's repository, with the owner spelt as the login is, in capitals."""
    target, repository = frontend.world.target, frontend.workload.image.repository
    return repository.replace(f"/{target.owner}/", f"/{target.login}/")


@pytest.fixture(name="_broken")
def _five_causes(frontend, backend, capitals):
    """Break both workloads in five ways, before anything is judged."""
    frontend.sandbox.set_value("image.tag", "dev")
    frontend.sandbox.set_value("image.repository", capitals)
    frontend.sandbox.delete_secret()
    for fault in FAULTS:
        if fault.id in _AROUND:
            fault.break_it(frontend.sandbox)
    backend.sandbox.put_secret(backend.lab_world.issue_token(scopes=()))
    for place in (frontend, backend):
        place.sandbox.set_value(place.workload.pull_secrets_key, [])
        place.deploy()
    frontend.await_stuck(f"{capitals}:dev")
    backend.await_stuck(backend.workload.image.reference)


@pytest.mark.usefixtures("_broken")
def test_story_recovers_five_causes_in_order(story, frontend, backend, capitals):
    """A missing tag, upper case, no Secret, a token without its scope, and nothing wired."""
    _see_what_is_broken(story, frontend, backend)
    _identify_the_image(story, frontend)
    _have_the_workflow_push(story, frontend)
    mark, tokens = _refresh_the_secrets(story, frontend, backend)
    _wire_the_secrets(story, frontend, backend, capitals)
    _correct_the_values(story, frontend)
    _redeploy(story, frontend)
    _write_the_page(story, frontend)
    for place in (frontend, backend):
        assert place.was_pulled(mark, tokens[place.name].name)
    _take_the_least_token(story, tokens, frontend, backend)

    assert frontend.left() == backend.left() == set()
    story.check_order()


def _see_what_is_broken(story, frontend, backend):
    assert frontend.left() == {"REG-002", "REG-003", "REG-004", "REG-005", "REG-006", "REG-007"}
    assert frontend.cause("REG-002") is Cause.PUSH_DISABLED
    assert frontend.cause("REG-007") is Cause.PAGE_MISSING
    assert frontend.cause("REG-003") is Cause.SECRET_MISSING
    assert frontend.cause("REG-004") is Cause.NOT_WIRED
    assert frontend.cause("REG-005") is Cause.INVALID_REFERENCE
    assert frontend.cause("REG-006") is Cause.INVALID_REFERENCE
    assert backend.left() == {"REG-003", "REG-004", "REG-006"}
    assert backend.cause("REG-003") is Cause.SCOPE_MISSING
    assert backend.cause("REG-004") is Cause.NOT_WIRED
    assert Cause.NOT_WIRED in backend.causes("REG-006")
    story.tell("pods do not start: what is wrong?")


def _identify_the_image(story, frontend):
    """REG-001: the registry has the wanted tag, so the image is not missing."""
    identified = frontend.verdicts["REG-001"]
    assert identified.passes
    assert frontend.digest in identified.evidence
    story.tell("REG-001 identify the image", identified.evidence)


def _have_the_workflow_push(story, frontend):
    """REG-002: fix and run the workflow, and want the image that it pushed from now on."""
    done = frontend.fix_workflow()
    run = frontend.run_workflow()

    assert run.played.succeeded, run.played.log
    assert run.probe.digest == run.listed == frontend.digest
    assert frontend.left() == {"REG-003", "REG-004", "REG-005", "REG-006", "REG-007"}
    story.tell("REG-002 the workflow pushes, and is run", done, f"pushed {frontend.digest}")


def _refresh_the_secrets(story, frontend, backend):
    """REG-003: put tokens that may also push in each namespace.

    Returns the log's mark and the tokens.
    """
    mark, tokens, done = frontend.lab_world.mark(), {}, []
    for place in (frontend, backend):
        tokens[place.name] = place.lab_world.issue_token(scopes=("read:packages", "write:packages"))
        credential = tokens[place.name]
        done.append(reg_003_pull_secret.refresh_secret(place.world, place.workload, credential))
    assert frontend.left() == {"REG-004", "REG-005", "REG-006", "REG-007", "REG-008"}
    assert frontend.cause("REG-008") is Cause.TOKEN_TOO_WIDE
    assert backend.left() == {"REG-004", "REG-006", "REG-008"}
    story.tell("REG-003 the pull secret, in each namespace", *done)
    return mark, tokens


def _wire_the_secrets(story, frontend, backend, capitals):
    """REG-004: wire by the values; the backend runs then, and the frontend has other causes."""
    done = []
    for place in (frontend, backend):
        done += [
            reg_004_wiring.wire_values(place.world, place.workload),
            reg_006_redeploy.redeploy(place.world, place.workload),
        ]
    frontend.await_stuck(f"{capitals}:dev")
    backend.await_rollout()
    assert frontend.left() == {"REG-005", "REG-006", "REG-007", "REG-008"}
    assert backend.left() == {"REG-008"}
    story.tell("REG-004 wire it, and redeploy", *done)


def _correct_the_values(story, frontend):
    """REG-005: fix the cause that the verdict names first, which uncovers the missing tag."""
    image = frontend.workload.image
    frontend.sandbox.set_value("image.repository", image.repository)
    frontend.deploy()
    frontend.await_stuck(f"{image.repository}:dev")
    assert frontend.left() == {"REG-005", "REG-006", "REG-007", "REG-008"}
    assert frontend.cause("REG-005") is Cause.WRONG_TAG
    story.tell("REG-005 the owner in lower case", f"set image.repository to {image.repository}")

    done = reg_005_right_values.correct_values(frontend.workload)
    assert frontend.left() == {"REG-006", "REG-007", "REG-008"}
    assert Cause.RELEASE_STALE in frontend.causes("REG-006")
    story.tell("REG-005 a tag that exists", done)


def _redeploy(story, frontend):
    """REG-006: deploy the corrected chart."""
    done = reg_006_redeploy.redeploy(frontend.world, frontend.workload)
    frontend.await_rollout()
    assert frontend.left() == {"REG-007", "REG-008"}
    story.tell("REG-006 redeploy and verify", done)


def _write_the_page(story, frontend):
    """REG-007: write the page from target.yaml."""
    done = reg_007_document.document(frontend.world)
    assert frontend.left() == {"REG-008"}
    story.tell("REG-007 document it", done)


def _take_the_least_token(story, tokens, *places):
    """REG-008: replace the tokens that may push with tokens that can only pull, and revoke them."""
    done = []
    for place in places:
        done.append(place.take_least_token(tokens[place.name]))
        assert place.left() == set()
    story.tell("REG-008 the least token, and the wide one revoked", *done)
