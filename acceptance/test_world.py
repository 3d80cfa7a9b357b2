"""The lab's world: what must be true before any criterion means anything."""

import re

import pytest
from kubernetes import client as k8s

from pullrecovery.lab.cluster.kind_cluster import ask_dns
from pullrecovery.lab.paths import NAME
from pullrecovery.lab.registry.container import CONTAINER, HOST
from pullrecovery.lab.tools.golang import MODULES

pytestmark = pytest.mark.smoke


def _emulator_address(engine_client):
    networks = engine_client.containers.get(CONTAINER).attrs["NetworkSettings"]["Networks"]
    return networks[NAME]["IPAddress"]


def test_the_node_runs_containerd(node):
    """The node runs containerd, whose messages the diagnosis reads."""
    assert node.service("containerd").is_running


def test_node_trusts_lab_for_ghcr_only(node):
    """hosts.toml names the registry itself, with the lab's CA and no fallback host."""
    hosts = node.file("/etc/containerd/certs.d/ghcr.io/hosts.toml").content_string
    assert hosts.splitlines() == [
        'server = "https://ghcr.io"',
        'ca = "/etc/containerd/certs.d/ghcr.io/ca.crt"',
    ]
    assert node.file("/etc/containerd/certs.d").listdir() == ["ghcr.io"]


def test_node_resolves_ghcr_to_emulator(node, engine_client):
    """The node resolves ghcr.io to the lab's container on the lab's own network."""
    addresses = node.addr("ghcr.io").ipv4_addresses
    assert addresses == [_emulator_address(engine_client)]


def test_pods_resolve_ghcr_to_emulator(lab_world, engine_client):
    """CoreDNS answers with the lab's container too."""
    core = k8s.CoreV1Api(lab_world.cluster)
    pods = core.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items
    answer = ask_dns(core, pods[0].metadata.name, "ghcr.io")
    addresses = [record.address for records in answer.answer for record in records]
    assert addresses == [_emulator_address(engine_client)]


def test_the_known_good_tags_are_there(lab_world, target):
    """Every workload's package has `latest` and the wanted tag, for the operator's credential."""
    world = lab_world
    for workload in target.workloads:
        for tag in ("latest", workload.image.tag):
            probe = world.registry.manifest(workload.image.package, tag, world.reader)
            assert (probe.status, probe.digest[:7]) == (200, "sha256:"), f"{workload.name}:{tag}"


def test_private_packages_are_private(lab_world, target):
    """The registry gives no anonymous token, so an anonymous pull fails."""
    for workload in target.workloads:
        probe = lab_world.registry.tags(workload.image.package, None)
        assert (probe.stage, probe.status, probe.message) == (
            "token",
            401,
            "authentication required",
        )


def test_runner_has_common_clients(lab):
    """Each program starts, and the engine is the runner's own."""
    asked = (
        "docker version --format '{{.Server.Version}}'",
        "docker-29 version --format '{{.Client.Version}} {{.Server.Version}}'",
        "crane version",
        "skopeo --version",
        "oras version",
        "act --version",
        "gh --version",
        "helm version --short",
        "kubectl version --client",
        "git --version",
        "jq --version",
        "curl --version",
    )

    ran = lab.runner.run(asked)

    assert {each.command: each.said for each in ran if each.rc != 0} == {}
    assert all(each.stdout.strip() for each in ran)


def test_runner_resolves_ghcr_to_emulator(lab, engine_client):
    """The name resolves in the lab's network, and the runner's clients trust its CA."""
    name, trusted = lab.runner.run(
        ["getent ahostsv4 ghcr.io", "curl --silent --show-error https://ghcr.io/v2/"]
    )

    addresses = {line.split()[0] for line in name.stdout.splitlines()}
    assert addresses == {_emulator_address(engine_client)}
    assert (trusted.rc, trusted.stderr) == (0, "")
    assert "authentication required" in trusted.stdout


def _pinned(tool, module):
    """Return the version of a Go module in a tool's go.mod."""
    return re.search(rf"{re.escape(module)} (v\S+)", (MODULES / tool / "go.mod").read_text())[1]


def test_runner_has_pinned_versions(runner_host, lab):
    """Each program has its pinned version.

    Docker and jq are Debian's, kubectl has the cluster's version, crane and helm those of their Go
    modules.
    """
    printed = {
        "docker": runner_host.check_output("docker version --format '{{.Client.Version}}'"),
        "jq": runner_host.check_output("jq --version").removeprefix("jq-"),
        "kubectl": runner_host.check_output("kubectl version --client"),
        "crane": runner_host.check_output("crane version"),
        "helm": runner_host.check_output("helm version --short"),
    }

    assert all(printed.values())
    assert runner_host.package("docker.io").version.startswith(printed["docker"])
    assert runner_host.package("jq").version.startswith(printed["jq"])
    assert f"v{lab.versions.kubernetes}" in printed["kubectl"].split()
    assert printed["crane"] == _pinned("crane", "github.com/google/go-containerregistry")
    # Helm's version text has no patch release.
    assert _pinned("helm", "helm.sh/helm/v3").startswith(f"{printed['helm']}.")


def test_runner_trusts_the_lab_for_ghcr_io(runner_host, lab):
    """The clients trust the CA by the system's bundle, the engine by the registry's directory."""
    ca = (lab.paths.certs / HOST / "ca.crt").read_text().strip()

    assert ca in runner_host.file("/etc/ssl/certs/ca-certificates.crt").content_string
    assert ca == runner_host.file(f"/etc/docker/certs.d/{HOST}/ca.crt").content_string.strip()


def test_runner_knows_no_login_of_its_own(runner_host):
    """Outside of a case there is no login for docker, crane, skopeo and oras to find."""
    home = runner_host.user("root").home
    places = (f"{home}/.docker", f"{home}/.config/containers", "/run/containers")

    assert [place for place in places if runner_host.file(place).exists] == []
    assert not {"DOCKER_CONFIG", "GHCR_TOKEN"} & runner_host.environment().keys()
