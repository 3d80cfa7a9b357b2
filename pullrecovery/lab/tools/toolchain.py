"""The lab's pinned programs, each built from its own Go module and cached by content."""

import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pullrecovery.common.errors import LabError
from pullrecovery.common.process import child, stop_running
from pullrecovery.common.suite_files import SAMPLE
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.golang import MODULES, go_environment

_LANES = 2


@dataclass(frozen=True)
class Tool:
    """A Go module and the packages to build from it; `tool` means its tool directives."""

    name: str
    source: Path
    packages: tuple[str, ...] = ("tool",)
    target_os: str = "linux"
    link_flags: str = "-s -w"


def _stamp(version: str) -> str:
    """Return linker flags with the version of the Kubernetes components, which kubeadm reads."""
    major, minor, _ = version.split(".")
    values = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": "unknown",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = (
        f"-X {package}.{key}={value}" for package in packages for key, value in values.items()
    )
    return " ".join(("-s", "-w", *stamps))


def host_os() -> str:
    """Return GOOS of this machine."""
    return "darwin" if sys.platform == "darwin" else "linux"


def go_arch() -> str:
    """Return GOARCH of this machine, which is assumed to be the container engine's too."""
    known = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    machine = platform.machine().lower()
    if machine not in known:
        raise LabError(f"This machine's processor, {machine}, is neither amd64 nor arm64.")
    return known[machine]


def _module(name: str, version: str) -> Path:
    """Return the module that pins `version`: one directory for each minor version."""
    return MODULES / f"{name}-{version.rpartition('.')[0]}"


def containerd(version: str) -> Tool:
    """Return the tool with containerd, ctr and the shim."""
    module = _module("containerd", version)
    return Tool(module.name, module)


def etcd(version: str) -> Tool:
    """Return the etcd server."""
    module = _module("etcd", version)
    return Tool(module.name, module, (".",))


def coredns(version: str) -> Tool:
    """Return CoreDNS with the plugins that kubeadm's Corefile names."""
    module = _module("coredns", version)
    return Tool(module.name, module, (".",))


def kubernetes(version: str) -> Tool:
    """Return all components of Kubernetes at one version."""
    return Tool(f"kubernetes-{version}", _module("kubernetes", version), link_flags=_stamp(version))


def kubectl(version: str, target_os: str | None = None) -> Tool:
    """Return kubectl alone, for machines that pull the node image instead of building it.

    `target_os` is this machine's by default.
    """
    module = _module("kubernetes", version)
    package = ("k8s.io/kubernetes/cmd/kubectl",)
    return Tool("kubectl", module, package, target_os or host_os(), _stamp(version))


def _from_modules(
    name: str, target_os: str = "linux", packages: tuple[str, ...] = ("tool",)
) -> Tool:
    return Tool(name, MODULES / name, packages, target_os)


KIND = _from_modules("kind", host_os())
HELM = _from_modules("helm", host_os())
HELM_LINUX = _from_modules("helm")
ACTIONLINT = _from_modules("actionlint", host_os())
CONFORMANCE = _from_modules("conformance", host_os())
DROPCAPS = _from_modules("dropcaps", packages=(".",))
DISTRIBUTION = _from_modules("distribution", packages=(".",))
CNI = _from_modules("cni")
PAUSE = _from_modules("pause", packages=(".",))
# The usual registry clients, in the runner.
CRANE = _from_modules("crane")
ACT = _from_modules("act")
ORAS = _from_modules("oras")
# Upstream has no go.mod: the one here requires what its vendor.mod does.
DOCKER_CLI = Tool(
    "docker-cli",
    MODULES / "docker-cli",
    link_flags="-s -w -X github.com/docker/cli/cli/version.Version=29.7.2",
)
GH = Tool(
    "gh",
    MODULES / "gh",
    link_flags="-s -w -X github.com/cli/cli/v2/internal/build.Version=2.96.0",
)
# One program for every component of Argo CD, selected by the name it is called by.
ARGOCD = Tool(
    "argocd",
    MODULES / "argocd",
    link_flags="-s -w -X github.com/argoproj/argo-cd/v3/common.version=3.1.9",
)
WEB_BASE = Tool("web-base", SAMPLE / "apps" / "web-base", (".",))


@dataclass(frozen=True)
class Toolchain:
    """Build tools with `go`, into directories named by the content they are made from."""

    paths: Paths
    go: Path

    def folder(self, tool: Tool) -> Path:
        """Return the directory of the binaries of `tool`, once built."""
        sources = [f for f in sorted(tool.source.iterdir()) if f.suffix in (".mod", ".sum", ".go")]
        named: list[str | Path] = [tool.target_os, go_arch(), tool.link_flags, *tool.packages]
        return self.paths.tools / f"{tool.name}-{key_of([*named, *sources])}"

    def binary(self, tool: Tool, name: str = "") -> Path:
        """Return one binary of `tool`, by default the one of its own name."""
        return self.folder(tool) / (name or tool.name)

    def is_built(self, tool: Tool) -> bool:
        return self.folder(tool).is_dir()

    def build(self, tools: Iterable[Tool], note: Callable[[str], None]) -> None:
        """Build missing tools, two modules in parallel; `note` gets progress messages."""
        missing = [tool for tool in tools if not self.is_built(tool)]
        with ThreadPoolExecutor(_LANES) as lanes:
            running = [lanes.submit(self._build, tool, note) for tool in missing]
            try:
                for build in running:
                    build.result()
            except BaseException:
                lanes.shutdown(wait=False, cancel_futures=True)
                # The other builds are not needed after an error, and waiting for them takes
                # minutes.
                stop_running()
                raise

    def _build(self, tool: Tool, note: Callable[[str], None]) -> None:
        note(f"building {tool.name} from its Go module")
        with (
            whole_folder(self.folder(tool)) as scratch,
            # In the tools directory, where a killed compiler's files are removed later.
            TemporaryDirectory(prefix=".go-build.", dir=self.paths.tools) as temporary,
        ):
            environment = go_environment(self.paths, target_os=tool.target_os)
            environment["GOTMPDIR"] = temporary
            command = [str(self.go), "build", "-trimpath", "-v", f"-ldflags={tool.link_flags}"]
            command += ["-o", f"{scratch}/", *tool.packages]
            _compile(tool, command, environment, note)
        note(f"built {tool.name}")


def _compile(
    tool: Tool, command: list[str], environment: dict[str, str], note: Callable[[str], None]
) -> None:
    """Run `go build -v`; count the packages in its output, and store the rest for the error."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    go = [VariableSet.GO]
    with child(command, env=environment, inherit=go, cwd=tool.source, popen=pipes) as build:
        said: list[str] = []
        for line in build.stderr or ():
            said.append(line)
            if len(said) % 200 == 0:
                note(f"{tool.name}: {len(said)} packages compiled")
    if build.returncode != 0:
        # Go repeats a message for each package that lacks the same module.
        ending = "".join(dict.fromkeys(said[-5:]))
        raise LabError(f"Building {tool.name} in {tool.source} failed:\n{ending}")
