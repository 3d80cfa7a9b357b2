"""What was seen of a grant, as frozen data: who may read a package, and what a token may do."""

from dataclasses import dataclass
from datetime import datetime

from pullrecovery.model.probe import Probe, RegistryFailure


@dataclass(frozen=True)
class TokenGrant:
    """What GitHub's API said when a token asked who it is.

    `status` is the HTTP status (0 without an answer). `scopes` are a classic token's; None where
    GitHub names none, as it does for every other kind. `expires` is None for one without an end.
    """

    status: int
    scopes: frozenset[str] | None = None
    expires: datetime | None = None
    message: str = ""
    failure: RegistryFailure | None = None


@dataclass(frozen=True)
class PackageGrant:
    """Who may read the workload's package, and what the tokens in its pull secret may do.

    `visibility` is the packages API's word, "" where it gave none; `status` is that answer's.
    `anonymous` is the registry's answer to nobody, asked of a package that is meant to be public.
    `shared_with` are the target's other namespaces that have one of the tokens, looked for where
    the target wants one for each. `at` is when all this was seen; `failure` why GitHub told nothing
    of the package.
    """

    visibility: str
    status: int
    at: datetime
    tokens: tuple[TokenGrant, ...] = ()
    anonymous: Probe | None = None
    shared_with: tuple[str, ...] = ()
    failure: RegistryFailure | None = None

    @property
    def failures(self) -> tuple[RegistryFailure | None, ...]:
        """Why GitHub gave no answer that means a thing, about the package and about each token."""
        return (self.failure, *(token.failure for token in self.tokens))
