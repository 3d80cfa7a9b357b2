"""JSON and YAML documents: every mistake is reported, with its line, and no value is quoted."""

import json
from typing import Annotated, ClassVar

import pytest
from pydantic import Field, TypeAdapter

from ghcr_emulator.control_api.schemas import TOKENS
from ghcr_emulator.documents.json_body import read_json, read_union
from ghcr_emulator.documents.model import Model, Positive, Text
from ghcr_emulator.documents.problems import NO_SUCH_KEY, DocumentError
from ghcr_emulator.documents.yaml_file import read_yaml
from ghcr_emulator.faults.kinds import FAULTS
from pullrecovery.common.false_pass_guards import Guard

SECRET = "ghp_thisIsNoSecretOfAnybody0123456789"


class Port(Model):
    called: ClassVar[str] = "port"
    number: Annotated[int, Field(ge=1)]
    name: Text = "http"


class Service(Model):
    called: ClassVar[str] = "service"
    name: Text
    open: bool = False
    labels: dict[Text, Text] = Field(default_factory=dict)
    ports: list[Port] = Field(default_factory=list)
    timeout: Positive | None = None


HOSTILE = {
    "nothing": b"",
    "no UTF-8": b'{"name": "\xff"}',
    "nested too deep": b'{"labels":' + b"[" * 100_000,
    "number of thousands of digits": b'{"timeout": ' + b"9" * 5000 + b"}",
    "NaN": b'{"timeout": NaN}',
    "infinity": b'{"timeout": -Infinity}',
    "fraction": b'{"name": "a", "timeout": 1.0}',
    "number beyond any clock": b'{"name": "a", "timeout": 9999999999999999999}',
    "text for a number": b'{"name": "a", "timeout": "1"}',
    "number for a truth value": b'{"name": "a", "open": 1}',
    "truth value for a number": b'{"name": "a", "timeout": true}',
    "key twice": b'{"name": "a", "name": "b"}',
    "key twice below": b'{"name": "a", "labels": {"x": "1", "x": "2"}}',
    "half of a surrogate pair": b'{"name": "\\ud800"}',
    "half of a surrogate pair in a key": b'{"name": "a", "labels": {"\\ud800": "b"}}',
    "control character": b'{"name": "a\\u0007"}',
    "null for a text": b'{"name": null}',
    "list": b"[]",
    "text": b'"name"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_json_is_one_clear_error(text):
    """The reader raises only DocumentError, whatever the bytes are."""
    with pytest.raises(DocumentError) as caught:
        read_json(text, Service)

    assert str(caught.value).isprintable()
    str(caught.value).encode()


def test_every_mistake_of_json_is_reported():
    """Each mistake has a sentence; a missing key that is misspelt is not reported twice."""
    text = json.dumps({"nam": "a", "open": "yes", "ports": [{"number": 80}, {"number": 0}]})

    with pytest.raises(DocumentError) as caught:
        read_json(text.encode(), Service)

    assert str(caught.value).splitlines() == [
        "'open' of the service must be true or false, and is a text",
        "'number' of port 2 must be 1 or more",
        "the service has no key 'nam'; the keys are name, open, labels, ports, timeout",
    ]


def test_every_mistake_of_yaml_is_reported_with_its_line():
    """Mistakes are in the order of lines; a missing key has the line where its mapping begins."""
    text = """\
open: 1
labels:
  a: b
  c: 5
ports:
  - number: 80
    nam: x
  - name: y
"""
    with pytest.raises(DocumentError) as caught:
        read_yaml(text.encode(), "service.yaml").read(Service)

    assert str(caught.value).splitlines() == [
        "service.yaml:1: 'open' of the service must be true or false, and is a number",
        "service.yaml:1: the service lacks 'name'",
        "service.yaml:4: 'c' of 'labels' of the service must be a text, and is a number",
        "service.yaml:7: port 1 has no key 'nam'; the keys are number, name",
        "service.yaml:8: port 2 lacks 'number'",
    ]


def test_merged_mapping_of_yaml_is_read_whole():
    """A key that comes by `<<` counts, and its mistakes have the line of the mapping."""
    text = b"name: a\nports:\n  - &one {number: 80}\n  - <<: *one\n    name: x\n"
    wrong = text.replace(b"80", b"'80'")

    assert read_yaml(text, "s").read(Service).ports[1] == Port(number=80, name="x")
    with pytest.raises(DocumentError, match=r"s:4: 'number' of port 2 must be a whole number"):
        read_yaml(wrong, "s").read(Service)


def test_mapping_of_yaml_within_itself_is_refused():
    """A mapping that contains itself is an error, and not an endless loop."""
    with pytest.raises(DocumentError, match=r"'b' of 'labels' of the service must be a text"):
        read_yaml(b"name: a\nlabels: &x\n  b: *x\n", "s").read(Service)


def test_thousands_of_mistakes_are_cut_short():
    """The error has the first mistakes, and the number of the others."""
    text = json.dumps({"name": "a", "labels": {f"k{n}": n for n in range(5000)}})

    with pytest.raises(DocumentError) as caught:
        read_json(text.encode(), Service)

    lines = str(caught.value).splitlines()
    assert len(lines) < 50
    assert lines[-1] == f"and {5000 - len(lines) + 1} mistakes more"


DOCUMENTS = {
    "token": (TOKENS, {"token": "t", "login": "a", "expires": "2026-12-01T09:00:00+00:00"}),
    "run": (TOKENS, {"kind": "workflow", "token": "t", "repository": "a/b", "packages": "read"}),
    "key like a union's tag": (TOKENS, {"token": "t", "login": "a", "personal": {"x": 1}}),
    "outage": (FAULTS, {"kind": "outage", "status": 503, "route": "blob", "method": "GET"}),
    "certificate": (FAULTS, {"kind": "certificate", "certificate": "c", "key": "k"}),
    "service": (TypeAdapter(Service), {"name": "a", "ports": [1], "labels": {"a": 1}, "open": 2}),
}


@pytest.mark.parametrize(("union", "good"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_secret_in_the_wrong_place_is_not_quoted(union, good):
    """A secret is not quoted as a value, in a list, in a mapping, or as a key."""
    bad = [{**good, key: value} for key in good for value in (SECRET, [SECRET], {SECRET: SECRET})]
    messages = []
    for document in [*bad, {**good, SECRET: 1}, {SECRET: SECRET}, [SECRET], SECRET]:
        try:
            read_union(json.dumps(document).encode(), union, "document")
        except DocumentError as error:
            messages.append(f"{error}{error!r}{error.__cause__}")

    assert len(messages) >= len(bad)
    assert [message for message in messages if SECRET[4:] in message] == []


def test_guard_of_unknown_keys_looks_for_the_phrase_of_errors():
    """The false-pass guard and the error use one phrase."""
    assert Guard.KNOWN_KEYS == NO_SUCH_KEY
