"""`conformance`: the suite against bare distribution and against the front, and the comparison."""

import asyncio
import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devtools.conformance.results import Case, Difference, Results, ResultsError, lost, tally
from devtools.conformance.suite import LEFT_OUT, Expected, Target, read_expected, run_suite
from ghcr_emulator.protocol import hosts
from pullrecovery.common.errors import Exit, LabError
from pullrecovery.common.redaction import protect
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.leak_check import find_secrets
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.registry.connect_proxy import connect_proxy
from pullrecovery.lab.registry.container import HOST
from pullrecovery.lab.registry.loopback import LOOPBACK, Front, running_distribution, running_front
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import CONFORMANCE, DISTRIBUTION, Toolchain

REPORTS: Final = SUITE_ROOT / ".reports" / "conformance"
_PHASES: Final = ("tools", "distribution", "front")
# Packages come into being by the first push of their owner, so the login is the owner's.
_OWNER: Final = "conformance"
_SCOPES: Final = ["read:packages", "write:packages"]

# Where GHCR is attested not to do what the suite asks for; docs/mirror.md has the same rows.
GHCR_DIFFERS: Final = (
    Difference(
        "/tag-list",
        re.compile(r'tag "\S+" (returned|missing) when last set to "\S+"'),
        "tags come in the order of their pushes, and `last` counts in that order, not in the "
        "lexical one (renovate#36103, smg#2348)",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """Both findings, and what they are measured by."""

    bare: Results
    front: Results
    expected: Expected

    @property
    def lost(self) -> list[str]:
        """Tests that distribution passes and the front does not."""
        return lost(self.bare, self.front)

    @property
    def unlisted(self) -> list[str]:
        """Tests that distribution fails and docs/mirror.md does not list."""
        return sorted(set(self.bare.failing) - self.expected.distribution_fails)

    @property
    def exit(self) -> Exit:
        return Exit.DOES_NOT_HOLD if self.lost or self.unlisted else Exit.HOLDS


def run_conformance() -> int:
    """Run the suite twice, say what came of it, and return the exit code."""
    progress = Progress(_PHASES)
    paths = default_paths()
    with progress.phase("tools") as phase:
        tools = Toolchain(paths, find_go(paths))
        tools.build([DISTRIBUTION, CONFORMANCE], phase.note)
    suite, registry = tools.binary(CONFORMANCE), tools.binary(DISTRIBUTION, "registry")
    shutil.rmtree(REPORTS, ignore_errors=True)
    expected = read_expected()
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        with progress.phase("distribution"):
            bare = tally(_on_distribution(suite, registry, Path(scratch)))
        with progress.phase("front"):
            front = tally(_on_front(suite, registry, Path(scratch)), GHCR_DIFFERS)
    for name, results in (("distribution", bare), ("the front", front)):
        _check_number(name, results, expected)
    outcome = Outcome(bare, front, expected)
    for line in summary(outcome):
        progress.say(line)
    leaks = find_secrets(REPORTS.rglob("*"), {})
    if leaks:
        raise LabError(f"The reports hold secrets: {', '.join(leaks)}.")
    return int(outcome.exit)


def summary(outcome: Outcome) -> list[str]:
    """Return the table, and the names behind its numbers."""
    lines = ["", f"  {'':<14}{'run':>6}{'passed':>8}{'failed':>8}{'differing':>11}{'skipped':>9}"]
    for name, results in (("distribution", outcome.bare), ("the front", outcome.front)):
        total = results.total
        went = f"{total.passed:>8}{total.failed:>8}{total.differing:>11}{total.skipped:>9}"
        lines.append(f"  {name:<14}{total.run:>6}{went}")
    lines.append(f"  left out: {', '.join(LEFT_OUT)}")
    lines += [f"  lost in the front: {name}" for name in outcome.lost]
    lines += [f"  differs as GHCR does: {name}" for name in outcome.front.differing]
    lines += [
        f"  distribution fails, and docs/mirror.md does not say so: {name}"
        for name in outcome.unlisted
    ]
    verdict = "DOES NOT HOLD" if outcome.exit else "holds"
    lines.append(f"  what distribution passes passes through the front: {verdict}")
    lines.append(f"  reports: {REPORTS}")
    return lines


def _check_number(name: str, results: Results, expected: Expected) -> None:
    if results.total.run < expected.least_tests:
        raise ResultsError(
            f"The suite ran {results.total.run} tests against {name}, "
            f"and should run {expected.least_tests} or more."
        )


def _on_distribution(suite: Path, registry: Path, scratch: Path) -> list[Case]:
    with running_distribution(registry, scratch / "distribution") as running:
        target = Target(f"{LOOPBACK}:{running.port}", tls=False)
        return asyncio.run(run_suite(suite, target, _OWNER, REPORTS / "distribution"))


def _on_front(suite: Path, registry: Path, scratch: Path) -> list[Case]:
    token = protect(f"ghp_{secrets.token_hex(18)}")
    with running_front(registry, scratch / "front") as front:
        with front.stand_in.control() as control:
            control.put_credential("conformance", token, _OWNER, _SCOPES)
        return asyncio.run(_through_the_proxy(suite, front, token, scratch))


async def _through_the_proxy(suite: Path, front: Front, token: str, scratch: Path) -> list[Case]:
    """Run the suite against https://ghcr.io, which is the front for this process alone."""
    port = front.stand_in.https_port
    no_authorities = scratch / "no-authorities"
    no_authorities.mkdir()
    async with connect_proxy({f"{HOST}:443": port, f"{hosts.BLOBS}:443": port}) as proxy:
        environment = {
            "HTTPS_PROXY": proxy.url,
            "SSL_CERT_FILE": str(front.stand_in.ca_file),
            "SSL_CERT_DIR": str(no_authorities),
        }
        target = Target(HOST, tls=True, login=_OWNER, token=token, environment=environment)
        cases = await run_suite(suite, target, _OWNER, REPORTS / "front")
    if proxy.refused:
        raise LabError(f"The suite asked for what is not the lab's: {', '.join(proxy.refused)}.")
    return cases
