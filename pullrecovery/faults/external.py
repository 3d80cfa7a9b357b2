"""Faults outside the target: the registry, the network, its certificate, its DNS.

No task fixes them, so nothing is remediated: each fault is a switch that is on for a while. A
switch on requests is limited to the scenario's own package; a switch that affects every connection
needs an exclusive run.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ghcr_emulator.client import (
    Certificate,
    Close,
    FaultSwitch,
    Hang,
    Outage,
    PlainHttp,
    RateLimit,
    Refuse,
    RequestSwitch,
    Reset,
    Slow,
    Truncate,
    switched,
)
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import SilentPullSymptom, pull_error
from pullrecovery.lab.cluster.dns import names_unanswered
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.registry.certificates import KeyPair, of_unknown_authority, read_faulty
from pullrecovery.lab.registry.container import NAMES
from pullrecovery.lab.runner.container import CONTAINER as RUNNER
from pullrecovery.model.verdict import Cause

SwitchOn = Callable[[Sandbox], AbstractContextManager[object]]

# Clients and kubelet only: the suite itself requests no blob, and uses no DNS of the network.
_CLIENTS = frozenset({"REG-001", "REG-006"})
_ASKED = _CLIENTS | {"REG-002"}
# The suite tries the Secret's credential on the tags, with a separate token request.
_TRIED_TOO = _ASKED | {"REG-003"}
# GitHub's API is behind the same TLS listener, so it returns nothing about the grant.
_ALL_TRIED = _TRIED_TOO | {"REG-008"}
_TOKEN = r"failed to authorize: failed to fetch oauth token: .*: "
_HEAD = r"failed to resolve reference \"\S+\": unexpected status from HEAD request to \S+: "
_DIALLED = r"failed to resolve reference \"\S+\": failed to do request: Head \"\S+\": "
_TLS = _DIALLED + r"tls: failed to verify certificate: x509: certificate "
# Seconds: longer than any real answer takes, even on a busy machine.
_PATIENCE = 8.0


@dataclass(frozen=True, kw_only=True)
class ExternalFault(Fault):
    """A fault outside the target, which lasts while the block `switch_on` is entered.

    An `exclusive` fault affects other scenarios too, so it needs an exclusive run. `patience` is
    the timeout of the suite's own requests during the fault, in seconds, if it is shorter than
    usual: because no answer arrives anyway, it only saves time.
    """

    reg: str = ""
    break_it: Callable[[Sandbox], None] = field(default=lambda _: None)
    switch_on: SwitchOn
    exclusive: bool = False
    patience: float | None = None


def _for_the_package(switch: type[RequestSwitch], **given: object) -> SwitchOn:
    """A switch that affects only requests for the scenario's own package."""

    def switch_on(sandbox: Sandbox) -> AbstractContextManager[object]:
        own = switch(repository=sandbox.workload.image.package, **given)  # type: ignore[arg-type]
        return switched(sandbox.lab_world.control, own)

    return switch_on


def _at_the_listener(make: Callable[[Sandbox], FaultSwitch]) -> SwitchOn:
    """A switch that affects every connection."""
    return lambda sandbox: switched(sandbox.lab_world.control, make(sandbox))


def _certificate(pair: Callable[[Sandbox], KeyPair]) -> SwitchOn:
    def make(sandbox: Sandbox) -> Certificate:
        faulty = pair(sandbox)
        return Certificate(certificate=faulty.certificate, key=faulty.key)

    return _at_the_listener(make)


def _leave_names_unanswered(sandbox: Sandbox) -> AbstractContextManager[object]:
    return names_unanswered(sandbox.lab_world.lab.engine.client(), asking=(NODE, RUNNER))


def _limited(name: str, route: str, must_fail: frozenset[str], said: str) -> ExternalFault:
    return ExternalFault(
        id=f"rate-limit-{name}",
        cause=Cause.RATE_LIMITED,
        must_fail=must_fail,
        symptom=pull_error(said + "429 Too Many Requests"),
        switch_on=_for_the_package(RateLimit, route=route),
    )


def _outage(
    status: int, body: str, route: str, said: str, must_fail: frozenset[str] = _ASKED
) -> ExternalFault:
    return ExternalFault(
        id=f"outage-{status}-{body}",
        cause=Cause.SERVER_ERROR,
        must_fail=must_fail,
        symptom=pull_error(f"{said}{status} [A-Z]"),
        switch_on=_for_the_package(Outage, route=route, status=status, body=body),
    )


def _silent(
    name: str, switch: type[RequestSwitch], must_fail: frozenset[str], **given: object
) -> ExternalFault:
    return ExternalFault(
        id=name,
        cause=Cause.TIMED_OUT,
        must_fail=must_fail,
        symptom=SilentPullSymptom(),
        switch_on=_for_the_package(switch, **given),
        patience=_PATIENCE,
    )


def _cut(
    name: str,
    cause: Cause,
    switch: type[RequestSwitch],
    route: str,
    said: str,
    must_fail: frozenset[str] = _ASKED,
) -> ExternalFault:
    return ExternalFault(
        id=name,
        cause=cause,
        must_fail=must_fail,
        symptom=pull_error(said),
        switch_on=_for_the_package(switch, route=route),
    )


def _whole(
    name: str,
    cause: Cause,
    switch_on: SwitchOn,
    said: str,
    must_fail: frozenset[str] = _ALL_TRIED,
) -> ExternalFault:
    return ExternalFault(
        id=name,
        cause=cause,
        must_fail=must_fail,
        symptom=pull_error(said),
        switch_on=switch_on,
        exclusive=True,
    )


FAULTS = (
    _limited("token", "token", _TRIED_TOO, _TOKEN),
    _limited("manifest", "manifest", _ASKED, _HEAD),
    _limited("blob", "blob", _CLIENTS, "failed to copy: httpReadSeeker: failed open: .*"),
    _outage(500, "json", "manifest", _HEAD),
    _outage(502, "html", "manifest", _HEAD),
    _outage(503, "empty", "manifest", _HEAD),
    _outage(504, "html", "token", _TOKEN, _TRIED_TOO),
    _cut("connection-closed", Cause.REFUSED, Close, "manifest", _DIALLED + "EOF"),
    _cut("connection-reset", Cause.REFUSED, Reset, "manifest", _DIALLED + ".*reset by peer"),
    _cut(
        "blob-truncated",
        Cause.TRUNCATED,
        Truncate,
        "blob",
        r"short read: expected \d+ bytes|unexpected EOF",
        _CLIENTS,
    ),
    _silent("token-hangs", Hang, _TRIED_TOO, route="token"),
    _silent("manifest-hangs", Hang, _ASKED, route="manifest"),
    _silent("manifest-slow", Slow, _ASKED, route="manifest", delay=120),
    _whole(
        "certificate-untrusted",
        Cause.TLS_UNTRUSTED,
        _certificate(lambda _: of_unknown_authority(NAMES)),
        _TLS + "signed by unknown authority",
    ),
    _whole(
        "certificate-name-mismatch",
        Cause.TLS_WRONG_NAME,
        _certificate(lambda sandbox: read_faulty(sandbox.lab_world.lab.paths.state).other_name),
        _TLS + r"is valid for \S+, not ghcr\.io",
    ),
    _whole(
        "certificate-expired",
        Cause.TLS_EXPIRED,
        _certificate(lambda sandbox: read_faulty(sandbox.lab_world.lab.paths.state).expired),
        _TLS + "has expired",
    ),
    _whole(
        "plain-http",
        Cause.PLAIN_HTTP,
        _at_the_listener(lambda _: PlainHttp()),
        _DIALLED + "http: server gave HTTP response to HTTPS client",
    ),
    _whole(
        "connection-refused",
        Cause.REFUSED,
        _at_the_listener(lambda _: Refuse()),
        _DIALLED + r"dial tcp \S+:443: connect: connection refused",
    ),
    _whole(
        "dns-name-not-resolved",
        Cause.DNS,
        _leave_names_unanswered,
        _DIALLED + r"dial tcp: lookup ghcr\.io on \S+: .*connection refused",
        # The suite's own requests go to a port of the host, and need no DNS of the network.
        _CLIENTS,
    ),
)
