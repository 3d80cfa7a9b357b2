"""REG-007: document it (after REG-006).

The criterion passes if the docs site builds with a page about registry authentication. The page
must have its four subjects, render in a browser without errors and match the target; and a page
that people read first must link to it.
"""

from dataclasses import replace

import pytest

from fixtures.scenario.documents import keep_screenshot
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.verdict import fails, passes
from pullrecovery.monorepo.docs_page import chart_of, chart_table
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.docs import observe_docs
from pullrecovery.tasks.reg_007_document import judge_docs


def test_page_renders_without_errors(lab_world, target):
    """Build the site as it ships; the screenshot goes into the reports."""
    seen = observe_docs(lab_world)

    assert judge_docs(target, seen) == passes()
    assert seen.site.errors == ()
    assert keep_screenshot(seen, "registry-auth").stat().st_size > 10_000


def test_link_of_one_referring_page_suffices(lab_world, target, referring):
    """The link of each page for newcomers works, with no other page that links."""
    docs = replace(target.docs, referring=(referring,))
    world = replace(lab_world, target=replace(target, docs=docs))

    seen = observe_docs(world)

    assert judge_docs(world.target, seen) == passes()
    assert list(seen.site.referring.values()) == [seen.site.path]


def test_page_table_matches_rendered_charts(lab_world, target):
    """The page's table of charts matches what Helm renders for each chart."""
    world = lab_world
    told = chart_table(target, observe_docs(world).site.page.rows)

    rendered = {
        chart_of(target, workload.name): {
            parse_reference(image).repository
            for image in observe_chart(world.helm, workload).images
        }
        for workload in target.workloads
    }

    assert {chart: {repository} for chart, repository in told.items()} == rendered


@pytest.mark.scenarios("REG-007")
def test_docs_that_do_not_help_recover(docs_run, write_page):
    """No page, no link to it, a site that does not build, or a page with wrong statements."""
    assert docs_run.verdict() == fails(docs_run.fault.cause)
    planned = write_page(dry_run=True)
    assert docs_run.verdict() == fails(docs_run.fault.cause)

    change = write_page()

    assert docs_run.recovered() == passes()
    assert change.diff == planned.diff
    assert write_page().diff == ""
