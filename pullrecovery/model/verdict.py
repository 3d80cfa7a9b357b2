"""The verdict of a criterion, and the causes for which a criterion fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Cause(StrEnum):
    """Why a criterion fails; two faults share a cause only if one command fixes both."""

    SECRET_MISSING = "secret.missing"
    SECRET_WRONG_NAME = "secret.wrong-name"
    SECRET_WRONG_TYPE = "secret.wrong-type"
    SECRET_WRONG_SERVER = "secret.wrong-server"
    SECRET_UNREADABLE = "secret.unreadable"
    CREDENTIAL_EMPTY = "secret.credential-empty"
    CREDENTIAL_REJECTED = "secret.credential-rejected"
    SCOPE_MISSING = "secret.scope-missing"
    SSO_MISSING = "secret.sso-missing"
    CLASSIC_FORBIDDEN = "secret.classic-token-forbidden"
    PERMISSION_MISSING = "secret.permission-missing"
    NOT_WIRED = "wiring.not-wired"
    WIRED_BY_OTHER_KEY = "wiring.other-key"
    WIRED_BY_OTHER_NAME = "wiring.other-name"
    WIRED_TO_OTHER_ACCOUNT = "wiring.other-account"
    WIRING_HIDDEN = "wiring.hidden"
    PODS_STALE = "wiring.pods-stale"
    RENDER_FAILED = "render.failed"
    VALUES_REFUSED = "render.values-refused"
    TAG_NOT_TEXT = "render.tag-not-text"
    WRONG_REGISTRY = "render.wrong-registry"
    WRONG_REPOSITORY = "render.wrong-repository"
    WRONG_TAG = "render.wrong-tag"
    DIGEST_PINNED = "render.digest-pinned"
    CONTAINER_IMAGE = "render.container-image"
    INVALID_REFERENCE = "render.invalid-reference"
    NOT_DEPLOYED = "cluster.not-deployed"
    RELEASE_STALE = "cluster.release-stale"
    ROLLOUT_PAUSED = "cluster.rollout-paused"
    SCALED_TO_NOTHING = "cluster.scaled-to-nothing"
    NEVER_PULLED = "cluster.never-pulled"
    APPLICATION_REVISION = "cluster.application-revision"
    APPLICATION_VALUES = "cluster.application-values"
    TAG_MOVED = "cluster.tag-moved"
    IMAGE_UNREADABLE = "cluster.image-unreadable"
    INIT_PENDING = "cluster.init-pending"
    IMAGE_MISSING = "image.missing"
    TAG_UNKNOWN = "image.tag-unknown"
    REPOSITORY_UNKNOWN = "image.repository-unknown"
    OWNER_IN_CAPITALS = "image.owner-in-capitals"
    PLATFORM_MISSING = "image.platform-missing"
    DIGEST_MISMATCH = "image.digest-mismatch"
    PART_MISSING = "image.part-missing"
    PAGE_MISSING = "docs.page-missing"
    FRONT_MATTER_BROKEN = "docs.front-matter-broken"
    PAGE_DOES_NOT_COMPILE = "docs.page-does-not-compile"
    LINK_BROKEN = "docs.link-broken"
    PAGE_NOT_IN_SIDEBAR = "docs.page-not-in-sidebar"
    PAGE_NOT_LINKED = "docs.page-not-linked"
    SUBJECT_MISSING = "docs.subject-missing"
    DOCS_SECRET_STALE = "docs.secret-stale"
    DOCS_REPOSITORY_STALE = "docs.repository-stale"
    DOCS_OWNER_IN_CAPITALS = "docs.owner-in-capitals"
    PAGE_BREAKS_IN_BROWSER = "docs.page-breaks-in-browser"
    WORKFLOW_INVALID = "workflow.invalid"
    NO_PUSH_TRIGGER = "workflow.no-push-trigger"
    NO_TAG_TRIGGER = "workflow.no-tag-trigger"
    NO_DISPATCH = "workflow.no-dispatch"
    CHANGE_FILTERED = "workflow.change-filtered"
    PACKAGES_NOT_WRITABLE = "workflow.packages-not-writable"
    NOT_LOGGED_IN = "workflow.not-logged-in"
    PUSHES_ELSEWHERE = "workflow.wrong-registry"
    PUSHES_MISNAMED = "workflow.wrong-repository"
    PUSHES_CAPITALS = "workflow.owner-in-capitals"
    COMMIT_NOT_TAGGED = "workflow.commit-not-tagged"
    LATEST_NOT_TAGGED = "workflow.latest-not-tagged"
    PUSH_DISABLED = "workflow.push-disabled"
    BUILD_FAILED = "workflow.build-failed"
    PUSH_DENIED = "workflow.push-denied"
    NOTHING_PUSHED = "workflow.nothing-pushed"
    OPERATOR_NOT_LOGGED_IN = "operator.not-logged-in"
    OPERATOR_REJECTED = "operator.credential-rejected"
    OPERATOR_SCOPE_MISSING = "operator.scope-missing"
    OPERATOR_SSO_MISSING = "operator.sso-missing"
    OPERATOR_CLASSIC_FORBIDDEN = "operator.classic-token-forbidden"
    OPERATOR_FORBIDDEN = "operator.permission-missing"
    PACKAGE_NOT_PUBLIC = "grant.package-not-public"
    PACKAGE_NOT_PRIVATE = "grant.package-not-private"
    SECRET_NEEDLESS = "grant.secret-needless"
    TOKEN_TOO_WIDE = "grant.token-too-wide"
    TOKEN_NOT_CLASSIC = "grant.token-not-classic"
    TOKEN_ENDS_SOON = "grant.token-ends-soon"
    TOKEN_SHARED = "grant.token-shared"
    RATE_LIMITED = "external.rate-limited"
    SERVER_ERROR = "external.server-error"
    REFUSED = "external.refused"
    TIMED_OUT = "external.timed-out"
    TRUNCATED = "external.truncated"
    DNS = "external.dns"
    TLS_UNTRUSTED = "external.tls-untrusted"
    TLS_WRONG_NAME = "external.tls-wrong-name"
    TLS_EXPIRED = "external.tls-expired"
    PLAIN_HTTP = "external.plain-http"
    UNKNOWN = "unknown"

    @property
    def external(self) -> bool:
        """Whether the cause is outside the target, so that no task can fix it."""
        return self.startswith("external.")


class Outcome(StrEnum):
    """The outcome of a criterion; only PASS means that it was observed to be true."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True)
class Verdict:
    """The result of a criterion; verdicts are equal if outcome and cause are equal.

    `cause` is None unless the criterion fails, or may fail for an external cause. `evidence` is
    what was observed; for the outcomes UNKNOWN and NOT_APPLICABLE it is the reason. `others` are
    further causes of the same failure, in the order in which to fix them.
    """

    outcome: Outcome
    cause: Cause | None = None
    evidence: str = field(default="", compare=False)
    fix: str = field(default="", compare=False)
    others: tuple["Verdict", ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        outcome = self.outcome.replace("-", " ")
        if self.cause is None:
            return f"{outcome}: {self.evidence}" if self.evidence else outcome
        causes = (f"{one.cause}: {one.evidence} -- fix: {one.fix}" for one in self.named)
        return f"{outcome}: " + "; and then ".join(causes)

    @property
    def passes(self) -> bool:
        """Whether the criterion passes; every other outcome must not be counted as a pass."""
        return self.outcome is Outcome.PASS

    @property
    def named(self) -> tuple["Verdict", ...]:
        """The verdict itself and its others: every cause, the one to fix first at index 0."""
        return (self, *self.others)


def passes(evidence: str = "") -> Verdict:
    """The verdict of a criterion that passes; `evidence` is what was observed."""
    return Verdict(Outcome.PASS, evidence=evidence)


def fails(cause: Cause, evidence: str = "", fix: str = "") -> Verdict:
    """The verdict of a criterion that fails for `cause`; `fix` says how to fix it.

    A command in `fix` comes last, so that a user can copy it to the end of the text.
    """
    return Verdict(Outcome.FAIL, cause, evidence, fix)


def unknown(reason: str) -> Verdict:
    """The verdict of a criterion that cannot be judged, because something was not observed."""
    return Verdict(Outcome.UNKNOWN, evidence=reason)


def not_applicable(reason: str) -> Verdict:
    """The verdict of a criterion about something that the target does not have."""
    return Verdict(Outcome.NOT_APPLICABLE, evidence=reason)


def failing(verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """The verdicts that are neither a pass nor about something that the target does not have.

    An unknown outcome is among them, so that it is never counted as a pass.
    """
    fine = (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return {reg: verdict for reg, verdict in verdicts.items() if verdict.outcome not in fine}


def all_named(*verdicts: Verdict | None) -> Verdict | None:
    """The first verdict with the following ones as its others, without duplicate causes.

    Arguments that are None are ignored; None is returned if all are.
    """
    found: dict[Cause | None, Verdict] = {}
    for verdict in verdicts:
        for one in (verdict, *verdict.others) if verdict else ():
            found.setdefault(one.cause, replace(one, others=()))
    first, *others = found.values() or (None,)
    return replace(first, others=tuple(others)) if first else None
