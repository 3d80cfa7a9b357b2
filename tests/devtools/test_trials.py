"""The trials' own comparison, and the repetition of their kills from a seed."""

import random
from types import SimpleNamespace

import pytest

from devtools.trials import kills
from devtools.trials.leftovers import difference
from devtools.trials.runs import Kill, TrialError, TrialRun, killed_run
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.content_cache import half_made


def test_what_came_and_what_went_is_named():
    """Added and missing objects are named by their kind."""
    before = {"links": ["eth0", "lo"], "rules": []}
    after = {"links": ["docker0", "lo"], "rules": []}

    assert difference(before, after) == ["links: + docker0", "links: - eth0"]
    assert difference(before, before) == []


def test_half_made_folders_are_found(tmp_path):
    """Half-made directories are found at the places where builds create them."""
    paths = Paths(tmp_path / "cache", tmp_path / "state")
    left = paths.tools / ".kind-01.ab"
    left.mkdir(parents=True)
    (paths.tools / "kind-01").mkdir()

    assert half_made(paths.cache) == [left]


@pytest.fixture(name="played")
def _played(monkeypatch, tmp_path):
    """Return trials without runs, which record each loss, signal and wait."""
    rows = []

    def killed(_command, _log, after, kill, seen):
        seen("the tests")
        rows.append((str(kill), after))
        return TrialRun(2, after, tmp_path)

    monkeypatch.setattr(kills, "killed_run", killed)
    monkeypatch.setattr(
        kills, "whole_run", lambda *_: SimpleNamespace(code=0, result={"leaks": []}, log="log")
    )
    monkeypatch.setattr(kills, "_left", lambda *_: [])
    losses = [
        SimpleNamespace(name=name, seconds=10, lose=lambda _: rows.append("lost"))
        for name in ("nothing", "the lab")
    ]
    monkeypatch.setattr(kills, "LOSSES", losses)
    return rows


def _series(played, seed, count=6):
    played.clear()
    trials = kills.series(SimpleNamespace(), seed, count)
    return trials, list(played)


def test_seed_plays_the_same_kills_again(played):
    """A seed gives the same losses, signals and moments."""
    first, again, other = (_series(played, seed)[1] for seed in (7, 7, 8))

    assert first == again != other


def test_losses_are_equally_frequent(played):
    """Losses are equally frequent, in an order that the seed decides."""
    trials, _ = _series(played, 7)

    assert sorted(trial.lost for trial in trials) == ["nothing"] * 3 + ["the lab"] * 3


def test_unrecovered_run_stops_series(monkeypatch, played):
    """The error has the loss, the signal, and the path of the log."""
    monkeypatch.setattr(kills, "_left", lambda *_: ["namespace x"])

    with pytest.raises(
        TrialError, match=r"^Trial 1 \(lost .*: the next run ended with 0, and left"
    ):
        _series(played, 7)


def test_signals_are_of_all_kinds():
    """Signals go to the process alone, and to its whole group."""
    chance = random.Random(1)

    assert len({str(Kill.any(chance)) for _ in range(100)}) == 6


def test_run_is_killed_where_it_is(tmp_path):
    """The last line of the run shows where it was killed."""
    seen = []

    run = killed_run(
        ["lab", "doctor", "--nonsense"],
        tmp_path / "log",
        60,
        Kill.any(random.Random(1)),
        seen.append,
    )

    assert seen == ["it was over already"]
    assert (run.code, run.last_line[:6]) == (4, "error:")
