"""`gate --images live`, with a second GHCR emulator in place of the real ghcr.io.

The command runs as a process, with a token that only the second emulator knows.
"""

import json

import pytest


def _found(live_gate):
    """Return the lab's own registry's answer for the image's tag."""
    world, image = live_gate.lab_world, live_gate.image
    return world.registry.manifest(image.package, image.tag, world.reader)


def _parts(registry, image, credential):
    """Return manifest, configuration and layers of the image, as the registry has them."""
    _, manifest = registry.read(image.package, f"/manifests/{image.tag}", credential)
    document = json.loads(manifest)
    blobs = [document["config"], *document["layers"]]
    paths = [f"/blobs/{blob['digest']}" for blob in blobs]
    return [manifest, *(registry.read(image.package, path, credential) for path in paths)]


def test_live_image_is_copied_by_digest(live_gate):
    """The lab lacks the tag before, and has exactly the registry's bytes afterwards."""
    world, mark = live_gate.lab_world, live_gate.lab_world.mark()
    reader, asked = (
        live_gate.ghcr.issue_token(world.target.login, "read:packages"),
        live_gate.ghcr.mark(),
    )
    assert _found(live_gate).missing

    run = live_gate.judge(reader.token)

    assert run.code == 0, run.output
    assert (run.verdict["decision"], run.verdict["world"]) == ("promote", "live")
    assert [each["image"] for each in run.verdict["workloads"]] == [live_gate.digest]
    assert live_gate.lab_world.pulls(since=mark, digest=live_gate.digest)
    copied = _parts(world.registry, live_gate.image, world.reader)
    assert copied == _parts(live_gate.ghcr.registry, live_gate.image, reader)
    requests = live_gate.ghcr.control.log(since=asked, credential=reader.name)
    assert {entry.method for entry in requests} <= {"GET", "HEAD"}
    assert reader.token not in run.output
    verified = live_gate.verify(reader.token, run.verdict["revision"])
    assert verified.code == 0, verified.output
    assert verified.output.startswith(f"promote: {run.verdict['revision']}, by a verdict that ")


@pytest.mark.parametrize(
    ("login", "scopes", "said"),
    [
        ("Stranger", ["read:packages"], "read_package"),
        ("", ["repo"], "does not match expected scopes"),
    ],
    ids=["stranger", "scope"],
)
def test_live_token_that_may_not_read_is_held(live_gate, login, scopes, said):
    """The reason is the registry's own message; nothing is copied or started."""
    world, mark = live_gate.lab_world, live_gate.lab_world.mark()
    token = live_gate.ghcr.issue_token(login or world.target.login, *scopes).token

    run = live_gate.judge(token)

    assert run.code == 1, run.output
    assert said in run.output
    assert (run.verdict["decision"], run.verdict["world"]) == ("hold", "live")
    assert token not in run.output
    assert _found(live_gate).missing
    assert not live_gate.lab_world.pulls(since=mark, digest=live_gate.digest)
