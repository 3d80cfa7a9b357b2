"""The `conformance` command compares both storages, bare and behind the emulator."""

import asyncio
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devtools.conformance.results import (
    ConformanceCase,
    Difference,
    Results,
    ResultsError,
    lost,
    tally,
)
from devtools.conformance.suite import (
    LEFT_OUT,
    RegistryUnderTest,
    SuiteExpectation,
    read_expected,
    run_suite,
)
from ghcr_emulator.connect_proxy import connect_proxy
from ghcr_emulator.protocol import hosts
from ghcr_emulator.server.uvicorn_server import listen, serve
from ghcr_emulator.storage.files import opened
from ghcr_emulator.storage.location import distribution_url
from ghcr_emulator.storage.registry import Registry
from pullrecovery.common.errors import Exit, LabError
from pullrecovery.common.process import run
from pullrecovery.common.redaction import protect
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.leak_check import find_secrets
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.registry.container import HOST
from pullrecovery.lab.registry.loopback import (
    LOOPBACK,
    LoopbackEmulator,
    running_distribution,
    running_emulator,
)
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import CONFORMANCE, DISTRIBUTION, Toolchain

REPORTS: Final = SUITE_ROOT / ".reports" / "conformance"
_TOOLS, _TESTS = "tools", "unit tests over distribution"
_DISTRIBUTION, _FILES = "distribution", "own storage"
_OVER_DISTRIBUTION, _OVER_FILES = "emulator over distribution", "emulator over own storage"
_SUBJECTS: Final = (_DISTRIBUTION, _OVER_DISTRIBUTION, _FILES, _OVER_FILES)
# What passes on the first must pass on the second.
_KEPT: Final = (
    (_DISTRIBUTION, _OVER_DISTRIBUTION),
    (_FILES, _OVER_FILES),
    (_DISTRIBUTION, _FILES),
)
_TESTS_SECONDS: Final = 1200
# The owner's first push creates a package, so the login is the owner's.
_OWNER: Final = "conformance"
_SCOPES: Final = ["read:packages", "write:packages"]

# Where GHCR is known to differ from the suite; docs/ghcr-emulator.md has the same table rows.
GHCR_DIFFERS: Final = (
    Difference(
        "/tag-list",
        re.compile(r'tag "\S+" (returned|missing) when last set to "\S+"'),
        "tags come in the order of their pushes, and `last` counts in that order, not in the "
        "lexical one (renovate#36103, smg#2348)",
    ),
)


@dataclass(frozen=True)
class ConformanceOutcome:
    """The results for each subject by its name, and what is known about the suite."""

    found: Mapping[str, Results]
    expected: SuiteExpectation

    @property
    def lost(self) -> list[str]:
        """Return tests that pass on one subject and not on another that must pass them too."""
        return [
            f"{name} (passes on {before}, not on {after})"
            for before, after in _KEPT
            for name in lost(self.found[before], self.found[after])
        ]

    @property
    def unlisted(self) -> list[str]:
        """Return tests that a bare storage fails and docs/ghcr-emulator.md does not list."""
        listed = {
            _DISTRIBUTION: self.expected.distribution_fails,
            _FILES: self.expected.own_storage_fails,
        }
        return [
            f"{name}: {test}"
            for name, known in listed.items()
            for test in sorted(set(self.found[name].failing) - known)
        ]

    @property
    def exit(self) -> Exit:
        return Exit.FAIL if self.lost or self.unlisted else Exit.PASS


def run_conformance() -> int:
    """Run the suite against each subject, print the results, and return the exit code."""
    progress = Progress((_TOOLS, *_SUBJECTS, _TESTS))
    paths = default_paths()
    with progress.phase(_TOOLS) as phase:
        tools = Toolchain(paths, find_go(paths))
        tools.build([DISTRIBUTION, CONFORMANCE], phase.note)
    suite, registry = tools.binary(CONFORMANCE), tools.binary(DISTRIBUTION, "registry")
    shutil.rmtree(REPORTS, ignore_errors=True)
    expected = read_expected()
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        sandbox = _Ground(suite, Path(scratch))
        storage = distribution_url(registry, Path(scratch) / "behind-the-front")
        files = f"file://{scratch}/own-behind-the-front"
        runs: dict[str, Callable[[str], Results]] = {
            _DISTRIBUTION: lambda name: tally(_on_distribution(sandbox, registry, name)),
            _OVER_DISTRIBUTION: lambda name: _on_emulator(sandbox, storage, name),
            _FILES: lambda name: tally(asyncio.run(_on_files(sandbox, name))),
            _OVER_FILES: lambda name: _on_emulator(sandbox, files, name),
        }
        found = {}
        for name, play in runs.items():
            with progress.phase(name):
                found[name] = play(name)
            _check_number(name, found[name], expected)
    with progress.phase(_TESTS):
        _run_tests(registry)
    outcome = ConformanceOutcome(found, expected)
    for line in summary(outcome):
        progress.say(line)
    leaks = find_secrets(REPORTS.rglob("*"), {})
    if leaks:
        raise LabError(f"The reports hold secrets: {', '.join(leaks)}.")
    return int(outcome.exit)


def summary(outcome: ConformanceOutcome) -> list[str]:
    """Return the table, and the names of the tests behind its numbers."""
    lines = ["", f"  {'':<28}{'run':>6}{'passed':>8}{'failed':>8}{'differing':>11}{'skipped':>9}"]
    for name, results in outcome.found.items():
        total = results.total
        went = f"{total.passed:>8}{total.failed:>8}{total.differing:>11}{total.skipped:>9}"
        lines.append(f"  {name:<28}{total.run:>6}{went}")
    lines.append(f"  left out: {', '.join(LEFT_OUT)}")
    lines += [f"  lost: {name}" for name in outcome.lost]
    lines += [
        f"  differs as GHCR does: {name}" for name in outcome.found[_OVER_DISTRIBUTION].differing
    ]
    lines += [
        f"  fails, and docs/ghcr-emulator.md does not say so: {name}" for name in outcome.unlisted
    ]
    verdict = "fail" if outcome.exit else "pass"
    lines.append(f"  what passes on distribution passes elsewhere too: {verdict}")
    lines.append(f"  reports: {REPORTS}")
    return lines


@dataclass(frozen=True)
class _Ground:
    """The suite's program, and a directory for the files of the runs."""

    suite: Path
    scratch: Path

    def reports(self, name: str) -> Path:
        return REPORTS / name.replace(" ", "-")


def _check_number(name: str, results: Results, expected: SuiteExpectation) -> None:
    if results.total.run < expected.least_tests:
        raise ResultsError(
            f"The suite ran {results.total.run} tests against {name}, "
            f"and should run {expected.least_tests} or more."
        )


def _run_tests(registry: Path) -> None:
    """Run the unit tests marked `over_distribution` with distribution; raises CommandError."""
    pytest = [sys.executable, "-m", "pytest", "tests", "--quiet", "--tb=short"]
    chosen = ["-m", "over_distribution", "--distribution", str(registry)]
    run([*pytest, *chosen], inherit=[VariableSet.PYTHON], cwd=SUITE_ROOT, timeout=_TESTS_SECONDS)


def _on_distribution(sandbox: _Ground, registry: Path, name: str) -> list[ConformanceCase]:
    with running_distribution(registry, sandbox.scratch / "distribution") as running:
        target = RegistryUnderTest(f"{LOOPBACK}:{running.port}", tls=False)
        return asyncio.run(run_suite(sandbox.suite, target, _OWNER, sandbox.reports(name)))


async def _on_files(sandbox: _Ground, name: str) -> list[ConformanceCase]:
    stop = asyncio.Event()
    with opened(sandbox.scratch / "own") as files, listen(LOOPBACK, 0) as listener:
        target = RegistryUnderTest(f"{LOOPBACK}:{listener.getsockname()[1]}", tls=False)
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(Registry(files), listener, stop))
            try:
                return await run_suite(sandbox.suite, target, _OWNER, sandbox.reports(name))
            finally:
                stop.set()


def _on_emulator(sandbox: _Ground, storage: str, name: str) -> Results:
    token = protect(f"ghp_{secrets.token_hex(18)}")
    folder = sandbox.scratch / sandbox.reports(name).name
    with running_emulator(storage, folder) as emulator:
        with emulator.emulator.control() as control:
            control.put_credential("conformance", token, _OWNER, _SCOPES)
        cases = asyncio.run(_through_the_proxy(sandbox, emulator, token, name))
    return tally(cases, GHCR_DIFFERS)


async def _through_the_proxy(
    sandbox: _Ground, emulator: LoopbackEmulator, token: str, name: str
) -> list[ConformanceCase]:
    """Run the suite against https://ghcr.io, which is the emulator for this process only."""
    port = emulator.emulator.https_port
    no_authorities = sandbox.scratch / f"no-authorities-{sandbox.reports(name).name}"
    no_authorities.mkdir()
    async with connect_proxy({f"{HOST}:443": port, f"{hosts.BLOBS}:443": port}) as proxy:
        environment = {
            "HTTPS_PROXY": proxy.url,
            "SSL_CERT_FILE": str(emulator.emulator.ca_file),
            "SSL_CERT_DIR": str(no_authorities),
        }
        target = RegistryUnderTest(
            HOST, tls=True, login=_OWNER, token=token, environment=environment
        )
        cases = await run_suite(sandbox.suite, target, _OWNER, sandbox.reports(name))
    if proxy.refused:
        raise LabError(f"The suite asked for what is not the lab's: {', '.join(proxy.refused)}.")
    return cases
