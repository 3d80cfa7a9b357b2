"""Properties of image references: what is split can be joined, and nothing else is raised."""

from hypothesis import example, given
from hypothesis import strategies as st

from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.reference_grammar import split_reference
from pullrecovery.model.target import Image
from tests.properties.mutations import mutated_text

DIGEST = "sha256:" + "1a" * 32
REFERENCES = (
    f"ghcr.io/bytequester/hosting-monorepo:v1@{DIGEST}",
    "localhost:5000/a/b_c__d-e.f:latest",
    "[2001:db8::1]:5000/a/b",
    "nginx",
    "bytequester/backend@sha512:" + "2b" * 64,
)
_LABEL = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
_COMPONENT = st.from_regex(r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
REGISTRIES = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(_LABEL, min_size=2, max_size=4),
    st.sampled_from(("", ":5000")),
)
PATHS = st.lists(_COMPONENT, min_size=1, max_size=4).map("/".join)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}", fullmatch=True)
# Long runs of what the grammar repeats, which a regular expression could try in many ways.
REPEATED = st.builds(
    lambda part, times, end: f"ghcr.io/{part * times}{end}",
    st.sampled_from(("a", "a-", "-", "a__", "a.", "a/", "_", "a:", "@")),
    st.integers(1, 3000),
    st.sampled_from(("", "!", ":", "@", "A")),
)
ANY = mutated_text(REFERENCES) | st.text(max_size=40) | REPEATED


def _joined(registry, path, tag, digest):
    return f"{registry}/{path}" + (tag and f":{tag}") + (digest and f"@{digest}")


@given(text=ANY)
@example(text="ghcr.io/a/b:")
@example(text="ghcr.io/a/b@")
def test_split_reference_joins_to_itself(text):
    """A reference without registry is one of Docker Hub; the joined one has the same parts."""
    try:
        parts = split_reference(text)
    except ValueError as error:
        assert type(error) is ValueError
        assert str(error)
    else:
        assert split_reference(_joined(*parts)) == parts
        assert text.endswith(_joined(*parts)[len(parts[0]) + 1 :].removeprefix("library/"))


@given(registry=REGISTRIES, path=PATHS, tag=TAGS | st.just(""), digest=DIGESTS | st.just(""))
def test_joined_reference_splits_into_its_parts(registry, path, tag, digest):
    """Every part of a valid reference is found again."""
    assert split_reference(_joined(registry, path, tag, digest)) == (registry, path, tag, digest)


@given(registry=REGISTRIES, path=PATHS, tag=TAGS)
def test_parsed_reference_is_the_image(registry, path, tag):
    """The image of target.yaml and the reference of a pod have the same parts."""
    image = Image(f"{registry}/{path}", tag)
    parsed = parse_reference(image.reference)

    assert parsed.problem == ""
    assert (parsed.repository, parsed.tag, parsed.digest) == (image.repository, tag, "")
    assert (image.registry, f"{image.owner}/{image.name}".rstrip("/")) == (registry, path)


@given(text=ANY)
def test_any_text_is_parsed_or_has_a_problem(text):
    """A reference without a problem has a repository that is valid by itself."""
    parsed = parse_reference(text)

    if not parsed.problem:
        assert parse_reference(parsed.repository).problem == ""
    else:
        assert "\n" not in parsed.problem.partition("(")[0]
