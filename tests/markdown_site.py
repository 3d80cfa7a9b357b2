"""A stand-in for Docusaurus and a browser: as much of both as the criterion and its faults need.

Its words for what it refuses are those that Docusaurus 3.10.2 printed.
"""

import re

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pullrecovery.docs_seen import Section, SiteSeen, WebPage
from pullrecovery.mending import anchors_of

_FENCES = re.compile(r"(?ms)^```.*?\n(.*?)^```$")
_LINKS = re.compile(r"\[([^\]]*)\]\(([^)#\s]*)#?([^)\s]*)\)")


class BuildError(Exception):
    """The site cannot be built; its text is what is printed."""


class MarkdownSite:
    """Reads the pages of a site's `docs` folder; counts how often it was asked."""

    def __init__(self):
        self.builds = 0

    def look(self, docs):
        self.builds += 1
        try:
            return self._look(docs)
        except BuildError as error:
            return SiteSeen(words=str(error))

    def _look(self, docs):
        pages = {page: page.read_text() for page in sorted((docs.folder / "docs").glob("*.md"))}
        ids = {_front(page, text, docs).get("id", page.stem): page for page, text in pages.items()}
        sidebar = re.findall(r"'([\w-]+)'", (docs.folder / "sidebars.js").read_text())
        missing = [each for each in sidebar if each not in ids]
        if missing:
            raise BuildError(
                '[ERROR] Error: Invalid sidebar file at "sidebars.js".\n'
                f"These sidebar document ids do not exist:\n- {missing[0]}\n"
            )
        for page, text in pages.items():
            _compile(page, text, docs)
        return _shown(docs, pages, {ids[each] for each in sidebar})


def _front(page, text, docs):
    front = text.split("---\n")[1]
    try:
        return YAML(typ="safe").load(front)
    except YAMLError as error:
        name = page.relative_to(docs.folder)
        raise BuildError(
            f'[ERROR] Error: Error while parsing Markdown front matter in file: "{name}"\n'
            "[cause]: YAMLException: missed comma between flow collection entries (4:1)\n"
        ) from error


def _compile(page, text, docs):
    name = page.relative_to(docs.folder).as_posix()
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if re.search(r"(?<![\\`])<[a-z]+>", re.sub(r"`[^`]*`", "", line)):
            raise BuildError(
                f'[ERROR] x Error: MDX compilation failed for file "{name}"\n'
                f"│ Cause: Expected a closing tag for `<owner>` ({at + 1}:7-{at + 1}:14)\n"
            )
    for _, to, anchor in _LINKS.findall(text):
        leads_to = page.parent / to if to else page
        if not leads_to.is_file():
            raise BuildError(
                f'[ERROR] x Error: MDX compilation failed for file "{name}"\n'
                f'│ Cause: Markdown link with URL `{to}` in source file "{name}" (9:9)'
                " couldn't be resolved.\n"
            )
        if anchor and anchor not in anchors_of(leads_to.read_text()):
            raise BuildError(
                "[ERROR] Error: Docusaurus found broken anchors!\n"
                f"- Broken anchor on source page path = /{page.stem}:\n"
                f"   -> linking to /{leads_to.stem}#{anchor}\n"
            )


def _shown(docs, pages, listed):
    text = pages[docs.page]
    path = f"/{docs.page.stem}"
    leads = {
        f"/{file.stem}": path if f"]({'./' + docs.page.name}" in pages[file] else ""
        for file in docs.referring
    }
    pictures = re.findall(r'<img src="([^"]+)"', text)
    return SiteSeen(
        path=path,
        sidebar="docs" if docs.page in listed else "",
        page=_page(text, [f"/{page.stem}" for page in listed]),
        referring=leads,
        errors=tuple(f"nothing answers http://site.invalid{each}" for each in pictures),
    )


def _page(text, menu):
    body = text.split("---\n", 2)[2]
    plain = re.sub(r"(?m)^```\w*$", "", body).replace("`", "")
    parts = re.split(r"(?m)^(##) (.+)$", plain)[1:]
    rows = [line.strip("|").split("|") for line in plain.splitlines() if line.startswith("|")]
    return WebPage(
        title="",
        text=plain,
        sections=tuple(
            Section(2, "", title, below.strip())
            for _, title, below in zip(*[iter(parts)] * 3, strict=True)
        ),
        menu=tuple(menu),
        rows=tuple(tuple(cell.strip() for cell in row) for row in rows),
        code=tuple(_FENCES.findall(body)),
    )
