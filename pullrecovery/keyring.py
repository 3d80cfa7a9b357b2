"""Which entry of a pull secret the kubelet uses for an image.

Source: k8s.io/kubernetes/pkg/credentialprovider, keyring.go and config.go.
"""

import base64
import binascii
import fnmatch
import json
from typing import Any
from urllib.parse import urlsplit

from pullrecovery.observation import Credential


class UnreadableSecretError(Exception):
    """A `.dockerconfigjson` that the kubelet cannot use; it then uses no Secret of the pod."""


def matches(server: str, repository: str) -> bool:
    """Whether the key `server` of a pull secret applies to `repository` (registry/path).

    Host parts may be globs, ports must be equal, the key's path must be a prefix.
    """
    netloc, path = _normal(server)
    image = urlsplit(f"https://{repository}")
    host, port = _host(netloc)
    image_host, image_port = _host(image.netloc)
    parts, image_parts = host.split("."), image_host.split(".")
    return (
        port == image_port
        and len(parts) == len(image_parts)
        and all(fnmatch.fnmatchcase(b, a) for a, b in zip(parts, image_parts, strict=True))
        and image.path.startswith(path)
    )


def _normal(server: str) -> tuple[str, str]:
    """Host and path of a key as the kubelet keeps it: no scheme, no API version, no lone slash."""
    with_scheme = server if server.startswith(("https://", "http://")) else f"https://{server}"
    key = urlsplit(with_scheme)
    path = key.path[3:] if key.path.startswith(("/v1/", "/v2/")) else key.path
    return key.netloc, "" if path == "/" else path


def _host(netloc: str) -> tuple[str, str]:
    host, _, port = netloc.partition(":")
    return host, port


def read_entries(dockerconfigjson: str) -> dict[str, Credential]:
    """Server → credential of a `.dockerconfigjson`; UnreadableSecretError says why not."""
    try:
        auths = json.loads(dockerconfigjson).get("auths", {})
        return {server: _credential(entry) for server, entry in auths.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UnreadableSecretError(str(error)) from error


def _credential(entry: dict[str, Any]) -> Credential:
    if not entry.get("auth"):
        return Credential(entry.get("username", ""), entry.get("password", ""))
    try:
        # The kubelet takes it with padding and without.
        padded = entry["auth"] + "=" * (-len(entry["auth"]) % 4)
        text = base64.b64decode(padded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnreadableSecretError("its `auth` is not base64") from error
    login, colon, token = text.partition(":")
    if not colon:
        raise UnreadableSecretError("its `auth` is not base64 of login:token")
    return Credential(login, token)


def credential_for(entries: dict[str, Credential], repository: str) -> Credential | None:
    """The entry that the kubelet tries first for `repository`: the most specific key."""
    fitting = [server for server in entries if matches(server, repository)]
    return entries[max(fitting, key=lambda server: "".join(_normal(server)))] if fitting else None
