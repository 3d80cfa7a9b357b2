"""Edits of values files: every other line stays unchanged."""

import difflib

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.monorepo.values_file import edited, keys_naming

CHARTS = SUITE_ROOT / "sample" / "charts"
PIN = "c6cd88ef7de43520f6e95fcb87e6f2452b45edd4"
FILES = [
    "frontend/values-dev.yaml",
    "frontend/values.yaml",
    "frontend-sample/values.yaml",
    "backend/values.yaml",
]


@pytest.fixture(name="file")
def _file(tmp_path):
    return tmp_path / "values.yaml"


def _edit(file, key, change):
    """Change one key of the file."""
    file.write_text(edited(file.read_text(), {key: change}))


def _changes(before, after):
    """Return the removed and added lines, marked as in a diff."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "-+"]


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("frontend/values-dev.yaml", PIN),
        ("frontend/values.yaml", "latest"),
        ("frontend-sample/values.yaml", PIN),
        ("backend/values.yaml", PIN),
    ],
)
def test_one_value_changes_one_line(file, name, old):
    """Comments, blank lines, quotes and flow lists stay byte for byte."""
    before = (CHARTS / name).read_text()
    file.write_text(before)

    _edit(file, "image.tag", lambda _: "dev")

    assert _changes(before, file.read_text()) == [f"-   tag: {old}", "+   tag: dev"]


@pytest.mark.parametrize("name", FILES)
def test_same_value_changes_nothing(file, name):
    """An unchanged value changes no layout."""
    before = (CHARTS / name).read_text()
    file.write_text(before)

    _edit(file, "image.tag", lambda old: old)

    assert file.read_text() == before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image.repository", "ghcr.io/bytequester/other"),
        ("imagePullSecrets", [{"name": "ghcr-credentials"}]),
        ("serviceAccount.imagePullSecrets", []),
    ],
    ids=["text", "list", "empty list"],
)
def test_second_edit_changes_nothing_more(file, name, key, value):
    """A remediation may run any number of times."""
    file.write_text((CHARTS / name).read_text())
    _edit(file, key, lambda _: value)
    once = file.read_text()

    _edit(file, key, lambda _: value)

    assert file.read_text() == once


def test_added_pull_secret_adds_two_lines(file):
    """The comment above the key stays in its place."""
    before = (CHARTS / "frontend" / "values.yaml").read_text()
    file.write_text(before)

    _edit(file, "serviceAccount.imagePullSecrets", lambda _: [{"name": "ghcr-credentials"}])

    assert _changes(before, file.read_text()) == [
        "-   imagePullSecrets: []",
        "+   imagePullSecrets:",
        "+     - name: ghcr-credentials",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: null\nimage:\n  tag: t\n", "a: null\nimage:\n  tag: dev\n"),
        ("a: ~\nimage: {tag: t}\n", "a: ~\nimage: {tag: dev}\n"),
        ("a:   1   # one\nimage:\n    tag: t\n", "a:   1   # one\nimage:\n    tag: dev\n"),
        ("l:\n- 1\nm:\n  - 2\nimage: {tag: t}\n", "l:\n- 1\nm:\n  - 2\nimage: {tag: dev}\n"),
        ("---\na: ~\nimage:\n  tag: t\n", "---\na: ~\nimage:\n  tag: dev\n"),
        ("# nothing yet\n", "# nothing yet\nimage:\n  tag: dev\n"),
        ("# no end of line", "# no end of line\nimage:\n  tag: dev\n"),
    ],
    ids=["null", "tilde", "spaces", "two kinds of lists", "start", "comments alone", "unended"],
)
def test_other_lines_keep_spelling(file, before, after):
    """A diff for review shows the intended change alone."""
    file.write_text(before)

    _edit(file, "image.tag", lambda _: "dev")

    assert file.read_text() == after


@pytest.mark.parametrize("indent", ["", "  ", "    "], ids=["none", "two", "four"])
def test_new_list_entry_is_indented(file, indent):
    """The indentation is that of the file."""
    file.write_text(f"imagePullSecrets:\n{indent}- name: other\na: ~\n")

    _edit(file, "imagePullSecrets", lambda old: [*old, {"name": "new"}])

    assert file.read_text() == (
        f"imagePullSecrets:\n{indent}- name: other\n{indent}- name: new\na: ~\n"
    )


def test_ambiguous_lines_are_still_edited(file):
    """A list over several lines becomes one line with its content."""
    file.write_text("a: [1,\n  2]\nimage: {tag: t}\n")

    _edit(file, "image.tag", lambda _: "dev")

    assert file.read_text() == "a: [1, 2]\nimage: {tag: dev}\n"


def test_change_is_given_the_old_value(file):
    """The change can add to a list."""
    file.write_text("imagePullSecrets:\n  - name: other\n")

    _edit(file, "imagePullSecrets", lambda old: [*old, {"name": "ghcr-credentials"}])

    assert file.read_text() == ("imagePullSecrets:\n  - name: other\n  - name: ghcr-credentials\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "image:\n  tag: dev\n"),
        ("image:\n", "image:\n  tag: dev\n"),
        ("image: 5\n", "image:\n  tag: dev\n"),
        ("replicas: 1\n", "replicas: 1\nimage:\n  tag: dev\n"),
        ("image: {repository: r, tag: t}\n", "image: {repository: r, tag: dev}\n"),
        ('image:\n  tag: "t" # why\n', 'image:\n  tag: "dev" # why\n'),
    ],
    ids=["empty file", "empty parent", "parent no mapping", "no parent", "flow", "comment beside"],
)
def test_key_is_set_wherever_its_path_leads(file, before, after):
    """Missing parents are created; flow style, quotes and comments stay."""
    file.write_text(before)

    _edit(file, "image.tag", lambda _: "dev")

    assert file.read_text() == after


def test_long_line_is_not_broken(file):
    """An unedited line stays as long as it is."""
    long = "description: " + "word " * 40 + "end\n"
    file.write_text(f"{long}image:\n  tag: t\n")

    _edit(file, "image.tag", lambda _: "dev")

    assert file.read_text() == f"{long}image:\n  tag: dev\n"


@pytest.mark.parametrize("word", ["on", "off", "yes", "No", "Y", "n", "OFF"])
@pytest.mark.parametrize(
    "spelt", [lambda word: word, lambda word: [{"name": word}]], ids=["value", "list"]
)
def test_boolean_word_is_quoted(file, word, spelt):
    """Helm reads YAML 1.1: a tag `on` without quotes is true."""
    file.write_text("image:\n  tag: v1\n")

    _edit(file, "image.tag", lambda _: spelt(word))

    assert f'"{word}"' in file.read_text()
    assert YAML(typ="safe").load(file.read_text())["image"]["tag"] == spelt(word)


def test_number_like_string_stays_string(file):
    """The first digits of a commit may all be decimal."""
    file.write_text("image:\n  tag: t\n")

    _edit(file, "image.tag", lambda _: "1234567")

    assert file.read_text() == "image:\n  tag: '1234567'\n"


@pytest.mark.parametrize(
    ("texts", "keys"),
    [
        (["imagePullSecrets: [{name: x}]\n"], ["imagePullSecrets"]),
        (["imagePullSecrets: [y, x]\n"], ["imagePullSecrets"]),
        (["a: {b: {imagePullSecret: x}}\n"], ["a.b.imagePullSecret"]),
        (["a: [{name: x}]\n", "a: []\n"], []),
        (["a: {b: x}\n", "a: {c: x}\n"], ["a.b", "a.c"]),
        (["a: {b: x}\n", "a:\n"], ["a.b"]),
        (["a: {b: x}\n", ""], ["a.b"]),
        (["a: [{name: y}]\n"], []),
    ],
    ids=["references", "names", "text", "later list", "merged", "null", "empty file", "another"],
)
def test_name_is_found_in_merged_values(tmp_path, texts, keys):
    """The later file overrides the earlier, as Helm merges them."""
    files = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)

    assert keys_naming(files, "x") == keys
