"""The `gate` command judges one revision, writes the verdict and prints it.

`gate sign` signs it.
"""

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx

from pullrecovery.common.errors import UsageError
from pullrecovery.common.plain_text import plain
from pullrecovery.common.process import run
from pullrecovery.common.secret_variables import SIGNING_KEY, TOKEN, is_given, secret
from pullrecovery.common.variables import VariableSet
from pullrecovery.gate.commit import checked_out, target_in
from pullrecovery.gate.defaults import RECORD, SIGNED
from pullrecovery.gate.run.in_lab import LabGate
from pullrecovery.gate.run.issue import GateEnvironment, issue
from pullrecovery.gate.run.judge import JudgedRevision
from pullrecovery.gate.run.mirror import Side
from pullrecovery.gate.verdict.document import Checks, Failure, GateVerdict, to_document
from pullrecovery.gate.verdict.keys import check_private
from pullrecovery.lab.chart_needs import Needs
from pullrecovery.lab.lock import is_held_above, locked
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.tools.versions import kubernetes_set
from pullrecovery.lab.up import PHASES
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Target
from pullrecovery.registry.client import RegistryClient
from pullrecovery.tasks.order import fix_order

_ANSWER_WITHIN = 30.0


@dataclass(frozen=True)
class GateRequest:
    """A request to judge a revision of the target in `folder`.

    `key` is the file of the signing key, if given; this process does not open it. With `live`, the
    images are those of the registry itself and not of the GHCR emulator. `within` is each tier's
    deadline in seconds, and `valid` how long the verdict is valid. The verdict is written to `out`.
    With `allow_cluster_objects`, the charts' cluster-scoped objects are applied under names of the
    sandbox's own.
    """

    folder: Path
    revision: str
    kubernetes: str
    key: Path | None
    out: Path
    valid: timedelta
    within: float
    seed: bool
    live: bool = False
    allow_cluster_objects: bool = False


def run_gate(request: GateRequest) -> int:
    """Judge the revision, write the verdict, and return the exit code of its decision.

    An error leaves no verdict, and also removes an earlier one.
    """
    for name in (RECORD, SIGNED):
        (request.out / name).unlink(missing_ok=True)
    _check_keys(request.key)
    paths, versions = default_paths(), kubernetes_set(request.kubernetes)
    paths.state.mkdir(parents=True, exist_ok=True)
    progress = Progress(PHASES)
    # A test run that started this process has also locked and started the lab.
    beside = is_held_above(paths)
    with ExitStack() as held:
        commit = held.enter_context(checked_out(request.folder, request.revision, paths.state))
        # Before the lock, to report a mistake in the target even if another run uses the lab.
        revision = JudgedRevision(target_in(commit.folder, request.folder))
        if not beside:
            held.enter_context(locked(paths, progress.say))
        source = _source(revision.target) if request.live else None
        gate = LabGate(
            paths,
            versions,
            revision,
            request.seed,
            request.within,
            progress,
            source,
            beside,
            request.allow_cluster_objects,
        )
        judgement = gate.judge()
        place = GateEnvironment("live" if request.live else "lab", versions.kubernetes)
        verdict = issue(revision, commit.sha, judgement, place, valid=request.valid)
        verdict = replace(verdict, checks=_in_target(verdict.checks, commit.folder))
    file = _write(request, verdict)
    _say(verdict, gate.needs, file, signed=bool(request.key))
    return int(verdict.decision.exit)


def _write(request: GateRequest, verdict: GateVerdict) -> Path:
    """Write the record and, if there is a key, have it signed; return the last file."""
    request.out.mkdir(parents=True, exist_ok=True)
    (request.out / RECORD).write_text(json.dumps(to_document(verdict), indent=2) + "\n")
    if request.key:
        _sign(request.out / RECORD, request.key, verdict.revision)
    return request.out / (SIGNED if request.key else RECORD)


def _check_keys(file: Path | None) -> None:
    """Raise UsageError before anything is judged if the verdict could not be signed."""
    if is_given(SIGNING_KEY):
        raise UsageError(
            f"{SIGNING_KEY} is set, and the process that judges a commit takes no key: unset it"
            " here, and sign the record that is judged with `gate sign` in another step."
        )
    if file:
        check_private(file)


def _sign(record: Path, key: Path, sha: str) -> None:
    """Sign the record in a separate process, which has read nothing of the target."""
    command = [sys.executable, "-m", "pullrecovery", "gate", "sign", f"--revision={sha}"]
    command += [f"--key={key.resolve()}", f"--in={record.resolve()}"]
    run(command, inherit=[VariableSet.PYTHON])


def _source(target: Target) -> Side:
    """Return the registry itself, with GHCR_TOKEN as its credential."""
    token = secret(TOKEN)
    if not token:
        raise UsageError(f"Set {TOKEN} to a token that may read the packages of {target.owner}.")
    registry = RegistryClient(target.registry, httpx.Client(timeout=_ANSWER_WITHIN))
    return Side(registry, Credential(target.login, token))


def _in_target(checks: Checks, folder: Path) -> Checks:
    """Return the checks with paths relative to the target, because the judged copy is deleted."""

    def told(each: Failure) -> Failure:
        evidence, remedy = (text.replace(f"{folder}/", "") for text in (each.evidence, each.remedy))
        return replace(each, evidence=evidence, remedy=remedy)

    return replace(checks, failed=tuple(told(each) for each in checks.failed))


def _say(verdict: GateVerdict, needs: Needs, file: Path, *, signed: bool) -> None:
    """Print the decision, every failure with its fix, and the verdict's file."""
    print(f"{verdict.decision}: {verdict.target} at {verdict.revision}")
    for reason in verdict.reasons:
        print(f"  because  {plain(reason)}")
    for each in verdict.checks.failed:
        shown = " (optional)" if each.check in verdict.checks.optional else ""
        print(f"  {each}{shown}", f"    seen  {plain(each.evidence)}", sep="\n")
        print(f"    fix   {plain(each.remedy)}")
    for judged in verdict.workloads:
        order = fix_order(_failing(verdict.checks, judged.name))
        if order:
            print(f"  fix {judged.name}: {order}")
    for judged in verdict.workloads:
        print(f"  {judged.name:<16} {judged.reference} {judged.image or 'no digest'}")
    for need in needs.sentences():
        print(f"  {need}")
    print(f"  {len(verdict.checks.run)} of {len(verdict.checks.declared)} checks were run")
    print(f"  verdict, {'signed' if signed else 'NOT signed (no key)'}: {file}")


def _failing(checks: Checks, workload: str) -> list[str]:
    """Return the failed criteria of a workload, each once for every cause it named."""
    places = (each.check.rpartition(" ") for each in checks.failed)
    return [criterion for name, _, criterion in places if name == workload]
