"""REG-007: document it (after REG-006).

Holds when the docs site builds, the page about registry authentication is in it with its four
subjects, shown by a browser without complaint and true of the target, and a page that people read
first leads to it.
"""

from dataclasses import replace

import pytest

from fixtures.scenario.documents import keep_screenshot
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.verdict import fails, holds
from pullrecovery.monorepo.docs_page import chart_of, chart_table
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.docs import observe_docs
from pullrecovery.tasks.reg_007_document import judge_docs


def test_page_shows_in_a_browser_without_errors(lab_world, target):
    """The site as it ships; the screenshot goes into the reports."""
    seen = observe_docs(lab_world.world)

    assert judge_docs(target, seen) == holds()
    assert seen.site.errors == ()
    assert keep_screenshot(seen, "registry-auth").stat().st_size > 10_000


def test_link_of_one_referring_page_suffices(lab_world, target, referring):
    """The link of each page that newcomers read is clicked, with no other page to rely on."""
    docs = replace(target.docs, referring=(referring,))
    world = replace(lab_world.world, target=replace(target, docs=docs))

    seen = observe_docs(world)

    assert judge_docs(world.target, seen) == holds()
    assert list(seen.site.referring.values()) == [seen.site.path]


def test_table_of_charts_and_images_is_what_helm_renders(lab_world, target):
    """What the page says a chart takes is what Helm makes of that chart."""
    world = lab_world.world
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
def test_docs_that_do_not_help_recover(broken_docs, write_page):
    """No page, no way to it, a site that does not build, or words that are not true."""
    assert broken_docs.verdict() == fails(broken_docs.fault.cause)
    planned = write_page(dry_run=True)
    assert broken_docs.verdict() == fails(broken_docs.fault.cause)

    change = write_page()

    assert broken_docs.recovered() == holds()
    assert change.diff == planned.diff
    assert write_page().diff == ""
