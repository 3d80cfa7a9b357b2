"""The kind node image, built from Go modules and Debian packages.

It follows the recipe of kind's own base image. That image's static files (entrypoint, systemd
units, containerd configuration) are copied from the pinned kind module at build time. Its OCI hook
for the product name is skipped: no pull depends on it, and it starts two processes for each
container.
"""

import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.engine.containers import run_in
from pullrecovery.lab.engine.one_off import one_off_name
from pullrecovery.lab.images import oci_layout as oci
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.golang import go_environment
from pullrecovery.lab.tools.toolchain import Tool, Toolchain, go_arch
from pullrecovery.lab.tools.versions import KubernetesSet

Note = Callable[[str], None]

_DOCKERFILE = """\
FROM {base}
COPY root/ /
RUN find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete \\
 && rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \\
      /lib/systemd/system/local-fs.target.wants/* \\
      /lib/systemd/system/sockets.target.wants/*udev* \\
      /lib/systemd/system/sockets.target.wants/*initctl* \\
      /lib/systemd/system/basic.target.wants/* \\
 && echo ReadKMsg=no >> /etc/systemd/journald.conf \\
 && ln -sf /usr/lib/systemd/systemd /sbin/init \\
 && systemctl enable kubelet.service containerd.service undo-mount-hacks.service \\
 && systemctl mask systemd-binfmt.service \\
 && mkdir -p /etc/kubernetes/manifests /etc/cni/net.d \\
 && ctr oci spec | jq 'del(.process.rlimits)' > /etc/containerd/cri-base.json
ENV container=docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
"""
_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class NodeImage:
    """A node image for one set of versions; `tag` is a key of what it is made from."""

    versions: KubernetesSet
    tools: Toolchain
    base: BaseImage

    @property
    def kubernetes(self) -> Tool:
        return toolchain.kubernetes(self.versions.kubernetes)

    @property
    def containerd(self) -> Tool:
        return toolchain.containerd(self.versions.containerd)

    @property
    def etcd(self) -> Tool:
        return toolchain.etcd(self.versions.etcd)

    @property
    def coredns(self) -> Tool:
        return toolchain.coredns(self.versions.coredns)

    @property
    def parts(self) -> tuple[Tool, ...]:
        """Return the tools whose binaries are copied into the image."""
        return (
            self.kubernetes,
            self.containerd,
            self.etcd,
            toolchain.CNI,
            toolchain.PAUSE,
            self.coredns,
        )

    @property
    def tag(self) -> str:
        recipe: list[str | Path] = [Path(__file__), self.base.key, repr(self.versions)]
        built = [self.tools.folder(part).name for part in self.parts]
        kind = self.tools.folder(toolchain.KIND).name
        return f"pull-recovery/node:{self.versions.kubernetes}-{key_of([*recipe, *built, kind])}"

    def is_built(self, client: docker.DockerClient) -> bool:
        try:
            client.images.get(self.tag)
        except ImageNotFound:
            return False
        return True

    def build(self, client: docker.DockerClient, note: Note) -> str:
        """Build the image if the engine lacks it, and return its tag."""
        if self.is_built(client):
            return self.tag
        folder = self.tools.paths.cache / "node" / self.tag.rpartition(":")[2]
        with whole_folder(folder) as scratch:
            note("laying out the node's files")
            self._lay_out(scratch / "context")
            note("writing the images that kubeadm wants")
            self._write_images(scratch, self.base.make_tar(note))
            note("building the node's file system")
            plain = f"{self.tag}-plain"
            client.images.build(
                path=str(scratch / "context"),
                tag=plain,
                rm=True,
                forcerm=True,
                labels={LABEL: "image"},
            )
            note("importing kubeadm's images into the node's containerd")
            self._import_images(client, plain, scratch)
            client.images.remove(plain)
        shutil.rmtree(folder)
        return self.tag

    def _lay_out(self, context: Path) -> None:
        root = context / "root"
        _copy_kind_files(self._kind_files(), root)
        for name in ("kubelet", "kubeadm", "kubectl"):
            _link(self.tools.binary(self.kubernetes, name), root / "usr/bin" / name)
        for part, place in (
            (self.containerd, "usr/local/bin"),
            (toolchain.CNI, "opt/cni/bin"),
        ):
            for binary in self.tools.folder(part).iterdir():
                _link(binary, root / place / binary.name)
        (root / "kind/version").write_text(f"v{self.versions.kubernetes}")
        (context / "Dockerfile").write_text(_DOCKERFILE.format(base=self.base.tag))

    def _kind_files(self) -> Path:
        go = str(self.tools.go)
        environment = go_environment(self.tools.paths, target_os=toolchain.host_os())
        at = toolchain.KIND.source
        download = [go, "mod", "download", "sigs.k8s.io/kind"]
        run(download, env=environment, inherit=[VariableSet.GO], cwd=at, timeout=300)
        shown = run(
            [go, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"], env=environment, cwd=at
        )
        return Path(shown.strip()) / "images" / "base" / "files"

    def _write_images(self, scratch: Path, base_tar: Path) -> None:
        tag = f"v{self.versions.kubernetes}"
        with tarfile.open(scratch / "images.tar", "w") as tar:
            writer = oci.LayoutWriter(tar, go_arch())
            for name in _CONTROL_PLANE:
                self._add(writer, scratch, f"registry.k8s.io/{name}:{tag}", self.kubernetes, name)
            base = oci.Layer.of(base_tar)
            proxy = f"registry.k8s.io/kube-proxy:{tag}"
            self._add(writer, scratch, proxy, self.kubernetes, "kube-proxy", base)
            self._add(writer, scratch, self.versions.etcd_image, self.etcd, "etcd")
            self._add(writer, scratch, self.versions.coredns_image, self.coredns, "coredns")
            self._add(writer, scratch, self.versions.pause_image, toolchain.PAUSE, "pause")
            writer.close()

    def _add(
        self,
        writer: oci.LayoutWriter,
        scratch: Path,
        image: str,
        tool: Tool,
        name: str,
        *below: oci.Layer,
    ) -> None:
        # kubeadm's manifests start the control plane by name, and CoreDNS by its image's
        # entrypoint.
        place = f"/usr/local/bin/{name}" if name.startswith(("kube-", "etcd")) else f"/{name}"
        binary = self.tools.binary(tool, _binary_name(tool, name))
        layer = oci.binary_layer(scratch / f"{name}.tar", {place: binary})
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        writer.add(image, [*below, layer], {"Entrypoint": [place], "Env": [path]})

    def _import_images(self, client: docker.DockerClient, plain: str, scratch: Path) -> None:
        """Import images into a running container's containerd, and commit the container."""
        container = client.containers.create(
            plain,
            entrypoint=["sleep", "3600"],
            command=[],
            privileged=True,
            network_mode="none",
            name=one_off_name(),
            labels={LABEL: "build"},
            volumes={str(scratch): {"bind": "/build", "mode": "ro"}},
        )
        try:
            container.start()
            script = (
                "containerd --log-level=warn >/dev/null 2>&1 & "
                "until ctr version >/dev/null 2>&1; do sleep 0.1; done; "
                "ctr -n k8s.io images import --no-unpack /build/images.tar && "
                "kill %1 && wait"
            )
            run_in(container, ["bash", "-ec", script], "Importing the node's images failed")
            repository, _, tag = self.tag.partition(":")
            container.commit(
                repository, tag, changes=['ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]']
            )
        finally:
            container.remove(force=True, v=True)


def _binary_name(tool: Tool, name: str) -> str:
    """Return the binary's name; a module with its own main package names it after the module."""
    return tool.source.name if tool.packages == (".",) else name


def _copy_kind_files(source: Path, root: Path) -> None:
    """Copy with the modes of kind's recipe: scripts and directories 0755, all else 0644."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        relative = file.relative_to(source)
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        script = "bin" in relative.parts
        target.chmod(0o755 if script else 0o644)


def _link(source: Path, target: Path) -> None:
    """Hard-link a large file if that works, else copy it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
