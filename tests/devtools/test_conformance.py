"""The results of the conformance suite: their parser, and the failures of the emulator."""

import re

import pytest

from devtools.conformance.command import GHCR_DIFFERS, ConformanceOutcome, summary
from devtools.conformance.results import (
    ConformanceCase,
    Difference,
    Results,
    ResultsError,
    Tally,
    lost,
    read_cases,
    tally,
)
from devtools.conformance.suite import (
    LEFT_OUT,
    RegistryUnderTest,
    SuiteExpectation,
    configuration,
    read_expected,
)
from pullrecovery.common.errors import Exit
from pullrecovery.common.suite_files import SUITE_ROOT

ORDER = Difference("/tag-list", re.compile(r'tag "\S+" returned'), "in the order of pushes")


def junit(folder, *cases):
    """Write a junit.xml as the suite does."""
    rows = "".join(
        f'<testcase name="OCI Conformance Test/{name}" classname="" time="0.1" status="{status}">'
        f"<system-out>{said}</system-out></testcase>"
        for name, status, said in cases
    )
    file = folder / "junit.xml"
    file.write_text(f'<testsuites tests="1"><testsuite name="s">{rows}</testsuite></testsuites>')
    return file


def results(**tallies):
    """Return results by name, each as (passed, failed, differing, skipped)."""
    return Results({name: Tally(*numbers) for name, numbers in tallies.items()})


def test_cases_are_read_with_what_was_wrong(tmp_path):
    """The suite's own name is removed, because every test has it."""
    file = junit(tmp_path, ("image/head", "passed", ""), ("image/pull", "failure", "a&#xA;b"))

    assert read_cases(file) == [
        ConformanceCase("image/head", "passed"),
        ConformanceCase("image/pull", "failure", "a\nb"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("<testsuites>", "is no XML"),
        ("<testsuites/>", "has no test in it"),
    ],
    ids=["missing", "cut off", "empty"],
)
def test_uninformative_results_are_error(tmp_path, content, said):
    """The suite exits with 0 even if it could not begin."""
    file = tmp_path / "junit.xml"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ResultsError, match=said):
        read_cases(file)


@pytest.mark.parametrize("status", ["error", "", "flaky"])
def test_suite_error_is_no_verdict(tmp_path, status):
    """An error of the suite is a failure of neither the emulator nor distribution."""
    file = junit(tmp_path, ("image/push", status, "boom"))

    with pytest.raises(ResultsError, match="could not run image/push: boom"):
        read_cases(file)


def test_tests_of_same_name_are_counted():
    """The suite pushes several blobs under one name, in an order that changes."""
    found = tally(
        [
            ConformanceCase("push", "passed"),
            ConformanceCase("push", "failure"),
            ConformanceCase("push", "skipped"),
        ]
    )

    assert found.tally("push") == Tally(passed=1, failed=1, skipped=1)
    assert found.total == Tally(passed=1, failed=1, skipped=1)
    assert found.total.run == 2
    assert found.failing == ["push"]
    assert found.tally("no such test") == Tally()


@pytest.mark.parametrize(
    ("name", "said", "differs"),
    [
        ("image/tag-list", 'tag "a" returned', True),
        ("image/tag-list", 'tag "a" returned\ntag "b" returned', True),
        ("image/tag-list", 'tag "a" returned\nmissing tag "b"', False),
        ("image/tag-list", "", False),
        ("image/push", 'tag "a" returned', False),
    ],
    ids=["known", "known twice", "and another", "nothing said", "another test"],
)
def test_known_difference_explains_only_itself(name, said, differs):
    """A new failure in the same test still counts."""
    found = tally([ConformanceCase(name, "failure", said)], [ORDER])

    assert found.tally(name) == (Tally(differing=1) if differs else Tally(failed=1))


@pytest.mark.parametrize(
    ("emulator", "missed"),
    [
        ((2, 1, 0, 0), []),
        ((1, 1, 1, 0), []),
        ((3, 0, 0, 0), []),
        ((1, 2, 0, 0), ["push"]),
        ((1, 1, 0, 1), ["push"]),
        ((2, 2, 0, 0), ["push"]),
        ((0, 0, 0, 0), ["push"]),
    ],
    ids=["same", "differing", "better", "one fails", "one skipped", "one more fails", "none"],
)
def test_what_distribution_passes_must_pass(emulator, missed):
    """The test passes bare in two of three runs."""
    assert lost(results(push=(2, 1, 0, 0)), results(push=emulator)) == missed


def test_skipped_by_distribution_is_allowed():
    """The emulator need not pass what its storage does not support."""
    bare = results(delete=(0, 0, 0, 5), sha512=(0, 5, 0, 0))

    assert lost(bare, results(delete=(0, 0, 0, 5), sha512=(0, 5, 0, 0))) == []
    assert lost(bare, results(delete=(0, 0, 0, 5), sha512=(5, 0, 0, 0))) == []


@pytest.mark.parametrize(
    ("changed", "known", "ending", "said"),
    [
        ({}, {"push"}, Exit.PASS, "elsewhere too: pass"),
        (
            {"emulator over distribution": (0, 2, 0, 0)},
            {"push"},
            Exit.FAIL,
            "lost: push (passes on distribution, not on emulator over distribution)",
        ),
        (
            {"own storage": (0, 2, 0, 0), "emulator over own storage": (0, 2, 0, 0)},
            {"push"},
            Exit.FAIL,
            "lost: push (passes on distribution, not on own storage)",
        ),
        (
            {"own storage": (2, 0, 0, 0)},
            {"push"},
            Exit.FAIL,
            "lost: push (passes on own storage, not on emulator over own storage)",
        ),
        ({}, set(), Exit.FAIL, "ghcr-emulator.md does not say so: distribution: push"),
    ],
    ids=["pass", "lost in front", "lost on own storage", "lost before it", "unlisted failure"],
)
def test_outcome_has_its_code_and_its_names(changed, known, ending, said):
    """One test passes once and fails once on every subject, apart from the changed one."""
    names = (
        "distribution",
        "emulator over distribution",
        "own storage",
        "emulator over own storage",
    )
    found = {name: results(push=changed.get(name, (1, 1, 0, 0))) for name in names}
    outcome = ConformanceOutcome(found, SuiteExpectation(2, known, {"push"}))

    assert outcome.exit == ending
    assert said in "\n".join(summary(outcome))


def test_configuration_skips_only_ghcr_gaps():
    """The configuration skips referrers, deletes, and the cancelling of an upload."""
    made = configuration(RegistryUnderTest("ghcr.io", tls=True, login="me", token="t"), "me")

    assert made["apis"] == {
        "referrer": False,
        "tags": {"delete": False},
        "manifests": {"delete": False},
        "blobs": {"delete": False, "uploadCancel": False},
    }
    assert made["tls"] == "enabled"
    assert (made["repo1"], made["repo2"]) == ("me/first", "me/second")
    assert set(made) == {
        "version", "registry", "tls", "repo1", "repo2", "username", "password", "resultsDir", "apis"
    }  # fmt: skip


def test_page_names_tests_distribution_fails():
    """The page lists every known failure that the command reads."""
    page = (SUITE_ROOT / "docs" / "ghcr-emulator.md").read_text()
    expected = read_expected()

    assert expected.distribution_fails
    assert [name for name in sorted(expected.distribution_fails) if f"`{name}`" not in page] == []


def test_page_names_skips_and_differences():
    """The page has the list of the code."""
    page = " ".join((SUITE_ROOT / "docs" / "ghcr-emulator.md").read_text().split())

    assert [what for what in LEFT_OUT if what not in page] == []
    assert [
        ghcr_differ.reason for ghcr_differ in GHCR_DIFFERS if ghcr_differ.reason not in page
    ] == []
    assert f"{read_expected().least_tests} tests" in page
