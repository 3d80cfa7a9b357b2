"""Run `acceptance --world live`: judge a user's cluster and the real GHCR as they are."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pullrecovery.common.errors import Exit
from pullrecovery.common.process import child, interrupt_session
from pullrecovery.common.secret_variables import TOKEN, handed_over
from pullrecovery.common.suite_files import REPORTS, SUITE_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.leak_check import find_secrets
from pullrecovery.lab.tools.versions import kubernetes_set
from pullrecovery.live.settings import live_settings
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.report.live_summary import live_summary
from pullrecovery.report.records import read_result, write_result


@dataclass(frozen=True)
class LiveOptions:
    """The live world's options on the command line; KUBECONFIG and GHCR_TOKEN are variables."""

    context: str = ""
    login: str = ""
    platforms: tuple[str, ...] = ()
    reports: Path | None = None


def run_live(folder: Path, kubernetes: str, live_options: LiveOptions, extra: Sequence[str]) -> int:
    """Judge the live world and return the exit code in result.json; see `errors.Exit`.

    `kubernetes` is the version of a lab on this machine, whose runner and browser are used if it is
    up. Raises UsageError before the cluster gets any request.
    """
    target = load_target(folder.resolve())
    versions = kubernetes_set(kubernetes)
    live_settings(
        target, live_options.context, login=live_options.login, platforms=live_options.platforms
    )
    reports = (live_options.reports or REPORTS).resolve()
    reports.mkdir(parents=True, exist_ok=True)
    result = reports / "result.json"
    result.unlink(missing_ok=True)
    options = ["--world=live", f"--target={target.root}", f"--kubernetes={versions.kubernetes}"]
    options += [f"--context={live_options.context}", f"--login={live_options.login}"]
    options += [f"--platform={platform}" for platform in live_options.platforms]
    options += [f"--junitxml={reports / 'junit.xml'}", f"--result-json={result}"]
    with TemporaryDirectory(prefix="pull-recovery-") as scratch:
        _pytest([*options, f"--basetemp={scratch}/tests", *extra])
    return _close(result, find_secrets(reports.iterdir(), {}))


def _pytest(options: Sequence[str]) -> None:
    """Run the live tests in one process, so that each release is observed once.

    pytest prints only its counts, because the summary is made from result.json.
    """
    test = str(SUITE_ROOT / "acceptance" / "test_live.py")
    command = [sys.executable, "-m", "pytest", test, "--quiet", "--tb=no", "-rN"]
    command += [f"--config-file={SUITE_ROOT / 'pytest.toml'}", *options]
    with (
        handed_over(TOKEN) as (variables, descriptors),
        child(
            command,
            env=variables,
            inherit=[VariableSet.SUITE, VariableSet.CLUSTER],
            end=interrupt_session,
            popen={
                "stdin": subprocess.DEVNULL,
                "start_new_session": True,
                "pass_fds": descriptors,
            },
        ) as tests,
    ):
        tests.wait()


def _close(file: Path, leaks: list[str]) -> int:
    if not file.exists():
        print("error: the tests wrote no result.json, so the outcome is unknown")
        return int(Exit.UNKNOWN)
    result = read_result(file)
    result.note_leaks(leaks)
    write_result(file, result)
    print("", *live_summary(result), *(f"  note: {note}" for note in result.run.notes), sep="\n")
    print(f"  leaks: {', '.join(leaks) or 'none'}", f"  report: {file}", sep="\n")
    return result.run.exit
