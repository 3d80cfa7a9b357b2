"""What no task mends: the registry, the network before it, its certificate, its name.

A pod's words are one observation, the answer to a question of our own another: where both tell of
the same trouble, it is no passing fault of one node. The target is right all the while, so nothing
of it is to be changed: who reads the verdict is told to wait, and whom to ask if that is in vain.
"""

from pullrecovery.diagnosis.stuck import Stuck
from pullrecovery.model.observation import IdentitySeen, Observation, PodSeen
from pullrecovery.model.probe import Probe, Trouble
from pullrecovery.model.verdict import Cause, Verdict, fails
from pullrecovery.registry.failures import trouble_in, trouble_of_ran

# Seconds: the kubelet's longest back-off (MaxImageBackOff). What ends sooner mends itself before
# anybody could be asked, as every pod that waits has tried again by then.
GRACE = 300

_REGISTRY = "whoever runs the registry; for ghcr.io, look at githubstatus.com"
_CERTIFICATE = "whoever issued the registry's certificate, or runs the proxy that presents it"
_NETWORK = "whoever runs the network, its proxy and its firewall between the nodes and the registry"
_WHOM = {
    Trouble.RATE_LIMITED: (
        "whoever shares the nodes' outgoing address or credential, and then GitHub's support"
    ),
    Trouble.SERVER_ERROR: _REGISTRY,
    Trouble.REFUSED: f"{_NETWORK}, and {_REGISTRY}",
    Trouble.TIMED_OUT: f"{_NETWORK}, and {_REGISTRY}",
    Trouble.TRUNCATED: _NETWORK,
    Trouble.DNS: "whoever runs the DNS that the nodes ask",
    Trouble.TLS_UNTRUSTED: f"{_CERTIFICATE}; its authority is none that the nodes trust",
    Trouble.TLS_WRONG_NAME: f"{_CERTIFICATE}; it is for another name",
    Trouble.TLS_EXPIRED: f"{_CERTIFICATE}; or set the clock of whoever says so",
    Trouble.PLAIN_HTTP: f"{_NETWORK}: port 443 answers without TLS",
}
# The kubelet's events of a pull that is on its way, and of one that ended.
_PULLING = "Pulling"
_ENDED = frozenset({"Pulled", "Failed", "BackOff"})


def external(trouble: Trouble, evidence: str) -> Verdict:
    """The verdict of a criterion that fails for a trouble beyond the target."""
    remedy = (
        f"change nothing and wait: a pod tries again within {GRACE} s, a new one at once; if it"
        f" lasts longer, ask {_WHOM[trouble]}"
    )
    return fails(Cause(f"external.{trouble}"), evidence, remedy)


def diagnose_probe(what: str, probe: Probe) -> Verdict | None:
    """The same of one question to the registry; None if it was answered."""
    return external(probe.trouble, f"{what}: {probe}") if probe.trouble else None


def diagnose_words(seen: Observation, stuck: Stuck) -> Verdict | None:
    """The cause of a failed pull that tells of such a trouble; None if it tells of another."""
    trouble = trouble_in(stuck.container.waiting_message)
    if trouble is None:
        return None
    return external(trouble, f"{stuck.pod.name} says {stuck.said}; {_second(seen, trouble)}")


def diagnose_silence(seen: Observation) -> Verdict | None:
    """A pull that neither ends nor fails, where our own question gets no answer in time either.

    containerd waits for an answer for as long as five minutes (image_pull_progress_timeout), and
    the pod says nothing meanwhile.
    """
    silent = next((pod for pod in seen.pods if _is_pulling(pod)), None)
    if silent is None or Trouble.TIMED_OUT not in _troubles(seen):
        return None
    said = f"{silent.name} is pulling its image, and nothing comes"
    return external(Trouble.TIMED_OUT, f"{said}; {_second(seen, Trouble.TIMED_OUT)}")


def _is_pulling(pod: PodSeen) -> bool:
    said = {event.reason for event in pod.events}
    return not pod.ready and _PULLING in said and not said & _ENDED


def _second(seen: Observation, trouble: Trouble) -> str:
    """The other observation: who else meets the same, or what the registry answers by now."""
    told = _troubles(seen).get(trouble)
    return f"and {told}" if told else f"but the suite's own question: {seen.wanted}"


def _troubles(seen: Observation) -> dict[Trouble, str]:
    """What the questions of our own met, each with the words of the first that did."""
    probes = [("the suite's own question", seen.wanted)]
    probes += [("the Secret's", entry.probe) for entry in seen.secret.entries]
    told = [(probe.trouble, f"{whose}: {probe}") for whose, probe in probes]
    told += _met_by_clients(seen.identity) if seen.identity else []
    return {trouble: words for trouble, words in reversed(told) if trouble}


def _met_by_clients(seen: IdentitySeen) -> list[tuple[Trouble | None, str]]:
    return [(trouble_of_ran(ran), f"`{ran.command}`: {ran.said}") for ran in seen.commands]
