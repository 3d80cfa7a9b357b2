"""Diagnose the REG-007 docs page; the order of the causes is the order in which to fix them."""

import re
from collections.abc import Iterator

from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.model.docs_site import DocsBuild, DocsPage, WebPage
from pullrecovery.model.target import Docs, Target
from pullrecovery.model.verdict import Cause, Verdict, fails
from pullrecovery.monorepo.docs_page import SUBJECTS, missing_subjects, named_images, named_secrets

# Messages of Docusaurus 3.10, one for each error; the first match decides.
_WORDS = (
    (
        re.compile(r"Markdown link with URL `(?P<what>[^`]+)` in source file \"(?P<file>[^\"]+)\""),
        Cause.LINK_BROKEN,
    ),
    (
        re.compile(
            r"Broken (?:link|anchor) on source page path = (?P<file>\S+?):?\s+-> linking to"
            r" (?P<what>\S+)"
        ),
        Cause.LINK_BROKEN,
    ),
    (
        re.compile(
            r"MDX compilation failed for file \"(?P<file>[^\"]+)\"\s*(?:│ )?Cause: (?P<what>[^\n]+)"
        ),
        Cause.PAGE_DOES_NOT_COMPILE,
    ),
    (
        re.compile(
            r"(?:Error while parsing Markdown front matter|Can't process doc metadata for doc at"
            r" path)[^\n]*?(?P<file>[\w./-]+\.mdx?)(?:.*?(?P<what>YAMLException: [^\n]+))?",
            re.DOTALL,
        ),
        Cause.FRONT_MATTER_BROKEN,
    ),
)
_EMPTY = 200


def diagnose_docs(target: Target, docs: Docs, seen: DocsPage) -> Iterator[Verdict]:
    """Every cause, the one to fix first in front; nothing if the page is correct."""
    page, site = docs.page.relative_to(docs.folder.parent).as_posix(), seen.site
    if seen.source is None:
        write = f"write {page}, with {len(SUBJECTS)} subjects: {', '.join(SUBJECTS)}"
        yield fails(Cause.PAGE_MISSING, f"{page} does not exist", write)
    elif site.words:
        yield diagnose_build(site.words, docs)
    elif site.page is None:
        evidence = f"{page} is there, and the site has no page of it: is it a draft, or unlisted?"
        edit = f"leave id, title and slug alone in the front matter of {page}"
        yield fails(Cause.FRONT_MATTER_BROKEN, evidence, edit)
    else:
        yield from _diagnose_site(docs, site, site.page)
        yield from _diagnose_text(target, page, site.page)


def diagnose_build(words: str, docs: Docs) -> Verdict:
    """Why Docusaurus did not build the site, from its own output."""
    build = f"npm run build, in {docs.folder.name}, says when it is right"
    for pattern, cause in _WORDS:
        found = pattern.search(words)
        if found:
            file, what = found["file"], found["what"] or "not valid YAML"
            return fails(cause, f"{file}: {what}", f"correct that in {file}; {build}")
    return fails(Cause.UNKNOWN, words[-1500:], READ)


def _diagnose_site(docs: Docs, site: DocsBuild, page: WebPage) -> Iterator[Verdict]:
    """Diagnose whether the page is shown, and whether a link leads to it."""
    if site.errors or len(page.text) < _EMPTY:
        evidence = "; ".join(site.errors) or f"it shows no more than {page.text!r}"
        edit = f"take out of {docs.page.name} what fails there, or correct it"
        yield fails(Cause.PAGE_BREAKS_IN_BROWSER, evidence, edit)
    if not site.sidebar or site.path not in page.menu:
        edit = (
            f"list {docs.page.stem} in the sidebars file, or have that file generate the list; take"
            f" `unlisted` and `displayed_sidebar` out of the front matter of {docs.page.name}"
        )
        yield fails(Cause.PAGE_NOT_IN_SIDEBAR, f"no sidebar has {site.path}", edit)
    if site.path not in site.referring.values():
        names = ", ".join(file.name for file in docs.referring)
        evidence = f"none of {names} leads to {site.path}"
        link = f"link to {docs.page.name} in {docs.referring[0].name}"
        yield fails(Cause.PAGE_NOT_LINKED, evidence, link)


def _diagnose_text(target: Target, file: str, page: WebPage) -> Iterator[Verdict]:
    """Diagnose whether the page is complete, and whether it is true of this target."""
    lacking = missing_subjects(page)
    if lacking:
        evidence = f"no section is about: {', '.join(lacking)}"
        yield fails(Cause.SUBJECT_MISSING, evidence, f"add a section about each to {file}")
    images = named_images(target, page)
    if images.capitals:
        evidence = f"an image reference is lower case: {', '.join(images.capitals)}"
        edit = f"write {target.owner} in every reference of {file}"
        yield fails(Cause.DOCS_OWNER_IN_CAPITALS, evidence, edit)
    if images.stale or images.untold:
        evidence = "; ".join((*images.stale, *images.untold))
        edit = f"name in {file} the repositories that target.yaml names, each with its chart"
        yield fails(Cause.DOCS_REPOSITORY_STALE, evidence, edit)
    secrets = named_secrets(page)
    other = [name for name in secrets if name != target.pull_secret]
    if other or (not secrets and not lacking):
        evidence = f"its commands name {', '.join(other) or 'no Secret'}, not {target.pull_secret}"
        edit = f"write {target.pull_secret} in every command of {file}"
        yield fails(Cause.DOCS_SECRET_STALE, evidence, edit)
