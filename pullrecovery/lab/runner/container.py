"""The runner: a container on the lab's network that works as a CI machine.

It has its own engine, and trusts the lab's CA.
"""

import hashlib
from pathlib import Path

import docker
from docker.errors import NotFound
from docker.types import Mount

from pullrecovery.lab.engine.containers import await_answer, remove_own
from pullrecovery.lab.engine.egress_guard import guard
from pullrecovery.lab.engine.tar_archive import archive
from pullrecovery.lab.paths import LABEL, NAME, Paths
from pullrecovery.lab.registry.container import HOST
from pullrecovery.lab.runner.shell import CASES, RunnerShell

CONTAINER = f"{NAME}-runner"
_TRUSTS = f"{LABEL}.trusts"
_DATA = f"{CONTAINER}-data"
# The blob store's name too, because GHCR redirects clients to it.
_HOSTS = (HOST, "pkg-containers.githubusercontent.com")
# The address of its own engine for inner containers, and their network.
_INNER_ADDRESS = "10.213.0.1/24"
_INNER_NETWORK = "10.213.0.0/24"
# Seconds on a fast machine: its engine loads a large binary and sets up networks.
_ANSWERS_WITHIN = 90.0


def ensure_runner(client: docker.DockerClient, paths: Paths, image: str) -> RunnerShell:
    """Return the running runner if it is of `image` and trusts the lab's CA.

    Else start a new one.
    """
    shell = find_runner(client, paths, image) or start_runner(client, paths, image)
    # After the engine has started, so that the guard's rules precede the engine's. A running runner
    # gets the guard again too, so that it counts only this run's attempts.
    guard(client, CONTAINER, (_INNER_NETWORK,))
    return shell


def find_runner(client: docker.DockerClient, paths: Paths, image: str = "") -> RunnerShell | None:
    """Return the runner if it trusts the lab's CA, its engine answers, and it is of `image`."""
    try:
        container = client.containers.get(CONTAINER)
        trusted = _fingerprint(paths)
    except (NotFound, OSError):
        return None
    fits = container.labels.get(_TRUSTS) == trusted and container.status == "running"
    if not fits or (image and container.attrs["Config"]["Image"] != image):
        return None
    shell = RunnerShell(container)
    return shell if shell.answers() else None


def start_runner(client: docker.DockerClient, paths: Paths, image: str) -> RunnerShell:
    """Start a new runner, replacing the container of its name, and wait for its engine.

    `ensure_runner` then limits it to the lab's networks.
    """
    remove_runner(client)
    client.volumes.create(_DATA, labels={LABEL: "runner"})
    container = client.containers.create(
        image,
        [f"--bip={_INNER_ADDRESS}"],
        name=CONTAINER,
        hostname="runner",
        labels={LABEL: "runner", _TRUSTS: _fingerprint(paths)},
        network=NAME,
        privileged=True,
        init=True,
        mounts=[Mount("/var/lib/docker", _DATA)],
        # In memory only: it contains tokens and logins for a while, and programs of a case.
        tmpfs={CASES: "size=64m,mode=0700,exec"},
    )
    container.put_archive("/", archive(_trust(paths), mode=0o644))
    container.start()
    shell = RunnerShell(container)
    what = "the runner's own engine answers"
    await_answer(container, what, shell.answers, within=_ANSWERS_WITHIN)
    return shell


def remove_runner(client: docker.DockerClient) -> None:
    """Remove the runner's container and volume if they exist; raises LabError if not the lab's."""
    remove_own(client, CONTAINER)
    for volume in client.volumes.list(filters={"label": f"{LABEL}=runner"}):
        volume.remove()


def runner_output(client: docker.DockerClient) -> bytes:
    """Return everything that the runner's own engine has printed."""
    output: bytes = client.containers.get(CONTAINER).logs()
    return output


def _ca(paths: Paths) -> Path:
    return paths.certs / HOST / "ca.crt"


def _fingerprint(paths: Paths) -> str:
    return hashlib.sha256(_ca(paths).read_bytes()).hexdigest()


def _trust(paths: Paths) -> dict[str, bytes]:
    """Return the lab's CA at the paths where the runner's clients and its engine read it."""
    ca = _ca(paths).read_bytes()
    store = {"usr/local/share/ca-certificates/pull-recovery.crt": ca}
    return store | {f"etc/docker/certs.d/{host}/ca.crt": ca for host in _HOSTS}
