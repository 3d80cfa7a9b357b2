"""The kind cluster, which pytest-kubernetes creates and deletes.

This module checks its readiness.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode
import docker
from docker.models.containers import Container
from kubernetes import client as k8s
from kubernetes import config as k8s_config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward
from kubernetes.utils import FailToCreateError, create_from_yaml
from pytest_kubernetes.providers import select_provider_manager
from pytest_kubernetes.providers.base import AClusterManager
from ruamel.yaml import YAML
from urllib3.exceptions import HTTPError
from websocket import WebSocketException

from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import redact
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.lab.cluster.tool_environment import NO_PROXIES, applied
from pullrecovery.lab.paths import NAME, Paths
from pullrecovery.lab.tools.content_cache import key_of

CONFIG = SUITE_ROOT / "kind-config.yaml"
NODE = f"{NAME}-control-plane"
KIND_LABEL = "io.x-k8s.kind.cluster"
_NODE_FILES = Path(__file__).parent / "node_files"
_READY_TIMEOUT = 180.0
# kind's nodes leave cgroups to systemd. Under version 1, systemd sends a message for each of a
# container's dozen cgroups to every process that waits for one. If the kubelet and runc create the
# cgroups, a pod costs a quarter less. Version 2 keeps kind's default, because this was not tried
# there.
_CGROUP_V1 = {
    "containerdConfigPatches": """\
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
""",
    "kubeadmConfigPatches": """\
kind: KubeletConfiguration
cgroupDriver: cgroupfs
""",
}


@dataclass(frozen=True)
class Readiness:
    """What is missing before the cluster can be used; empty if it is ready."""

    missing: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class KindCluster:
    """The lab's cluster; its manager must run under `tool_environment`.

    `cgroup` is the version of cgroups that its engine has.
    """

    paths: Paths
    image: str
    manager_class: type[AClusterManager] = field(default_factory=lambda: kind_manager())  # noqa: PLW0108 -- defined below
    cgroup: str = "2"

    @property
    def rendered(self) -> Path:
        return self.paths.state / "kind-config.yaml"

    def render(self) -> str:
        """Write kind-config.yaml with this machine's paths and the node image.

        Return its content key.
        """
        yaml = YAML()
        # Mounted from the state directory, because the cluster outlives the checkout that created
        # it.
        node_files = self.paths.state / _NODE_FILES.name
        shutil.copytree(_NODE_FILES, node_files, dirs_exist_ok=True)
        text = Template(CONFIG.read_text()).substitute(
            node_files=node_files, certs=self.paths.certs
        )
        document = yaml.load(text)
        for node in document["nodes"]:
            node["image"] = self.image
        for patches, patch in _CGROUP_V1.items() if self.cgroup == "1" else ():
            document[patches].append(patch)
        with self.rendered.open("w") as file:
            yaml.dump(document, file)
        return key_of([self.rendered, node_files])

    def create(self) -> None:
        """Create the cluster and wait until it is ready.

        Raises LabError if it does not become ready.
        """
        self.render()
        manager = self._manager()
        try:
            manager.create(timeout=120)
        except subprocess.CalledProcessError as error:
            said = redact((error.stderr or b"").decode(errors="replace"))
            raise LabError(f"kind could not create the cluster:\n{said[-3000:]}") from error
        except subprocess.TimeoutExpired as error:
            raise LabError(f"kind did not end within {error.timeout:g} s.") from error
        except RuntimeError as error:
            raise LabError(f"The new cluster's API server is not ready: {error}") from error
        try:
            wait_for(
                "the cluster is ready",
                self.readiness,
                lambda seen: seen.ready,
                describe=lambda seen: "; ".join(seen.missing),
                timeout=_READY_TIMEOUT,
                interval=0.3,
            )
        except WaitError as error:
            raise LabError(str(error)) from error
        self._let_node_read()

    def _let_node_read(self) -> None:
        try:
            with self.api() as api:
                create_from_yaml(api, str(_NODE_FILES / "node-reads.yaml"))
        except FailToCreateError as error:
            raise LabError(f"The new cluster's node cannot be let read: {error}") from error

    def delete(self) -> None:
        """Delete the cluster with the lab's name, whoever created it."""
        self.render()
        manager = self._manager()
        try:
            manager.delete()
        except subprocess.CalledProcessError as error:
            said = redact((error.stderr or b"").decode(errors="replace"))
            raise LabError(f"kind could not delete the cluster:\n{said[-2000:]}") from error

    def exists(self, client: docker.DockerClient) -> bool:
        """Return whether a cluster with the lab's name exists.

        Raises LabError if it is not the lab's.
        """
        nodes = client.containers.list(all=True, filters={"label": f"{KIND_LABEL}={NAME}"})
        strangers = [node.name for node in nodes if NAME not in _networks(node)]
        if strangers:
            raise LabError(
                f"A kind cluster named {NAME} exists that is not the lab's ({strangers[0]} is not"
                f" on its network); remove it (kind delete cluster --name {NAME}) or rename it."
            )
        return bool(nodes)

    def kubeconfig_within(self) -> bytes:
        """Return the kubeconfig for clients on the lab's network; its server is the node's name."""
        text = self.paths.kubeconfig.read_text()
        return re.sub(r"server: \S+", f"server: https://{NODE}:6443", text).encode()

    def api(self) -> k8s.ApiClient:
        """Return a client of this cluster, from the lab's own kubeconfig."""
        settings = k8s.Configuration()
        # The client writes its key to files that a killed process leaves; they go with the lab's
        # state.
        keys = self.paths.state / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        k8s_config.load_kube_config(
            str(self.paths.kubeconfig), client_configuration=settings, temp_file_path=str(keys)
        )
        # The API server is on this machine, so no proxy of the environment applies.
        settings.proxy = None
        return k8s.ApiClient(settings)

    def readiness(self) -> Readiness:
        """Check the nodes and CoreDNS through the API, and query CoreDNS for a name."""
        if not self.paths.kubeconfig.exists():
            return Readiness(("no kubeconfig",))
        try:
            with self.api() as api:
                core = k8s.CoreV1Api(api)
                return Readiness((*_nodes_not_ready(core), *_dns_not_answering(core)))
        except (ApiException, HTTPError, WebSocketException, OSError) as error:
            return Readiness((f"API server: {type(error).__name__}: {error}"[:300],))

    def _manager(self) -> AClusterManager:
        return self.manager_class(None, str(self.rendered), self.paths.kubeconfig)


def inner_networks() -> tuple[str, ...]:
    """Return the networks of pods and services in kind-config.yaml."""
    networking = YAML(typ="safe").load(CONFIG.read_text())["networking"]
    return str(networking["podSubnet"]), str(networking["serviceSubnet"])


def _networks(container: Container) -> dict[str, Any]:
    """Return the networks that a container is on, or was on when it stopped."""
    return dict(container.attrs["NetworkSettings"]["Networks"])


def kind_manager() -> type[AClusterManager]:
    """Return pytest-kubernetes' manager for kind, as its fixture `k8s_manager` does."""
    manager: type[AClusterManager] = select_provider_manager("kind", {})
    return manager


def _nodes_not_ready(core: k8s.CoreV1Api) -> list[str]:
    nodes = core.list_node(_request_timeout=10).items
    if not nodes:
        return ["no node"]
    return [
        f"node {node.metadata.name}: {condition.reason}: {condition.message}"
        for node in nodes
        for condition in node.status.conditions
        if condition.type == "Ready" and condition.status != "True"
    ]


def _dns_not_answering(core: k8s.CoreV1Api) -> list[str]:
    pods = core.list_namespaced_pod(
        "kube-system", label_selector="k8s-app=kube-dns", _request_timeout=10
    ).items
    running = [pod for pod in pods if pod.status.phase == "Running"]
    if not running:
        return [f"CoreDNS: {len(pods)} pods, none running"]
    name = "kubernetes.default.svc.cluster.local"
    try:
        answer = ask_dns(core, running[0].metadata.name, name)
    except (OSError, EOFError, dns.exception.DNSException, ApiException) as error:
        return [f"CoreDNS does not answer: {type(error).__name__}"]
    if answer.rcode() != dns.rcode.NOERROR or not answer.answer:
        return [f"CoreDNS answers {name} with {dns.rcode.to_text(answer.rcode())}"]
    return []


def ask_dns(core: k8s.CoreV1Api, pod: str, name: str) -> dns.message.Message:
    """Query the CoreDNS pod for the address of `name`, over TCP through the API server."""
    # The websocket library would use a proxy of the environment.
    with applied(NO_PROXIES):
        forward = portforward(
            core.connect_get_namespaced_pod_portforward, pod, "kube-system", ports="53"
        )
    try:
        socket = forward.socket(53)
        socket.setblocking(True)
        dns.query.send_tcp(socket, dns.message.make_query(name, "A"))
        answer, _ = dns.query.receive_tcp(socket)
        return answer
    finally:
        forward.close()
