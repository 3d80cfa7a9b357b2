"""The figures and the client of the benchmark, without measurements."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devtools import __main__ as command_line
from devtools.bench import layer as layers
from devtools.bench.client import RegistryRoute, opened
from devtools.bench.emulator import peak_megabytes
from devtools.bench.figures import Figure, FigureStatus, ending, median_ratio, table
from devtools.bench.layer import random_layer
from devtools.bench.recovery import AIMS, compared, timed
from devtools.bench.rounds import Baseline, Round
from pullrecovery.common.errors import Exit, LabError

HOST, BLOBS = "registry.test", "blobs.test"


@pytest.mark.parametrize(
    ("value", "bounds", "verdict"),
    [
        (1.5, {"most": 1.5}, FigureStatus.WITHIN),
        (1.51, {"most": 1.5}, FigureStatus.BROKEN),
        (200, {"most": 200, "least": 200}, FigureStatus.WITHIN),
        (199, {"most": 200, "least": 200}, FigureStatus.BROKEN),
        (201, {"most": 200, "least": 200}, FigureStatus.BROKEN),
        (None, {"most": 100}, FigureStatus.UNKNOWN),
        (7, {}, FigureStatus.SHOWN),
        (None, {}, FigureStatus.SHOWN),
    ],
)
def test_figure_is_judged_by_its_bounds(value, bounds, verdict):
    """A number without a bound is only printed."""
    assert Figure("f", value, "", **bounds).verdict is verdict


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([1, 2], Exit.PASS),
        ([1, 4], Exit.FAIL),
        ([1, None], Exit.UNKNOWN),
        ([4, None], Exit.FAIL),
    ],
)
def test_exit_code_is_that_of_the_worst_figure(values, code):
    """An exceeded bound is reported even if another figure was not measured."""
    assert ending([Figure("f", value, "", most=3) for value in values]) == code


def test_ratio_is_median_of_rounds():
    """A slow round of the machine slows both sides, so the ratio stays."""
    figure = median_ratio("pull", [2.0, 30.0, 3.0], [1.0, 20.0, 2.0], most=1.5)

    assert figure.value == 1.5
    assert figure.samples == (2.0, 1.5, 1.5)
    assert figure.verdict is FigureStatus.WITHIN


def test_table_says_what_was_not_measured():
    """The table says that a figure was not measured, beside its bound."""
    lines = table([Figure("memory", None, "MB", most=100), Figure("answered", 3, "", 3, 3)])

    assert lines[0].split() == ["memory", "-", "<=", "100", "not", "measured", "here"]
    assert lines[1].split() == ["answered", "3", "=", "3", "pass"]


def test_missing_process_has_no_peak_memory():
    """A system without /proc has no peak memory."""
    assert peak_megabytes(0) is None


def test_layer_has_stated_size_and_digest():
    """The blocks of a layer differ, so that no storage can deduplicate them."""
    layer = random_layer(2)
    blocks = list(layer.blocks())

    assert len(set(blocks)) == 2
    assert sum(map(len, blocks)) == layer.size == 2_000_000
    assert layer.digest == "sha256:" + hashlib.sha256(b"".join(blocks)).hexdigest()


@pytest.fixture(name="registry")
def _registry():
    """Yield a registry whose one blob is at another host, and the addresses of both."""
    blob, seen = b"a layer", []

    class Registry(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            host = self.headers["host"].partition(":")[0]
            seen.append((host, self.path, self.headers["authorization"]))
            places = {"/away": f"https://{BLOBS}/blob?sig=1", "/out": "https://example.com/blob"}
            places["/round"] = "/round"
            place = places.get(self.path)
            self.send_response(307 if place else 200)
            if place:
                self.send_header("Location", place)
            self.send_header("Content-Length", "0" if place else str(len(blob)))
            self.end_headers()
            if not place:
                self.wfile.write(blob)

        def log_message(self, *_):
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        try:
            yield RegistryRoute(HOST, {HOST: port, BLOBS: port}, None), seen
        finally:
            server.shutdown()
            thread.join()


def test_client_follows_redirect_without_bearer(registry):
    """The client sends its bearer to the registry alone."""
    way, seen = registry
    with opened(way, "secret") as client:
        answer = client.ask("GET", "/away", sum_up=True)

    assert (answer.status, answer.size) == (200, 7)
    assert answer.digest == "sha256:" + hashlib.sha256(b"a layer").hexdigest()
    assert seen == [(HOST, "/away", "Bearer secret"), (BLOBS, "/blob?sig=1", None)]


@pytest.mark.parametrize(
    ("path", "said"),
    [("/out", "example.com is not the lab's"), ("/round", "/round is redirected without end")],
)
def test_client_goes_nowhere_else(registry, path, said):
    """The client refuses a host outside of the lab."""
    with opened(registry[0]) as client, pytest.raises(LabError, match=said):
        client.ask("GET", path)


def test_pull_that_is_too_short_is_an_error(registry):
    """A fast answer with missing bytes is an error."""
    layer = random_layer(1)
    with opened(registry[0]) as client:
        with pytest.raises(LabError, match="has 1000000 bytes, and 7 came"):
            layers.pull(client, "o/p", layer)
        with pytest.raises(LabError, match=f"{layer.digest} came as sha256:"):
            layers.check(client, "o/p", layer)


@pytest.mark.parametrize("count", ["0", "-1", "many", ""])
def test_bench_of_nothing_is_wrong_usage(count, capsys):
    """The benchmark exits before anything starts."""
    with pytest.raises(SystemExit) as caught:
        command_line.main(["bench", f"--rounds={count}"])

    assert caught.value.code == 4
    assert "is no number of 1 or more" in capsys.readouterr().err


def test_rounds_are_compared_at_95th_percentile():
    """One slow round in twelve is visible at the 95th percentile."""
    rounds = [Round(1.0, 1.5)] * 10 + [Round(1.2, 9.0)] * 2

    named, named_last, recovered, recovered_last = timed("one at a time", rounds, AIMS[1])

    assert (named.value, named.verdict) == (1.0, FigureStatus.SHOWN)
    assert (named_last.value, named_last.most, named_last.verdict) == (
        1.2,
        1.5,
        FigureStatus.WITHIN,
    )
    assert (recovered.value, recovered.verdict) == (1.5, FigureStatus.SHOWN)
    assert (recovered_last.value, recovered_last.verdict) == (9.0, FigureStatus.BROKEN)
    assert named_last.samples == (1.0,) * 10 + (1.2,) * 2


def test_baselines_are_multiples():
    """Measured baselines are compared by their measurement, the others by their known patience."""
    figures = compared([Round(1.0, 2.0)], [Baseline(15.0, 16.0, 12.0)])
    found = {figure.name.strip(): figure.value for figure in figures}

    assert found == {
        "helm --wait --timeout 15s: no cause": 15.0,
        "helm / cause named, with 15 s": 15.0,
        "helm / cause named, with its own 300 s (sum)": 300.0,
        "rollout status --timeout=15s: no cause": 16.0,
        "rollout status / cause named, with 15 s": 16.0,
        "rollout status / cause named, by deadline 600 s (sum)": 600.0,
        "Argo CD's Degraded / cause named, by deadline 600 s (sum)": 600.0,
        "kubelet's first back-off waited out": 12.0,
        "back-off / recovered": 6.0,
        "back-off / recovered, at the sixth, 300 s (sum)": 150.0,
    }


def test_awaited_degraded_health_replaces_sum():
    """The measured time replaces the sum, and the table has its seconds."""
    figures = compared([Round(1.5, 2.0)], [Baseline(15.0, 16.0, 12.0)], [603.0])
    found = {figure.name.strip(): figure.value for figure in figures}

    assert found["Argo CD's Degraded: no cause"] == 603.0
    assert found["Argo CD's Degraded / cause named, by deadline 600 s"] == 402.0
    assert "Argo CD's Degraded / cause named, by deadline 600 s (sum)" not in found
