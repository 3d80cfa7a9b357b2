"""Record the kubelet's events about pods as they arrive, from before the pods exist.

Events that are listed later are incomplete: the API server folds events of one kind into one and
drops them after an hour, and a container's status has only its last state.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch
from urllib3.exceptions import HTTPError

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.observation import KubeEvent

_COMBINED = "(combined from similar events): "
_GONE = 410
_EVER = datetime.min.replace(tzinfo=UTC)
_FAILURES = frozenset({"Failed", "InspectFailed", "ErrImageNeverPull"})
# The API server ends a watch after this time, and the watch resumes from there.
_SECONDS = 600
_ENDS_WITHIN = 5.0
_CUT_AGAIN = 0.05
# Seconds between two attempts while the API server does not answer.
_AGAIN = 0.5


@dataclass(frozen=True)
class WaitingState:
    """A container's waiting state; `time` is when a watch delivered it."""

    time: datetime
    uid: str
    container: str
    reason: str
    message: str


@dataclass
class EventRecorder:
    """Records events and waiting containers of one namespace, from `start` to `end`.

    Each has the time at which the watch delivered it, by the clock of this process. The methods
    that read the record raise PullRecoveryError after a watch has failed.
    """

    core: k8s.CoreV1Api
    namespace: str
    events: list[KubeEvent] = field(default_factory=list)
    waiting: list[WaitingState] = field(default_factory=list)
    _streams: list["_Stream"] = field(default_factory=list)
    _news: threading.Event = field(default_factory=threading.Event)
    _transitions: dict[str, object] = field(default_factory=dict)

    def start(self) -> None:
        """Start recording; no event after this call is missed."""
        self._streams = [
            _Stream(self.core.list_namespaced_event, self.namespace, self._take_event),
            _Stream(self.core.list_namespaced_pod, self.namespace, self._take_pod),
        ]
        for stream in self._streams:
            stream.start()

    def end(self) -> None:
        """Stop both watches; the record stays readable."""
        for stream in self._streams:
            stream.end()

    def of(self, uid: str) -> tuple[KubeEvent, ...]:
        """Every event about the object with this UID, in order of arrival."""
        self._check()
        return tuple(event for event in list(self.events) if event.uid == uid)

    def first_failure(self, since: datetime = _EVER) -> datetime | None:
        """When an event or a status first reported a failed pull, at or after `since`.

        This is the watch's time, because the kubelet's has whole seconds; None if nothing has
        failed.
        """
        self._check()
        failed = [event.time for event in list(self.events) if event.reason in _FAILURES]
        failed += [each.time for each in list(self.waiting) if "Image" in each.reason]
        return min((time for time in failed if time >= since), default=None)

    def pause(self, seconds: float) -> None:
        """Wait for news of a pod, at most `seconds`; news since the last call counts.

        News is a pod that becomes Ready or not Ready, waits for another reason, or is deleted, and
        an event of a failure, which arrives half a second before the pod's status changes. Most
        other changes are ignored, because each observation costs several requests.
        """
        self._check()
        self._news.wait(seconds)
        self._news.clear()

    def _check(self) -> None:
        for stream in self._streams:
            if stream.failure is not None:
                raise PullRecoveryError(f"The watch of {self.namespace} ended: {stream.failure}")

    def _take_event(self, seen: dict[str, Any]) -> None:
        event = kube_event(seen, datetime.now(UTC))
        self.events.append(event)
        if event.reason in _FAILURES:
            self._news.set()

    def _take_pod(self, seen: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        waiting = waiting_state(seen, now)
        self.waiting.extend(waiting)
        uid, transition = seen["metadata"]["uid"], _transition(seen, waiting)
        if self._transitions.get(uid) != transition:
            self._transitions[uid] = transition
            self._news.set()


def kube_event(event: dict[str, Any], time: datetime | None = None) -> KubeEvent:
    """Convert an event of the API; `time` is its arrival, by default the kubelet's own time."""
    stamp = event.get("eventTime") or event.get("lastTimestamp") or event.get("firstTimestamp")
    stamped = datetime.fromisoformat(stamp or event["metadata"]["creationTimestamp"])
    about, message = event["involvedObject"], event.get("message") or ""
    return KubeEvent(
        time=time or stamped,
        stamped=stamped,
        uid=about.get("uid", ""),
        reason=event.get("reason") or "",
        message=message.removeprefix(_COMBINED),
        field_path=about.get("fieldPath", ""),
        count=event.get("count") or 1,
        combined=message.startswith(_COMBINED),
    )


def _transition(pod: dict[str, Any], waiting: list[WaitingState]) -> object:
    """The part of a pod whose change counts as news."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )
    said = tuple((each.container, each.reason, each.message) for each in waiting)
    return ready, "deletionTimestamp" in pod["metadata"], said


def waiting_state(pod: dict[str, Any], time: datetime) -> list[WaitingState]:
    """The waiting containers of a pod, each with the kubelet's reason."""
    status, found = pod.get("status") or {}, []
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            waiting = (container.get("state") or {}).get("waiting")
            if waiting:
                reason, message = waiting.get("reason", ""), waiting.get("message", "")
                uid = pod["metadata"]["uid"]
                found.append(WaitingState(time, uid, container["name"], reason, message))
    return found


class _Stream(threading.Thread):
    """A watch of one kind in one namespace, resumed until `end` is called."""

    def __init__(
        self, listing: Callable[..., Any], namespace: str, take: Callable[[dict[str, Any]], None]
    ) -> None:
        super().__init__(name=f"watch {namespace}", daemon=True)
        self.failure: Exception | None = None
        self._listing, self._namespace, self._take = listing, namespace, take
        self._version = self._now()
        self._ended = threading.Event()
        self._watch = Watch()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                self._follow()
        except Exception as error:  # noqa: BLE001 -- raised where the recorder is asked
            self.failure = error

    def end(self) -> None:
        """Cut the connection, and wait for the thread."""
        self._ended.set()
        until = time.monotonic() + _ENDS_WITHIN
        while self.is_alive() and time.monotonic() < until:
            # Repeated, because a watch that is still connecting has no connection to cut yet.
            self._watch.stop()
            self.join(_CUT_AGAIN)

    def _follow(self) -> None:
        """Watch from the last known version until the API server ends the watch."""
        try:
            for each in self._watch.stream(
                self._ask,
                resource_version=self._version,
                timeout_seconds=_SECONDS,
                allow_watch_bookmarks=True,
            ):
                if self._ended.is_set():
                    break
                self._version = each["object"]["metadata"]["resourceVersion"]
                if each["type"] in ("ADDED", "MODIFIED"):
                    self._take(each["object"])
        except ApiException as error:
            if error.status != _GONE:
                raise
            # The version is too old to resume from; the events in between are lost.
            self._version = self._now()
        except (HTTPError, OSError):
            # The connection was cut, by `end` or by a busy API server.
            self._ended.wait(_AGAIN)

    def _ask(self, **options: Any) -> Any:
        """List or watch; without a return type, the watch passes on the raw objects."""
        return self._listing(self._namespace, **options)

    def _now(self) -> str:
        """The current resource version of the list; the request fetches only one item."""
        version: str = self._listing(self._namespace, limit=1).metadata.resource_version
        return version
