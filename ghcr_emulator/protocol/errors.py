"""The errors of GHCR: status, code and message.

Clients print them, and some print the code alone when the message is the code's default, so every
byte matters. Source: captured answers, listed in README.md.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final


@dataclass(frozen=True, slots=True)
class ProtocolError:
    """One refusal: the HTTP status, and the single entry of the body's `errors` list."""

    status: int
    code: str
    message: str

    @property
    def body(self) -> bytes:
        """The body of the answer: JSON without spaces, without `detail`, with a final newline."""
        document = {"errors": [{"code": self.code, "message": self.message}]}
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


# Authentication.
AUTHENTICATION_REQUIRED: Final = ProtocolError(401, "UNAUTHORIZED", "authentication required")
TOKEN_NOT_PROVIDED: Final = ProtocolError(401, "UNAUTHORIZED", "authentication token not provided")
TOKEN_REJECTED: Final = ProtocolError(
    401,
    "UNAUTHORIZED",
    "unauthenticated: User cannot be authenticated with the token provided.",
)
BASIC_REJECTED: Final = ProtocolError(403, "DENIED", "invalid token")
CREDENTIAL_DENIED: Final = ProtocolError(403, "DENIED", "denied")

# Permissions.
ACCESS_DENIED: Final = ProtocolError(403, "DENIED", "requested access to the resource is denied")
SCOPES_MISMATCH: Final = ProtocolError(
    403, "DENIED", "permission_denied: The token provided does not match expected scopes."
)
READ_DENIED: Final = ProtocolError(403, "DENIED", "permission_denied: read_package")
WRITE_DENIED: Final = ProtocolError(403, "DENIED", "permission_denied: write_package")
SSO_REQUIRED: Final = ProtocolError(
    403,
    "DENIED",
    "permission_denied: Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization.",
)
# A workflow run's token, at an organisation's package.
INSTALLATION_CREATES_NOT: Final = ProtocolError(
    403, "DENIED", "installation not allowed to Create organization package"
)
INSTALLATION_WRITES_NOT: Final = ProtocolError(
    403, "DENIED", "installation not allowed to Write organization package"
)

# Missing content.
NAME_UNKNOWN: Final = ProtocolError(404, "NAME_UNKNOWN", "repository name not known to registry")
MANIFEST_UNKNOWN: Final = ProtocolError(404, "MANIFEST_UNKNOWN", "manifest unknown")
INDEX_NOT_ACCEPTED: Final = ProtocolError(
    404,
    "MANIFEST_UNKNOWN",
    "OCI index found, but Accept header does not support OCI indexes",
)
MANIFEST_NOT_ACCEPTED: Final = ProtocolError(
    404,
    "MANIFEST_UNKNOWN",
    "OCI manifest found, but Accept header does not support OCI manifests",
)
BLOB_UNKNOWN: Final = ProtocolError(404, "BLOB_UNKNOWN", "blob unknown to registry")
UPLOAD_UNKNOWN: Final = ProtocolError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")

# Errors of a storage in what it receives, with the messages of CNCF distribution.
DIGEST_INVALID: Final = ProtocolError(
    400, "DIGEST_INVALID", "provided digest did not match uploaded content"
)
SIZE_INVALID: Final = ProtocolError(
    400, "SIZE_INVALID", "provided length did not match content length"
)
RANGE_INVALID: Final = ProtocolError(416, "RANGE_INVALID", "invalid content range")
MANIFEST_INVALID: Final = ProtocolError(400, "MANIFEST_INVALID", "manifest invalid")
MANIFEST_BLOB_UNKNOWN: Final = ProtocolError(
    400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry"
)
UNKNOWN: Final = ProtocolError(500, "UNKNOWN", "unknown error")

# Unsupported requests, and an unavailable storage.
UNSUPPORTED: Final = ProtocolError(405, "UNSUPPORTED", "The operation is unsupported.")
PAGE_INVALID: Final = ProtocolError(
    400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested"
)
# Not GHCR's: the registry behind the emulator does not answer.
STORAGE_UNAVAILABLE: Final = ProtocolError(502, "UNAVAILABLE", "service unavailable")

# Distribution has these sentences with a lower-case "accept".
_RESPELLED: Final = {
    error.message.replace("Accept", "accept"): error
    for error in (INDEX_NOT_ACCEPTED, MANIFEST_NOT_ACCEPTED)
}


def classic_forbidden(organisation: str) -> ProtocolError:
    """Return the refusal of a classic token where the organisation forbids classic tokens."""
    return ProtocolError(
        403,
        "DENIED",
        f"permission_denied: `{organisation}` forbids access via a personal access token (classic)."
        " Please use a GitHub App, OAuth App, or a personal access token with fine-grained"
        " permissions.",
    )


def from_storage(status: int, body: bytes, fallback: ProtocolError) -> ProtocolError:
    """Return GHCR's error where the registry behind the emulator answered `body` with `status`.

    Code and message are copied, `detail` is removed. A body that is no registry error, such as that
    of a HEAD or plain text of the router, is replaced with the code and message of `fallback`.
    """
    code, message = _first_error(body) or (fallback.code, fallback.message)
    if status == HTTPStatus.NOT_FOUND and message in _RESPELLED:
        return _RESPELLED[message]
    return ProtocolError(status, code, message)


def _first_error(body: bytes) -> tuple[str, str] | None:
    try:
        first = json.loads(body)["errors"][0]
        code, message = first["code"], first["message"]
    except (ValueError, LookupError, TypeError):
        return None
    return (code, message) if isinstance(code, str) and isinstance(message, str) else None
