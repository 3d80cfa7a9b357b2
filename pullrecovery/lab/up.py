"""Start the lab or attach to a running one, in phases whose progress is printed."""

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import docker
from pytest_kubernetes.providers.base import AClusterManager

from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.lab.cluster.kind_cluster import NODE, KindCluster, inner_networks, kind_manager
from pullrecovery.lab.cluster.node_plan import NodePlan, plan_node
from pullrecovery.lab.cluster.tool_environment import applied, tool_environment
from pullrecovery.lab.engine.egress_guard import guard
from pullrecovery.lab.engine.engine import Engine, ask_facts
from pullrecovery.lab.engine.network import ensure_network
from pullrecovery.lab.engine.one_off import remove_one_off
from pullrecovery.lab.engine.select_engine import find_engine, running_engine
from pullrecovery.lab.images.argocd import ArgocdImage, argocd_base
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.images.ghcr import GhcrImage
from pullrecovery.lab.images.node import NodeImage
from pullrecovery.lab.images.published_node import published_node
from pullrecovery.lab.images.runner import RunnerImage, runner_base
from pullrecovery.lab.lock import locked
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.progress import Phase, Progress
from pullrecovery.lab.registry.container import GhcrEmulator, find_emulator, start_emulator
from pullrecovery.lab.runner.container import ensure_runner, find_runner
from pullrecovery.lab.runner.shell import RunnerShell
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.disk_space import need_space
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import Tool, Toolchain
from pullrecovery.lab.tools.versions import KubernetesSet

_RECORD = "lab.json"
_ANSWERS_WITHIN = 60.0
# Called with the engine and its base image, once that image exists.
OnBase = Callable[[Engine, BaseImage], None]
PHASES = ("engine", "tools", "images", "ghcr.io", "runner", "cluster")


@dataclass(frozen=True)
class Lab:
    """A running lab with all that is needed to use it; `has_cluster` is False without a cluster."""

    paths: Paths
    versions: KubernetesSet
    engine: Engine
    tools: Toolchain
    cluster: KindCluster
    emulator: GhcrEmulator
    runner: RunnerShell
    plan: NodePlan
    environment: dict[str, str]
    has_cluster: bool = True

    def helm(self) -> Path:
        return self.tools.binary(toolchain.HELM)


@dataclass
class LabStart:
    """One attempt to start the lab; `up` is idempotent.

    Without `with_cluster`, no node is created, and an existing cluster is not touched. With
    `with_argocd`, Argo CD's tools and root file system are built along with the others;
    `install_argocd` does the rest.
    """

    paths: Paths
    versions: KubernetesSet
    manager_class: type[AClusterManager] = field(default_factory=kind_manager)
    progress: Progress = field(default_factory=lambda: Progress(PHASES))
    with_cluster: bool = True
    with_argocd: bool = False
    on_base: OnBase = lambda *_: None

    def up(self) -> Lab:
        """Start the lab, or use the healthy one that exists.

        Raises LabError naming what is missing on this machine.
        """
        with locked(self.paths, self.progress.say):
            return self.up_locked()

    def attach(self) -> Lab | None:
        """Return the lab that another process started, or None.

        Its cluster's health is not checked.
        """
        record_file = self.paths.state / _RECORD
        if not record_file.exists():
            return None
        record = json.loads(record_file.read_text())
        engine = running_engine(self.paths)
        if not engine or record["kubernetes"] != self.versions.kubernetes:
            return None
        client = engine.client()
        emulator = find_emulator(client, self.paths)
        runner = find_runner(client, self.paths)
        if not emulator or not runner:
            return None
        tools = Toolchain(self.paths, Path(record["go"]))
        plan = NodePlan(record["pulled"], record["reason"])
        return self._lab(engine, tools, plan, record["node"], emulator, runner)

    def attach_to_run(self) -> Lab:
        """Return the lab of the run that started this process and has the lab's lock.

        On a busy machine it may not answer at once. Raises LabError if it does not answer in time.
        """
        try:
            found = wait_for(
                f"the lab of this run answers, with Kubernetes {self.versions.kubernetes}",
                self.attach,
                bool,
                timeout=_ANSWERS_WITHIN,
            )
        except WaitError as error:
            raise LabError(str(error)) from error
        return cast(Lab, found)

    def up_locked(self) -> Lab:
        """Start the lab for a caller that has the lab's lock already."""
        with self.progress.phase("engine") as phase:
            need_space(self.paths)
            tools = Toolchain(self.paths, find_go(self.paths))
            engine = find_engine(self.paths, lambda: build_dropcaps(tools), phase.note)
            client = engine.client()
            for left in remove_one_off(client):
                phase.note(f"removed a container that an earlier run left: {left}")
            node = NodeImage(self.versions, tools, BaseImage(self.paths))
            built = node.is_built(client)
            plan = plan_node(client, self.versions, built=built, note=phase.note)
            phase.note(_say_plan(plan, self.versions))
        self._build_tools(engine, tools, node, plan)
        with self.progress.phase("images") as phase:
            node_tag, ghcr_tag = self._images(client, tools, node, plan, phase)
            runner_tag = self._runner_image(tools, plan).build(client, phase.note)
        with self.progress.phase("ghcr.io") as phase:
            emulator = self._emulator(client, ghcr_tag, phase)
        with self.progress.phase("runner"):
            runner = ensure_runner(client, self.paths, runner_tag)
        lab = self._lab(engine, tools, plan, node_tag, emulator, runner)
        if self.with_cluster:
            # Only a process that may create the cluster needs the cgroup version.
            cluster = replace(lab.cluster, cgroup=ask_facts(engine).cgroup)
            with self.progress.phase("cluster") as phase, applied(lab.environment):
                _ensure_cluster(client, cluster, phase)
                guard(client, NODE, inner_networks())
        self._record(lab, node_tag)
        return lab

    def _lab(
        self,
        engine: Engine,
        tools: Toolchain,
        plan: NodePlan,
        node_tag: str,
        emulator: GhcrEmulator,
        runner: RunnerShell,
    ) -> Lab:
        kubectl = tools.folder(self._kubectl(plan))
        environment = tool_environment(tools, str(kubectl), engine, self.paths)
        cluster = KindCluster(self.paths, node_tag, self.manager_class)
        return Lab(
            self.paths,
            self.versions,
            engine,
            tools,
            cluster,
            emulator,
            runner,
            plan,
            environment,
            self.with_cluster,
        )

    def _record(self, lab: Lab, node_tag: str) -> None:
        """Write what `attach` needs to find this lab again."""
        record = {
            "kubernetes": self.versions.kubernetes,
            "node": node_tag,
            "pulled": lab.plan.pull,
            "reason": lab.plan.reason,
            "go": str(lab.tools.go),
        }
        (self.paths.state / _RECORD).write_text(json.dumps(record))

    def _kubectl(self, plan: NodePlan) -> Tool:
        """Return kubectl's tool: a built node's binaries contain it, a pulled node's do not."""
        shared = self._builds_node(plan) and toolchain.host_os() == "linux"
        build = toolchain.kubernetes if shared else toolchain.kubectl
        return build(self.versions.kubernetes)

    def _runner_image(self, tools: Toolchain, plan: NodePlan) -> RunnerImage:
        base = runner_base(self.paths, pulled=plan.pull)
        version = self.versions.kubernetes
        # A built node's binaries contain kubectl, for Linux on any machine. If they exist already,
        # a lab without a node uses them too, and so has the same runner image.
        whole = toolchain.kubernetes(version)
        shared = not plan.pull and (self.with_cluster or tools.is_built(whole))
        return RunnerImage(tools, base, whole if shared else toolchain.kubectl(version, "linux"))

    def _builds_node(self, plan: NodePlan) -> bool:
        return self.with_cluster and not plan.pull

    def _build_tools(
        self, engine: Engine, tools: Toolchain, node: NodeImage, plan: NodePlan
    ) -> None:
        """Compile missing tools, and bootstrap Debian in parallel."""
        client, base = engine.client(), BaseImage(self.paths, plan.pull)
        wanted: list[Tool] = [self._kubectl(plan)]
        wanted += [toolchain.KIND, toolchain.DISTRIBUTION, toolchain.WEB_BASE]
        wanted += [toolchain.ACTIONLINT]
        if self._builds_node(plan) and not node.is_built(client):
            wanted += node.parts
        # Last, because Kubernetes' build has compiled most of their packages by then.
        runner = self._runner_image(tools, plan)
        wanted += [toolchain.HELM, *runner.parts]
        bases = [runner.base]
        if self.with_argocd:
            argocd = ArgocdImage(tools, argocd_base(self.paths, pulled=plan.pull))
            if not argocd.is_built(client):
                wanted += argocd.parts
                bases.append(argocd.base)
        with self.progress.phase("tools") as phase, ThreadPoolExecutor(1) as beside:
            based = beside.submit(base.ensure, client, phase.note)
            based.add_done_callback(lambda done: self._based(done, engine, base))
            bootstrapped = [beside.submit(each.ensure, client, phase.note) for each in bases]
            tools.build(dict.fromkeys(wanted), phase.note)
            for made in (based, *bootstrapped):
                made.result()

    def _based(self, made: Future[str], engine: Engine, base: BaseImage) -> None:
        if not made.cancelled() and made.exception() is None:
            self.on_base(engine, base)

    def _images(
        self,
        client: docker.DockerClient,
        tools: Toolchain,
        node: NodeImage,
        plan: NodePlan,
        phase: Phase,
    ) -> tuple[str, str]:
        ghcr = GhcrImage(tools, BaseImage(self.paths, plan.pull)).build(client, phase.note)
        if not self._builds_node(plan):
            return published_node(self.versions), ghcr
        return node.build(client, phase.note), ghcr

    def _emulator(self, client: docker.DockerClient, image: str, phase: Phase) -> GhcrEmulator:
        ensure_network(client)
        found = find_emulator(client, self.paths, image)
        if found:
            phase.note("using the running GHCR emulator again")
            return found
        phase.note("starting a GHCR emulator")
        return start_emulator(client, self.paths, image)


def build_dropcaps(tools: Toolchain) -> Path:
    """Build the runtime for machines that lack a capability, and return its path."""
    tools.build([toolchain.DROPCAPS], lambda _: None)
    return tools.binary(toolchain.DROPCAPS)


def _say_plan(plan: NodePlan, versions: KubernetesSet) -> str:
    if plan.pull:
        return f"node image: pulled, {published_node(versions).split('@')[0]} ({plan.reason})"
    return f"node image: built, Kubernetes {versions.kubernetes} ({plan.reason})"


def _ensure_cluster(client: docker.DockerClient, cluster: KindCluster, phase: Phase) -> None:
    """Use the existing cluster if it is healthy and as described; replace it otherwise."""
    key_file = cluster.paths.state / "cluster.key"
    key = cluster.render()
    if cluster.exists(client):
        as_described = key_file.exists() and key_file.read_text() == key
        readiness = cluster.readiness()
        if as_described and readiness.ready:
            phase.note("using the healthy cluster again")
            return
        why = "; ".join(readiness.missing) or "its description has changed"
        phase.note(f"replacing the cluster that is there: {why}")
        cluster.delete()
    key_file.unlink(missing_ok=True)
    phase.note("creating the cluster")
    cluster.create()
    key_file.write_text(key)
