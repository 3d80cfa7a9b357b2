"""Faults for the length of a block, each undone at its end, whatever happens in it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ghcr_emulator.client.control import ControlClient
from ghcr_emulator.control_api.schemas import Token
from ghcr_emulator.faults.kinds import FaultSwitch
from ghcr_emulator.state.world_schema import PackageBody


@dataclass(frozen=True)
class Switched:
    """A switch that is on, or was."""

    control: ControlClient
    name: str

    def hits(self) -> int:
        """Return how many requests or connections the switch met.

        Raises the client's error where the switch is off, or is one that nobody can count.
        """
        row = next((row for row in self.control.switches() if row.name == self.name), None)
        if row is None:
            raise self.control.error(f"The switch {self.name} is off, and its hits are gone.")
        if row.hits is None:
            raise self.control.error(f"The switch {self.name} counts no hits of refused clients.")
        return row.hits


@contextmanager
def switched(control: ControlClient, switch: FaultSwitch) -> Iterator[Switched]:
    """Have a switch on for the length of the block.

    Raises the client's error if the emulator refuses it. Within the block it may be switched off.
    """
    on = Switched(control, f"{switch.kind}-{secrets.token_hex(4)}")
    try:
        control.put_switch(on.name, switch)
        yield on
    finally:
        control.drop_switch(on.name)


@contextmanager
def token_revoked(control: ControlClient, name: str, token: Token) -> Iterator[None]:
    """Have the token of that name revoked for the length of the block; `token` is what it is."""
    try:
        control.put_token(name, token.model_copy(update={"revoked": True}))
        yield
    finally:
        control.put_token(name, token)


@contextmanager
def package_deleted(
    control: ControlClient, repository: str, package: PackageBody
) -> Iterator[None]:
    """Have a package deleted for the length of the block; `package` is what it is.

    After the block its content is there as before. Raises the client's error if there is no such
    package.
    """
    control.delete_package(repository)
    try:
        yield
    finally:
        control.put_package(repository, package)
