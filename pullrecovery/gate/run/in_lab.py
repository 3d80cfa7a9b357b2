"""Run the gate's tiers in the lab, which starts only as far as the next tier needs."""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from pullrecovery.common.errors import LabError
from pullrecovery.common.process import stop_running
from pullrecovery.gate.run.judge import CLUSTER, REGISTRY, STATIC, JudgedRevision, Verdicts
from pullrecovery.gate.run.mirror import Side, mirror
from pullrecovery.gate.run.start_charts import judge_started
from pullrecovery.gate.run.tiers import Judgement, Step, run_tiers
from pullrecovery.lab.chart_needs import Needs, sandbox_needs
from pullrecovery.lab.docs_site.lab_docs_site import building_beside
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.seed import LabWorld, open_world
from pullrecovery.lab.tools.versions import KubernetesSet
from pullrecovery.lab.up import LabStart, OnBase
from pullrecovery.model.probe import Credential
from pullrecovery.model.verdict import Verdict
from pullrecovery.observe.registry import observe_wanted
from pullrecovery.world.world import World


def judge_in(lab_world: LabWorld, revision: JudgedRevision, within: float) -> Judgement:
    """Run all tiers in a lab that is up; the caller must have locked the lab, as a test has.

    `within` is each tier's deadline in seconds. The world's target must be the revision's.
    """
    world = lab_world

    def started() -> Verdicts:
        return {**judge_started(lab_world), **revision.still_named(world)}

    steps = [
        Step("static", revision.checks(STATIC), lambda: revision.static(world), within),
        Step("registry", revision.checks(REGISTRY), lambda: revision.registry(world), within),
        Step("lab", revision.checks(CLUSTER), started, within),
    ]
    return run_tiers(steps, optional=revision.optional)


@dataclass
class LabGate:
    """Judge one revision in the lab, whose lock the caller has.

    With `beside`, another run has locked and started the lab, which is used as it is. `within` is
    each tier's deadline in seconds. With a `source`, the images are those of that registry, copied
    into the lab by digest. Without a `source` and with `seed`, a wanted image that the GHCR
    emulator does not have is built from the revision and pushed, as the workflow would have done.
    `needs` is what the started charts need and no sandbox provides.
    """

    paths: Paths
    versions: KubernetesSet
    revision: JudgedRevision
    seed: bool
    within: float
    progress: Progress
    source: Side | None = None
    beside: bool = False
    allow_cluster_objects: bool = False
    needs: Needs = field(default_factory=Needs, init=False)
    _open: ExitStack = field(default_factory=ExitStack)
    _world: LabWorld | None = None
    _on_base: OnBase = lambda *_: None

    def judge(self) -> Judgement:
        """Run the three tiers and return the judgement."""
        revision, within = self.revision, self.within
        steps = [
            Step("static", revision.checks(STATIC), self._static, within, self._start_lab),
            Step("registry", revision.checks(REGISTRY), self._registry, within, self._seed),
            Step("lab", revision.checks(CLUSTER), self._started, within, self._start_cluster),
        ]
        docs, say = revision.target.docs, self.progress.say
        with self._open, building_beside(self.paths, docs, say) as beside:
            self._on_base = beside.build
            judgement = run_tiers(steps, optional=revision.optional, say=self.progress.say)
            if any(tier.ended == "timed-out" for tier in judgement.tiers):
                # Otherwise the end of the block would wait for these builds.
                beside.end()
                stop_running()
            return judgement

    @property
    def lab_world(self) -> LabWorld:
        if self._world is None:
            raise LabError("The lab was not raised.")
        return self._world

    def _static(self) -> Verdicts:
        return self.revision.static(self.lab_world)

    def _registry(self) -> Verdicts:
        absent = self._copied(self.source) if self.source else {}
        return {**self.revision.registry(self.lab_world), **absent}

    def _copied(self, source: Side) -> Verdicts:
        """Copy every wanted image; return REG-002's verdicts on those that do not exist."""
        lab_world, absent = self.lab_world, dict[str, Verdict]()
        lab = Side(lab_world.pusher.registry, lab_world.pusher.credential)
        for workload in self.revision.target.workloads:
            answer = observe_wanted(self._there(source), workload.image)
            if answer.ok and answer.digest:
                mirror(workload.image, answer.digest, source, lab)
            else:
                absent |= self.revision.not_there(lab_world, workload, answer)
        return absent

    def _there(self, source: Side) -> World:
        """Return the world with the registry that the images come from."""
        world = self.lab_world
        return replace(
            world, registry=source.registry, reader=source.credential or Credential("", "")
        )

    def _started(self) -> Verdicts:
        self.needs = sandbox_needs(self.lab_world)
        found = judge_started(self.lab_world)
        there = self._there(self.source) if self.source else self.lab_world
        return {**found, **self.revision.still_named(there)}

    def _start_lab(self) -> None:
        self._use(with_cluster=False)

    def _start_cluster(self) -> None:
        self._use(with_cluster=True)

    def _use(self, *, with_cluster: bool) -> None:
        """Start the lab as far as needed, and open a new world over it."""
        start = LabStart(
            self.paths,
            self.versions,
            progress=self.progress,
            with_cluster=with_cluster,
            on_base=self._on_base,
        )
        lab = start.attach_to_run() if self.beside else start.up_locked()
        world = open_world(
            lab,
            self.revision.target,
            self.progress.say,
            allow_cluster_objects=self.allow_cluster_objects,
        )
        self._world = self._open.enter_context(world)

    def _seed(self) -> None:
        """Push the wanted images that are missing, and change no existing one."""
        lab_world = self.lab_world
        seeded = self.seed and self.source is None
        for workload in self.revision.target.workloads if seeded else ():
            wanted = observe_wanted(lab_world, workload.image)
            if wanted.missing:
                self.progress.say(f"    pushing {workload.image.reference}, which the lab has not")
                lab_world.publish(workload.image, workload.app)
