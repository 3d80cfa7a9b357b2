"""Run docker and crane on the runner as an operator would, and record their output."""

import json
from dataclasses import replace
from shlex import quote

from pullrecovery.model.image_reference import Reference
from pullrecovery.model.observation import ImageIdentity
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.target import Image
from pullrecovery.world.read_only import ReadOnlyWorld


def observe_wanted(world: ReadOnlyWorld, image: Image) -> Probe:
    """The suite's own probe of the wanted manifest and its platforms."""
    probe = world.registry.manifest(image.package, image.tag, world.reader)
    if not probe.digest:
        return probe
    # By digest alone: a manifest never changes.
    platforms = world.memory.reuse(
        "platforms",
        probe.digest,
        lambda: world.registry.platforms(image.package, probe.digest, world.reader),
        keep=bool,
    )
    return replace(probe, platforms=platforms)


def wanted_digest(world: ReadOnlyWorld, image: Image) -> str:
    """The digest that the registry has for the image's tag; '' if it has none."""
    return world.registry.manifest(image.package, image.tag, world.reader).digest


def observe_identity(world: ReadOnlyWorld, reference: Reference) -> ImageIdentity:
    """Log in as the operator, request `reference` (by tag or digest), and list the tags."""
    operator = world.operator
    login = [login_command(reference.registry, operator)] if operator else []
    *before, inspect, digest, manifest, config, tags = world.runner.run(
        _questions(reference), first=login, credential=operator
    )
    return ImageIdentity(
        reference=reference,
        login=before[0] if before else None,
        inspect=inspect,
        digest=digest,
        manifest=manifest,
        config=config,
        tags=tags,
        probe=world.registry.manifest(reference.path, reference.named, operator),
        parts=_parts(world, reference.path, manifest),
    )


def login_command(registry: str, credential: Credential) -> str:
    """The `docker login` command, which reads the token from a file on the runner."""
    user = quote(credential.login)
    return f'docker login {quote(registry)} -u {user} --password-stdin < "$TOKEN_FILE"'


def _questions(reference: Reference) -> list[str]:
    """The commands whose output is judged, in the order of ImageIdentity's fields."""
    wanted = quote(str(reference))
    return [
        f"docker manifest inspect {wanted} | jq .schemaVersion",
        f"crane digest {wanted}",
        f"crane manifest {wanted}",
        f"crane config {wanted}",
        f"crane ls {quote(reference.repository)}",
    ]


def _parts(
    world: ReadOnlyWorld, package: str, printed: CommandResult
) -> tuple[tuple[str, Probe], ...]:
    """Whether the registry has the parts that the printed manifest names."""
    digests = _digests(printed.stdout) if printed.rc == 0 else []
    probes = world.registry.blobs(package, digests, world.operator) if digests else []
    return tuple(zip(digests, probes, strict=True))


def _digests(manifest: str) -> list[str]:
    """The digests of an image's parts; an index has images instead, whose parts are not probed."""
    try:
        document = json.loads(manifest)
        described = [document.get("config") or {}, *document.get("layers", ())]
        return [str(each["digest"]) for each in described if "digest" in each]
    except (ValueError, AttributeError, TypeError):
        return []


def observe_platforms(world: ReadOnlyWorld) -> tuple[str, ...]:
    """Operating system and architecture of every node, once each; or the given platforms."""
    if world.platforms or world.cluster is None:
        return world.platforms
    nodes = (node.status.node_info for node in world.core.list_node().items)
    return tuple(sorted({f"{info.operating_system}/{info.architecture}" for info in nodes}))
