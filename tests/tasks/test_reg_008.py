"""Check REG-008: which grants are too much, and which belong to another criterion."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullrecovery.model.grant import TokenGrant
from pullrecovery.model.probe import RegistryFailure
from pullrecovery.model.target import Visibility
from pullrecovery.model.verdict import Cause, fails, passes
from pullrecovery.tasks import judge, optional_criteria
from pullrecovery.tasks.reg_008_least_privilege import reg_008
from tests.fakes import recorded
from tests.fakes.recorded import GOOD

PUBLIC = recorded.public()
LEAST = frozenset({"read:packages"})
REVOKED = TokenGrant(401, message="Bad credentials")
FINE_GRAINED = TokenGrant(200)
SSO = recorded.answered(recorded.SSO_DENIED)
ANONYMOUS = recorded.Probe("token", 401, "UNAUTHORIZED", "authentication required")


def _ends_in(**time):
    return recorded.token(expires=GOOD.grant.at + timedelta(**time))


def _scopes(*scopes):
    return recorded.token(scopes=frozenset(scopes))


def _secret_beside(seen):
    return replace(seen, secret=GOOD.secret)


# The observed state, REG-008's cause, and the exact set of failing criteria.
BROKEN = {
    "token may push": (
        _scopes("read:packages", "write:packages"),
        Cause.TOKEN_TOO_WIDE,
        {"REG-008"},
    ),
    "token may delete": (
        _scopes("read:packages", "delete:packages"),
        Cause.TOKEN_TOO_WIDE,
        {"REG-008"},
    ),
    "token reaches repositories": (
        _scopes("read:packages", "repo"),
        Cause.TOKEN_TOO_WIDE,
        {"REG-008"},
    ),
    "fine-grained token": (
        recorded.grant(
            recorded.waiting(recorded.NO_SCOPE, recorded.answered(recorded.SCOPE_DENIED)),
            tokens=(FINE_GRAINED,),
        ),
        Cause.TOKEN_NOT_CLASSIC,
        {"REG-003", "REG-006", "REG-008"},
    ),
    "token not authorised for SSO": (
        recorded.waiting(recorded.NO_SSO, SSO),
        Cause.SSO_MISSING,
        {"REG-003", "REG-006", "REG-008"},
    ),
    "token ends in a week": (_ends_in(days=7), Cause.TOKEN_ENDS_SOON, {"REG-008"}),
    "token shared": (
        recorded.grant(shared_with=("backend-dev",)),
        Cause.TOKEN_SHARED,
        {"REG-008"},
    ),
    "package public": (
        recorded.grant(visibility="public"),
        Cause.PACKAGE_NOT_PRIVATE,
        {"REG-008"},
    ),
    "public package with a Secret": (
        _secret_beside(PUBLIC),
        Cause.SECRET_NEEDLESS,
        {"REG-008"},
    ),
    "public package whose pods carry a name": (
        recorded.pod(PUBLIC, pull_secrets=("ghcr-credentials",)),
        Cause.SECRET_NEEDLESS,
        {"REG-008"},
    ),
    "package not public": (
        recorded.waiting(
            recorded.ANONYMOUS,
            recorded.grant(PUBLIC, visibility="private", anonymous=ANONYMOUS),
        ),
        Cause.PACKAGE_NOT_PUBLIC,
        {"REG-006", "REG-008"},
    ),
    "GitHub does not answer": (
        recorded.grant(visibility="", status=0, failure=RegistryFailure.REFUSED),
        Cause.REFUSED,
        {"REG-008"},
    ),
    "GitHub does not answer the token": (
        recorded.grant(tokens=(TokenGrant(503, failure=RegistryFailure.SERVER_ERROR),)),
        Cause.SERVER_ERROR,
        {"REG-008"},
    ),
    "public package that nobody is given": (
        recorded.grant(PUBLIC, anonymous=ANONYMOUS),
        Cause.UNKNOWN,
        {"REG-008"},
    ),
    "public package in an outage": (
        recorded.grant(PUBLIC, anonymous=recorded.OUTAGE),
        Cause.REFUSED,
        {"REG-008"},
    ),
}

HOLDING = {
    "private, read:packages alone": GOOD,
    "public, no token": PUBLIC,
    "public, and the tag is not there": recorded.grant(PUBLIC, anonymous=recorded.NO_TAG),
    "internal is not public": recorded.grant(visibility="internal"),
    "no Secret": recorded.grant(recorded.no_secret(), tokens=()),
    "token revoked": recorded.grant(tokens=(REVOKED,)),
    "token without any scope": _scopes(),
    "token ends later": _ends_in(days=7, seconds=1),
    "package is not there": recorded.grant(visibility="", status=404),
}


@pytest.mark.parametrize(("seen", "cause", "must_fail"), BROKEN.values(), ids=BROKEN)
def test_excessive_grant_fails_declared_criteria(seen, cause, must_fail):
    """REG-008 fails for too much; REG-003 fails too only if the token cannot pull."""
    failing = {reg: verdict for reg, verdict in judge(seen).items() if not verdict.passes}

    assert failing.keys() == must_fail
    assert failing["REG-008"] == fails(cause)
    assert failing["REG-008"].evidence
    assert failing["REG-008"].fix
    assert recorded.TOKEN not in str(failing["REG-008"])


@pytest.mark.parametrize("seen", HOLDING.values(), ids=HOLDING)
def test_grant_that_is_not_too_much_holds(seen):
    """A token with too little is REG-003's, and a missing package is REG-001's."""
    verdict = reg_008(seen)

    assert verdict == passes()
    assert verdict.evidence


@pytest.mark.parametrize("name", ["package not public", "token not authorised for SSO"])
def test_refused_pod_has_same_cause(name):
    """One command fixes REG-008 and the pod, as both have the same cause."""
    seen, cause, _ = BROKEN[name]

    assert judge(seen)["REG-006"] == fails(cause)


def test_every_pod_token_is_judged():
    """The kubelet tries every token; each cause is named, the one to fix first in front."""
    wide = TokenGrant(200, frozenset({"read:packages", "repo"}))
    least = GOOD.grant.tokens[0]
    ending = replace(least, expires=GOOD.grant.at)

    verdict = reg_008(recorded.grant(tokens=(least, wide, ending), shared_with=("third",)))

    assert [each.cause for each in verdict.named] == [
        Cause.TOKEN_TOO_WIDE,
        Cause.TOKEN_ENDS_SOON,
        Cause.TOKEN_SHARED,
    ]


def test_public_workload_needs_no_secret():
    """REG-003 and REG-004 have nothing to judge, and pass with that evidence."""
    verdicts = judge(PUBLIC)

    assert not [reg for reg, verdict in verdicts.items() if not verdict.passes]
    assert "no Secret" in verdicts["REG-003"].evidence
    assert "nothing is to be wired" in verdicts["REG-004"].evidence


def test_bad_token_of_public_workload_fails_reg_003():
    """The registry refuses a bad token for a public image, too."""
    seen = recorded.answered(recorded.BAD_TOKEN, observation=_secret_beside(PUBLIC))

    assert judge(seen)["REG-003"] == fails(Cause.CREDENTIAL_REJECTED)


def test_shared_secret_is_not_needless():
    """A Secret that a private workload shares stays; only the public workload is unwired."""
    neighbour = replace(GOOD.workload, name="frontend-sample", visibility=Visibility.PRIVATE)
    target = replace(GOOD.target, workloads=(PUBLIC.workload, neighbour))
    beside = replace(_secret_beside(PUBLIC), target=target)

    assert reg_008(beside) == passes()
    wired = recorded.deployment(beside, template_pull_secrets=("ghcr-credentials",))
    assert reg_008(wired) == fails(Cause.SECRET_NEEDLESS)


def test_criterion_is_optional_by_target():
    """The criterion is judged either way, but the target can make it optional."""
    assert optional_criteria(GOOD.target) == frozenset()
    assert optional_criteria(replace(GOOD.target, privilege_required=False)) == {"REG-008"}
