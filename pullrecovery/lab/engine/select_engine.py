"""Select the lab's engine: its own if it runs, the user's, or a new one of its own."""

from collections.abc import Callable
from pathlib import Path

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine.dockerd import OwnEngine, install_missing, why_not_own
from pullrecovery.lab.engine.endpoints import EngineEndpoint, endpoints
from pullrecovery.lab.engine.engine import Engine, answers, ask_facts, why_unfit
from pullrecovery.lab.paths import Paths

Note = Callable[[str], None]


def user_engine() -> Engine | None:
    """Return the engine that the user names, else one at a usual socket, if it answers.

    Raises LabError if the named one does not answer or is on another machine.
    """
    for place in endpoints():
        _refuse_remote(place)
        if answers(place.host):
            return Engine(place.host, owned=False)
        if place.named_by:
            raise LabError(
                f"{place.named_by} leads to no engine that answers at {place.host}; start that"
                " engine, or unset it."
            )
    return None


def _refuse_remote(place: EngineEndpoint) -> None:
    if place.remote:
        raise LabError(
            f"{place.named_by} leads to an engine on another machine; the lab mounts folders of"
            " this one and listens on its 127.0.0.1. Name an engine here with DOCKER_HOST, or"
            " run the lab there."
        )


def running_engine(paths: Paths) -> Engine | None:
    """Return the running engine for the lab: its own before one at a usual socket.

    Raises LabError if the engine that the user names cannot be used.
    """
    own = OwnEngine(paths)
    named = [place.host for place in endpoints() if place.named_by]
    if not named or named == [own.host]:
        running = own.running()
        if running:
            return running
    return None if named == [own.host] else user_engine()


def find_engine(paths: Paths, dropcaps: Callable[[], Path], note: Note) -> Engine:
    """Return the running engine, else a new one; raises LabError naming what is missing."""
    running = running_engine(paths)
    if running:
        _refuse_unfit(running)
        whose = "the lab's own" if running.owned else "the running"
        note(f"using {whose} container engine at {running.host}")
        return running
    reason = why_not_own()
    if reason:
        raise LabError(f"No container engine answers, and {reason}.")
    install_missing(note)
    # On a system with a service manager, the package has started its own engine.
    return user_engine() or OwnEngine(paths).start(dropcaps, note)


def _refuse_unfit(engine: Engine) -> None:
    reason = why_unfit(ask_facts(engine))
    if reason:
        raise LabError(f"The lab cannot run in the container engine at {engine.host}: {reason}.")
