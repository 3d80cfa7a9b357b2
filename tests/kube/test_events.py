"""The recorder of events, against a fake API server."""

import json
import queue
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes import client as k8s

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.wait import wait_for
from pullrecovery.kube.events import EventRecorder, WaitingState, kube_event, waiting_state
from pullrecovery.model.observation import KubeEvent

UID = "0b0f4b6e-2f2c-4a52-9d5c-9a3f2b7c1d11"
END = object()


def event(message="Failed to pull image", version="8", **changes):
    """Return an event as the API server sends it."""
    return {
        "metadata": {"resourceVersion": version, "creationTimestamp": "2026-11-24T03:20:48Z"},
        "involvedObject": {"uid": UID, "fieldPath": "spec.containers{web}"},
        "reason": "Failed",
        "message": message,
        "firstTimestamp": "2026-11-24T03:20:48Z",
        "lastTimestamp": "2026-11-24T03:20:58Z",
        "count": 2,
        **changes,
    }


class ApiServer(ThreadingHTTPServer):
    """Answers lists with a version, and watches with the items of `say` and `say_of_pods`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.say, self.asked, self.version = queue.Queue(), [], "7"
        self.say_of_pods = queue.Queue()
        self.connected = threading.Event()
        self.connected.set()

    def tell_of_pod(self, kind="MODIFIED", *, ready=False, waiting="", address="", deleted=""):
        said = {"waiting": {"reason": waiting}} if waiting else {}
        metadata = {"uid": UID, "resourceVersion": "8"}
        conditions = [{"type": "Ready", "status": str(ready)}]
        statuses = [{"name": "web", "state": said}]
        pod = {
            "metadata": metadata | ({"deletionTimestamp": deleted} if deleted else {}),
            "status": {"podIP": address, "conditions": conditions, "containerStatuses": statuses},
        }
        self.say_of_pods.put({"type": kind, "object": pod})

    def tell(self, message, kind="ADDED", **changes):
        self.say.put({"type": kind, "object": event(message, **changes)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if "watch" not in asked:
            self._whole({"metadata": {"resourceVersion": self.server.version}, "items": []})
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.server.connected.wait()
        self.end_headers()
        if self.path.startswith("/api/v1/namespaces/ours/events"):
            self.server.asked.append(asked["resourceVersion"])
            self._stream(self.server.say)
        elif self.path.startswith("/api/v1/namespaces/ours/pods"):
            self._stream(self.server.say_of_pods)

    def _whole(self, document):
        body = json.dumps(document).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, said):
        while (each := said.get()) is not END:
            line = json.dumps(each).encode() + b"\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        """Print nothing."""


@contextmanager
def _serving():
    server = ApiServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.connected.set()
        server.say.put(END)
        server.say_of_pods.put(END)
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(name="server")
def _server():
    with _serving() as server:
        yield server


def _recorder_of(server):
    settings = k8s.Configuration(host=f"http://127.0.0.1:{server.server_port}")
    settings.proxy = None
    recorder = EventRecorder(k8s.CoreV1Api(k8s.ApiClient(settings)), "ours")
    recorder.start()
    return recorder


@pytest.fixture(name="recorder")
def _recorder(server):
    recorder = _recorder_of(server)
    yield recorder
    recorder.end()


def _await_messages(recorder, *messages):
    wait_for(
        "the events are recorded",
        lambda: [seen.message for seen in recorder.of(UID)],
        lambda seen: seen == list(messages),
        timeout=5,
        pause=recorder.pause,
    )


def test_what_is_said_is_recorded_in_its_order(server, recorder):
    """An event has the time of its arrival, and the kubelet's own."""
    before = datetime.now(UTC)
    server.tell("one")
    server.tell("two", kind="MODIFIED")

    _await_messages(recorder, "one", "two")
    first = recorder.of(UID)[0]
    assert before <= first.time <= datetime.now(UTC)
    assert first.stamped == datetime(2026, 11, 24, 3, 20, 58, tzinfo=UTC)
    assert (first.reason, first.field_path, first.count) == ("Failed", "spec.containers{web}", 2)
    assert recorder.of("another") == ()


def test_event_that_is_dropped_is_no_news(server, recorder):
    """The API server drops events after an hour."""
    server.tell("gone", kind="DELETED")
    server.tell("here")

    _await_messages(recorder, "here")


def test_watch_resumes_after_end(server, recorder):
    """A new watch starts at the last seen version, so that no event is lost or repeated."""
    server.tell("one", version="11")
    server.say.put({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "15"}}})
    server.say.put(END)
    server.tell("two", version="16")

    _await_messages(recorder, "one", "two")
    assert server.asked == ["7", "15"]


def test_watch_restarts_after_old_version(server, recorder):
    """Events in between are lost; later ones are recorded."""
    server.version = "90"
    gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
    server.say.put({"type": "ERROR", "object": gone})
    server.say.put(END)
    server.tell("after")

    _await_messages(recorder, "after")
    assert server.asked == ["7", "90"]


def test_refused_watch_is_error(server, recorder):
    """A record with gaps would be misleading, so a refusal is an error."""
    refused = {"code": 403, "reason": "Forbidden", "message": "events is forbidden"}
    server.say.put({"type": "ERROR", "object": refused})

    with pytest.raises(
        PullRecoveryError, match=r"(?s)The watch of ours ended: .*events is forbidden"
    ):
        _await_messages(recorder, "never")


@pytest.mark.parametrize(
    "turn",
    [{"ready": True}, {"waiting": "ErrImagePull"}, {"deleted": "2026-11-24T03:20:48Z"}],
    ids=["ready", "waiting", "deleted"],
)
def test_changed_pod_is_news(server, recorder, turn):
    """A waiting caller reads the pod at once."""
    server.tell_of_pod("ADDED")
    recorder.pause(5)
    server.tell_of_pod(**turn)

    before = time.monotonic()
    recorder.pause(60)

    assert time.monotonic() - before < 30


def test_event_of_a_failure_is_news(server, recorder):
    """The pod's status changes half a second after the event."""
    server.tell("Failed to pull image")

    before = time.monotonic()
    recorder.pause(60)

    assert time.monotonic() - before < 30


def test_irrelevant_pod_change_is_no_news(server, recorder):
    """Each read of the pods costs several requests."""
    server.tell_of_pod("ADDED", waiting="ContainerCreating")
    recorder.pause(5)
    server.tell_of_pod(address="10.244.0.7", waiting="ContainerCreating")
    server.tell("one", reason="Pulling")
    _await_messages(recorder, "one")
    server.tell_of_pod(waiting="ErrImagePull")

    recorder.pause(5)

    assert [seen.reason for seen in recorder.waiting] == [
        "ContainerCreating",
        "ContainerCreating",
        "ErrImagePull",
    ]


def test_stopped_recorder_keeps_events(server, recorder):
    """The threads of the recorder end at once, even if the server is silent."""
    server.tell("one")
    _await_messages(recorder, "one")

    recorder.end()

    assert not [each for each in threading.enumerate() if each.name == "watch ours"]
    assert [str(seen) for seen in recorder.of(UID)] == ["Failed: one"]


def test_recorder_stops_while_connected(server, monkeypatch):
    """The first attempt to cut the connection comes before there is one."""
    server.connected.clear()
    recorder = _recorder_of(server)
    for stream in recorder._streams:
        monkeypatch.setattr(stream._watch, "stop", _then(stream._watch.stop, server.connected.set))

    recorder.end()

    assert not [each for each in threading.enumerate() if each.name == "watch ours"]


def _then(first, second):
    """Return a function that calls both."""

    def both():
        first()
        second()

    return both


def test_combined_event_has_last_message():
    """The client-go library combines events from the eleventh on of one kind within ten minutes."""
    seen = kube_event(event("(combined from similar events): Failed to pull image"))

    assert (seen.message, seen.combined) == ("Failed to pull image", True)


def test_unwatched_event_has_sender_time():
    """An event that was not watched has only the sender's time."""
    seen = kube_event(event(lastTimestamp=None))

    assert seen.time == seen.stamped == datetime(2026, 11, 24, 3, 20, 48, tzinfo=UTC)


def test_newer_event_has_microseconds():
    """Events of the group events.k8s.io have only `eventTime`."""
    seen = kube_event(
        event(eventTime="2026-11-24T03:20:48.123456Z", firstTimestamp=None, lastTimestamp=None)
    )

    assert seen.stamped == datetime(2026, 11, 24, 3, 20, 48, 123456, tzinfo=UTC)


@dataclass
class SilentApi:
    """A fake of an API server that gets no requests."""


def _at(second):
    return datetime(2026, 11, 24, 3, 20, second, tzinfo=UTC)


def _recorded(events=(), waiting=()):
    recorder = EventRecorder(SilentApi(), "ours")
    recorder.events += [KubeEvent(_at(s), _at(0), UID, reason, "") for s, reason in events]
    recorder.waiting += [WaitingState(_at(s), UID, "web", reason, "") for s, reason in waiting]
    return recorder


@pytest.mark.parametrize(
    ("events", "waiting", "first"),
    [
        ([(5, "Pulling"), (6, "Failed")], [(7, "ErrImagePull")], 6),
        ([(9, "InspectFailed")], [(8, "InvalidImageName")], 8),
        ([(9, "ErrImageNeverPull")], [(8, "ContainerCreating")], 9),
        ([(2, "Failed"), (9, "Failed")], [], 9),
        ([(5, "Pulling"), (6, "Pulled")], [(7, "CrashLoopBackOff")], None),
    ],
    ids=["event", "status", "never", "earlier failure", "none"],
)
def test_first_failure_is_what_came_first(events, waiting, first):
    """The first failure is after the given time; other failures of containers do not count."""
    found = _recorded(events, waiting).first_failure(_at(4))

    assert found == (None if first is None else _at(first))


def test_waiting_containers_are_read():
    """Init containers are read too; running containers have no reason."""
    status = {
        "initContainerStatuses": [
            {"name": "init", "state": {"waiting": {"reason": "ErrImagePull", "message": "why"}}}
        ],
        "containerStatuses": [{"name": "web", "state": {"running": {}}}, {"name": "new"}],
    }

    seen = waiting_state({"metadata": {"uid": UID}, "status": status}, _at(3))

    assert seen == [WaitingState(_at(3), UID, "init", "ErrImagePull", "why")]
    assert waiting_state({"metadata": {"uid": UID}}, _at(3)) == []
