"""The gate's hook holds real syncs by Argo CD, each case with its own reason.

A first commit was promoted, and its pods serve requests during all tests.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from fixtures.gate.held_syncs import ready_pods
from ghcr_emulator.client import Hang, switched
from pullrecovery.monorepo.values_file import set_values

pytestmark = pytest.mark.argocd

_OTHER = "0" * 40
_OLD = timedelta(hours=25)
_INJECTION = 'x"\n            - name: GATE_WORKLOAD\n              value: "other'


def _elsewhere(verdict):
    (judged,) = verdict.workloads
    return replace(
        verdict,
        target="monorepo-dev",
        workloads=(replace(judged, namespace="frontend-elsewhere"),),
    )


def _other_values(verdict):
    (judged,) = verdict.workloads
    return replace(verdict, workloads=(replace(judged, values_files=("charts/prod.yaml",)),))


def _parameters(chart, _hook):
    chart["helm"]["parameters"] = [{"name": "replicaCount", "value": "3"}]


def _values_files(chart, _hook):
    # Helm reads values.yaml in any case.
    chart["helm"]["valueFiles"] = ["values.yaml", "values.yaml"]


def _parameter(name, value):
    def change(_chart, hook):
        (found,) = (each for each in hook["helm"]["parameters"] if each["name"] == name)
        found["value"] = value

    return change


VERDICTS = {
    "of another environment": (
        _elsewhere,
        ["on target monorepo-dev, and not on ", "judged for frontend-elsewhere, and not for "],
    ),
    "for other values files": (_other_values, ["and charts/prod.yaml is judged"]),
    "of another commit of the suite": (
        lambda verdict: replace(verdict, suite_commit=_OTHER),
        [f"the commit of the verdict's suite is {_OTHER}, and not "],
    ),
    "older than the hook takes": (
        lambda verdict: replace(verdict, issued=verdict.issued - _OLD),
        ["the verdict was issued at ", "over 24 hours ago"],
    ),
}
APPLICATIONS = {
    "parameters": (_parameters, ["helm.parameters is ", "replicaCount", "and none is judged"]),
    "values files": (_values_files, ["helm.valueFiles is ", "/values.yaml, and ", " is judged"]),
    "live images wanted": (
        _parameter("gate.world", "live"),
        ["found in the lab world, which is not taken here"],
    ),
}


def test_sync_of_what_was_not_judged_is_held(held_syncs):
    """The image exists, but the verdict or the Application is about something else."""
    for name, (change, reasons) in VERDICTS.items():
        held_syncs.publish(change(held_syncs.judged()))
        _check(name, held_syncs.held(), reasons)

    held_syncs.publish(held_syncs.judged())
    for name, (change, reasons) in APPLICATIONS.items():
        with held_syncs.application_with(change):
            _check(name, held_syncs.held(), reasons)

    set_values(held_syncs.values, {"replicaCount": 2})
    other = held_syncs.commit("not judged", promoted=False)
    with held_syncs.application_with(_other_branch(held_syncs.gated.commands.clone.main)):
        reasons = [f"{other} is synced, and {held_syncs.revision} is judged"]
        _check("another commit", held_syncs.held(), reasons)


def _check(name, ended, reasons):
    assert ended.code == 1, (name, ended.said)
    assert [reason for reason in reasons if reason not in ended.said] == [], (name, ended.said)


def _other_branch(branch):
    def change(chart, _hook):
        chart["targetRevision"] = branch

    return change


def test_values_overriding_hook_hold_sync(held_syncs):
    """The gate rejects a commit whose values set `gate`, and a tag stays one single value."""
    text = held_syncs.values.read_text()
    mine = {"gate.image": "ghcr.io/mallory/yes:1", "gate.key": "mine", "gate.account": "default"}
    set_values(held_syncs.values, mine)
    revision = held_syncs.commit("values of the hook")

    judged = held_syncs.gated.commands.judge(revision)
    ended = held_syncs.held()

    assert (judged.code, "sets `gate`" in judged.output) == (4, True), judged
    assert (ended.code, "there is no verdict on this revision" in ended.said) == (1, True), ended

    held_syncs.values.write_text(text)
    set_values(held_syncs.values, {"image.tag": _INJECTION})
    held_syncs.revision = held_syncs.commit("a tag with a quote and a newline")
    held_syncs.publish(held_syncs.judged())

    ended = held_syncs.held()

    assert (ended.code, "render.invalid-reference" in ended.said) == (1, True), ended


def test_injected_init_container_is_no_pull(held_syncs):
    """The injected container ends while the node still waits for the judged image."""
    sandbox = held_syncs.sandbox
    hanging = Hang(
        repository=sandbox.workload.image.package,
        route="manifest",
        credential=sandbox.credential.name,
    )
    version = held_syncs.injection_version()
    # A node that waits longer for the manifest requests a blob in its place.
    soon = held_syncs.application_with(_parameter("gate.deadline", "20"))
    with switched(sandbox.lab_world.control, hanging), soon:
        if version:
            with held_syncs.injecting(version):
                ended = held_syncs.meanwhile(held_syncs.held)
            assert ended.code == 2, ended.said
            said = ended.said
        else:
            # Kubernetes does not serve the policy's API by default in this version.
            said = held_syncs.meanwhile(held_syncs.pull_of_injected)

    assert [word for word in ("the probe ", "not after") if word not in said] == [], said
    assert ready_pods(sandbox) == held_syncs.pods
