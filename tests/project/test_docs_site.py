"""The site of docs/: every page is in its sidebar and in the index, and its packages are pinned."""

import json
import re

from pullrecovery.common.suite_files import SUITE_ROOT

DOCS, SITE = SUITE_ROOT / "docs", SUITE_ROOT / "docs-site"
PAGES = sorted(page.stem for page in DOCS.glob("*.md"))


def test_sidebar_has_every_page_once():
    """A page that is in no sidebar is found by its address alone."""
    text = (SITE / "sidebars.js").read_text()
    items = " ".join(re.findall(r"items: \[([^\]{]*)\]", text))

    assert sorted(["README", *re.findall(r"'([\w-]+)'", items)]) == PAGES
    assert "'README'," in text


def test_index_links_every_page():
    """docs/README.md is what GitHub shows for the folder, without a sidebar."""
    linked = re.findall(r"\]\(([\w-]+)\.md", (DOCS / "README.md").read_text())

    assert {*linked, "README"} == {*PAGES}


def test_site_has_versions_of_the_sample():
    """What the sample's site needs is in the cache, and is looked at by the same audit."""
    ours, samples = (
        json.loads((folder / "package-lock.json").read_text())["packages"]
        for folder in (SITE, SUITE_ROOT / "sample" / "docs")
    )

    assert {**ours, "": {}} == {**samples, "": {}}
    assert all("resolved" not in package for package in ours.values())
