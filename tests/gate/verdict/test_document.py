"""The decision that follows from the checks, and the verdict's document."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.gate.releases import chart_digest
from pullrecovery.gate.verdict.document import (
    Checks,
    Decision,
    Failure,
    VerdictError,
    decide,
    failures,
    from_document,
    to_document,
)
from pullrecovery.model.target import Image, Workload
from pullrecovery.model.verdict import Cause, all_named, fails, not_applicable, passes, unknown
from tests.fakes.verdicts import CRITERIA, JUDGED, checks, verdict

SCHEMA = json.loads((SUITE_ROOT / "docs" / "gate-verdict.schema.json").read_text())
STALE = Failure("frontend REG-006", Cause.RELEASE_STALE, "seen", "helm upgrade …")
OUTAGE = Failure("frontend REG-006", Cause.SERVER_ERROR, "the registry answered 503")
STRANGE = Failure("frontend REG-006", Cause.UNKNOWN, "who knows")
LAST = "frontend REG-006"


def _decide(found, *, workloads=(JUDGED,), partial=False, doubts=()):
    return decide(found, workloads, partial=partial, doubts=doubts)


def test_passing_checks_promote():
    """A promotion needs all checks to pass."""
    assert _decide(checks()) == (Decision.PROMOTE, ())


@pytest.mark.parametrize(
    ("found", "arguments", "decision", "reason"),
    [
        (checks(failed=(STALE,)), {}, "hold", "frontend REG-006: cluster.release-stale"),
        (checks(failed=(OUTAGE,)), {}, "cannot-tell", "frontend REG-006: external.server-error"),
        (checks(failed=(STRANGE,)), {}, "cannot-tell", "frontend REG-006: unknown"),
        (checks(run=()), {}, "cannot-tell", "nothing was judged: no check was run"),
        (Checks(), {}, "cannot-tell", "nothing was judged: no check was run"),
        (checks(), {"workloads": ()}, "cannot-tell", "no workload was judged"),
        (checks(), {"partial": True}, "cannot-tell", "not every check was selected"),
        (checks(), {"doubts": ("lab: not after 90 s",)}, "cannot-tell", "lab: not after 90 s"),
        (
            checks(run=checks().declared[:2], skipped=(LAST,)),
            {},
            "cannot-tell",
            "a skipped test is no pass: frontend REG-006",
        ),
        (checks(run=checks().declared[:2]), {}, "cannot-tell", "frontend REG-006 was not run"),
        (
            checks(run=checks().declared[:1]),
            {},
            "cannot-tell",
            "2 checks were not run: frontend REG-005, frontend REG-006",
        ),
        (
            checks(declared=checks().declared[:2]),
            {},
            "cannot-tell",
            "frontend REG-006 was run and not declared",
        ),
        (
            checks(),
            {"workloads": (replace(JUDGED, image=""),)},
            "cannot-tell",
            f"no digest is known of {JUDGED.reference}",
        ),
    ],
    ids=[
        "a failure",
        "an outage",
        "an unknown cause",
        "no test run",
        "nothing collected",
        "no workload",
        "a selection",
        "a time-out",
        "a skip",
        "a missing criterion",
        "several of them",
        "an undeclared one",
        "no digest",
    ],
)
def test_missing_check_is_not_promoted(found, arguments, decision, reason):
    """A gate without checks must not promote."""
    decided, reasons = _decide(found, **arguments)

    assert decided == decision
    assert reason in reasons


@pytest.mark.parametrize("verdict_of", [unknown, not_applicable])
def test_verdict_that_is_no_pass_is_not_promoted(verdict_of):
    """A criterion that could not be judged makes the gate inconclusive, and says why."""
    failed = failures("frontend REG-006", verdict_of("the API server forbids to list pods"))

    assert [failure.evidence for failure in failed] == ["the API server forbids to list pods"]
    assert _decide(checks(failed=failed)) == (
        Decision.INCONCLUSIVE,
        ("frontend REG-006: unknown",),
    )


def test_revision_failure_outweighs_unknown():
    """A broken revision is held even while the registry is down."""
    decided, reasons = _decide(
        checks(run=checks().declared[:2], failed=(STALE, OUTAGE)), doubts=("lab: timed out",)
    )

    assert decided is Decision.HOLD
    assert reasons[0] == str(STALE)
    assert "lab: timed out" in reasons


def test_optional_check_holds_nothing():
    """REG-008 holds only where target.yaml requires it, but is always shown."""
    assert _decide(checks(optional=(LAST,), failed=(STALE,)))[0] is Decision.PROMOTE
    assert _decide(checks(optional=(LAST,), run=checks().declared[:2]))[0] is Decision.PROMOTE


@pytest.mark.parametrize(("decision", "code"), [("promote", 0), ("hold", 1), ("cannot-tell", 2)])
def test_each_decision_has_its_exit_code(decision, code):
    """A pipeline sees only the exit code."""
    assert Decision(decision).exit == code


def test_causes_are_kept_and_evidence_cut():
    """Causes stay in the order of their fixes; a whole log is too long for a signed text."""
    found = all_named(
        fails(Cause.SECRET_MISSING, "x" * 5000, "kubectl create secret …"),
        fails(Cause.NOT_WIRED, "no pull secret", "helm upgrade …"),
    )

    kept = failures("frontend REG-006", found)

    assert [each.cause for each in kept] == ["secret.missing", "wiring.not-wired"]
    assert len(kept[0].evidence) < 2100
    assert failures("frontend REG-006", passes("well")) == ()


def test_verdict_round_trips_by_schema():
    """Other tools read the verdict by docs/gate-verdict.schema.json."""
    Draft202012Validator.check_schema(SCHEMA)
    for each in (verdict(), verdict(checks=checks(failed=(STALE,)), doubts=("late",))):
        document = json.loads(json.dumps(to_document(each)))

        Draft202012Validator(SCHEMA).validate(document)
        assert from_document(document) == each


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 2}, "schema is 2, and 1 is what is known"),
        ({"schema": None}, "schema is None"),
        ({"issued": "2026-11-24T12:00:00"}, "has no time zone"),
        ({"decision": "yes"}, "'yes' is not a valid Decision"),
        ({"forced": True}, "unexpected keyword argument 'forced'"),
        ({"checks": None}, "no verdict of schema 1"),
        ({"workloads": [{"name": "frontend"}]}, "missing 6 required positional arguments"),
    ],
    ids=["newer", "none", "naive time", "decision", "more keys", "no checks", "half a workload"],
)
def test_invalid_document_is_refused(change, reason):
    """A verdict with an unknown content is an error."""
    with pytest.raises(VerdictError, match=reason):
        from_document(to_document(verdict()) | change)


def test_schema_covers_test_criteria():
    """The pattern of a check's name is in the schema and in the code."""
    pattern = SCHEMA["$defs"]["check"]
    for criterion in CRITERIA:
        Draft202012Validator(pattern).validate(f"frontend {criterion}")


def _workload(folder: Path, *values: str) -> Workload:
    chart = folder / "chart"
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text("name: frontend\n")
    (chart / "templates" / "deployment.yaml").write_text("kind: Deployment\n")
    files = tuple(folder / name for name in values)
    for file in files:
        file.write_text(f"# {file.name}\n")
    image = Image("ghcr.io/bytequester/hosting-monorepo", "v1")
    return Workload("frontend", chart, files, "frontend-dev", image, "imagePullSecrets", folder)


def test_chart_digest_matches_sha256sum(tmp_path):
    """docs/gate.md shows a shell command for the digest, which equals this package's."""
    (tmp_path / "values").mkdir()
    workload = _workload(tmp_path, "values/0", "values/1")
    command = "find chart values -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    summed = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=True)

    assert chart_digest(workload) == f"sha256:{summed.stdout.decode().split()[0]}"


@pytest.mark.parametrize("change", ["content", "name", "new file", "values", "values' order"])
def test_another_chart_has_another_digest(tmp_path, change):
    """The digest covers all files of the chart."""
    workload = _workload(tmp_path, "a.yaml", "b.yaml")
    before = chart_digest(workload)
    chart = workload.chart / "Chart.yaml"
    if change == "content":
        chart.write_text("name: backend\n")
    elif change == "name":
        chart.rename(workload.chart / "Chart.yml")
    elif change == "new file":
        (workload.chart / "values.yaml").write_text("")
    elif change == "values":
        workload.values[1].write_text("image: {}\n")
    else:
        workload = replace(workload, values=workload.values[::-1])

    assert chart_digest(workload) != before


def test_chart_digest_ignores_checkout_path(tmp_path):
    """The gate judges a copy of the revision, and a verifier has another copy."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()

    assert chart_digest(_workload(here, "a.yaml")) == chart_digest(_workload(there, "a.yaml"))
