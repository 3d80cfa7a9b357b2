"""The search for planted values finds each of them, however an output encodes it."""

import base64
import gzip
from urllib.parse import quote, quote_plus

import pytest

from fixtures.lab.canaries import ETC, contents, plant

ENCODED = {
    "plain": lambda value: value,
    "plain, in JSON": lambda value: value.replace("/", "\\/"),
    "plain, across two lines": lambda value: f"{value[:20]}\n  {value[20:]}",
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 behind one byte": lambda value: base64.b64encode(b"a" + value.encode()).decode(),
    "base64 behind a login": lambda value: base64.b64encode(b"ab:cd" + value.encode()).decode(),
    "base64 of lines": lambda value: base64.encodebytes(b"x" * 60 + value.encode()).decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "URL": lambda value: quote(value, safe=""),
    "URL of a form": quote_plus,
    "URL in lower case": lambda value: quote(value, safe="").lower(),
    "URL of every byte": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "hex": lambda value: value.encode().hex(),
    "hex in upper case": lambda value: value.encode().hex().upper(),
    "hex in pairs": lambda value: value.encode().hex(" "),
    "hex in escapes": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
}


@pytest.fixture(name="canaries")
def _canaries(tmp_path):
    return plant(tmp_path / "home")


@pytest.mark.parametrize("encode", ENCODED.values(), ids=ENCODED)
def test_planted_value_is_found_in_an_output(canaries, encode):
    """Every value of every place, amid other text."""
    for place, value in canaries.values.items():
        output = f'{{"seen": "of {encode(value)} and more"}}'.encode()

        found = canaries.found_in({"an output": output, "another": b"nothing"})

        assert {each.partition(" in ")[0] for each in found} == {place}


def test_planted_value_is_found_in_a_packed_layer(canaries, tmp_path):
    """An image's layer is gzip."""
    (tmp_path / "out").mkdir()
    value = canaries.values["GHCR_TOKEN"]
    (tmp_path / "out" / "layer").write_bytes(gzip.compress(f"it is {value}".encode()))

    found = canaries.found_in(contents([tmp_path / "out"]))

    assert found == [f"GHCR_TOKEN in {tmp_path}/out/layer, plain"]


def test_output_without_a_planted_value_is_clean(canaries):
    """Encodings of other texts are none of it."""
    other = plant(canaries.home / "other")
    values = [value for place, value in other.values.items() if place != str(ETC)]

    outputs = {name: encode(" ".join(values)).encode() for name, encode in ENCODED.items()}

    assert canaries.found_in(outputs) == []


def test_planted_files_are_their_owners_alone(canaries):
    """As kubeconfigs and keys are; each holds its own value."""
    for name in (".kube/config", ".netrc", "gate.key"):
        file = canaries.home / name
        assert file.stat().st_mode & 0o777 == 0o600
        assert canaries.found_in(contents([file])) == [f"{name} in {file}, plain"]
