"""Run docker and crane on the runner as an operator would, and record their output."""

import json
from dataclasses import replace
from shlex import quote

from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.observation import ImageIdentity
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.target import Image
from pullrecovery.world.read_only import ReadOnlyWorld

# Cached by digest: a manifest never changes.
_platforms_of: dict[str, tuple[str, ...]] = {}


def observe_wanted(world: ReadOnlyWorld, image: Image) -> Probe:
    """The suite's own probe of the wanted manifest and its platforms."""
    probe = world.registry.manifest(image.package, image.tag, world.reader)
    if not probe.digest:
        return probe
    found = _platforms_of.get(probe.digest) or world.registry.platforms(
        image.package, probe.digest, world.reader
    )
    _platforms_of[probe.digest] = found
    return replace(probe, platforms=found)


def observe_identity(world: ReadOnlyWorld, reference: str) -> ImageIdentity:
    """Log in as the operator, request `reference` (by tag or digest), and list the tags."""
    operator, parsed = world.operator, parse_reference(reference)
    login = [login_command(parsed.registry, operator)] if operator else []
    *before, inspect, digest, manifest, config, tags = world.runner.run(
        _questions(reference, parsed.repository), first=login, credential=operator
    )
    return ImageIdentity(
        reference=reference,
        login=before[0] if before else None,
        inspect=inspect,
        digest=digest,
        manifest=manifest,
        config=config,
        tags=tags,
        probe=_probe(world, reference),
        parts=_parts(world, parsed.path, manifest),
    )


def login_command(registry: str, credential: Credential) -> str:
    """The `docker login` command, which reads the token from a file on the runner."""
    user = quote(credential.login)
    return f'docker login {quote(registry)} -u {user} --password-stdin < "$TOKEN_FILE"'


def _questions(reference: str, repository: str) -> list[str]:
    """The commands whose output is judged, in the order of ImageIdentity's fields."""
    wanted = quote(reference)
    return [
        f"docker manifest inspect {wanted} | jq .schemaVersion",
        f"crane digest {wanted}",
        f"crane manifest {wanted}",
        f"crane config {wanted}",
        f"crane ls {quote(repository)}",
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


def _probe(world: ReadOnlyWorld, reference: str) -> Probe:
    parsed = parse_reference(reference)
    named = parsed.digest or parsed.tag or "latest"
    return world.registry.manifest(parsed.path, named, world.operator)


def observe_platforms(world: ReadOnlyWorld) -> tuple[str, ...]:
    """Operating system and architecture of every node, once each; or the given platforms."""
    if world.platforms or world.cluster is None:
        return world.platforms
    nodes = (node.status.node_info for node in world.core.list_node().items)
    return tuple(sorted({f"{info.operating_system}/{info.architecture}" for info in nodes}))
