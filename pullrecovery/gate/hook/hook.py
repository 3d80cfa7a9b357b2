"""The hook before a sync: it verifies a signed verdict and pulls the image as the workload does.

It lets the sync through if both succeed, and holds it in every other case. The exit code is 0 for
promote, 1 for hold, and 2 for inconclusive, which also holds. docs/gate-hook.md lists its variables
and its rights.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from pullrecovery.common.deadline import deadline
from pullrecovery.common.errors import Exit, HeldError, PullRecoveryError
from pullrecovery.common.redaction import redact
from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.diagnosis.external import diagnose_probe as diagnose_registry
from pullrecovery.gate.application import Release, differences
from pullrecovery.gate.hook.in_cluster import in_cluster, own_applications, own_pods
from pullrecovery.gate.hook.probe import Pods, ProbeOwner, ProbePod, ProbeState, pull
from pullrecovery.gate.hook.probe_cause import diagnose_probe, external_of, may_end
from pullrecovery.gate.hook.running_sync import Applications, running_sync
from pullrecovery.gate.hook.settings import HookSettings, read_settings
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.gate.verdict.document import VerdictError
from pullrecovery.gate.verdict.registry_store import fetch_verdict, verdict_tag
from pullrecovery.gate.verdict.signing import VerdictExpectation, read, verify
from pullrecovery.model.probe import Probe
from pullrecovery.model.verdict import Cause, Verdict
from pullrecovery.registry.client import RegistryClient
from pullrecovery.tasks import CRITERIA

# Seconds for one answer of the registry.
_ANSWER_WITHIN = 15.0
# Seconds of the deadline that remain for the diagnosis and for deleting the probe.
_RESERVE = 5.0
# The criteria that apply to every target and are never optional.
REQUIRED = frozenset(CRITERIA) - {"REG-007", "REG-008"}
_ACCOUNT_MISSING = "error looking up service account"


def run_hook(environ: Mapping[str, str]) -> int:
    """Judge what the environment names; print one line and return the exit code."""
    started = time.monotonic()
    try:
        settings = read_settings(environ)
        with deadline(settings.deadline), httpx.Client(timeout=_ANSWER_WITHIN) as http:
            registry = RegistryClient(settings.image.registry, http)
            until = started + settings.deadline - _RESERVE
            api = in_cluster()
            pods, applications = own_pods(api, settings.namespace), own_applications(api)
            hook = Hook(settings, registry, pods, applications, until)
            print(f"promote: {hook.judge()}")
    except HeldError as error:
        return _held(str(error), Exit.FAIL)
    except PullRecoveryError as error:
        return _held(str(error), Exit.UNKNOWN)
    except (HTTPError, OSError) as error:
        return _held(f"the API server gives no answer: {error}", Exit.UNKNOWN)
    except KeyboardInterrupt:
        return _held("it was ended from outside, as where its pod is evicted", Exit.UNKNOWN)
    return int(Exit.PASS)


def _held(why: str, code: Exit) -> int:
    word = "hold" if code is Exit.FAIL else "cannot tell, hold"
    print(f"{word}: {' '.join(redact(why).split())}")
    return int(code)


@dataclass(frozen=True)
class Hook:
    """One judgement, which must end by the monotonic time `until`."""

    settings: HookSettings
    registry: RegistryClient
    pods: Pods
    applications: Applications
    until: float
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def judge(self) -> str:
        """Return what is promoted, in one sentence.

        Raises PullRecoveryError with the reason if not.
        """
        found = self._ask()
        self._verify(found.digest)
        image_id = self._probe(found)
        settings = self.settings
        return (
            f"{settings.workload} at {settings.revision}: the verdict holds for {found.digest}, and"
            f" a node pulled it as {settings.service_account} does ({image_id})"
        )

    def _ask(self) -> Probe:
        """Return the registry's current answer for the manifest that is to be promoted."""
        settings = self.settings
        named = settings.digest or settings.image.tag
        what = f"{settings.image.repository}{'@' if settings.digest else ':'}{named}"
        found = self.registry.manifest(settings.image.package, named, settings.credential)
        if found.ok and found.digest:
            return found
        beyond = diagnose_registry(what, found)
        if beyond:
            raise PullRecoveryError(_told(beyond))
        if found.missing:
            raise HeldError(
                f"{Cause.IMAGE_MISSING}: {what}: {found} -- fix: push it (REG-002), or correct"
                " image.tag"
            )
        raise PullRecoveryError(
            f"{what}: {found} -- fix: give the hook's own pull secret a token that may read"
            f" {settings.image.package}"
        )

    def _verify(self, digest: str) -> None:
        settings = self.settings
        package, revision = settings.image.package, settings.revision
        tag = verdict_tag(settings.target, revision)
        signed = fetch_verdict(self.registry, package, tag, settings.credential)
        expected = VerdictExpectation(
            revision=revision,
            target=settings.target,
            deployed={settings.workload: settings.deployed},
            images={settings.workload: digest},
            criteria=REQUIRED,
            suite=suite_version(),
            suite_commit=suite_commit(),
            now=self.now(),
            worlds=frozenset({settings.world}),
            max_age=settings.max_age,
        )
        reasons = verify(signed, settings.key, expected) or self._not_judged(signed)
        if reasons:
            raise HeldError("; ".join(reasons))

    def _not_judged(self, signed: str) -> list[str]:
        """Return how what is synced differs from the workload that was judged."""
        settings = self.settings
        try:
            judged = read(signed, settings.key).workload(settings.workload)
        except VerdictError as error:
            return [str(error)]
        if judged is None:
            return [f"the verdict says nothing of the workload {settings.workload}"]
        asked = settings.image.reference
        # Another reference with the same digest is not the reference that is synced.
        if settings.image.tag and judged.reference != asked:
            return [f"the verdict is on {judged.reference}, and {asked} is to be synced"]
        return self._other_application(judged) if settings.application else []

    def _other_application(self, judged: JudgedRelease) -> list[str]:
        """Return how the Application that is synced differs from what was judged."""
        settings = self.settings
        sync = running_sync(self.applications, settings, self._left)
        release = Release(settings.target, settings.workload, judged.deployed)
        found = differences(sync.application, sync.sources, release)
        found += sync.other_commits(settings.revision)
        where = f"Application {settings.application_namespace}/{settings.application}"
        return [f"{where}: {each}" for each in found]

    def _probe(self, wanted: Probe) -> str:
        """Return the imageID with which a node pulled the image as the workload would."""
        probe = self._pod(wanted.digest)
        try:
            seen = self._pull(probe)
        except ApiException as error:
            raise PullRecoveryError(self._denied(error)) from error
        if seen.stuck:
            verdict = diagnose_probe(self.settings, seen.stuck, wanted)
            told = f"the probe as {probe.service_account}: {_told(verdict)}"
            known = verdict.cause is not Cause.UNKNOWN and external_of(seen.stuck) is None
            raise HeldError(told) if known else PullRecoveryError(told)
        if not seen.pulled:
            raise PullRecoveryError(str(seen))
        return seen.pulled

    def _pull(self, probe: ProbePod) -> ProbeState:
        try:
            return pull(self.pods, probe, self._left, may_end)
        except ApiException as error:
            if _ACCOUNT_MISSING not in _message(error):
                raise
        # Before the first sync the chart's ServiceAccount does not exist, so the hook's own takes
        # its place; the pull secrets are those that the chart's pods name.
        return pull(
            self.pods,
            replace(probe, service_account=self.settings.own_account),
            self._left,
            may_end,
        )

    def _left(self) -> float:
        return max(0.0, self.until - time.monotonic())

    def _pod(self, digest: str) -> ProbePod:
        settings = self.settings
        return ProbePod(
            name=f"{settings.workload}-gate-probe",
            workload=settings.workload,
            image=f"{settings.image.repository}@{digest}",
            service_account=settings.service_account,
            pull_secrets=settings.pull_secrets,
            owner=ProbeOwner(settings.pod, settings.pod_uid),
            seconds=settings.deadline,
        )

    def _denied(self, error: ApiException) -> str:
        return f"the API server answers {self.settings.account} {error.status}: {_message(error)}"


def _told(verdict: Verdict) -> str:
    return "; and then ".join(
        f"{each.cause}: {each.evidence} -- fix: {each.fix}" for each in verdict.named
    )


def _message(error: ApiException) -> str:
    """Return the message in the API server's answer, which is usually JSON."""
    try:
        document: dict[str, Any] = json.loads(error.body or "")
        return str(document["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
