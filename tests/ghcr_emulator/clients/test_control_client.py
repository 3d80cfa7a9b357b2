"""The control API's client: its types, its errors, and the fault switches that it declares."""

import inspect
import re
import socket
import typing
from pathlib import Path

import pytest

from ghcr_emulator import client
from ghcr_emulator.client import ControlClient, ControlError, PersonalToken
from ghcr_emulator.faults.kinds import FAULTS, Fault
from pullrecovery.common.suite_files import SUITE_ROOT

KINDS = typing.get_args(Fault)


def test_no_method_takes_or_gives_untyped_documents():
    """Each argument and each result is a model, a scalar, or a list of them."""
    methods = [
        method
        for name, method in inspect.getmembers(ControlClient, inspect.isfunction)
        if not name.startswith("_")
    ]
    hints = [str(hint) for method in methods for hint in typing.get_type_hints(method).values()]

    assert len(methods) > 15
    assert [hint for hint in hints if "dict" in hint or "Any" in hint] == []


def test_silence_is_an_error_without_the_secret():
    """Nothing listens at the port, and the error does not contain the secret."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with (
            ControlClient(unused.getsockname()[1], "the-control-secret", 1) as control,
            pytest.raises(ControlError, match="does not answer") as caught,
        ):
            control.switches()

    assert "the-control-secret" not in str(caught.value)


def test_token_is_in_no_representation():
    """The repr of a model contains no token."""
    assert "ghp_hidden" not in repr(PersonalToken(token="ghp_hidden", login="a"))


@pytest.mark.parametrize("fault", KINDS, ids=lambda fault: fault.__name__)
def test_fault_switch_is_exported_documented_and_read_back(fault):
    """The page names the kind and its class, and the server reads what the client writes."""
    more = {
        "Slow": {"delay": 1},
        "Certificate": dict.fromkeys(("certificate", "key"), "-----BEGIN x"),
    }
    switch = fault(seconds=5, **more.get(fault.__name__, {}))
    page = (Path(SUITE_ROOT) / "docs" / "fault-switches.md").read_text()

    assert getattr(client, fault.__name__) is fault
    assert re.search(rf"^\| `{switch.kind}`, `{fault.__name__}` \|", page, re.MULTILINE)
    assert FAULTS.validate_json(switch.model_dump_json(exclude_none=True)) == switch
