"""The conformance suite as a program: its configuration, and one run of it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from devtools.conformance.results import ConformanceCase, ResultsError, read_cases
from pullrecovery.common.redaction import redact
from pullrecovery.lab.tools.golang import MODULES

# What GHCR does not support, with the setting that skips it. Nothing else is skipped.
LEFT_OUT: Final = {
    "the referrers API": "referrer",
    "deleting tags": "tags.delete",
    "deleting manifests": "manifests.delete",
    "deleting blobs": "blobs.delete",
    "cancelling an upload": "blobs.uploadCancel",
}
_EXPECTED: Final = MODULES / "conformance" / "expected.json"
_SECONDS: Final = 600.0
_TAIL: Final = 1000
_ENDINGS: Final = (0, 1)  # 1: some test failed


@dataclass(frozen=True)
class SuiteExpectation:
    """What is known about the pinned suite.

    `least_tests` is how many it runs in this configuration, not counting skipped ones.
    `distribution_fails` and `own_storage_fails` are the tests that each bare storage fails, see
    docs/ghcr-emulator.md.
    """

    least_tests: int
    distribution_fails: frozenset[str]
    own_storage_fails: frozenset[str]


@dataclass(frozen=True)
class RegistryUnderTest:
    """A registry to test: its address, the login, and the variables that the suite needs for it."""

    registry: str
    tls: bool
    login: str = ""
    token: str = ""
    environment: Mapping[str, str] | None = None


def read_expected() -> SuiteExpectation:
    """Read the file beside the suite's go.mod."""
    document = json.loads(_EXPECTED.read_text())
    return SuiteExpectation(
        document["least_tests"],
        frozenset(document["distribution_fails"]),
        frozenset(document["own_storage_fails"]),
    )


def configuration(target: RegistryUnderTest, owner: str) -> dict[str, Any]:
    """Return the suite's configuration: its own defaults for version 1.1, without LEFT_OUT."""
    return {
        "version": "1.1",
        "registry": target.registry,
        "tls": "enabled" if target.tls else "disabled",
        "repo1": f"{owner}/first",
        "repo2": f"{owner}/second",
        "username": target.login,
        "password": target.token,
        "resultsDir": ".",
        "apis": _switched_off(),
    }


async def run_suite(
    binary: Path, target: RegistryUnderTest, owner: str, folder: Path
) -> list[ConformanceCase]:
    """Run the suite once in the new directory `folder`, which then has its reports and output.

    The suite gets only the variables of the target. Raises ResultsError if it did not end on its
    own with results.
    """
    config, output = folder / "oci-conformance.yaml", folder / "output.log"
    _write_private(config, json.dumps(configuration(target, owner)))  # JSON is YAML too
    try:
        code = await _run(binary, folder, output, target.environment or {})
    finally:
        config.unlink()  # it contains the token
    if code not in _ENDINGS:
        said = redact(output.read_text(errors="replace"))[-_TAIL:]
        raise ResultsError(f"The conformance suite ended with {code}: {said}")
    return read_cases(folder / "junit.xml")


async def _run(binary: Path, folder: Path, output: Path, environment: Mapping[str, str]) -> int:
    with output.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            binary,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
        try:
            return await asyncio.wait_for(process.wait(), _SECONDS)
        except TimeoutError:
            raise ResultsError(f"The conformance suite did not end in {_SECONDS:g} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _switched_off() -> dict[str, Any]:
    apis: dict[str, Any] = {}
    for setting in LEFT_OUT.values():
        group, _, name = setting.rpartition(".")
        section = apis.setdefault(group, {}) if group else apis
        section[name] = False
    return apis
