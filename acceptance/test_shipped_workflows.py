"""The release workflow and the sample's gate workflow, run by act in the lab's runner.

A stub for Python only prints its arguments; all else is real. test_suite_image.py,
test_gate_live.py and test_gate_hook.py run the commands themselves.
"""

import re

from fixtures.lab.played_workflows import RELEASE, calls


def test_release_publishes_image_and_distributions(play_release):
    """The image's token is on standard input; the job that publishes to PyPI has no checkout."""
    played = play_release(RELEASE)

    assert played.succeeded, played.log
    image = f"ghcr.io/bytequester/pull-recovery:{RELEASE.removeprefix('v')}"
    (pushed,) = calls(played, "image")
    week = r"--week \d{4}-W\d{2}"
    assert re.fullmatch(
        rf"suite-image --push {re.escape(image)} --token-stdin {week} \| stdin=GITHUB_TOKEN", pushed
    ), pushed
    assert "artifact suite-image: .reports/suite-image/digest" in played.log
    assert "artifact suite-image: .reports/suite-image/sbom.cdx.json" in played.log
    assert calls(played, "distributions") == ["dist |"]
    assert "artifact sbom: .reports/dist/sbom.cdx.json" in played.log
    assert "published: pull_recovery-1.2.3-py3-none-any.whl" in played.log
    assert calls(played, "publish") == []


_VERIFYING = "PULL_RECOVERY_GATE_PUBLIC_KEY=PULL_RECOVERY_GATE_PUBLIC_KEY"


def test_gate_workflow_signs_and_promotes(play_gate):
    """Each job gets only the secrets that it needs: the job that judges has no key."""
    played = play_gate(0)

    assert played.succeeded, played.log
    (judged,) = calls(played, "judge")
    assert judged.startswith("gate --target /")
    assert f"/target --revision {played.sha} --kubernetes  --images live |" in judged
    assert judged.endswith("| GHCR_TOKEN=GHCR_TOKEN")
    key = f"PULL_RECOVERY_GATE_KEY=PULL_RECOVERY_GATE_KEY {_VERIFYING}"
    run_tokens = f"GHCR_TOKEN=GITHUB_TOKEN GITHUB_TOKEN=GITHUB_TOKEN {_VERIFYING}"
    assert calls(played, "sign") == [
        f"gate sign --revision {played.sha} | {key}",
        f"gate commit-status --repository ByteQuester/hosting-monorepo | {run_tokens}",
        f"gate keep | {run_tokens}",
    ]
    target = f"--target ../target --revision {played.sha} --branch promoted --world live"
    assert calls(played, "promote") == [
        f"gate promote {target} | GHCR_TOKEN=GHCR_TOKEN {_VERIFYING}"
    ]


def test_gate_workflow_publishes_hold(play_gate):
    """The run fails with the gate's exit code, and the record is still handed over."""
    played = play_gate(1)

    assert not played.succeeded
    assert played.failed_step.name == "Judge the commit", played.log
    assert [call.split(" --")[0].split(" |")[0] for call in calls(played)] == [
        "gate",
        "gate sign",
        "gate commit-status",
        "gate keep",
    ]


def test_gate_workflow_without_record_signs_nothing(play_gate):
    """The judging job ends without a verdict, and the key is not read."""
    played = play_gate(4)

    assert not played.succeeded
    assert "Artifact not found for name: judged" in played.log
    assert [call.split(" --")[0] for call in calls(played)] == ["gate"]
