"""The lock in a container engine: one run holds it, and that of a killed run is taken over."""

import os
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from docker.errors import APIError

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine import lock_holder as holders
from pullrecovery.lab.engine.engine_lock import VOLUME, engine_lock
from pullrecovery.lab.engine.lock_holder import HeldByAnotherError, Holder

_MARK, _HOLDER = "dev.pullrecovery.lock", "dev.pullrecovery.holder"


class Volumes:
    """A fake engine's volumes: one of a name, with the labels of its creator."""

    def __init__(self, api_version):
        self.found = {}
        self.api = SimpleNamespace(api_version=api_version)
        self.volumes = self
        self.problem = None

    def create(self, name, labels):
        if self.problem:
            raise self.problem
        return SimpleNamespace(attrs={"Labels": self.found.setdefault(name, labels)})

    def prune(self, filters):
        if self.problem:
            raise self.problem
        # Since 1.42 the engine omits volumes with a name; earlier versions have no `all`.
        assert (filters.pop("all", False) is True) == (self.api.api_version != "1.41")
        name, _, value = filters.pop("label").partition("=")
        self.found = {key: has for key, has in self.found.items() if (has or {}).get(name) != value}
        assert not filters

    def close(self):
        pass


@pytest.fixture(name="volumes", params=["1.41", "1.55"])
def _volumes(request):
    return Volumes(request.param)


@pytest.fixture(name="engine")
def _engine(volumes):
    return SimpleNamespace(host="unix:///engine", client=lambda: volumes)


@pytest.fixture(name="holder")
def _holder(tmp_path):
    return Holder.this_process(tmp_path / "state")


def _leave(volumes, holder):
    """Create the lock of a run that did not release it."""
    volumes.create(VOLUME, {_MARK: holder.folder, _HOLDER: holder.write()})


def _ended(holder):
    return replace(holder, started=holder.started - 86400, folder="/of/the/killed")


def test_second_run_in_one_engine_is_refused(engine, volumes, holder):
    """The error names the other user and state directory."""
    named = (
        rf"^Another run .* at unix:///engine: process {os.getpid()} of .* lab in {holder.folder}\."
    )
    with (
        engine_lock(engine, holder, print),
        pytest.raises(HeldByAnotherError, match=named),
        engine_lock(engine, replace(holder, folder="/another"), print),
    ):
        pytest.fail("two runs hold the engine")

    assert volumes.found == {}


def test_killed_runs_engine_lock_is_taken_over(engine, volumes, holder):
    """The recorded process has ended, and another one may have its pid."""
    _leave(volumes, _ended(holder))

    with engine_lock(engine, holder, print):
        assert Holder.read(volumes.found[VOLUME][_HOLDER]) == holder


def test_lock_taken_meanwhile_is_kept(engine, volumes, holder):
    """Two runs find a killed run; the slower one must not remove the faster one's lock."""
    _leave(volumes, _ended(holder))
    prune = volumes.prune

    def prune_after_another(filters):
        volumes.prune = prune
        volumes.found.clear()
        _leave(volumes, replace(holder, folder="/faster"))
        prune(filters)

    volumes.prune = prune_after_another

    with (
        pytest.raises(HeldByAnotherError, match="for the lab in /faster"),
        engine_lock(engine, holder, print),
    ):
        pytest.fail("the lock of the faster run is gone")


def test_process_of_other_container_may_live(engine, volumes, holder):
    """A pid of another container is unknown here; the error has the command to remove the lock."""
    elsewhere = replace(_ended(holder), namespace="pid:[1]")
    _leave(volumes, elsewhere)

    with (
        pytest.raises(HeldByAnotherError, match=r"in another container\..*docker volume rm pull-r"),
        engine_lock(engine, holder, print),
    ):
        pytest.fail("it may be running")


@pytest.mark.parametrize("labels", [None, {}, {_HOLDER: "{}"}, {_HOLDER: "[" * 9999}])
def test_volume_that_names_no_holder_is_left(engine, volumes, holder, labels):
    """Another program may have created the volume."""
    volumes.found[VOLUME] = labels

    with (
        pytest.raises(HeldByAnotherError, match="its volume pull-recovery-lock does not say which"),
        engine_lock(engine, holder, print),
    ):
        pytest.fail("it is not ours")
    assert volumes.found == {VOLUME: labels}


def test_engine_without_volume_is_error(engine, volumes, holder):
    """Without a lock two runs might use the engine."""
    volumes.problem = APIError("no space left on device")

    with (
        pytest.raises(LabError, match="The engine at unix:///engine gives no lock: no space left"),
        engine_lock(engine, holder, print),
    ):
        pytest.fail("there is no lock")


def test_stopped_engine_costs_no_result(engine, volumes, holder):
    """The lock stays in the engine's data, and the next run finds that its process has ended."""
    said = []

    with engine_lock(engine, holder, said.append):
        volumes.problem = APIError("the engine is gone")

    assert said == ["the volume pull-recovery-lock stays until the next run: the engine is gone"]


def test_hidden_process_of_another_user_lives(monkeypatch, holder):
    """A system may show each user only the user's own processes."""

    def hidden(_):
        raise psutil.NoSuchProcess(holder.pid)

    monkeypatch.setattr(holders.psutil, "Process", hidden)

    assert holder.lives()
    assert not replace(holder, pid=2**22 + 1).lives()


def test_unreadable_process_counts_as_alive(monkeypatch, holder):
    """A process whose state is unknown is not treated as ended."""

    def denied(_):
        raise psutil.AccessDenied(holder.pid)

    monkeypatch.setattr(holders.psutil, "Process", denied)

    assert holder.lives()


def test_clock_that_was_set_ends_no_run(holder):
    """The machine's clock gives the start of a process."""
    assert replace(holder, started=holder.started - 30).lives()
    assert not replace(holder, started=holder.started - 120).lives()
