"""The kind cluster: made and removed through pytest-kubernetes, judged by ourselves."""

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
# kind's nodes leave cgroups to systemd: a message for each of the dozen that a container has under
# version 1, and all who wait for one hear of every other. Where the kubelet and runc make them, a
# pod costs a quarter less. Version 2 is left as kind has it, as it was not tried there.
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
    """What stands between the cluster and its use; empty when it is ready."""

    missing: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class KindCluster:
    """The lab's cluster. Its manager must run under `environment.tool_environment`.

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
        """kind-config.yaml with this machine's folders and the node image filled in."""
        yaml = YAML()
        # Mounted from the state folder: the cluster outlives the checkout that made it.
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
        """Create the cluster and wait until it is ready; raises LabError otherwise."""
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
        """Delete the cluster of our name, whoever made it."""
        self.render()
        manager = self._manager()
        try:
            manager.delete()
        except subprocess.CalledProcessError as error:
            said = redact((error.stderr or b"").decode(errors="replace"))
            raise LabError(f"kind could not delete the cluster:\n{said[-2000:]}") from error

    def exists(self, client: docker.DockerClient) -> bool:
        """Whether there is a cluster of our name; raises LabError if it is not the lab's."""
        nodes = client.containers.list(all=True, filters={"label": f"{KIND_LABEL}={NAME}"})
        strangers = [node.name for node in nodes if NAME not in _networks(node)]
        if strangers:
            raise LabError(
                f"A kind cluster named {NAME} exists that is not the lab's ({strangers[0]} is not"
                f" on its network); remove it (kind delete cluster --name {NAME}) or rename it."
            )
        return bool(nodes)

    def kubeconfig_within(self) -> bytes:
        """The kubeconfig for clients on the lab's network, which reach the node by its name."""
        text = self.paths.kubeconfig.read_text()
        return re.sub(r"server: \S+", f"server: https://{NODE}:6443", text).encode()

    def api(self) -> k8s.ApiClient:
        """A client of this cluster, from the lab's own kubeconfig."""
        settings = k8s.Configuration()
        # It writes the client's key to files, which a killed process leaves: they go with the lab.
        keys = self.paths.state / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        k8s_config.load_kube_config(
            str(self.paths.kubeconfig), client_configuration=settings, temp_file_path=str(keys)
        )
        # The API server is on this machine, whatever proxy the environment names.
        settings.proxy = None
        return k8s.ApiClient(settings)

    def readiness(self) -> Readiness:
        """Ask the API for nodes and CoreDNS, and CoreDNS for a name."""
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
    """The networks of pods and services, as kind-config.yaml has them."""
    networking = YAML(typ="safe").load(CONFIG.read_text())["networking"]
    return str(networking["podSubnet"]), str(networking["serviceSubnet"])


def _networks(container: Container) -> dict[str, Any]:
    """The networks that a container is on, or was when it stopped."""
    return dict(container.attrs["NetworkSettings"]["Networks"])


def kind_manager() -> type[AClusterManager]:
    """pytest-kubernetes' manager for kind, as its fixture `k8s_manager` gives it to tests."""
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
    """Ask the CoreDNS pod for the address of `name`, over TCP through the API server."""
    # The websocket's library would take a proxy from the environment by itself.
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
