"""Output of docker 20.10.24 and crane 0.22.1 for the emulator, and observations made of it.

docker's messages are those of its registry client, run against the emulator. Messages about a login
are those of its engine.
"""

from dataclasses import replace
from typing import Any

from pullrecovery.lab.images.oci_layout import digest_of
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.observation import ImageIdentity
from pullrecovery.model.probe import CommandResult, Probe

REPOSITORY = "ghcr.io/bytequester/hosting-monorepo"
TAG = "c6cd88ef7de43520f6e95fcb87e6f2452b45edd4"
REFERENCE = f"{REPOSITORY}:{TAG}"
INDEX = "application/vnd.oci.image.index.v1+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
TAGS = ("latest", TAG)
# The type of the manifest that good() prints.
DIGEST = digest_of(
    f'{{"schemaVersion":2,"mediaType":"{DOCKER}","config":{{}},"layers":[]}}'.encode()
)

_V2 = "https://ghcr.io/v2/bytequester/hosting-monorepo"
_TOKEN = (
    "https://ghcr.io/token?scope=repository%3Abytequester%2Fhosting-monorepo%3Apull&service=ghcr.io"
)
_NOBODY = '2026/11/24 17:26:22 No matching credentials were found for "ghcr.io"\n'
_AGAIN = "2026/11/24 17:26:24 HEAD request failed, falling back on GET: "
_NO_BODY = "unexpected status code {} (HEAD responses have no body, use GET for details)"

LOGGED_IN = CommandResult(
    'docker login ghcr.io -u ByteQuester --password-stdin < "$TOKEN_FILE"',
    0,
    "Login Succeeded\n",
    "WARNING! Your password will be stored unencrypted in /run/cases/x/docker/config.json.\n"
    "Configure a credential helper to remove this warning. See\n"
    "https://docs.docker.com/engine/reference/commandline/login/#credentials-store\n\n",
)
LOGIN_DENIED = replace(
    LOGGED_IN,
    rc=1,
    stdout="",
    stderr='Error response from daemon: Get "https://ghcr.io/v2/": denied: denied\n',
)


def good(reference: str = REFERENCE, **changes: Any) -> ImageIdentity:
    """Return the output for a healthy image."""
    seen = ImageIdentity(
        reference=parse_reference(reference),
        login=LOGGED_IN,
        inspect=CommandResult(
            f"docker manifest inspect {REFERENCE} | jq .schemaVersion", 0, "2\n", ""
        ),
        digest=CommandResult(f"crane digest {REFERENCE}", 0, f"{DIGEST}\n", ""),
        manifest=CommandResult(f"crane manifest {REFERENCE}", 0, manifest(DOCKER), ""),
        config=CommandResult(
            f"crane config {REFERENCE}", 0, '{"architecture":"amd64","os":"linux"}', ""
        ),
        tags=CommandResult(f"crane ls {REPOSITORY}", 0, "".join(f"{tag}\n" for tag in TAGS), ""),
        probe=Probe("registry", 200, digest=DIGEST),
    )
    return replace(seen, **changes)


def containing(content: str, **changes: Any) -> ImageIdentity:
    """Return the output for an image whose manifest is `content`."""
    digest, seen = digest_of(content.encode()), good(**changes)
    return replace(
        seen,
        digest=replace(seen.digest, stdout=f"{digest}\n"),
        manifest=replace(seen.manifest, stdout=content),
        probe=replace(seen.probe, digest=digest),
    )


def manifest(media_type: str) -> str:
    """Return a manifest of one image, with the fields that are read."""
    return f'{{"schemaVersion":2,"mediaType":"{media_type}","config":{{}},"layers":[]}}'


def index(*architectures: str) -> str:
    """Return an index, with an attestation beside its images."""
    platforms = [
        *(f'"os":"linux","architecture":"{architecture}"' for architecture in architectures)
    ]
    platforms.append('"os":"unknown","architecture":"unknown"')
    entries = ",".join(f'{{"platform":{{{platform}}}}}' for platform in platforms)
    return f'{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entries}]}}'


def refused(
    docker: str, crane: str, probe: Probe, *, status: str = "", seen: ImageIdentity | None = None
) -> ImageIdentity:
    """Return the output where no request is answered; `status` is that of a HEAD on the way."""
    seen = seen or good()
    head = f"{_AGAIN}HEAD {_V2}/manifests/{TAG}: {_NO_BODY.format(status)}\n" if status else ""
    quiet = _NOBODY if seen.login is None else ""
    at, tags_at = (f"{_V2}/manifests/{TAG}", f"{_V2}/tags/list?n=1000") if status else (_TOKEN,) * 2
    return replace(
        seen,
        inspect=_failed(seen.inspect, docker),
        digest=_failed(seen.digest, f"{quiet}{head}Error: GET {at}: {crane}"),
        manifest=_failed(
            seen.manifest, f"{quiet}Error: fetching manifest {REFERENCE}: GET {at}: {crane}"
        ),
        config=_failed(
            seen.config,
            f'{quiet}Error: fetching config: reading image "{REFERENCE}": GET {at}: {crane}',
        ),
        tags=_failed(
            seen.tags, f"{quiet}Error: reading tags for {REPOSITORY}: GET {tags_at}: {crane}"
        ),
        probe=probe,
    )


def _failed(ran: CommandResult, words: str) -> CommandResult:
    return replace(ran, rc=1, stdout="", stderr=f"{words}\n")


def _denied(message: str) -> ImageIdentity:
    denied = Probe("registry", 403, "DENIED", message)
    return refused(f"denied: {message}", f"DENIED: {message}", denied, status="403 Forbidden")


_ASKED = f'Get "{_V2}/manifests/{TAG}"'
NOT_LOGGED_IN = refused(
    f"{_ASKED}: unauthorized",
    "UNAUTHORIZED: authentication required",
    Probe("token", 401, "UNAUTHORIZED", "authentication required"),
    seen=good(login=None),
)
MISSING_OR_PRIVATE = refused(
    f"{_ASKED}: denied",
    "DENIED: requested access to the resource is denied",
    Probe("token", 403, "DENIED", "requested access to the resource is denied"),
    seen=good(login=None),
)
# docker stores no login that failed, so the next request is anonymous.
REJECTED = replace(NOT_LOGGED_IN, login=LOGIN_DENIED, probe=Probe("token", 403, "DENIED", "denied"))
NO_SCOPE = _denied("permission_denied: The token provided does not match expected scopes.")
NO_SSO = _denied(
    "permission_denied: Resource protected by organization SAML enforcement. You must grant your"
    " Personal Access token access to this organization."
)
NO_CLASSIC = _denied(
    "permission_denied: `bytequester` forbids access via a personal access token (classic). Please"
    " use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
)
MAY_NOT_READ = _denied("permission_denied: read_package")
REPOSITORY_UNKNOWN = refused(
    "name unknown",
    "NAME_UNKNOWN: repository name not known to registry",
    Probe("registry", 404, "NAME_UNKNOWN", "repository name not known to registry"),
    status="404 Not Found",
)
RATE_LIMITED = refused(
    "toomanyrequests: retry-after: 880.092µs, allowed: 44000/minute",
    "TOOMANYREQUESTS: retry-after: 880.092µs, allowed: 44000/minute",
    Probe("registry", 429, "TOOMANYREQUESTS", "retry-after: 880.092µs, allowed: 44000/minute"),
    status="429 Too Many Requests",
)
_REFUSES = "Error: parsing reference: could not parse reference: ghcr.io/ByteQuester/x"
CAPITALS = replace(
    good(reference=f"ghcr.io/ByteQuester/hosting-monorepo:{TAG}"),
    inspect=_failed(good().inspect, "invalid reference format: repository name must be lowercase"),
    digest=_failed(good().digest, _REFUSES),
    manifest=_failed(good().manifest, _REFUSES),
    config=_failed(good().config, _REFUSES),
    tags=_failed(good().tags, "Error: parsing repo: repository can only contain the characters"),
    probe=Probe("registry", 404, "NAME_UNKNOWN", "repository name not known to registry"),
)


def missing(*tags: str, reference: str = REFERENCE, docker: str = "") -> ImageIdentity:
    """Return the output where the repository has `tags`, but not the wanted one."""
    seen = refused(
        docker or "manifest unknown",
        "MANIFEST_UNKNOWN: manifest unknown",
        Probe("registry", 404, "MANIFEST_UNKNOWN", "manifest unknown"),
        status="404 Not Found",
        seen=good(reference=reference),
    )
    return replace(seen, tags=replace(good().tags, stdout="".join(f"{tag}\n" for tag in tags)))
