"""Build and push the image that the gate's hook and the nightly CronJob run.

It needs a container engine and no lab. docs/adr/0019-suite-image.md lists the image's content.
"""

import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import httpx

from pullrecovery.common.errors import Exit, UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.common.suite_version import suite_version
from pullrecovery.lab.cluster.node_plan import pulls_base
from pullrecovery.lab.engine.pull_image import has_image
from pullrecovery.lab.engine.select_engine import find_engine
from pullrecovery.lab.images import oci_layout as oci
from pullrecovery.lab.images.base_rootfs import Note
from pullrecovery.lab.images.suite import SuiteImage
from pullrecovery.lab.lock import is_held_above, locked
from pullrecovery.lab.paths import Paths, default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import Toolchain
from pullrecovery.lab.up import build_dropcaps
from pullrecovery.model.image_reference import Reference, parse_reference
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.image_copy import PackageTransfer, TransferError

_TIMEOUT = 120.0


@dataclass(frozen=True)
class SuiteImageRequest:
    """Where the built image goes: `out` is a directory, `push` a reference or '' for no push.

    `login` is the owner of the token on standard input; `week` is as in `BaseImage`.
    """

    out: Path
    push: str
    login: str
    token_from_stdin: bool
    week: str = ""


@dataclass(frozen=True)
class Destination:
    """A repository and tag to push to, and a credential that may write there."""

    reference: Reference
    credential: Credential


def run_suite_image(gate_request: SuiteImageRequest) -> int:
    """Build the image, write it and its SBOM to `gate_request.out`, and push it on request.

    Raises UsageError for an invalid reference or a missing token, before anything is built, and
    TransferError with the registry's message.
    """
    destination = _destination(gate_request) if gate_request.push else None
    progress = Progress(("image", *(["push"] if destination else [])))
    paths = default_paths()
    # A failed build must not leave the digest of an earlier one.
    (gate_request.out / "digest").unlink(missing_ok=True)
    held = nullcontext() if is_held_above(paths) else locked(paths, progress.say)
    with held, progress.phase("image") as phase:
        made, client = _suite_image(paths, gate_request.week, phase.note)
        app = made.files(client, phase.note)
        shutil.rmtree(gate_request.out / "image", ignore_errors=True)
        layers = [app.blob(layer["digest"]) for layer in app.layers]
        config = (app.folder / "config.json").read_bytes()
        manifest = oci.write_layout(gate_request.out / "image", config, layers, suite_version())
        shutil.copyfile(made.sbom, gate_request.out / "sbom.cdx.json")
    digest = oci.digest_of(manifest)
    (gate_request.out / "digest").write_text(f"{digest}\n")
    print(f"image: {gate_request.out / 'image'} (an OCI layout)")
    print(f"SBOM: {gate_request.out / 'sbom.cdx.json'}")
    if destination:
        with progress.phase("push"), httpx.Client(timeout=_TIMEOUT) as http:
            push_layout(gate_request.out / "image", manifest, destination, http)
        print(f"pushed: {gate_request.push}")
    print(digest)
    return int(Exit.PASS)


def _suite_image(paths: Paths, week: str, note: Note) -> tuple[SuiteImage, docker.DockerClient]:
    """Return the image as this machine builds it, and the engine's client that builds it."""
    tools = Toolchain(paths, find_go(paths))
    client = find_engine(paths, lambda: build_dropcaps(tools), note).client()
    bootstrapped = SuiteImage.of(tools, paths, pulled=False, week=week)
    pulled = pulls_base(client, built=has_image(client, bootstrapped.base.tag))
    return replace(bootstrapped, base=replace(bootstrapped.base, pulled=pulled)), client


def push_layout(
    folder: Path, manifest: bytes, destination: Destination, http: httpx.Client
) -> None:
    """Push the image of the OCI layout `folder`; `manifest` is its manifest's bytes."""
    reference = destination.reference
    registry = RegistryClient(reference.registry, http)
    try:
        package = PackageTransfer(registry, destination.credential, reference.path, "pull,push")
        for blob in (folder / "blobs" / "sha256").iterdir():
            digest = f"sha256:{blob.name}"
            if digest != oci.digest_of(manifest) and not package.has(digest):
                with blob.open("rb") as file:
                    file.seek(0, 2)
                    package.put_blob(digest, file)
        package.put_manifest(reference.tag, manifest, oci.MANIFEST)
    except httpx.HTTPError as error:
        problem = f"{type(error).__name__}: {error}"
        raise TransferError(f"{reference.repository} cannot be pushed to: {problem}") from error


def _destination(gate_request: SuiteImageRequest) -> Destination:
    reference = parse_reference(gate_request.push)
    if reference.problem or not reference.tag or reference.digest:
        why = reference.problem or "it must be repository:tag"
        raise UsageError(f"--push {gate_request.push!r}: {why}.")
    token = protect(sys.stdin.read().strip()) if gate_request.token_from_stdin else ""
    if not token:
        raise UsageError(
            f"A token that may write {reference.repository} is needed on standard input, with"
            " --token-stdin; `make suite-image PUSH=…` takes it from GHCR_TOKEN."
        )
    return Destination(reference, Credential(gate_request.login, token))
