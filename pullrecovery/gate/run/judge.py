"""Which criteria each tier of the gate judges of a revision, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pullrecovery.diagnosis.workflow import diagnose_workflow
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.gate.verdict.document import check
from pullrecovery.model.observation import Observation
from pullrecovery.model.observed import Source
from pullrecovery.model.probe import Probe
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails
from pullrecovery.observe import observe_pull, observe_written, there
from pullrecovery.observe.registry import observe_platforms, observe_wanted
from pullrecovery.observe.reuse import current_identity
from pullrecovery.tasks import CRITERIA, applicable, criteria_of, optional_criteria
from pullrecovery.world.world import World

# The criteria of each tier; those that need no cluster come first.
STATIC = criteria_of(Source.FILES)
REGISTRY = criteria_of(Source.REGISTRY)
CLUSTER = criteria_of(Source.CLUSTER)

Verdicts = Mapping[str, Verdict]


@dataclass
class JudgedRevision:
    """The target at one commit, and what the tiers found out about its images.

    `images` maps each workload's name to the digest of its wanted image.
    """

    target: Target
    images: dict[str, str] = field(default_factory=dict)

    def checks(self, criteria: frozenset[str]) -> tuple[str, ...]:
        """Return the checks of these criteria that apply to the target, workload by workload."""
        known = [name for name in applicable(self.target) if name in criteria]
        return tuple(
            check(workload.name, reg) for workload in self.target.workloads for reg in known
        )

    @property
    def optional(self) -> tuple[str, ...]:
        """Return the checks that are shown and do not hold the revision."""
        return self.checks(optional_criteria(self.target))

    def workloads(self) -> tuple[JudgedRelease, ...]:
        """Return the workloads as a verdict records them."""
        return tuple(
            JudgedRelease.of(workload, self.images.get(workload.name, ""))
            for workload in self.target.workloads
        )

    def static(self, world: World) -> Verdicts:
        """Judge rendered charts, values, docs and workflow, which are text, without the registry.

        A workflow that would not push the image fails REG-002 before the registry is asked.
        """
        found: dict[str, Verdict] = {}
        for workload in self.target.workloads:
            observation = observe_written(world, workload)
            found |= _judge(observation, STATIC)
            workflow = there(observation.workflow)
            wrong = all_named(*diagnose_workflow(workflow, self.target, workload.image))
            if wrong:
                found[check(workload.name, "REG-002")] = wrong
        return found

    def registry(self, world: World) -> Verdicts:
        """Judge images, digests, platforms and the operator's credential; store the digests."""
        found: dict[str, Verdict] = {}
        for workload in self.target.workloads:
            own = replace(world, cluster=None)
            identity = current_identity(own, workload.image.parsed)
            observation = replace(observe_pull(own, workload), identity=identity)
            self.images[workload.name] = there(observation.wanted).digest
            found |= _judge(observation, REGISTRY)
        return found

    def not_there(self, world: World, workload: Workload, answer: Probe) -> Verdicts:
        """Return REG-002's verdict on the real registry's `answer` if that names no image."""
        self.images[workload.name] = ""
        written = observe_written(world, workload)
        observation = replace(written, wanted=answer, platforms=observe_platforms(world))
        return {check(workload.name, "REG-002"): CRITERIA["REG-002"](observation)}

    def still_named(self, world: World) -> Verdicts:
        """Return a failure for each workload whose tag names another digest than the judged one."""
        found: dict[str, Verdict] = {}
        for workload in self.target.workloads:
            now, before = observe_wanted(world, workload.image), self.images[workload.name]
            if now.digest != before:
                evidence = f"{workload.image.reference} was {before}, and is {now.digest or now}"
                moved = fails(Cause.TAG_MOVED, evidence, "judge the revision again")
                found[check(workload.name, "REG-006")] = moved
        return found


def judge_running(observation: Observation) -> Verdicts:
    """Return the criteria's verdicts on a workload that was started in the lab."""
    return _judge(observation, CLUSTER)


def _judge(observation: Observation, criteria: frozenset[str]) -> dict[str, Verdict]:
    known = [name for name in applicable(observation.target) if name in criteria]
    return {check(observation.workload.name, name): CRITERIA[name](observation) for name in known}
