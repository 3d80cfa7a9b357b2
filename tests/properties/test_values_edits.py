"""Properties of edits of values files: what is set is read back, and all else stays."""

import copy
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml
from pullrecovery.monorepo.image_values import corrections, file_of, naming
from pullrecovery.monorepo.values_file import becomes, edited, keys_naming
from tests.fakes.recorded import GOOD
from tests.properties.mutations import mutated_yaml

CHARTS = SUITE_ROOT / "sample" / "charts"
TEXTS = [
    (CHARTS / "frontend" / "values-dev.yaml").read_text(),
    (CHARTS / "backend" / "values.yaml").read_text()[:1200],
    "# only comments\n# of two lines\n",
    "---\nimage: {repository: a, tag: b}  # here\nlist:\n- a\n- b: 1\n\nother: |\n  x: y\n",
]
NAMED = [{"name": "ghcr-credentials"}]
KEYS = st.sampled_from(
    ("image.tag", "image.repository", "imagePullSecrets", "new", "new.key", "service.port")
)
VALUES = (
    st.text(max_size=12)
    | st.sampled_from(("on", "Yes", "n", "1", "1e3", "0o7", "null", "~", "a: b", "- a", "#", "'"))
    | st.builds(lambda: copy.deepcopy(NAMED))
    | st.booleans()
    | st.integers()
)
_NAMES = st.from_regex(r"[a-z][a-zA-Z]{0,7}", fullmatch=True)
_COMMENTS = st.text("ab :-'\"{}#", max_size=8).map(lambda text: f"# {text}")
_SCALARS = st.sampled_from(
    ("1", "true", "''", '"on"', "'a b'", "a # b", "~", "{}", "[]", "[a, {b: c}]", "{x: 'y'}", "x#y")
)


@st.composite
def _written(draw, indent="", depth=0):
    """Lines of a values file as people write them: comments, blank lines, nested mappings."""
    lines, step = [], " " * draw(st.sampled_from((2, 4)) if not depth else st.just(2))
    for name in draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True)):
        if draw(st.booleans()):
            lines.append(indent + draw(_COMMENTS))
        kind = draw(st.sampled_from(("scalar", "scalar", "map", "list", "text")))
        if kind == "map" and depth < 2:
            lines += [f"{indent}{name}:", *draw(_written(indent + step, depth + 1))]
        elif kind == "list":
            lines += [f"{indent}{name}:", f"{indent}  - {draw(_SCALARS)}", f"{indent}  - b: 1"]
        elif kind == "text":
            lines += [f"{indent}{name}: |", f"{indent}  one", f"{indent}    # two"]
        else:
            lines.append(f"{indent}{name}: {draw(_SCALARS)}")
        if draw(st.booleans()):
            lines.append("")
    return lines


WRITTEN = _written().map(lambda lines: "\n".join(lines) + "\n")


def _edited(text, key, value):
    """The text after the edit; None if the error is the clear one."""
    try:
        return edited(text, {key: becomes(value)})
    except UnreadableYamlError as error:
        assert re.match(r"values:\d+: \S", str(error))
        return None


def _with(document, key, value):
    """The document in which the dotted key has a value."""
    first, _, rest = key.partition(".")
    under = document if isinstance(document, dict) else {}
    return under | {first: _with(under.get(first), rest, value) if rest else value}


def _comments(text):
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


@given(text=st.sampled_from(TEXTS) | WRITTEN, key=KEYS, value=VALUES)
@example(text="a: 1\n", key="new", value="on")
@example(text="imagePullSecrets: ''  # a\n\n# b\nx: 1\n", key="imagePullSecrets", value=NAMED)
@example(text="imagePullSecrets:\n- a\n\n# b\nx: 1\n", key="imagePullSecrets", value=NAMED)
@example(text="imagePullSecrets: |\n  a\n\n# b\nx: 1\n", key="imagePullSecrets", value=NAMED)
def test_edit_sets_one_key_and_keeps_the_rest(text, key, value):
    """YAML 1.2 and Helm read the value, all other values, and every comment is there."""
    after = _edited(text, key, value)
    before = load_yaml(text, "values") or {}

    assert load_yaml(after, "values") == _with(before, key, value)
    assert set(_comments(text)) - set(_comments(after)) <= _comments_within(text, key)
    # Helm's YAML 1.1 reads `on` without quotes as a boolean.
    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)
    last = old.load(after)
    for part in key.split("."):
        last = last[part]
    assert last == value


def _comments_within(text, key):
    """The comments that are further to the right than the key, which may be gone with its value."""
    within = rf"\s{{{2 * key.count('.') + 1},}}#"
    return {line.strip() for line in text.splitlines() if re.match(within, line)}


@given(text=st.sampled_from(TEXTS) | WRITTEN, key=KEYS, value=VALUES)
@example(text="imagePullSecrets:\n\n# b\nx: 1\n", key="imagePullSecrets", value=NAMED)
def test_second_edit_changes_nothing(text, key, value):
    """A remediation may run twice."""
    once = _edited(text, key, value)

    assert _edited(once, key, value) == once


@given(text=mutated_yaml(TEXTS), key=KEYS, value=VALUES)
def test_mutated_values_are_edited_or_located_error(text, key, value):
    """An edited file is one that Helm can read."""
    after = _edited(text, key, value)

    if after is not None:
        document = load_yaml(after, "values")
        for part in key.split("."):
            document = document[part]
        assert document == value


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    return tmp_path_factory.mktemp("values")


@given(text=mutated_yaml(TEXTS))
def test_corrected_values_name_the_image(folder, text):
    """After the corrections, the values name the wanted image and need no correction."""
    own = folder / "values.yaml"
    own.write_bytes(text.encode())
    workload = replace(GOOD.workload, chart=folder, values=())
    keys_naming([own], "ghcr-credentials")
    try:
        edits = [(edit, edited(text, {edit.key: edit.change})) for edit in corrections(workload)]
    except UnreadableYamlError:
        return
    for edit, _ in edits:
        edit.file.write_text(edited(edit.file.read_text(), {edit.key: edit.change}))

    assert corrections(workload) == []
    assert all(file_of(workload, key) == own for key in naming(workload.image))
