"""Diagnose external causes: the registry, the network, its certificates and its DNS.

The message of a pod is one observation, and the answer to the suite's own probe is another: if both
report the failure, it is not limited to one node. The target is correct all the while, so the fix
changes nothing: it says to wait, and whom to ask if waiting does not help.
"""

from pullrecovery.diagnosis.stuck import Stuck
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import ImageIdentity, PodStatus
from pullrecovery.model.observed import Observed
from pullrecovery.model.probe import Probe, RegistryFailure
from pullrecovery.model.verdict import Cause, Verdict, fails
from pullrecovery.registry.failures import failure_in, failure_of_command

# Seconds: the kubelet's longest back-off (MaxImageBackOff). A shorter failure needs no report,
# because every waiting pod has tried again by then.
GRACE = 300

_REGISTRY = "whoever runs the registry; for ghcr.io, look at githubstatus.com"
_CERTIFICATE = "whoever issued the registry's certificate, or runs the proxy that presents it"
_NETWORK = "whoever runs the network, its proxy and its firewall between the nodes and the registry"
_WHOM = {
    RegistryFailure.RATE_LIMITED: (
        "whoever shares the nodes' outgoing address or credential, and then GitHub's support"
    ),
    RegistryFailure.SERVER_ERROR: _REGISTRY,
    RegistryFailure.REFUSED: f"{_NETWORK}, and {_REGISTRY}",
    RegistryFailure.TIMED_OUT: f"{_NETWORK}, and {_REGISTRY}",
    RegistryFailure.TRUNCATED: _NETWORK,
    RegistryFailure.DNS: "whoever runs the DNS that the nodes ask",
    RegistryFailure.TLS_UNTRUSTED: f"{_CERTIFICATE}; its authority is none that the nodes trust",
    RegistryFailure.TLS_WRONG_NAME: f"{_CERTIFICATE}; it is for another name",
    RegistryFailure.TLS_EXPIRED: f"{_CERTIFICATE}; or set the clock of whoever says so",
    RegistryFailure.PLAIN_HTTP: f"{_NETWORK}: port 443 answers without TLS",
}
# The kubelet's events of a pull in progress, and of a pull that ended.
_PULLING = "Pulling"
_ENDED = frozenset({"Pulled", "Failed", "BackOff"})


def external(failure: RegistryFailure, evidence: str) -> Verdict:
    """The verdict of a criterion that fails for an external cause."""
    fix = (
        f"change nothing and wait: a pod tries again within {GRACE} s, a new one at once; if it"
        f" lasts longer, ask {_WHOM[failure]}"
    )
    return fails(Cause(f"external.{failure}"), evidence, fix)


def diagnose_probe(what: str, probe: Probe) -> Verdict | None:
    """Diagnose a probe of the registry; None if the registry answered."""
    return external(probe.failure, f"{what}: {probe}") if probe.failure else None


def diagnose_words(observation: Observed, stuck: Stuck) -> Verdict | None:
    """Diagnose a failed pull whose message reports an external cause; None for other causes."""
    failure = failure_in(stuck.container.waiting_message)
    if failure is None:
        return None
    return external(failure, f"{stuck.pod.name} says {stuck.said}; {_second(observation, failure)}")


def diagnose_silence(observation: Observed) -> Verdict | None:
    """Diagnose a pull that neither ends nor fails while the suite's own probe times out.

    containerd waits up to five minutes for an answer (image_pull_progress_timeout), and the pod
    reports nothing meanwhile.
    """
    silent = next((pod for pod in observation.pods if _is_pulling(pod)), None)
    if silent is None or RegistryFailure.TIMED_OUT not in _failures(observation):
        return None
    said = f"{silent.name} is pulling its image, and nothing comes"
    return external(
        RegistryFailure.TIMED_OUT, f"{said}; {_second(observation, RegistryFailure.TIMED_OUT)}"
    )


def _is_pulling(pod: PodStatus) -> bool:
    said = {event.reason for event in pod.events}
    return not pod.ready and _PULLING in said and not said & _ENDED


def _second(observation: Observed, failure: RegistryFailure) -> str:
    """The second observation: another request that failed so, or the registry's current answer."""
    told = _failures(observation).get(failure)
    return f"and {told}" if told else f"but the suite's own question: {observation.wanted}"


def _failures(observation: Observed) -> dict[RegistryFailure, str]:
    """The failures of the suite's and the operator's requests, each with its first message."""
    secret = observation.optional(Observed.secret)
    identity = observation.optional(Observed.identity)
    entries = () if isinstance(secret, NotObserved) else secret.entries
    probes = [("the suite's own question", observation.wanted)]
    probes += [("the Secret's", entry.probe) for entry in entries]
    messages = [(probe.failure, f"{whose}: {probe}") for whose, probe in probes]
    messages += [] if isinstance(identity, NotObserved) else _met_by_clients(identity)
    return {failure: message for failure, message in reversed(messages) if failure}


def _met_by_clients(identity: ImageIdentity) -> list[tuple[RegistryFailure | None, str]]:
    return [
        (failure_of_command(result), f"`{result.command}`: {result.said}")
        for result in identity.commands
    ]
