"""Compare the emulator with the distribution behind it, in one run and as ratios.

The emulator with its own storage is measured too, without bounds, because the lab uses
distribution.
"""

import os
import re
import secrets
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devtools.bench import layer as layers
from devtools.bench.client import Client, RegistryRoute, opened
from devtools.bench.figures import Figure, median_ratio, median_seconds, table
from devtools.bench.layer import RandomLayer
from ghcr_emulator.certificates import issue_certificate
from ghcr_emulator.protocol import hosts
from ghcr_emulator.storage.location import distribution_url
from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Phase, Progress
from pullrecovery.lab.registry.container import HOST
from pullrecovery.lab.registry.loopback import (
    LOOPBACK,
    LoopbackEmulator,
    running_distribution,
    running_emulator,
)
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import DISTRIBUTION, Toolchain

MEGABYTES: Final = 500
ROUNDS: Final = 5
MOST_TIMES: Final = 1.5
MOST_MEGABYTES: Final = 100
REQUESTS: Final = 200

_OWNER: Final = "bench"
_REPOSITORY: Final = f"{_OWNER}/layers"
_TAG: Final = "v1"
_PHASES: Final = ("tools", "seed", "pull", "push", "requests")
_EXACTLY: Final = (REQUESTS, REQUESTS)
_KIBIBYTE: Final = 1024
_SECONDS: Final = 120.0

# The names of what is compared, in the order of the first round.
_PLAIN, _TLS, _EMULATOR = "distribution, plain", "distribution, TLS", "front"
_OWN: Final = "front, own storage"

_Action = Callable[[Client, str, RandomLayer], None]


@dataclass(frozen=True)
class BenchSetup:
    """The processes that are measured: two emulators, and a client of each of the four by name."""

    loopback: LoopbackEmulator
    own: LoopbackEmulator
    clients: Mapping[str, Client]
    layer: RandomLayer


def measure_emulator(megabytes: int, rounds: int) -> list[Figure]:
    """Measure the emulator, and print the table."""
    progress = Progress(_PHASES)
    paths = default_paths()
    with progress.phase("tools") as phase:
        tools = Toolchain(paths, find_go(paths))
        tools.build([DISTRIBUTION], phase.note)
    registry = tools.binary(DISTRIBUTION, "registry")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        figures = _measure(registry, Path(scratch), megabytes, rounds, progress)
    progress.say(f"\n  a layer of {megabytes} MB, {rounds} rounds, medians; {busy()}")
    for line in table(figures):
        progress.say(line)
    return figures


def _measure(
    registry: Path, scratch: Path, megabytes: int, rounds: int, progress: Progress
) -> list[Figure]:
    with _sandbox(registry, scratch, megabytes) as setup:
        with progress.phase("seed") as phase:
            _seed(setup, phase)
        figures = []
        for name, action in (("pull", layers.pull), ("push", layers.push)):
            with progress.phase(name) as phase:
                figures += _compared(name, _alternating(setup, action, rounds, phase))
        peak = peak_megabytes(setup.loopback.pid)
        figures.append(Figure("peak memory of the front: layers", peak, "MB", MOST_MEGABYTES))
        peak = peak_megabytes(setup.own.pid)
        figures.append(Figure("peak memory with own storage: layers", peak, "MB"))
        with progress.phase("requests"):
            figures += _parallel_requests(setup)
        peak = peak_megabytes(setup.loopback.pid)
        figures.append(Figure("peak memory of the front: and requests", peak, "MB"))
    return figures


@contextmanager
def _sandbox(registry: Path, scratch: Path, megabytes: int) -> Iterator[BenchSetup]:
    """Run all four; distribution with TLS has a certificate of the same kind as the emulator's."""
    token = protect(f"ghp_{secrets.token_hex(18)}")
    folder = scratch / "certificate"
    folder.mkdir()
    certificate = issue_certificate(folder)
    with ExitStack() as stack:
        plain = stack.enter_context(running_distribution(registry, scratch / "plain"))
        tls = stack.enter_context(running_distribution(registry, scratch / "tls", certificate))
        storage = distribution_url(registry, scratch / "behind-the-front")
        loopback = stack.enter_context(running_emulator(storage, scratch / "front"))
        files = f"file://{scratch}/own-storage"
        own = stack.enter_context(running_emulator(files, scratch / "own"))
        for each in (loopback, own):
            with each.emulator.control() as control:
                control.put_credential("bench", token, _OWNER, ["read:packages", "write:packages"])
        trust = ssl.create_default_context(cafile=str(certificate.ca_file))
        ways = {
            _PLAIN: RegistryRoute(LOOPBACK, {LOOPBACK: plain.port}, None),
            _TLS: RegistryRoute(LOOPBACK, {LOOPBACK: tls.port}, trust),
            _EMULATOR: emulator_route(loopback),
            _OWN: emulator_route(own),
        }
        clients = {name: stack.enter_context(opened(route)) for name, route in ways.items()}
        for name in (_EMULATOR, _OWN):
            clients[name].log_in(_OWNER, token, _REPOSITORY)
        yield BenchSetup(loopback, own, clients, layers.random_layer(megabytes))


def emulator_route(loopback: LoopbackEmulator) -> RegistryRoute:
    """Return the route to the emulator, which has the names of both GHCR hosts."""
    port = loopback.emulator.https_port
    return RegistryRoute(HOST, {HOST: port, hosts.BLOBS: port}, loopback.emulator.trust())


def _seed(setup: BenchSetup, phase: Phase) -> None:
    """Push an image to each registry and check that it reads the same; this also warms them up."""
    for name, client in setup.clients.items():
        phase.note(f"pushing to {name}", show=False)
        layers.push(client, _REPOSITORY, setup.layer)
        layers.push_manifest(client, _REPOSITORY, _TAG, setup.layer)
        layers.check(client, _REPOSITORY, setup.layer)


def _alternating(
    setup: BenchSetup, action: _Action, rounds: int, phase: Phase
) -> dict[str, list[float]]:
    """Return the seconds of each round by name; every other round uses the reverse order."""
    taken: dict[str, list[float]] = {name: [] for name in setup.clients}
    for number in range(rounds):
        names = list(setup.clients)
        for name in names if number % 2 == 0 else reversed(names):
            phase.note(f"round {number + 1} of {rounds}: {name}", show=False)
            started = time.perf_counter()
            action(setup.clients[name], _REPOSITORY, setup.layer)
            taken[name].append(time.perf_counter() - started)
    return taken


def _compared(name: str, taken: Mapping[str, list[float]]) -> list[Figure]:
    loopback = taken[_EMULATOR]
    return [
        *(median_seconds(f"{name}: {each}", seconds) for each, seconds in taken.items()),
        median_ratio(f"{name}: front / {_TLS}", loopback, taken[_TLS], MOST_TIMES),
        median_ratio(f"{name}: front / {_PLAIN}", loopback, taken[_PLAIN]),
        median_ratio(f"{name}: {_OWN} / {_EMULATOR}", taken[_OWN], loopback),
    ]


def _parallel_requests(setup: BenchSetup) -> list[Figure]:
    """Request one manifest on many connections at once, and count answers and log entries."""
    route, bearer = emulator_route(setup.loopback), setup.clients[_EMULATOR].bearer
    at_once = threading.Barrier(REQUESTS)
    path, accept = f"/v2/{_REPOSITORY}/manifests/{_TAG}", {"Accept": layers.MANIFEST}

    def ask(_: int) -> bool:
        with opened(route, bearer) as client:
            at_once.wait(_SECONDS)
            try:
                return client.ask("GET", path, headers=accept).status == 200
            except (LabError, OSError):
                return False  # a lost request is not an answered one

    with setup.loopback.emulator.control() as control:
        since = control.log_end()
        with ThreadPoolExecutor(REQUESTS) as callers:
            answered = sum(callers.map(ask, range(REQUESTS)))
        entries = control.log(since=since, repository=_REPOSITORY, status=200)
    logged = sum(entry.route == "manifest" for entry in entries)
    return [
        Figure(f"{REQUESTS} manifest requests at once: answered", answered, "", *_EXACTLY),
        Figure(f"{REQUESTS} manifest requests at once: in the log", logged, "", *_EXACTLY),
    ]


def peak_megabytes(pid: int) -> float | None:
    """Return a process's peak resident memory in MB; None without /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"(?m)^VmHWM:\s+(\d+) kB$", status)
    return round(int(found[1]) * _KIBIBYTE / layers.MEGABYTE, 1) if found else None


def busy() -> str:
    """Return the machine's load in the last minute, including this benchmark's."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
