"""Context managers for faults, each of which is undone at the end of its block."""

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
    """A switch that is on, or was on."""

    control: ControlClient
    name: str

    def hits(self) -> int:
        """Return how many requests or connections the switch hit.

        Raises the client's error where the switch is off, or is of a kind that counts no hits.
        """
        row = next((row for row in self.control.switches() if row.name == self.name), None)
        if row is None:
            raise self.control.error(f"The switch {self.name} is off, and its hits are gone.")
        if row.hits is None:
            raise self.control.error(f"The switch {self.name} counts no hits of refused clients.")
        return row.hits


@contextmanager
def switched(control: ControlClient, switch: FaultSwitch) -> Iterator[Switched]:
    """Switch a fault on for the length of the block.

    Raises the client's error if the emulator refuses the switch. The block may switch it off
    itself.
    """
    on = Switched(control, f"{switch.kind}-{secrets.token_hex(4)}")
    try:
        control.put_switch(on.name, switch)
        yield on
    finally:
        control.drop_switch(on.name)


@contextmanager
def token_revoked(control: ControlClient, name: str, token: Token) -> Iterator[None]:
    """Revoke the token of that name for the length of the block; `token` is its usual state."""
    try:
        control.put_token(name, token.model_copy(update={"revoked": True}))
        yield
    finally:
        control.put_token(name, token)


@contextmanager
def package_deleted(
    control: ControlClient, repository: str, package: PackageBody
) -> Iterator[None]:
    """Delete a package for the length of the block; `package` is its usual state.

    After the block the package has its content as before. Raises the client's error if there is no
    such package.
    """
    control.delete_package(repository)
    try:
        yield
    finally:
        control.put_package(repository, package)
