"""The release workflow and the sample's gate workflow, run by act in the lab's runner.

Python only prints what it is asked for; all else is real. The commands themselves are run by
test_suite_image.py, test_gate_live.py and test_gate_hook.py.
"""

from fixtures.played_workflows import RELEASE, calls


def test_release_pushes_the_image_of_its_version(play_release):
    """The token goes by standard input; digest and SBOM are the artifact."""
    played = play_release(RELEASE)

    assert played.succeeded, played.log
    image = f"ghcr.io/bytequester/pull-recovery:{RELEASE.removeprefix('v')}"
    assert calls(played) == [f"suite-image --push {image} --token-stdin | stdin=GITHUB_TOKEN"]
    assert "artifact suite-image: .reports/suite-image/digest" in played.log
    assert "artifact suite-image: .reports/suite-image/sbom.cdx.json" in played.log


def test_release_of_another_version_pushes_nothing(play_release):
    """A tag that is not the package's version stops the run."""
    played = play_release("v99.0.0")

    assert "The tag v99.0.0 is not the version in pullrecovery/__init__.py." in played.said
    assert calls(played) == []


def test_gate_workflow_judges_publishes_and_promotes(play_gate):
    """Each command gets the secrets that it needs and no others."""
    played = play_gate(0)

    assert played.succeeded, played.log
    judged, signed, status, kept, promoted = calls(played)
    assert judged.startswith("gate --target /")
    assert f"/target --revision {played.sha} --kubernetes  --images live |" in judged
    assert judged.endswith("| GHCR_TOKEN=GHCR_TOKEN")
    signing = "| PULL_RECOVERY_GATE_KEY=PULL_RECOVERY_GATE_KEY"
    assert signed == f"gate sign --revision {played.sha} {signing}"
    key = "--key ../target/gate.pub"
    run_tokens = "| GHCR_TOKEN=GITHUB_TOKEN GITHUB_TOKEN=GITHUB_TOKEN"
    repository = "ByteQuester/hosting-monorepo"
    assert status == f"gate commit-status {key} --repository {repository} {run_tokens}"
    assert kept == f"gate keep {key} {run_tokens}"
    target = f"--target ../target --revision {played.sha} --branch promoted"
    assert promoted == f"gate promote {key} {target} | GHCR_TOKEN=GHCR_TOKEN"


def test_gate_workflow_publishes_a_hold_and_promotes_nothing(play_gate):
    """The run fails by the gate's exit code."""
    played = play_gate(1)

    assert not played.succeeded
    assert played.failed_step.name == "Judge the commit", played.log
    assert [each.split(" --")[0] for each in calls(played)] == [
        "gate",
        "gate sign",
        "gate commit-status",
        "gate keep",
    ]
