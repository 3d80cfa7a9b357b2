"""`suite-image` builds and pushes the image of the gate's hook and of the nightly CronJob.

The command runs as a process; ghcr.io is the lab's.
"""

import json

from pullrecovery.common.suite_version import suite_version


def test_suite_image_runs_by_digest(built_suite_image, in_runner):
    """The pushed image equals the one in the layout; docker pulls it, and it prints its version."""
    built = built_suite_image

    assert built.code == 0, built.output
    assert built.printed.splitlines()[-1] == built.digest
    index = json.loads((built.out / "image" / "index.json").read_text())
    assert [each["digest"] for each in index["manifests"]] == [built.digest]
    blob = built.out / "image" / "blobs" / built.digest.replace(":", "/")
    layers = [each["digest"] for each in json.loads(blob.read_text())["layers"]]
    assert layers == built.layers
    assert built.token not in built.output
    validated, version = in_runner(
        f"crane validate --remote {built.pinned}", f"docker run --rm {built.pinned} --version"
    )
    assert validated.rc == 0, validated.said
    assert (version.stdout.strip(), version.rc) == (f"pull-recovery {suite_version()}", 0), version


def test_suite_image_layout_has_sbom(built_suite_image):
    """The layout has the SBOM that the release workflow publishes."""
    sbom = json.loads((built_suite_image.out / "sbom.cdx.json").read_text())

    assert (sbom["bomFormat"], sbom["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "pull-recovery",
    )
    assert len(sbom["components"]) > 100


def test_suite_image_needs_write_permission(make_suite_image, read_only):
    """The error is the registry's own message."""
    refused = make_suite_image(read_only)

    assert refused.code == 2, refused.output
    assert "does not match expected scopes" in refused.output
    assert refused.token not in refused.output
    assert "Traceback" not in refused.output
