"""The image in a workload's values, and the values file that overrides the others."""

import shutil
from dataclasses import replace

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.monorepo.image_values import chart_has, corrections, file_of
from pullrecovery.monorepo.target_yaml import load_target


@pytest.fixture(name="workload")
def _workload(tmp_path):
    """Return the sample's frontend, with another values file after its own."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    frontend = target.workload("frontend")
    last = frontend.chart / "last.yaml"
    last.write_text("")
    return replace(frontend, values=(*frontend.values, last))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "values-dev.yaml"),
        ("image:\n  tag: x\n", "last.yaml"),
        ("image:\n  repository: x\n", "values-dev.yaml"),
        ("image: ghcr.io/x/y:z\n", "last.yaml"),
        ("image:\n", "values-dev.yaml"),
        ("image: [\n", "values-dev.yaml"),
    ],
    ids=["nothing", "the key", "its neighbour", "a text in its way", "an empty parent", "no YAML"],
)
def test_last_values_file_wins(workload, text, name):
    """A string in place of a mapping hides the keys of earlier files."""
    workload.values[-1].write_text(text)

    assert file_of(workload, "image.tag").name == name


def test_key_that_no_file_has_is_of_none(workload):
    """The chart's own values are read too."""
    assert file_of(workload, "image.pullPolicy") == workload.chart / "values.yaml"
    assert file_of(workload, "image.colour") is None


def test_chart_has_what_its_own_values_have(workload):
    """No template reads a key that only another file sets."""
    workload.values[-1].write_text("extra: 1\n")

    assert chart_has(workload, "image.digest")
    assert chart_has(workload, "preflight.enabled")
    assert not chart_has(workload, "extra")


def _keys(workload):
    return [(edit.file.name, edit.key) for edit in corrections(workload)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("image:\n  tag: 1.10\n", [("last.yaml", "image.tag")]),
        ("image:\n  digest: sha256:x\n", [("last.yaml", "image.digest")]),
        ('image:\n  digest: ""\n', []),
        ("image: ghcr.io/x/y:z\n", [("last.yaml", key) for key in ("image.repository", "image.tag")]),
        ("a:\n  b:\n    - {name: c, image: x:1}\n", [("last.yaml", "a.b")]),
        ("a:\n  b:\n    - {name: c}\n", []),
        ("preflight:\n  image: x:1\n", [("last.yaml", "preflight.image")]),
        ('preflight:\n  image: ""\n', []),
    ],
    ids=[
        "good",
        "number",
        "digest",
        "no digest",
        "text",
        "container",
        "list of others",
        "hook",
        "hook's default",
    ],
)  # fmt: skip
def test_only_what_is_wrong_is_corrected(workload, text, keys):
    """The correction is in the last file that sets the key."""
    workload.values[-1].write_text(text)

    assert _keys(workload) == keys


def test_replaced_list_is_unchanged(workload):
    """Helm merges mappings, and replaces lists."""
    workload.values[0].write_text(
        workload.values[0].read_text() + "initContainers: [{name: a, image: 'x:1'}]\n"
    )
    assert _keys(workload) == [("values-dev.yaml", "initContainers")]

    workload.values[-1].write_text("initContainers: []\n")

    assert _keys(workload) == []
