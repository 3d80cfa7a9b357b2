"""A typed client of the control API, and the models that its methods take and return.

README.md, The client, has an example.
"""

from ghcr_emulator.access_log.log import Entry
from ghcr_emulator.client.control import ControlClient, ControlError
from ghcr_emulator.client.faults import Switched, package_deleted, switched, token_revoked
from ghcr_emulator.control_api.schemas import (
    OwnerBody,
    PersonalToken,
    SwitchStatus,
    Token,
    WorkflowBody,
    WorkflowToken,
)
from ghcr_emulator.faults.kinds import (
    Certificate,
    Close,
    Fault,
    FaultSwitch,
    Hang,
    Missing,
    Outage,
    PlainHttp,
    RateLimit,
    Refuse,
    RequestSwitch,
    Reset,
    Slow,
    Truncate,
    WrongBytes,
    WrongDigest,
)
from ghcr_emulator.protocol.routes import Route
from ghcr_emulator.state.accounts import Level, PackageVisibility
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.workflows import Dispatch
from ghcr_emulator.state.world_schema import PackageBody

__all__ = [
    "Assumptions",
    "Certificate",
    "Close",
    "ControlClient",
    "ControlError",
    "Dispatch",
    "Entry",
    "Fault",
    "FaultSwitch",
    "Hang",
    "Level",
    "Missing",
    "Outage",
    "OwnerBody",
    "PackageBody",
    "PackageVisibility",
    "PersonalToken",
    "PlainHttp",
    "RateLimit",
    "Refuse",
    "RequestSwitch",
    "Reset",
    "Route",
    "Slow",
    "SwitchStatus",
    "Switched",
    "Token",
    "Truncate",
    "WorkflowBody",
    "WorkflowToken",
    "WrongBytes",
    "WrongDigest",
    "package_deleted",
    "switched",
    "token_revoked",
]
