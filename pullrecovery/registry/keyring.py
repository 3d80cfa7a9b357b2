"""Which entries of a pod's pull secrets the kubelet uses for an image, and in which order.

Source: k8s.io/kubernetes/pkg/credentialprovider, keyring.go, config.go and secrets/secrets.go.
"""

import base64
import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pullrecovery.model.probe import Credential

DOCKER_CONFIG_JSON = "kubernetes.io/dockerconfigjson"
DOCKER_CONFIG = "kubernetes.io/dockercfg"
# The data key of a Secret by the Secret's type; the kubelet reads no other type.
DATA_KEYS: Mapping[str, str] = {
    DOCKER_CONFIG_JSON: ".dockerconfigjson",
    DOCKER_CONFIG: ".dockercfg",
}
_TEXTS = ("username", "password", "email", "auth")

Entry = TypeVar("Entry")


class UnreadableSecretError(Exception):
    """The kubelet cannot decode a Secret; it then uses none of the pod's Secrets."""


def matches(server: str, repository: str) -> bool:
    """Whether the key `server` of a pull secret applies to `repository` (registry/path).

    Host parts may be globs, ports must be equal, the key's path must be a prefix.
    """
    try:
        netloc, path = _normal(server)
        image = urlsplit(f"https://{repository}")
    except ValueError:
        # The kubelet skips a server that is not a URL, such as `[ghcr.io`.
        return False
    host, port = _host(netloc)
    image_host, image_port = _host(image.netloc)
    parts, image_parts = host.split("."), image_host.split(".")
    return (
        port == image_port
        and len(parts) == len(image_parts)
        and all(fnmatch.fnmatchcase(b, a) for a, b in zip(parts, image_parts, strict=True))
        and image.path.startswith(path)
    )


def in_order(
    entries: Iterable[tuple[str, Entry]], repository: str
) -> tuple[tuple[str, Entry], ...]:
    """The `entries` (server, any) that apply to `repository`, in the kubelet's order.

    The most specific server is first; of equal servers, the one of the Secret that the pod names
    first.
    """
    fitting = [(server, entry) for server, entry in entries if matches(server, repository)]
    return tuple(sorted(fitting, key=lambda entry: "".join(_normal(entry[0])), reverse=True))


def _normal(server: str) -> tuple[str, str]:
    """Host and path of a key as the kubelet stores it: no scheme, API version or lone slash."""
    with_scheme = server if server.startswith(("https://", "http://")) else f"https://{server}"
    key = urlsplit(with_scheme)
    path = key.path[3:] if key.path.startswith(("/v1/", "/v2/")) else key.path
    return key.netloc, "" if path == "/" else path


def _host(netloc: str) -> tuple[str, str]:
    host, _, port = netloc.partition(":")
    return host, port


def read_secret(kind: str, data: Mapping[str, str]) -> dict[str, Credential]:
    """The credentials by server of a Secret of type `kind`, with `data` as in the API.

    A Secret without the data key of its type has no entries, nor has one of another type: the
    kubelet ignores it. Raises UnreadableSecretError.
    """
    content = data.get(DATA_KEYS.get(kind, ""), "")
    if not content:
        return {}
    try:
        text = base64.b64decode(content).decode()
    except (ValueError, UnicodeDecodeError) as error:
        raise UnreadableSecretError("it is no text") from error
    return read_entries(text) if kind == DOCKER_CONFIG_JSON else read_legacy_entries(text)


def read_entries(dockerconfigjson: str) -> dict[str, Credential]:
    """The credentials by server of a `.dockerconfigjson`; raises UnreadableSecretError."""
    return _entries(_fields(_parse(dockerconfigjson), "it").get("auths"), "its `auths`")


def read_legacy_entries(dockercfg: str) -> dict[str, Credential]:
    """The credentials by server of a `.dockercfg`, which has the servers at its top level."""
    return _entries(_parse(dockercfg), "it")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableSecretError("it is not JSON") from error


def _entries(document: Any, what: str) -> dict[str, Credential]:
    servers = {} if document is None else document
    if not isinstance(servers, dict):
        raise UnreadableSecretError(f"{what} is no mapping of servers")
    return {server: _credential(entry) for server, entry in servers.items()}


def _fields(document: Any, what: str) -> dict[str, Any]:
    """The fields of an object with lower-case names: Go reads names in any case."""
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UnreadableSecretError(f"{what} is no object")
    return {name.lower(): value for name, value in document.items()}


def _credential(entry: Any) -> Credential:
    fields = _fields(entry, "an entry")
    login, token, _, auth = (_text(fields, name) for name in _TEXTS)
    return _decode(auth) if auth else Credential(login, token)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise UnreadableSecretError(f"its `{name}` is no text")
    return value or ""


def _decode(auth: str) -> Credential:
    """Login and token of an `auth`, whose base64 may lack padding and have line breaks."""
    text = auth.replace("\r", "").replace("\n", "")
    if text.endswith("=") and len(text) % 4:
        raise UnreadableSecretError("its `auth` is not base64")
    try:
        padded = text + "=" * (-len(text) % 4)
        pair = base64.b64decode(padded, validate=True).decode(errors="replace")
    except ValueError as error:
        raise UnreadableSecretError("its `auth` is not base64") from error
    login, colon, token = pair.partition(":")
    if not colon:
        raise UnreadableSecretError("its `auth` is not base64 of login:token")
    return Credential(login, token)
