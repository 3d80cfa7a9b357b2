"""Properties of the reader of target.yaml and of the Applications that it names."""

import json
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.target import Target
from pullrecovery.monorepo.application_sources import checkout_of
from pullrecovery.monorepo.target_yaml import load_target
from tests.fakes.recorded import TOKEN
from tests.properties.mutations import TREES, mutated_text, mutated_yaml

_SAMPLE = SUITE_ROOT / "sample"
TEXT = (_SAMPLE / "target.yaml").read_text()
APPLICATION = (_SAMPLE / "argocd" / "frontend.yaml").read_text()
TOKENS = st.sampled_from([TOKEN, [TOKEN], {TOKEN: TOKEN}, f"x {TOKEN}"])


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    """A copy of what target.yaml of the sample names."""
    folder = tmp_path_factory.mktemp("target").resolve()
    left_out = shutil.ignore_patterns("node_modules", "build", ".docusaurus", "static")
    return shutil.copytree(_SAMPLE, folder / "sample", ignore=left_out)


def _load(folder, text, application=APPLICATION):
    """The target, or the text of the error."""
    (folder / "target.yaml").write_bytes(text.encode())
    (folder / "argocd" / "frontend.yaml").write_bytes(application.encode())
    try:
        return load_target(folder)
    except UsageError as error:
        return str(error)


def _is_clear(folder, loaded):
    """Whether it is a target, or an error whose every line has a file of the target and a line."""
    if isinstance(loaded, Target):
        return True
    lines = loaded.splitlines()
    placed = [
        line for line in lines if re.match(rf"{re.escape(str(folder))}/\S+\.yaml:\d+: ", line)
    ]
    return bool(placed) and len(lines) - len(placed) <= lines[-1].startswith("and ")


@given(text=mutated_yaml([TEXT]))
def test_mutated_target_is_read_or_located_error(folder, text):
    """The error names a file and a line."""
    loaded = _load(folder, text)

    assert _is_clear(folder, loaded), loaded


@given(application=mutated_yaml([APPLICATION]))
def test_mutated_application_is_read_or_located_error(folder, application):
    """An Application that is read has a source that deploys the workload's chart."""
    loaded = _load(folder, TEXT, application)

    assert _is_clear(folder, loaded), loaded
    if isinstance(loaded, Target):
        assert checkout_of(loaded.workload("frontend")) == folder


@given(text=mutated_yaml([TEXT], TOKENS))
def test_target_error_has_no_token(folder, text):
    """A token in the wrong place is not repeated."""
    loaded = _load(folder, text)

    assert isinstance(loaded, Target) or TOKEN not in loaded


@given(
    text=mutated_text([TEXT]) | st.just(TEXT),
    comments=st.lists(
        st.text(st.characters(exclude_categories=["C", "Z"])), min_size=1, max_size=5
    ),
)
def test_comments_only_move_the_lines(folder, text, comments):
    """Comments in front change no value, and the error's line by their number."""
    if text.startswith(("%", "\N{BYTE ORDER MARK}")):
        return
    before = _load(folder, text)
    after = _load(folder, "".join(f"# {comment}\n" for comment in comments) + text)

    def moved(found):
        return f"{found[1]}{int(found[2]) + len(comments)}: "

    if isinstance(before, str) and not before.startswith(f"{folder}/target.yaml:1: not valid"):
        before = re.sub(r"(?m)^(\S*/target\.yaml:)(\d+): ", moved, before)
        assert after == before
    elif isinstance(before, Target):
        assert after == before


@given(data=st.binary(max_size=200) | st.tuples(st.just(TEXT.encode()), st.binary()).map(b"".join))
def test_bytes_are_read_or_located_error(folder, data):
    """Bytes that are no UTF-8 are an error of line 1."""
    (folder / "target.yaml").write_bytes(data)
    try:
        load_target(folder)
    except UsageError as error:
        assert _is_clear(folder, str(error)), error


@given(value=TREES)
def test_every_value_of_schema_is_checked(folder, value):
    """Only one schema is known, and `1.0` or `true` is not its number."""
    loaded = _load(folder, TEXT.replace("schema: 1\n", "") + f"schema: {json.dumps(value)}\n")

    assert isinstance(loaded, Target) == (type(value) is int and value == 1)
