"""The gate as documented, with the target's own gated Application and the real commands.

Automated sync is on, and the Application follows a branch that only `gate promote` moves.
"""

import re
import secrets
import shlex
import time

import pytest

from fixtures.gate.held_syncs import ready_pods
from pullrecovery.common.process import run
from pullrecovery.common.suite_files import REPORTS
from pullrecovery.diagnosis.application import diagnose_application
from pullrecovery.faults.rollout import await_rollout
from pullrecovery.model.verdict import Cause
from pullrecovery.observe.argocd import observe_application

pytestmark = pytest.mark.argocd

_WITHIN = 90.0


class _Story:
    """Follows each commit step by step, and writes a log of the run."""

    def __init__(self, gated):
        self.gated, self.lines, self.started = gated, [], time.monotonic()

    def log(self, line):
        self.lines.append(f"{time.monotonic() - self.started:6.1f} s  {line}")

    def commit(self, message):
        """Push a commit to main, and check that Argo CD does not sync it; returns its id."""
        gated = self.gated
        before, pods = gated.last_operation(), ready_pods(gated.sandbox)
        revision = gated.commands.clone.push(message)
        gated.refresh()
        assert gated.last_operation() == before
        assert ready_pods(gated.sandbox) == pods
        self.log(f"commit {revision}: {message}")
        self.log("  on main; no verdict yet, no sync, the pods are those of before")
        return revision

    def run(self, command, result, code):
        """Log a command's result; its exit code must be `code`."""
        assert result.code == code, result.output
        said = [line for line in result.output.splitlines() if re.match(r"\S", line)]
        self.log(f"  {command}: exit {code}: {_decision(said) if command == 'gate' else said[-1]}")

    def promote(self, message):
        """Push a commit that the gate promotes, and check that pods run its image."""
        gated, commands = self.gated, self.gated.commands
        revision = self.commit(message)
        self.run("gate", commands.judge(revision), 0)
        self.run("gate keep", commands.publish(), 0)
        self.run("gate promote", commands.promote(revision, gated.promoted), 0)
        assert commands.clone.head_of(gated.promoted) == revision
        gated.refresh()
        assert gated.await_automated_sync(revision) == "Succeeded", gated.conditions()
        self.log(f"  automated sync: Succeeded; hook: {gated.hook().said}")
        await_rollout(gated.sandbox, _WITHIN)
        digest = commands.digest(gated.sandbox.workload.name)
        pods = ready_pods(gated.sandbox)
        assert pods
        assert all(image.endswith(digest) for image in pods.values())
        self.log(f"  the pods run {digest}")
        return pods

    def move_by_hand(self, revision, pods):
        """Push a commit to the promoted branch; returns how the hook ended, which must hold it."""
        gated = self.gated
        gated.commands.clone.git("push", "--quiet", "origin", f"{revision}:{gated.promoted_ref}")
        gated.refresh()
        assert gated.await_automated_sync(revision) == "Failed"
        held = gated.hook()
        assert (held.condition, held.code) == ("Failed", 1), held
        assert ready_pods(gated.sandbox) == pods
        self.log(f"  the branch moved by hand, automated sync: Failed; hook: {held.said}")
        return held.said

    def is_not_tried_again(self):
        """Refresh, and check that Argo CD does not sync a commit again that the hook held."""
        gated = self.gated
        before = gated.last_operation()
        gated.refresh()
        assert gated.last_operation() == before
        self.log("  looked at again, not synced again; the pods are those of before")

    def close(self):
        """Write the log beside the reports, with the number of requests served and missed."""
        requests = self.gated.requests
        requests.stop()
        self.log(f"requests: {requests.served} served, {len(requests.missed)} missed")
        (REPORTS / "gate-end-to-end.txt").write_text("\n".join(self.lines) + "\n")


def _decision(said):
    return next(line for line in said if re.match(r"(promote|hold|cannot-tell): ", line))


def test_gate_decides_automated_sync(gated, record_property):
    """A is promoted; X has no verdict and B has the tag `dev`, so both are held; C is promoted."""
    story, commands = _Story(gated), gated.commands
    gated.want(secrets.token_hex(20))
    gated.apply()
    first = story.promote("A: a new build")
    gated.requests.start()

    gated.sandbox.set_value("replicaCount", 2)
    unjudged = story.commit("X: two replicas, not judged")
    said = story.move_by_hand(unjudged, first)
    assert said.startswith("hold: there is no verdict on this revision"), said
    story.is_not_tried_again()

    (values,) = gated.sandbox.workload.values
    commands.clone.pin("dev", values)
    bad = story.commit("B: tag dev")
    story.run("gate", commands.judge(bad), 1)
    story.run("gate keep", commands.publish(), 0)
    story.run("gate promote", commands.promote(bad, gated.promoted), 1)
    assert commands.clone.head_of(gated.promoted) == unjudged
    said = story.move_by_hand(bad, first)
    assert said.startswith("hold: "), said

    commands.clone.git("checkout", "--quiet", unjudged, "--", str(values))
    gated.want(secrets.token_hex(20))
    last = story.promote("C: a new build")
    assert not first.keys() & last.keys()
    story.close()
    record_property("gate_end_to_end", "\n".join(story.lines))
    assert gated.requests.missed == []
    assert gated.requests.served > 0


def test_suggested_patch_keeps_hook_source(gated):
    """The chart's source follows another branch; the verdict's own command corrects it."""
    gated.apply()
    sandbox = gated.sandbox
    sources = gated.argocd.read(sandbox.workload)["spec"]["sources"]
    chart, hook = sources
    other = {**chart, "targetRevision": "hotfix"}
    gated.argocd.patch(sandbox.workload, {"spec": {"sources": [other, hook]}})

    application = observe_application(sandbox.world, sandbox.workload)
    verdict = diagnose_application(application)
    assert verdict.cause is Cause.APPLICATION_REVISION
    patch, _, sync = verdict.fix.partition(" && ")
    run(shlex.split(patch), env=sandbox.lab_world.lab.environment)

    assert gated.argocd.read(sandbox.workload)["spec"]["sources"] == sources
    assert sync.startswith("argocd app sync ")


SYNCS_WITHOUT_HOOKS = {
    "strategy apply": ({"syncStrategy": {"apply": {}}}, "the strategy apply runs no hooks"),
    "selected resources": (
        {"resources": [{"group": "apps", "kind": "Deployment", "name": "frontend"}]},
        "a sync of selected resources runs no hooks",
    ),
    "manifests": ({"manifests": ["{}"]}, "manifests that are in no commit were not judged"),
}


def test_sync_policy_requires_hooks(sync_policy):
    """The API server rejects a sync without hooks with a reason, and accepts one with hooks."""
    refused = {name: sync_policy(sync) for name, (sync, _) in SYNCS_WITHOUT_HOOKS.items()}

    assert [n for n, (_, why) in SYNCS_WITHOUT_HOOKS.items() if why not in refused[n]] == []
    assert sync_policy({"syncStrategy": {"hook": {}}}) == ""
