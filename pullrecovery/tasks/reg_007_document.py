"""REG-007: document it.

The page says how CI names images and which chart uses which, how to list and verify tags, what the
pull secret is and how it is wired, and where capital letters matter. It is part of a site that
builds, and a page for newcomers links to it.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from pullrecovery.common.files_below import MADE_BY_NPM, files_below
from pullrecovery.diagnosis.docs import diagnose_docs
from pullrecovery.model.docs_site import DocsPage
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.target import Docs, Target
from pullrecovery.model.verdict import (
    Cause,
    Verdict,
    all_named,
    not_applicable,
    passes,
    unknown,
)
from pullrecovery.monorepo import markdown_edits
from pullrecovery.monorepo.docs_page import (
    SUBJECTS,
    chart_of,
    chart_table,
    missing_subjects,
    named_images,
    named_secrets,
)
from pullrecovery.monorepo.docs_page_template import page_text, section_about
from pullrecovery.observe.docs import observe_docs
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.world.world import World

_ROUNDS = 6
_PAGES = (".md", ".mdx")


def _without_docs(target: Target) -> str:
    """Why REG-007 does not apply to the target; '' if it does."""
    return "" if target.docs else "target.yaml names no docs site"


def _judge(observation: Observed) -> Verdict:
    """Passes if the site builds, and has a correct page with its four subjects and a link to it."""
    return judge_docs(observation.target, observation.docs)


reg_007 = Criterion("REG-007", needs=(Observed.docs,), lacks=_without_docs, judge=_judge)


def judge_docs(target: Target, page: DocsPage | NotObserved) -> Verdict:
    """Judge only the docs."""
    if target.docs is None:
        return not_applicable(_without_docs(target))
    if isinstance(page, NotObserved):
        return unknown(page.reason)
    wrong = all_named(*diagnose_docs(target, target.docs, page))
    leads = (path for path, to in page.site.referring.items() if to == page.site.path)
    return wrong or passes(
        f"{page.site.path} shows its subjects, and {', '.join(leads)} leads to it"
    )


def document(world: World, *, dry_run: bool = False) -> Change:
    """Write what is missing, from the target's own facts, until REG-007 passes.

    Works on a copy, and then writes the files that differ, unless it is a dry run. The author's
    text stays, except for wrong words. The change lists what could not be fixed.
    """
    target, docs = world.target, _docs_of(world.target)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / docs.folder.name
        # The copy follows links, which must not lead to other files of this machine.
        files_below(docs.folder, MADE_BY_NPM)
        shutil.copytree(docs.folder, folder, ignore=shutil.ignore_patterns(*MADE_BY_NPM))
        copy = Docs(
            folder,
            folder / docs.page.relative_to(docs.folder),
            tuple(folder / file.relative_to(docs.folder) for file in docs.referring),
        )
        verdict = _fix_page(replace(world, target=replace(target, docs=copy)), copy)
        changed = _changed(docs.folder, folder)
        diffs = [diff_of(_read(docs.folder / name), text, name) for name, text in changed.items()]
        for name, text in ({} if dry_run else changed).items():
            (docs.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (docs.folder / name).write_text(text, encoding="utf-8")
    what = f"wrote {', '.join(changed)}" if changed else "nothing to write"
    left = "" if verdict.passes else f"; left as it is: {verdict}"
    return Change(f"{what}{left}", "\n".join(diffs))


def _docs_of(target: Target) -> Docs:
    if target.docs is None:
        raise ValueError("the target has no docs")
    return target.docs


def _fix_page(world: World, docs: Docs) -> Verdict:
    """Judge the copy and fix it, until it passes or nothing more can be fixed."""
    for _ in range(_ROUNDS):
        seen = observe_docs(world)
        verdict = judge_docs(world.target, seen)
        if verdict.passes or isinstance(seen, NotObserved):
            return verdict
        before = _texts(docs.folder)
        for one in verdict.named:
            if one.cause in _FIXES:
                _FIXES[one.cause](world.target, docs, seen, one)
        if _texts(docs.folder) == before:
            return verdict
    return judge_docs(world.target, observe_docs(world))


def _write_page(target: Target, docs: Docs, _: DocsPage, __: Verdict) -> None:
    docs.page.parent.mkdir(parents=True, exist_ok=True)
    docs.page.write_text(page_text(target, docs.page.stem), encoding="utf-8")


def _fix_front_matter(_: Target, docs: Docs, __: DocsPage, verdict: Verdict) -> None:
    page = _named_page(docs, verdict)
    _edit(page, markdown_edits.fix_front_matter, page.stem)


def _escape(_: Target, docs: Docs, seen: DocsPage, verdict: Verdict) -> None:
    """Escape the line that the compiler names, in its message or beside it."""
    line = re.search(r"\((\d+):\d+-\d+:\d+\)|\"line\": (\d+)", seen.site.words)
    if line:
        _edit(_named_page(docs, verdict), markdown_edits.escape_line, int(line[1] or line[2]))


def _fix_links(_: Target, docs: Docs, __: DocsPage, verdict: Verdict) -> None:
    broken = verdict.evidence.rpartition(": ")[2]
    pages = [file for file in sorted(docs.folder.rglob("*")) if file.suffix in _PAGES]
    for page in pages:
        _edit(page, markdown_edits.fix_links, page, pages, broken)


def _add_to_sidebar(_: Target, docs: Docs, __: DocsPage, ___: Verdict) -> None:
    beside = [_id_of(file) for file in docs.referring]
    _edit(docs.page, markdown_edits.show_in_sidebar)
    for file in sorted(docs.folder.glob("sidebars.*")):
        _edit(file, markdown_edits.add_to_sidebars, _id_of(docs.page), beside)


def _link(_: Target, docs: Docs, __: DocsPage, ___: Verdict) -> None:
    title = re.search(r"(?m)^title: (.+)$", _read(docs.page))
    name = title[1].strip() if title else docs.page.stem
    file = docs.referring[0]
    _edit(file, markdown_edits.add_link, name, docs.page, file)


def _add_sections(target: Target, docs: Docs, seen: DocsPage, _: Verdict) -> None:
    if seen.site.page:
        for subject in missing_subjects(seen.site.page):
            _edit(docs.page, markdown_edits.add_section, section_about(target, subject))


def _lower_owner(target: Target, docs: Docs, seen: DocsPage, _: Verdict) -> None:
    if seen.site.page:
        for wrong in named_images(target, seen.site.page).capitals:
            _edit(docs.page, markdown_edits.rename, wrong, wrong.lower())


def _correct_repositories(target: Target, docs: Docs, seen: DocsPage, _: Verdict) -> None:
    """Correct the repositories: by the chart in a table row, then names that no workload uses."""
    if seen.site.page is None:
        return
    told = chart_table(target, seen.site.page.rows)
    wanted = {
        chart_of(target, workload.name): workload.image.repository for workload in target.workloads
    }
    for chart, repository in told.items():
        if repository in wanted.values():
            _edit(docs.page, markdown_edits.correct_rows, chart, repository, wanted[chart])
        else:
            _edit(docs.page, markdown_edits.rename, repository, wanted[chart])
    if set(wanted) - set(told):
        _edit(docs.page, markdown_edits.add_section, section_about(target, next(iter(SUBJECTS))))


def _correct_secret(target: Target, docs: Docs, seen: DocsPage, _: Verdict) -> None:
    if seen.site.page:
        for name in named_secrets(seen.site.page):
            if name != target.pull_secret:
                _edit(docs.page, markdown_edits.rename, name, target.pull_secret)


def _replace_pictures(_: Target, docs: Docs, seen: DocsPage, __: Verdict) -> None:
    for error in seen.site.errors:
        if error.startswith("nothing answers "):
            source = urlsplit(error.removeprefix("nothing answers ")).path
            _edit(docs.page, markdown_edits.replace_picture, source)


_FIXES: dict[Cause | None, Callable[[Target, Docs, DocsPage, Verdict], None]] = {
    Cause.PAGE_MISSING: _write_page,
    Cause.FRONT_MATTER_BROKEN: _fix_front_matter,
    Cause.PAGE_DOES_NOT_COMPILE: _escape,
    Cause.LINK_BROKEN: _fix_links,
    Cause.PAGE_BREAKS_IN_BROWSER: _replace_pictures,
    Cause.PAGE_NOT_IN_SIDEBAR: _add_to_sidebar,
    Cause.PAGE_NOT_LINKED: _link,
    Cause.SUBJECT_MISSING: _add_sections,
    Cause.DOCS_OWNER_IN_CAPITALS: _lower_owner,
    Cause.DOCS_REPOSITORY_STALE: _correct_repositories,
    Cause.DOCS_SECRET_STALE: _correct_secret,
}


def _named_page(docs: Docs, verdict: Verdict) -> Path:
    """The page that the evidence begins with; the page of REG-007 if it names none."""
    name = verdict.evidence.partition(": ")[0]
    named = [
        file
        for file in docs.folder.rglob("*")
        if file.suffix in _PAGES and name.endswith(file.name)
    ]
    return named[0] if named else docs.page


def _id_of(page: Path) -> str:
    found = re.search(r"(?m)^id: (\S+)$", _read(page))
    return found[1] if found else page.stem


def _edit(file: Path, change: Callable[..., str], *arguments: object) -> None:
    """Write the result of `change` on the file's text, if it differs."""
    before = _read(file)
    after = change(before, *arguments)
    if after != before:
        file.write_text(after, encoding="utf-8")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _texts(folder: Path) -> dict[str, bytes]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _changed(before: Path, after: Path) -> dict[str, str]:
    """The new text, by file name, of every file that differs."""
    return {
        name: data.decode()
        for name, data in _texts(after).items()
        if not (before / name).is_file() or (before / name).read_bytes() != data
    }
