"""Suggested commands: where they stand in a verdict, which rows run them, and how files are edited."""

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from fixtures.scenario.suggested_commands import (
    BY_ARGOCD,
    COMMAND,
    ROWS,
    argocd_rows,
    command_of,
    edit_files,
    suggested_rows,
)
from pullrecovery.model.target import Cause, Verdict, fails
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import judge
from tests.situations import SUBJECTS

TARGET = load_target(Path(__file__).parents[1] / "sample")
# Programs that verdicts have one run; `git push && argocd …` is typed where Argo CD deploys.
_PROGRAM = re.compile(
    r"(?<![\w/`.-])(docker login|gh workflow|git push|helm \w+|jq -n|kubectl -n) "
)
# No row runs these: they say where or why and fix nothing, and one is typed on a node.
_NOT_RUN = {
    Cause.INIT_PENDING,
    Cause.IMAGE_UNREADABLE,
    Cause.RENDER_FAILED,
}


def _verdicts() -> list[tuple[str, Verdict]]:
    return [
        (reg, one)
        for situations in SUBJECTS.values()
        for seen in situations.values()
        for reg, verdict in judge(seen).items()
        for one in verdict.named
        if one.remedy
    ]


VERDICTS = {one.remedy: (reg, one) for reg, one in _verdicts()}


@pytest.mark.parametrize(("reg", "verdict"), VERDICTS.values(), ids=range(len(VERDICTS)))
def test_suggested_command_ends_its_verdict(reg, verdict):
    """From the first program that is named to the last character it is one line for a shell."""
    named = _PROGRAM.search(verdict.remedy)
    command = command_of(verdict)
    if "argocd" in verdict.remedy or Cause(verdict.cause).external:
        return

    assert bool(named) is bool(command), (reg, verdict.remedy)
    if named:
        assert COMMAND.search(verdict.remedy).start(1) == named.start()
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_every_cause_with_a_command_has_a_row():
    """In the task whose verdict suggests it; rows of REG-004 run what REG-006 says of the wiring."""
    suggesting = {one.cause for _, one in VERDICTS.values() if command_of(one)}
    rows = (*suggested_rows(TARGET), *argocd_rows(TARGET))
    played = {row.fault.cause for _, row in rows}

    assert suggesting - played == _NOT_RUN


def test_every_row_is_one_of_the_sample():
    """A fault that is renamed would else no longer be played."""
    rows = [(criterion, row.fault.id) for criterion, row in suggested_rows(TARGET)]

    assert set(rows) == {(criterion, name) for criterion in ROWS for name in ROWS[criterion]}
    assert {row.fault.id for _, row in argocd_rows(TARGET)} == set(BY_ARGOCD)
    wirings = {(row.workload.pull_secrets_key, row.wiring) for _, row in suggested_rows(TARGET)}
    assert len(wirings) == 3


@pytest.mark.parametrize(
    ("remedy", "keys", "values"),
    [
        (
            'set image.repository: ghcr.io/o/n in v.yaml and image.tag: "1.10" in v.yaml, then x',
            ["image.repository", "image.tag"],
            {"image": {"repository": "ghcr.io/o/n", "tag": "1.10", "digest": "sha256:0"}},
        ),
        (
            'set image.digest: "" in v.yaml, then helm x',
            ["image.digest"],
            {"image": {"repository": "r", "tag": 1, "digest": ""}},
        ),
        (
            "instead of c set a.b: [{name: n}] in v.yaml, then helm x",
            ["a.b"],
            {"a": {"b": [{"name": "n"}]}},
        ),
        ("add to secrets: [{name: n}] in v.yaml, then x", ["secrets"], {"secrets": ["m", "n"]}),
        ("take m out of secrets in v.yaml (and more), then x", ["secrets"], {"secrets": []}),
        (
            "set init[0].image: r:1 in v.yaml, then x",
            ["init[0].image"],
            {"init": [{"name": "i", "image": "r:1"}]},
        ),
    ],
    ids=["two", "digest", "instead", "added", "taken out", "container"],
)
def test_edit_is_made_as_it_is_printed(tmp_path, remedy, keys, values):
    """Each in the file that it names, and nothing else is changed."""
    file = tmp_path / "v.yaml"
    text = "# kept\nimage: {repository: r, tag: 1, digest: 'sha256:0'}\nsecrets: [{name: m}]\n"
    file.write_text(f"{text}init: [{{name: i, image: 'r:0'}}]\n")
    before = YAML(typ="safe").load(file.read_text())

    assert edit_files(remedy, tmp_path) == keys

    after = YAML(typ="safe").load(file.read_text())
    if "secrets" in values:
        values = {"secrets": [{"name": name} for name in values["secrets"]]}
    assert after == before | values
    assert file.read_text().startswith("# kept\n")


def test_verdict_without_a_command_has_none():
    """What a person does at GitHub is no command."""
    assert command_of(fails(Cause.SSO_MISSING, "", "authorise the token")) == ""
