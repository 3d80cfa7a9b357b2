"""REG-003: the pull secret.

Create or refresh the Secret in the workload's namespace, for the registry and the login of the
target, from a token that may read the package.
"""

import base64
import json
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.redaction import protect
from pullrecovery.diagnosis.credential import diagnose_credential
from pullrecovery.diagnosis.grant import is_meant_to_be_public
from pullrecovery.model.observed import Observed
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Verdict, passes
from pullrecovery.registry.keyring import (
    DATA_KEYS,
    DOCKER_CONFIG,
    DOCKER_CONFIG_JSON,
    UnreadableSecretError,
    entry_fields,
    legacy_entry_fields,
    matches,
)
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.world.world import World

_KEY = DATA_KEYS[DOCKER_CONFIG_JSON]
_LEGACY_KEY = DATA_KEYS[DOCKER_CONFIG]
# The field manager of these fields; the fields of other managers are preserved.
_MANAGER = "pull-recovery"
# `kubectl apply` without --server-side leaves this annotation, with the token in it.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def _judge(observation: Observed) -> Verdict:
    """Passes if the Secret exists, has the right type and registry, and the registry accepts it.

    A package that should be public needs no Secret; an existing one must still be valid, because
    the registry refuses a bad token for public packages too.
    """
    if is_meant_to_be_public(observation.workload) and not observation.secret.exists:
        return passes("the package is meant to be public, and there is no Secret")
    return diagnose_credential(observation.target, observation.secret) or passes()


reg_003 = Criterion("REG-003", needs=(Observed.secret,), judge=_judge)


def refresh_secret(
    world: World, workload: Workload, credential: Credential, *, dry_run: bool = False
) -> Change:
    """Create the Secret, or replace its entry for the registry; everything else stays.

    Idempotent, by server-side apply, so that no annotation repeats the token; an annotation that
    has it is deleted. A Secret of another type, or an immutable one, is deleted and recreated with
    its other content.
    """
    name, namespace = world.target.pull_secret, workload.namespace
    found = _read(world, name, namespace)
    auths = _others(found, workload.image.repository)
    auths[world.target.registry] = _entry(credential)
    wanted = _Wanted(name, namespace, auths, found)
    if wanted.there:
        return Change(f"Secret {namespace}/{name} has this entry already")
    diff = wanted.diff
    if not dry_run:
        wanted.bring_about(world)
    done = ("would be " if dry_run else "") + wanted.verb
    return Change(f"Secret {namespace}/{name} {done}", diff)


@dataclass(frozen=True)
class _Wanted:
    """The desired Secret, beside the one that was `found`; `auths` has its entries."""

    name: str
    namespace: str
    auths: dict[str, Any]
    found: Any = field(repr=False)

    @property
    def anew(self) -> bool:
        """Whether the existing Secret must be recreated: type and immutability cannot change."""
        return self.found is not None and bool(
            self.found.type != DOCKER_CONFIG_JSON or self.found.immutable
        )

    @property
    def there(self) -> bool:
        """Whether the Secret is already as desired."""
        if self.found is None or self.found.type != DOCKER_CONFIG_JSON:
            return False
        return _auths_of(self.found) == self.auths and not self._repeats_token

    @property
    def verb(self) -> str:
        if self.anew:
            return "deleted and created anew"
        return "refreshed" if self.found is not None else "created"

    @property
    def _repeats_token(self) -> bool:
        return self.found is not None and _LAST_APPLIED in (self.found.metadata.annotations or {})

    def bring_about(self, world: World) -> None:
        if self.anew:
            world.core.delete_namespaced_secret(self.name, self.namespace)
        world.core.patch_namespaced_secret(
            self.name,
            self.namespace,
            self._body(),
            field_manager=_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
        )
        if self._repeats_token and not self.anew:
            world.core.patch_namespaced_secret(
                self.name,
                self.namespace,
                {"metadata": {"annotations": {_LAST_APPLIED: None}}},
                _content_type="application/merge-patch+json",
            )

    def _body(self) -> dict[str, Any]:
        """The object to apply: only the entries; for a recreated Secret, its other content too."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        data = {}
        if self.anew:
            old = self.found.metadata
            annotations = dict(old.annotations or {})
            annotations.pop(_LAST_APPLIED, None)
            metadata |= {"labels": old.labels or {}, "annotations": annotations}
            data = {k: v for k, v in (self.found.data or {}).items() if k != _LEGACY_KEY}
        data[_KEY] = base64.b64encode(json.dumps({"auths": self.auths}).encode()).decode()
        kind = {"apiVersion": "v1", "kind": "Secret", "type": DOCKER_CONFIG_JSON}
        return {**kind, "metadata": metadata, "data": data}

    @property
    def diff(self) -> str:
        """The diff of both Secrets as YAML, with each token masked; marks show a changed token."""
        old = _auths_of(self.found)
        before = _text(self, old, self.auths, "(before)") if self.found is not None else ""
        return diff_of(
            before, _text(self, self.auths, old, "(after)"), f"{self.namespace}/{self.name}"
        )


def _text(wanted: _Wanted, auths: dict[str, Any], beside: dict[str, Any], mark: str) -> str:
    """One side of the diff; entries that differ from `beside` have the `mark`."""
    found, first = wanted.found, mark == "(before)"
    shown: dict[str, Any] = {"name": wanted.name, "namespace": wanted.namespace}
    shown["type"] = found.type if first else DOCKER_CONFIG_JSON
    if first and _LAST_APPLIED in (found.metadata.annotations or {}):
        shown["annotations"] = {_LAST_APPLIED: "***"}
    shown["auths"] = {
        server: "***" if beside.get(server) == entry else f"*** {mark}"
        for server, entry in auths.items()
    }
    buffer = StringIO()
    YAML().dump(shown, buffer)
    return buffer.getvalue()


def _read(world: World, name: str, namespace: str) -> Any:
    return tolerate_missing(world.core.read_namespaced_secret, name, namespace)


def _auths_of(secret: Any) -> dict[str, Any]:
    """The entries of a Secret, whatever its type; {} if the kubelet could not read it.

    A legacy document may be in the newer format.
    """
    data = (secret.data or {}) if secret is not None else {}
    content, legacy = data.get(_KEY, ""), data.get(_LEGACY_KEY, "")
    try:
        document = base64.b64decode(content or legacy)
        if content:
            return entry_fields(document)
        if legacy:
            entries = legacy_entry_fields(document)
            return entry_fields(document) if "auths" in entries else entries
    except (UnreadableSecretError, ValueError):
        return {}
    return {}


def _others(secret: Any, repository: str) -> dict[str, Any]:
    """The entries for other images; a document that is not readable has none."""
    auths = _auths_of(secret)
    return {server: entry for server, entry in auths.items() if not matches(server, repository)}


def _entry(credential: Credential) -> dict[str, str]:
    protect(credential.token)
    auth = protect(credential.auth)
    return {"username": credential.login, "password": credential.token, "auth": auth}
