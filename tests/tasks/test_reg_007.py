"""Check REG-007: when it passes, the cause of each fault of the docs, and its fix."""

import shutil
from dataclasses import replace

import pytest

from fixtures.scenario.checkouts import own_docs
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.diagnosis.docs import diagnose_build
from pullrecovery.faults import FAULTS
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.model.docs_site import DocsPage
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.verdict import Cause, fails, not_applicable, passes, unknown
from pullrecovery.monorepo.docs_page import SUBJECTS
from pullrecovery.monorepo.docs_page_template import page_text
from pullrecovery.monorepo.markdown_edits import add_to_sidebars
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.observe.docs import observe_docs
from pullrecovery.tasks import applicable, judge
from pullrecovery.tasks.reg_007_document import document, judge_docs
from pullrecovery.world.world import World
from tests.fakes.markdown_site import MarkdownSite
from tests.fakes.recorded import GOOD

TARGET = load_target(SUITE_ROOT / "sample")
ROWS = [fault for fault in FAULTS if fault.reg == "REG-007"]

# Output of Docusaurus 3.10.2, with the end cut off.
WORDS = {
    "a page without its closing bracket": (
        (
            '[ERROR] Error: Error while parsing Markdown front matter in file: "docs/registry-auth.md"\n'
            "  [cause]: YAMLException: missed comma between flow collection entries (4:1)"
        ),
        Cause.FRONT_MATTER_BROKEN,
    ),
    "a tag that nobody closes": (
        (
            '╰─▶   x Error: MDX compilation failed for file "docs/registry-auth.md"\n'
            "        │ Cause: Unexpected end of file in expression, expected a corresponding closing"
            " brace for `{`"
        ),
        Cause.PAGE_DOES_NOT_COMPILE,
    ),
    "a link to no page": (
        (
            '╰─▶   x Error: MDX compilation failed for file "docs/registry-auth.md"\n'
            "        │ Cause: Markdown link with URL `./no-such.md` in source file"
            ' "docs/registry-auth.md" (180:5) couldn\'t be resolved.'
        ),
        Cause.LINK_BROKEN,
    ),
    "a link to no anchor": (
        (
            "  - Broken anchor on source page path = /registry-auth:\n"
            "     -> linking to /ci-smart-build#nope"
        ),
        Cause.LINK_BROKEN,
    ),
    "a link to no path": (
        "  - Broken link on source page path = /registry-auth:\n     -> linking to /nowhere",
        Cause.LINK_BROKEN,
    ),
    "something else": ("[ERROR] Error: Cannot find module 'nowhere'", Cause.UNKNOWN),
}


@pytest.fixture(name="sandbox")
def _sandbox(tmp_path):
    """Return a sandbox with a copy of the sample's docs, and a test double for Docusaurus."""
    site = MarkdownSite()
    lab_world = World(TARGET, *[None] * 9, docs_site=site)
    workload = TARGET.workloads[0]
    docs = own_docs(TARGET.docs, tmp_path)
    return Sandbox(lab_world, workload, "values", None, None, own_docs=docs)


def _verdict(sandbox):
    return judge_docs(sandbox.world.target, observe_docs(sandbox.world))


def test_docs_of_the_sample_hold(sandbox):
    """The verdict names the page, and the pages that link to it."""
    verdict = _verdict(sandbox)

    assert verdict == passes()
    assert "/registry-auth" in verdict.evidence
    assert "/ci-smart-build, /onboarding leads to it" in verdict.evidence


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.id)
def test_docs_fault_is_named_and_fixed(sandbox, fault):
    """The task's remediation fixes each fault from the target and the observed docs."""
    fault.break_it(sandbox)
    shown = observe_docs(sandbox.world).site.shown

    assert fault.symptom.surface == "docs"
    assert fault.symptom.message.search(shown)
    assert _verdict(sandbox) == fails(fault.cause)
    assert document(sandbox.world).diff
    assert _verdict(sandbox) == passes()


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.id)
def test_symptom_does_not_show_in_good_docs(sandbox, fault):
    """Healthy docs show no symptom of any fault."""
    assert not fault.symptom.message.search(observe_docs(sandbox.world).site.shown)


def _texts(docs):
    return {file: file.read_bytes() for file in docs.folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.id)
def test_remediation_matches_dry_run(sandbox, fault):
    """A dry run shows the same change without writing; healthy docs are not written."""
    fault.break_it(sandbox)
    before = _texts(sandbox.docs)

    planned = document(sandbox.world, dry_run=True)

    assert _texts(sandbox.docs) == before
    assert document(sandbox.world) == planned
    fixed = _texts(sandbox.docs)
    again = document(sandbox.world)
    assert (again.summary, again.diff) == ("nothing to write", "")
    assert _texts(sandbox.docs) == fixed


@pytest.mark.parametrize("line", ["unlisted: true", "displayed_sidebar: null"])
def test_hidden_page_is_listed_again(sandbox, line):
    """An autogenerated sidebar omits a page whose front matter says so."""
    page = sandbox.docs.page
    good = page.read_text()
    page.write_text(good.replace("---\n", f"---\n{line}\n", 1))

    assert _verdict(sandbox) == fails(Cause.PAGE_NOT_IN_SIDEBAR)
    document(sandbox.world)

    assert page.read_text() == good
    assert _verdict(sandbox) == passes()


def test_listing_sidebar_is_unchanged():
    """A sidebar that lists the page is not edited, as the page is hidden for another reason."""
    text = "export default {docs: ['onboarding', 'registry-auth']};\n"

    assert add_to_sidebars(text, "registry-auth", ["onboarding"]) == text


def test_what_a_person_wrote_stays(sandbox):
    """A missing subject is added; the rest of the page does not change."""
    fault = next(row for row in ROWS if row.id == "page-subject-missing")
    fault.break_it(sandbox)
    written = sandbox.docs.page.read_text()

    document(sandbox.world)

    assert sandbox.docs.page.read_text().startswith(written.rstrip())


def test_several_causes_are_fixed_together(sandbox):
    """The cause to fix first comes first, and one remediation fixes all of them."""
    for name in ("page-owner-uppercase", "page-not-linked", "page-secret-stale"):
        next(row for row in ROWS if row.id == name).break_it(sandbox)

    verdict = _verdict(sandbox)

    assert [one.cause for one in verdict.named] == [
        Cause.PAGE_NOT_LINKED,
        Cause.DOCS_OWNER_IN_CAPITALS,
        Cause.DOCS_SECRET_STALE,
    ]
    document(sandbox.world)
    assert _verdict(sandbox) == passes()


def test_unfixable_part_is_kept_and_named(sandbox, monkeypatch):
    """A build error that no rule knows stays in the verdict."""
    broken = DocsPage("", replace(observe_docs(sandbox.world).site, words="[ERROR] no", page=None))
    monkeypatch.setattr("pullrecovery.tasks.reg_007_document.observe_docs", lambda _: broken)

    change = document(sandbox.world)

    assert change.diff == ""
    assert change.summary.startswith("nothing to write; left as it is: fail: unknown: [ERROR] no")


@pytest.mark.parametrize(("words", "cause"), WORDS.values(), ids=WORDS)
def test_docusaurus_messages_have_one_cause(words, cause):
    """Each message of Docusaurus has one cause, and the verdict names the page or path."""
    verdict = diagnose_build(words, TARGET.docs)

    assert verdict == fails(cause)
    assert cause is Cause.UNKNOWN or "registry-auth" in verdict.evidence


def test_written_page_has_every_fact():
    """The generated page has every fact that a reader needs."""
    text = page_text(TARGET, "registry-auth")

    assert all(
        heading.search(line) or not line.startswith("## ")
        for heading in SUBJECTS.values()
        for line in [
            next(splitline for splitline in text.splitlines() if heading.search(splitline))
        ]
    )
    assert "@" not in text.replace("| @base64", "")
    for workload in TARGET.workloads:
        assert workload.image.repository in text
        assert workload.pull_secrets_key in text


def test_reg_007_needs_target_with_docs():
    """The criterion does not apply to a target without docs, so it does not pass."""
    target = replace(TARGET, docs=None)
    verdict = judge(replace(GOOD, target=target))["REG-007"]

    assert "REG-007" not in applicable(target)
    assert verdict == judge_docs(target, GOOD.docs) == not_applicable("")
    assert not verdict.passes


def test_unobserved_docs_are_unknown():
    """Docs that were not observed do not pass, and the verdict says why."""
    docs = NotObserved("there is no browser")

    verdict = judge(replace(GOOD, target=TARGET, docs=docs))["REG-007"]

    assert verdict == judge_docs(TARGET, docs) == unknown("")
    assert verdict.evidence == "there is no browser"


def test_empty_page_fails_in_browser(sandbox):
    """A crash in the browser leaves an empty page or an error."""
    seen = observe_docs(sandbox.world)
    blank = replace(seen, site=replace(seen.site, page=replace(seen.site.page, text="")))

    verdict = judge_docs(sandbox.world.target, blank)

    assert verdict == fails(Cause.PAGE_BREAKS_IN_BROWSER)


def test_unlisted_page_blames_front_matter(sandbox):
    """A draft is not built into the site."""
    seen = observe_docs(sandbox.world)
    left_out = replace(seen, site=replace(seen.site, page=None, path=""))

    assert judge_docs(sandbox.world.target, left_out) == fails(Cause.FRONT_MATTER_BROKEN)


def test_docs_copy_has_no_npm_output(tmp_path):
    """The output of npm is hundreds of megabytes, and no fault needs it."""
    site = tmp_path / "site"
    shutil.copytree(TARGET.docs.folder, site)
    (site / "node_modules" / "x").mkdir(parents=True)
    docs = replace(TARGET.docs, folder=site, page=site / "docs" / "registry-auth.md", referring=())

    copy = own_docs(docs, tmp_path / "copy")

    assert copy.page.is_file()
    assert not (copy.folder / "node_modules").exists()
