"""Strategies that start from valid documents and break them, as text and as a tree."""

import copy
import json
from io import StringIO

from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.fakes.recorded import TOKEN

# Text that parsers of YAML, JSON, URLs and references treat specially.
_SNIPPETS = (
    *("\0", "\n", "\r\n", "\t", " ", "\x85", "\N{BYTE ORDER MARK}", "\\", "\\ud800", "%zz", "ä"),
    *(
        ": ",
        "- ",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "#",
        "|",
        ">",
        "~",
        "\n---\n",
        "\n...\n",
    ),
    *("&a ", "*a", "!!int ", "!!timestamp ", "!!python/name:os ", "<<: ", "%YAML 1.1\n---\n"),
    *("yes", "off", "null", ".nan", ".inf", "NaN", "-0", "0o7", "1e999", "2026-99-99", "9" * 40),
    *("../", "/etc", "*", "**/", "@", "//", "[::1]", ":443", "sha256:", "${{ x }}", "{{", TOKEN),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(_SNIPPETS)
)
TREES = st.recursive(
    SCALARS,
    lambda nodes: (
        st.lists(nodes, max_size=3) | st.dictionaries(st.text(max_size=8), nodes, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def mutated_text(draw, originals):
    """One of the texts `originals`, with one to four edits."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 0, 1, 2, 8, 40, 400))))
        other = draw(st.integers(0, len(text)))
        copied = st.just(text[other : other + 40])
        inserted = draw(st.sampled_from(_SNIPPETS) | st.text(max_size=12) | copied | st.just(""))
        text = text[:start] + inserted + text[end:]
    return text


@st.composite
def mutated_tree(draw, original, values=TREES):
    """The document `original`, in which one to three parts are replaced, renamed or left out."""
    document = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            return draw(values)
        holder, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(("replace", "replace", "delete", "rename", "copy")))
        if change == "replace":
            holder[key] = draw(values)
        elif change == "delete":
            del holder[key]
        elif change == "copy":
            other, its = draw(st.sampled_from(places))
            holder[key] = copy.deepcopy(other[its])
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = holder.pop(key)
    return document


def _places(node):
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def mutated_yaml(texts, values=TREES):
    """YAML of one of `texts` after edits of the text, or after changes of the document."""
    loaded = [YAML(typ="safe").load(text) for text in texts]
    trees = st.one_of([mutated_tree(document, values) for document in loaded if document])
    return mutated_text(texts) | trees.map(as_yaml) | trees.map(json.dumps) | st.text(max_size=60)


def mutated_json(documents, values=TREES):
    """JSON of one of `documents` after changes of the document, or after edits of the text."""
    trees = st.one_of([mutated_tree(document, values) for document in documents])
    return trees.map(json.dumps) | mutated_text([json.dumps(document) for document in documents])


def as_yaml(document):
    """The block style of a document, as people write it."""
    buffer = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(document, buffer)
    return buffer.getvalue()
