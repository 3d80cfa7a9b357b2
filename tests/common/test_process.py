"""Commands: run without a shell, with a deadline, and with their stderr in the error."""

import ast
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.process import CommandError, run
from pullrecovery.common.variables import VariableSet
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.lock import MARK, marked_processes, name_of


def _python(program, *arguments, **options):
    return run([sys.executable, "-c", program, *arguments], **options)


def test_output_is_returned():
    """The output does not contain stderr."""
    program = "import sys; print('out'); print('aside', file=sys.stderr)"

    assert _python(program) == "out\n"


def test_arguments_are_passed_unchanged():
    """No shell interprets the arguments."""
    odd = "$HOME; rm -rf * `ls` 'quoted'"

    assert _python("import sys; print(sys.argv[1])", odd) == f"{odd}\n"


def test_secret_goes_through_stdin():
    """A secret on stdin is in no list of processes."""
    assert _python("print(input())", stdin="s3nt1n3l\n") == "s3nt1n3l\n"


@pytest.fixture(name="typed")
def _typed():
    """Replace stdin of this process with typed text."""
    reading, writing = os.pipe()
    os.write(writing, b"typed\n")
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    yield
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.usefixtures("typed")
def test_missing_stdin_is_empty():
    """The child gets an empty stdin, and does not read the parent's."""
    assert _python("import sys; print(repr(sys.stdin.read()))") == "''\n"


def test_child_environment_is_filtered(monkeypatch):
    """A variable that no set names does not reach the child, and neither does the user's locale."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    for name in ("AWS_SECRET_ACCESS_KEY", "MY_CANARY", "GHCR_TOKEN", "HTTPS_PROXY", "PIP_CERT"):
        monkeypatch.setenv(name, "s3nt1n3l")
    program = "import os; print(dict(os.environ))"

    environment = ast.literal_eval(_python(program, env={"ADDED": "b"}))

    assert environment["ADDED"] == "b"
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["TZ"] == "UTC"
    assert environment["LC_ALL"] == "C.UTF-8"
    assert "LANGUAGE" not in environment
    assert "s3nt1n3l" not in str(environment)


def test_child_gets_the_sets_its_caller_names(monkeypatch):
    """The child gets the named set, and no variable of another set."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("PIP_CERT", "/ca.crt")
    program = "import os; print(os.environ.get('HTTPS_PROXY'), os.environ.get('PIP_CERT'))"

    assert _python(program, inherit=[VariableSet.NETWORK]) == "http://proxy.example None\n"
    assert _python(program, inherit=[VariableSet.PIP]) == "http://proxy.example /ca.crt\n"


def test_command_runs_in_given_folder(tmp_path):
    """The working directory is the given one."""
    assert _python("import os; print(os.getcwd())", cwd=tmp_path) == f"{tmp_path}\n"


def test_failure_has_code_and_stderr_end():
    """The error has the end of stderr, which has the reason."""
    program = "import sys; print('x' * 5000 + 'the reason', file=sys.stderr); sys.exit(3)"

    with pytest.raises(CommandError) as caught:
        _python(program)

    assert caught.value.code == 3
    assert str(caught.value).endswith("xthe reason")
    assert len(str(caught.value).rpartition("exited with 3: ")[2]) == 2000


def test_failure_without_stderr_has_stdout():
    """Some programs print their error to stdout."""
    with pytest.raises(CommandError) as caught:
        _python("print('the reason'); exit(1)")

    assert caught.value.output == "the reason\n"


def test_output_that_is_no_text_is_no_error():
    """Bytes that are not UTF-8 are replaced."""
    program = r"import sys; sys.stdout.buffer.write(b'a\xffb')"

    assert _python(program) == "a\ufffdb"


def test_slow_command_is_stopped():
    """The error names the command and its deadline."""
    started = time.monotonic()

    with pytest.raises(PullRecoveryError, match=r"` did not end within 0\.2 s\.$"):
        _python("import time; time.sleep(60)", timeout=0.2)

    assert time.monotonic() - started < 20


def test_deadline_shows_no_secret():
    """The error names the command without its secret."""
    token = "ghp_" + "S3nt1nel" * 4

    with pytest.raises(PullRecoveryError) as caught:
        _python("import time; time.sleep(60)", token, timeout=0.1)

    assert token not in str(caught.value)
    assert " [redacted]` did not end within 0.1 s." in str(caught.value)


def test_missing_program_is_named():
    """The error is one sentence instead of a traceback."""
    with pytest.raises(PullRecoveryError) as caught:
        run(["no-such-program-anywhere", "--version"])

    assert str(caught.value) == "`no-such-program-anywhere` is not installed or not on PATH."


def test_program_that_may_not_be_run_is_named(tmp_path):
    """A file without execute permission is named in the error."""
    program = tmp_path / "program"
    program.touch(mode=0o644)

    with pytest.raises(PullRecoveryError, match=f"^`{program}` "):
        run([str(program)])


def test_missing_folder_is_not_missing_program(tmp_path):
    """Python raises FileNotFoundError for a missing directory and for a missing program."""
    with pytest.raises(PullRecoveryError, match="nowhere"):
        _python("print()", cwd=tmp_path / "nowhere")


INTERRUPTED = """
import sys, threading
from pullrecovery.common.process import child, stop_with_us, interrupt_session, run

stop_with_us()
try:
    {work}
except KeyboardInterrupt:
    print("interrupted")
"""
WAIT_IN_A_THREAD = """
    waiting = threading.Thread(target=lambda: run([{python!r}, "-c", {command!r}]))
    waiting.start()
    waiting.join()
"""
WAIT_FOR_A_SESSION = """
    with child([{python!r}, "-c", {command!r}], end=interrupt_session,
               popen={{"start_new_session": True}}) as process:
        process.wait()
"""
SAYS_ITS_PID = (
    "import os, signal, sys; print(os.getpid(), file=sys.stderr, flush=True); signal.pause()"
)
CLEANS_UP = (
    "import os, signal, sys\n"
    "try:\n"
    "    print(os.getpid(), file=sys.stderr, flush=True); signal.pause()\n"
    "except KeyboardInterrupt:\n"
    "    print('cleaned up', flush=True)\n"
)


def _interrupted(work, command, number):
    """Run `work` with a command that reads for ever, and send the signal once the command runs."""
    program = INTERRUPTED.format(work=work.strip().format(python=sys.executable, command=command))
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", program], text=True, **pipes) as process:
        if "start_new_session" in work:
            process.stderr.readline()
        else:
            # The caller reads the command's output, so the child process itself is observed.
            wait_for("the command runs", psutil.Process(process.pid).children, bool, timeout=20)
        process.send_signal(number)
        return process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_signal_stops_command_of_other_thread(number):
    """Without the stop, the end would wait for the command."""
    out, _ = _interrupted(WAIT_IN_A_THREAD, SAYS_ITS_PID, number)

    assert out == "interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_interrupted_tests_clean_up(number):
    """The tests clean up for every signal and every receiver of it, as at a terminal."""
    out, _ = _interrupted(WAIT_FOR_A_SESSION, CLEANS_UP, number)

    assert out == "cleaned up\ninterrupted\n"


# The signal arrives after the command has started, and before its process is recorded.
EARLY = """
import os, signal, subprocess, sys, threading
from pullrecovery.common.process import child, stop_with_us, interrupt_session, run

stop_with_us()
told = threading.Event()

class Early(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.kill(os.getpid(), signal.{number})
        if threading.current_thread() is not threading.main_thread():
            # The signal must wait for this thread, and so the main one says nothing meanwhile.
            told.wait(1)

subprocess.Popen = Early
try:
    {work}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    told.set()
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("work", [WAIT_IN_A_THREAD, WAIT_FOR_A_SESSION], ids=["thread", "session"])
def test_early_signal_stops_command(work, number):
    """A command that is not stopped would run on unnoticed."""
    lines = work.strip().format(python=sys.executable, command="import signal; signal.pause()")
    command = [sys.executable, "-c", EARLY.format(work=lines, number=number)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    mark = f"test of {number} {os.getpid()} {time.monotonic_ns()}"
    environment = {**os.environ, MARK: mark}
    with subprocess.Popen(
        command, text=True, stdin=subprocess.DEVNULL, env=environment, **pipes
    ) as process:
        out, _ = process.communicate(timeout=60)

    assert (out, process.returncode) == ("interrupted\n", 0)
    wait_for(
        "the command has ended",
        lambda: [name_of(each) for each, found in marked_processes() if found == mark],
        lambda left: not left,
        timeout=10,
    )
