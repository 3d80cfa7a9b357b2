"""The lock that a run takes in a user's engine, tested in the lab's engine under another name."""

import subprocess
import sys

import pytest
from docker.errors import NotFound

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.engine.engine_lock import engine_lock
from pullrecovery.lab.engine.lock_holder import HeldByAnotherError, Holder

_VOLUME = "pull-recovery-lock-of-a-test"
# The other run: it holds the engine's lock until it is killed.
_HOLD = """
import sys
from pathlib import Path
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.engine_lock import engine_lock
from pullrecovery.lab.engine.lock_holder import Holder
holder = Holder.this_process(Path("/another/user"))
with engine_lock(Engine(sys.argv[1], owned=False), holder, print, sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_run(lab):
    """A process that holds the lock of the lab's engine."""
    command = [sys.executable, "-c", _HOLD, lab.engine.host, _VOLUME]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=SUITE_ROOT, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_engine_lock_lasts_until_run_dies(lab, other_run, engine_client, tmp_path):
    """The error names the other run; the lock of a killed run is taken over, and none remains."""
    holder = Holder.this_process(tmp_path)
    named = rf"process {other_run.pid} of \S+, since \S+, for the lab in /another/user\. "
    with (
        pytest.raises(HeldByAnotherError, match=named),
        engine_lock(lab.engine, holder, print, _VOLUME),
    ):
        pytest.fail("two runs hold the engine")

    other_run.kill()
    other_run.wait()
    with engine_lock(lab.engine, holder, print, _VOLUME):
        labels = engine_client.volumes.get(_VOLUME).attrs["Labels"]
        assert Holder.read(labels["dev.pullrecovery.holder"]) == holder

    with pytest.raises(NotFound):
        engine_client.volumes.get(_VOLUME)
