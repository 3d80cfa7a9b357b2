"""Observe the live world part by part; a part that cannot be observed does not stop the rest."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.grant import PackageGrant, TokenGrant
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import Observation, PullSecret, unobserved
from pullrecovery.model.target import Image, Workload
from pullrecovery.observe import observe_cluster
from pullrecovery.observe.docs import observe_docs
from pullrecovery.observe.registry import observe_platforms, observe_wanted
from pullrecovery.observe.reuse import current_chart, current_identity
from pullrecovery.observe.workflow import observe_workflow
from pullrecovery.world.read_only import ReadOnlyWorld

T = TypeVar("T")
_OK, _UNKNOWN_TOKEN = 200, 401


def look(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe all that the criteria judge of `workload`, each part on its own.

    A part is NotObserved if the API server forbids it, or if no tool of this machine shows it.
    """
    outside = replace(
        unobserved(world.target, workload, "the live world does not look at it"),
        chart=_attempt(lambda: current_chart(world, workload)),
        wanted=observe_wanted(world, workload.image),
        identity=_attempt(lambda: current_identity(world, workload.image.parsed)),
        platforms=_attempt(lambda: observe_platforms(world)),
        workflow=_attempt(lambda: observe_workflow(world)),
        docs=_attempt(lambda: observe_docs(world)),
    )
    observation = observe_cluster(world, outside, _attempt)
    grant, secret = observation.grant, observation.secret
    if isinstance(grant, NotObserved) or isinstance(secret, NotObserved):
        return observation
    return replace(observation, grant=as_answered(grant, secret, workload.image))


def as_answered(grant: PackageGrant, secret: PullSecret, image: Image) -> PackageGrant:
    """The grant, in which each fact that GitHub did not answer is NotObserved.

    In the lab, GitHub's answers are about packages that the suite may see, so no answer means that
    there is no such package. In the live world it may also be one that the operator may not see.
    """
    # A token that GitHub does not accept grants nothing, if the registry rejects it as well.
    accepted = any(entry.accepted for entry in secret.entries)
    sure = (_OK,) if accepted else (_OK, _UNKNOWN_TOKEN)
    return replace(
        grant,
        visibility=_visibility(grant, image),
        tokens=tuple(
            _silent(token) if isinstance(token, TokenGrant) and not _answers(token, sure) else token
            for token in grant.tokens
        ),
    )


def _visibility(grant: PackageGrant, image: Image) -> str | NotObserved:
    if grant.visibility or grant.failure:
        return grant.visibility
    status = grant.status or "none"
    return NotObserved(f"GitHub does not say who may read {image.package} (status {status})")


def _answers(token: TokenGrant, sure: tuple[int, ...]) -> bool:
    """Whether GitHub's answer about a token is certain; a failure is an answer with its cause."""
    return token.failure is not None or token.status in sure


def _silent(token: TokenGrant) -> NotObserved:
    said = f"{token.status or 'no answer'} {token.message}".strip()
    return NotObserved(f"GitHub does not say what the pull secret's token may do ({said})")


def _attempt(look: Callable[[], T]) -> T | NotObserved:
    """The part that `look` observes, or why it could not be observed."""
    try:
        return look()
    except PullRecoveryError as error:
        return NotObserved(str(error))
