"""Which entries of a pod's pull secrets the kubelet uses for an image, and in which order.

Source: k8s.io/kubernetes/pkg/credentialprovider, keyring.go, config.go and secrets/secrets.go of
version 1.37.2; tests/registry/upstream/ holds the answers of that module.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pullrecovery.model.probe import Credential
from pullrecovery.registry.go_json import JsonObject, fold, load_json, without_pairs
from pullrecovery.registry.server_url import ServerUrl, host_matches, parse_server

DOCKER_CONFIG_JSON = "kubernetes.io/dockerconfigjson"
DOCKER_CONFIG = "kubernetes.io/dockercfg"
# The data key of a Secret by the Secret's type; the kubelet reads no other type.
DATA_KEYS: Mapping[str, str] = {
    DOCKER_CONFIG_JSON: ".dockerconfigjson",
    DOCKER_CONFIG: ".dockercfg",
}
_TEXTS = ("username", "password", "email", "auth")
# The registry of an image on Docker Hub, and the server that `docker login` stores for it.
_HUB = ("docker.io", "index.docker.io")
_HUB_SERVER = b"index.docker.io"
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")

Entry = TypeVar("Entry")
# The fields of one entry, by their names.
Fields = dict[str, Any]


class UnreadableSecretError(Exception):
    """The kubelet cannot decode a Secret; it then uses none of the pod's Secrets."""


def matches(server: str, repository: str) -> bool:
    """Whether the key `server` of a pull secret applies to `repository` (registry/path).

    Host parts may be globs, ports must be equal, the key's path must be a prefix. The key of Docker
    Hub, `https://index.docker.io/v1/`, applies to an image of docker.io.
    """
    key = _key(server)
    return _applies(key, repository) or (key == _HUB_SERVER and _is_on_docker_hub(repository))


def in_order(
    entries: Iterable[tuple[str, Entry]], repository: str
) -> tuple[tuple[str, Entry], ...]:
    """The `entries` (server, any) that apply to `repository`, in the kubelet's order.

    The most specific server is first; of equal servers, the one of the Secret that the pod names
    first. The server of Docker Hub applies only if no other one does.
    """
    keyed = [(_key(server), (server, entry)) for server, entry in entries]
    fitting = [(key, entry) for key, entry in keyed if _applies(key, repository)]
    if not fitting and _is_on_docker_hub(repository):
        fitting = [(key, entry) for key, entry in keyed if key == _HUB_SERVER]
    ranked = sorted(fitting, key=lambda pair: pair[0] or b"", reverse=True)
    return tuple(entry for _, entry in ranked)


def _key(server: str) -> bytes | None:
    """The key under which the kubelet stores a server: no scheme, API version or lone slash.

    None for a server that the kubelet skips, because it is no URL.
    """
    text = server.encode("utf-8", "surrogatepass")
    for scheme in (b"https://", b"http://"):
        if text.startswith(scheme):
            text = text[len(scheme) :]
            break
    try:
        url = parse_server(text)
    except ValueError:
        return None
    path = url.path[3:] if url.path.startswith((b"/v1/", b"/v2/")) else url.path
    return url.host if path == b"/" else url.host + path


def _applies(key: bytes | None, repository: str) -> bool:
    """Whether a key applies to an image; the kubelet parses the key as a URL once more."""
    if key is None:
        return False
    try:
        server, image = parse_server(key), parse_server(repository.encode())
    except ValueError:
        return False
    return image.path.startswith(server.path) and _same_host(server, image)


def _same_host(server: ServerUrl, image: ServerUrl) -> bool:
    (pattern, port), (host, image_port) = server.split_port(), image.split_port()
    return port == image_port and host_matches(pattern, host)


def _is_on_docker_hub(repository: str) -> bool:
    """Whether the kubelet takes an image for one of Docker Hub: it names no other registry."""
    registry, slash, _ = repository.partition("/")
    named = "." in registry or ":" in registry
    return bool(registry) and (not slash or registry in _HUB or not named)


def read_secret(kind: str, data: Mapping[str, str]) -> dict[str, Credential]:
    """The credentials by server of a Secret of type `kind`, with `data` as in the API.

    A Secret without the data key of its type has no entries, nor has one of another type: the
    kubelet ignores it. Raises UnreadableSecretError.
    """
    content = data.get(DATA_KEYS.get(kind, ""), "")
    if not content:
        return {}
    try:
        document = base64.b64decode(content)
    except ValueError as error:
        raise UnreadableSecretError("it is not base64") from error
    return read_entries(document) if kind == DOCKER_CONFIG_JSON else read_legacy_entries(document)


def read_entries(dockerconfigjson: bytes | str) -> dict[str, Credential]:
    """The credentials by server of a `.dockerconfigjson`; raises UnreadableSecretError."""
    return _credentials(entry_fields(dockerconfigjson))


def read_legacy_entries(dockercfg: bytes | str) -> dict[str, Credential]:
    """The credentials by server of a `.dockercfg`, which has the servers at its top level."""
    return _credentials(legacy_entry_fields(dockercfg))


def entry_fields(dockerconfigjson: bytes | str) -> dict[str, Fields]:
    """The entries by server of a `.dockerconfigjson`, with all fields that each of them has.

    The fields that the kubelet reads have the names and values that it reads. Raises
    UnreadableSecretError.
    """
    entries: dict[str, Fields] = {}
    for name, value in _object(_parse(dockerconfigjson), "it"):
        if fold(name) == "auths":
            # A second `auths` adds to the first one, and `null` takes all away.
            entries = {} if value is None else entries | _entries(value, "its `auths`")
        elif fold(name) == "httpheaders":
            for _, text in _object(value, "its `HttpHeaders`"):
                _text(text, "HttpHeaders")
    return entries


def legacy_entry_fields(dockercfg: bytes | str) -> dict[str, Fields]:
    """The entries by server of a `.dockercfg`, as `entry_fields` has them."""
    return _entries(_parse(dockercfg), "it")


def _parse(content: bytes | str) -> Any:
    given = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    try:
        return load_json(given)
    except ValueError as error:
        raise UnreadableSecretError("it is not JSON") from error


def _entries(document: Any, what: str) -> dict[str, Fields]:
    if document is not None and not isinstance(document, JsonObject):
        raise UnreadableSecretError(f"{what} is no mapping of servers")
    return {server: _fields(entry) for server, entry in document or ()}


def _object(document: Any, what: str) -> JsonObject:
    """An object, which `null` leaves empty."""
    if document is None:
        return JsonObject()
    if not isinstance(document, JsonObject):
        raise UnreadableSecretError(f"{what} is no object")
    return document


def _fields(entry: Any) -> Fields:
    """The fields of an entry, whose credential the kubelet can read."""
    fields: Fields = {}
    for name, value in _object(entry, "an entry"):
        known = fold(name)
        if known not in _TEXTS:
            fields[name] = without_pairs(value)
        elif value is not None:
            fields[known] = _text(value, known)
    _credential(fields)
    return fields


def _credentials(entries: Mapping[str, Fields]) -> dict[str, Credential]:
    return {server: _credential(fields) for server, fields in entries.items()}


def _credential(fields: Fields) -> Credential:
    if fields.get("auth"):
        return _decode(fields["auth"])
    return Credential(fields.get("username", ""), fields.get("password", ""))


def _text(value: Any, name: str) -> str:
    if value is not None and not isinstance(value, str):
        raise UnreadableSecretError(f"its `{name}` is no text")
    return value or ""


def _decode(auth: str) -> Credential:
    """Login and token of an `auth`, whose base64 may lack padding and have line breaks."""
    text = auth.replace("\r", "").replace("\n", "")
    digits = text.rstrip("=")
    padding = len(text) - len(digits)
    padded = padding in (0, -len(digits) % 4)
    if not _BASE64.fullmatch(digits) or len(digits) % 4 == 1 or not padded:
        raise UnreadableSecretError("its `auth` is not base64")
    pair = base64.b64decode(digits + "=" * (-len(digits) % 4))
    login, colon, token = pair.partition(b":")
    if not colon:
        raise UnreadableSecretError("its `auth` is not base64 of login:token")
    return Credential(login.decode(errors="replace"), token.decode(errors="replace"))
