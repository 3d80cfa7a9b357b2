"""Read the records of the fixtures that still write dicts with the keys of schema 1."""

import json
from typing import Any, Literal

from pullrecovery.report.records import (
    CauseRecord,
    ControlRecord,
    PullRecord,
    ScenarioRecord,
    SecondsRecord,
    StoryStep,
    SymptomRecord,
    WorkflowRunRecord,
    from_json,
)

Kind = Literal["healthy", "no-op", "other-remediation"]
_OUTCOMES: dict[str, Literal["pass", "not-recovered", "error"]] = {
    "holds": "pass",
    "not_recovered": "not-recovered",
}


def scenario_or_control(text: str) -> ScenarioRecord | ControlRecord:
    """Return the record in a report's `scenario`."""
    document = json.loads(text)
    if "control" in document:
        return _control(document)
    return _scenario(document) if "reg" in document else from_json(ScenarioRecord, text)


def story_steps(text: str) -> tuple[StoryStep, ...]:
    """Return the steps in a report's `story`."""
    steps = json.loads(text)
    for step in steps:
        if "left" in step:
            step["still_failing"] = step.pop("left")
    return from_json(tuple[StoryStep, ...], json.dumps(steps))


def _control(document: dict[str, Any]) -> ControlRecord:
    nothing = document["id"].startswith(("nothing-for-", "privilege-"))
    kind: Kind = "no-op" if nothing else "other-remediation"
    outcome = _OUTCOMES.get(document.get("ended", ""), "error")
    kind = "healthy" if document["control"] == "healthy" else kind
    return ControlRecord(document["id"], kind, outcome)


def _scenario(document: dict[str, Any]) -> ScenarioRecord:
    cause, seconds = document.get("cause"), document["seconds"]
    return ScenarioRecord(
        id=document["id"],
        criterion=document["reg"],
        fault=document["fault"],
        release=document["workload"],
        workload=document["workload"],
        kind="Deployment",
        namespace=document["namespace"],
        wiring=document["wiring"],
        deploy=document["deploy"],
        expected_failures=tuple(document["must_fail"]),
        cause=CauseRecord(cause["expected"], cause["found"]) if cause else CauseRecord("unknown"),
        detected=_criteria(document, "killed"),
        after=_criteria(document, "mended"),
        symptom=SymptomRecord(**document["symptom"]) if "symptom" in document else None,
        seconds=SecondsRecord(
            seconds.get("break"), seconds.get("detect"), seconds.get("diagnose"), None,
            seconds.get("recover"),
        ),
        pull=PullRecord(**document["pull"]) if "pull" in document else None,
        run=_run(document["run"]) if "run" in document else None,
        diff=tuple(document.get("diff", ())),
    )  # fmt: skip


def _criteria(document: dict[str, Any], key: str) -> tuple[str, ...] | None:
    return tuple(document[key]) if key in document else None


def _run(run: dict[str, Any]) -> WorkflowRunRecord:
    return WorkflowRunRecord(
        event=run["event"],
        commit=run["commit"],
        outcome=run["ended"],
        stubs=tuple(run["stand_ins"]),
        pushed=run["pushed"],
        listed=run["listed"],
        log=tuple(run["log"]),
    )
