"""Faults of REG-007: the page, the way to it, the site that it is in, and what it says.

They spoil a copy of the docs, and show in the site's build or in a browser. Pods feel none of it.
"""

import re
from collections.abc import Callable

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Documented, Fault
from pullrecovery.model import Cause

_ALONE = frozenset({"REG-007"})
_LAST_SUBJECT = "## Case sensitivity"


def _edit(ground: Ground, pattern: str, text: str) -> None:
    """Replace every match in the page; a page without one cannot be spoiled so."""
    page = ground.docs.page
    spoiled, count = re.subn(pattern, text, page.read_text(encoding="utf-8"))
    if not count:
        raise AssertionError(f"{page.name} has nothing like {pattern}")
    page.write_text(spoiled, encoding="utf-8")


def _append(ground: Ground, text: str) -> None:
    page = ground.docs.page
    page.write_text(page.read_text(encoding="utf-8") + f"\n{text}\n", encoding="utf-8")


def _remove_page(ground: Ground) -> None:
    ground.docs.page.unlink()


def _break_front_matter(ground: Ground) -> None:
    # As people do it: a title with a bracket that nobody closes, and no quotes.
    _edit(ground, r"(?m)^title: (.*)$", r"title: [draft \1")


def _leave_jsx_open(ground: Ground) -> None:
    _append(ground, "Write <owner> in lower case, as in ghcr.io/<owner>/<name>.")


def _break_link(ground: Ground) -> None:
    _append(ground, "The workflows are in [CI smart build](./ci-smart-biuld.md).")


def _break_anchor(ground: Ground) -> None:
    _append(ground, "Tags are [pushed by CI](./ci-smart-build.md#two-workflow).")


def _leave_out_of_sidebar(ground: Ground) -> None:
    sidebars = next(ground.docs.folder.glob("sidebars.*"))
    listed = re.compile(rf",?\s*'{re.escape(ground.docs.page.stem)}'")
    sidebars.write_text(listed.sub("", sidebars.read_text()))


def _unlink(ground: Ground) -> None:
    """What leads to the page becomes mere words, in every referring page."""
    link = re.compile(rf"\[([^\]]+)\]\([^)]*{re.escape(ground.docs.page.name)}[^)]*\)")
    for page in ground.docs.referring:
        page.write_text(link.sub(r"\1", page.read_text(encoding="utf-8")), encoding="utf-8")


def _drop_subject(ground: Ground) -> None:
    _edit(ground, rf"(?s){_LAST_SUBJECT}.*", "")
    # What led to it would be broken as well.
    _edit(ground, r"\[([^]]+)\]\(#case-sensitivity\)", r"\1")


def _empty_subject(ground: Ground) -> None:
    _edit(ground, rf"(?s){_LAST_SUBJECT}.*", f"{_LAST_SUBJECT}\n\nTo be written.\n")


def _rename_secret(ground: Ground) -> None:
    _edit(ground, rf"\b{re.escape(ground.secret_name)}\b", "regcred")


def _rename_repository(ground: Ground) -> None:
    """One that was renamed since, and the page with it was not."""
    image = ground.lab_world.world.target.workloads[0].image
    _edit(ground, rf"{re.escape(image.repository)}\b", f"{image.repository}-old")


def _swap_charts(ground: Ground) -> None:
    """Both repositories are the target's; it is the other chart that takes each."""
    first, second, *_ = ground.lab_world.world.target.workloads
    names = {first.image.repository: second.image.repository}
    names |= {new: old for old, new in names.items()}
    page = ground.docs.page
    either = "|".join(rf"(?<=^\| `){re.escape(name)}(?=`)" for name in names)
    text = re.sub(rf"(?m){either}", lambda found: names[found[0]], page.read_text())
    page.write_text(text, encoding="utf-8")


def _capitalise_owner(ground: Ground) -> None:
    target = ground.lab_world.world.target
    image = target.workloads[0].image
    name = image.package.partition("/")[2]
    capitals = f"{target.registry}/{target.login}/{name}"
    _edit(ground, rf"(?<=crane ls ){re.escape(image.repository)}", capitals)


def _show_missing_picture(ground: Ground) -> None:
    # The build looks after the pictures of Markdown, not after those of JSX.
    _append(ground, '<img src="/img/wiring.png" alt="from the Secret to the pod" />')


def _row(
    fault: str, cause: Cause, message: str, break_it: Callable[[Ground], None], reason: str = "page"
) -> Fault:
    symptom = Documented(reason, re.compile(message, re.DOTALL | re.MULTILINE))
    return Fault(fault, "REG-007", cause, _ALONE, symptom, break_it)


FAULTS = (
    _row(
        "page-missing",
        Cause.PAGE_MISSING,
        r"sidebar document ids do not exist:\s+- registry-auth",
        _remove_page,
        "build",
    ),
    _row(
        "front-matter-broken",
        Cause.FRONT_MATTER_BROKEN,
        r"missed comma between flow collection entries",
        _break_front_matter,
        "build",
    ),
    _row(
        "page-does-not-compile",
        Cause.PAGE_DOES_NOT_COMPILE,
        r"MDX compilation failed for file",
        _leave_jsx_open,
        "build",
    ),
    _row(
        "page-link-broken",
        Cause.LINK_BROKEN,
        r"Markdown link with URL `\./ci-smart-biuld\.md`",
        _break_link,
        "build",
    ),
    _row(
        "page-anchor-broken",
        Cause.LINK_BROKEN,
        r"found broken anchors.*linking to \S+#two-workflow\b",
        _break_anchor,
        "build",
    ),
    _row(
        "page-not-in-sidebar",
        Cause.PAGE_NOT_IN_SIDEBAR,
        r"^sidebar: nothing$",
        _leave_out_of_sidebar,
    ),
    _row("page-not-linked", Cause.PAGE_NOT_LINKED, r"^no page leads to it$", _unlink),
    _row(
        "page-picture-missing",
        Cause.PAGE_BREAKS_IN_BROWSER,
        r"^error: nothing answers \S+/img/wiring\.png$",
        _show_missing_picture,
    ),
    _row(
        "subject-missing",
        Cause.SUBJECT_MISSING,
        r"^sections: (?![^\n]*Case)[^\n]*",
        _drop_subject,
    ),
    _row("subject-empty", Cause.SUBJECT_MISSING, r"^To be written\.$", _empty_subject),
    _row(
        "page-secret-stale",
        Cause.DOCS_SECRET_STALE,
        r"secret docker-registry regcred\b",
        _rename_secret,
    ),
    _row(
        "page-repository-stale",
        Cause.DOCS_REPOSITORY_STALE,
        r"crane ls \S+-old$",
        _rename_repository,
    ),
    _row(
        "page-charts-swapped",
        Cause.DOCS_REPOSITORY_STALE,
        r"/frontend-sample[\s|]+apps/frontend[\s|]+charts/frontend\s",
        _swap_charts,
    ),
    _row(
        "page-owner-in-capitals",
        Cause.DOCS_OWNER_IN_CAPITALS,
        r"crane ls ghcr\.io/\S*[A-Z]",
        _capitalise_owner,
    ),
)
