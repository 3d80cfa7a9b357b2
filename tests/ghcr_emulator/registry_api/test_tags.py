"""Pages of tags, as GHCR returns them."""

import re

import pytest

from ghcr_emulator.registry_api import tags

pytestmark = pytest.mark.over_distribution

PATH = "/v2/bytequester/closed/tags/list"
MANY = [f"t{number}" for number in range(250)]


def test_unseen_tags_are_lexical():
    """Tags from before a restart precede those whose push was seen; deleted ones are omitted."""
    ordered = tags.in_push_order(["b", "a", "z", "y"], ["z", "gone", "y"])

    assert ordered == ["a", "b", "z", "y"]


@pytest.mark.parametrize(
    ("n", "last", "first", "count", "link"),
    [
        pytest.param(None, None, "t0", 100, "last=t99&n=0", id="a hundred unless asked"),
        pytest.param("0", None, "t0", 100, "last=t99&n=0", id="zero is not asked"),
        pytest.param("10", None, "t0", 10, "last=t9&n=10", id="as many as asked"),
        pytest.param("1000", None, "t0", 250, None, id="all of them"),
        pytest.param("250", None, "t0", 250, None, id="exactly all"),
        pytest.param(None, "t99", "t100", 100, "last=t199&n=0", id="the next page"),
        pytest.param("100", "t199", "t200", 50, None, id="the last page"),
    ],
)
def test_page_has_its_size_and_its_link(n, last, first, count, link):
    """A page ends at its size, and has a link only if more tags follow."""
    page = tags.page(MANY, PATH, n, last)

    assert page.items[0] == first
    assert len(page.items) == count
    assert page.link == (f'<{PATH}?{link}>; rel="next"' if link else None)


@pytest.mark.parametrize("last", ["t249", "unheard-of"])
def test_nothing_follows_last_tag(last):
    """A client that follows links always comes to an end."""
    assert tags.page(MANY, PATH, None, last) == tags.Page([], None)


@pytest.mark.parametrize("n", ["-1", "ten", "1e3", "٣", "99999999999"])
def test_bad_number_is_refused(n):
    """Only a plain number is a page size."""
    with pytest.raises(tags.PageError):
        tags.page(MANY, PATH, n, None)


def test_links_list_every_tag_once(ghcr):
    """The pages together list every tag once, in order."""
    for name in MANY:
        ghcr.storage.put_image("bytequester/closed", name)
        ghcr.state.tag_pushed("bytequester/closed", name)

    seen, path = [], PATH
    while path:
        answer = ghcr.ask("GET", path, caller="reader")
        seen += answer.json()["tags"]
        found = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        path = found and found[1]

    assert seen == ["multi", "v1", *MANY]


def test_bad_number_over_the_wire(ghcr):
    """The refusal has the registry's own error code."""
    answer = ghcr.ask("GET", f"{PATH}?n=many", caller="reader")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "PAGINATION_NUMBER_INVALID"


def test_package_without_content_has_no_tags(ghcr):
    """A package from the control port without content has an empty list."""
    ghcr.control("PUT", "/packages/bytequester/bare", {"visibility": "private"})

    answer = ghcr.ask("GET", "/v2/bytequester/bare/tags/list", caller="reader")

    assert answer.status_code == 404
    assert answer.json()["errors"][0] == {
        "code": "NAME_UNKNOWN",
        "message": "repository name not known to registry",
    }
