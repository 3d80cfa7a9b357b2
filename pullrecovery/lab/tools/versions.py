"""The versions that are tested together; the tools' own versions are in their go.mod files."""

from dataclasses import dataclass

from pullrecovery.common.errors import UsageError


@dataclass(frozen=True)
class KubernetesSet:
    """One set of versions tested together, and the published node image nearest to it."""

    kubernetes: str
    containerd: str
    etcd: str
    coredns: str
    etcd_image: str
    coredns_image: str
    pause_image: str
    node_image: str

    @property
    def minor(self) -> str:
        return ".".join(self.kubernetes.split(".")[:2])

    @property
    def minor_number(self) -> tuple[int, int]:
        """Return the minor version as numbers, which can be compared."""
        major, minor = map(int, self.minor.split("."))
        return major, minor


SETS = (
    KubernetesSet(
        kubernetes="1.37.2",
        containerd="2.3.4",
        etcd="3.7.3",
        coredns="1.14.6",
        etcd_image="registry.k8s.io/etcd:3.7.0-0",
        coredns_image="registry.k8s.io/coredns/coredns:v1.14.6",
        # The tag in kind's containerd configuration, not the one that kubeadm lists.
        pause_image="registry.k8s.io/pause:3.10",
        node_image=(
            "kindest/node:v1.37.0"
            "@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
        ),
    ),
    KubernetesSet(
        kubernetes="1.34.4",
        containerd="2.1.5",
        etcd="3.6.5",
        coredns="1.12.1",
        etcd_image="registry.k8s.io/etcd:3.6.5-0",
        coredns_image="registry.k8s.io/coredns/coredns:v1.12.1",
        pause_image="registry.k8s.io/pause:3.10",
        node_image=(
            "kindest/node:v1.34.0"
            "@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"
        ),
    ),
)


def kubernetes_set(wanted: str = "") -> KubernetesSet:
    """Return the set for a version such as `1.37.2` or `1.37`; the default for ''.

    Raises UsageError with the known versions.
    """
    for candidate in SETS:
        if wanted in ("", candidate.kubernetes, candidate.minor):
            return candidate
    known = ", ".join(candidate.kubernetes for candidate in SETS)
    raise UsageError(f"KUBERNETES={wanted} is not a known set; use one of: {known}.")
