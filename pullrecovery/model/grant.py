"""Who may read a package and what a token may do, as frozen data."""

from dataclasses import dataclass
from datetime import datetime

from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.probe import Probe, RegistryFailure


@dataclass(frozen=True)
class TokenGrant:
    """GitHub's answer about a token, asked with that token.

    `status` is the HTTP status (0 without an answer). `scopes` are the scopes of a classic token,
    None if GitHub lists none, as for every other kind of token. `expires` is None for a token that
    does not expire.
    """

    status: int
    scopes: frozenset[str] | None = None
    expires: datetime | None = None
    message: str = ""
    failure: RegistryFailure | None = None


@dataclass(frozen=True)
class PackageGrant:
    """Who may read the workload's package, and what the tokens in its pull secret may do.

    `visibility` is the packages API's value, "" if it has no such package; `status` is the HTTP
    status of that answer. `anonymous` is the registry's answer without credentials, requested only
    for a package that should be public. `shared_with` lists the target's other namespaces that have
    one of the tokens; it is filled only if the target requires one token for each namespace. `at`
    is the time of the observation; `failure` is why GitHub returned nothing about the package.
    """

    visibility: str | NotObserved
    status: int
    at: datetime
    tokens: tuple[TokenGrant | NotObserved, ...] = ()
    anonymous: Probe | None = None
    shared_with: tuple[str, ...] = ()
    failure: RegistryFailure | None = None

    @property
    def failures(self) -> tuple[RegistryFailure | None, ...]:
        """Why GitHub gave no usable answer about the package and about each token."""
        tokens = (token for token in self.tokens if isinstance(token, TokenGrant))
        return (self.failure, *(token.failure for token in tokens))

    @property
    def unobserved(self) -> NotObserved | None:
        """The first thing that GitHub did not say; None if it answered about everything."""
        facts = (self.visibility, *self.tokens)
        return next((fact for fact in facts if isinstance(fact, NotObserved)), None)
