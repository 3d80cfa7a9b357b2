"""Read and check the environment variables that configure the hook."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pullrecovery.common.errors import HeldError, UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.gate.defaults import VALID_FOR
from pullrecovery.gate.releases import Deployed
from pullrecovery.gate.verdict.signing import Key, public_key
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause
from pullrecovery.monorepo import target_names
from pullrecovery.registry.keyring import UnreadableSecretError, in_order, read_entries

# Seconds; less than the Job's activeDeadlineSeconds, so that the hook can still report and clean
# up.
DEADLINE = 120
_ARGOCD = "argocd"
_LONGEST_HOURS = 24 * 365
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TARGET = re.compile(target_names.TARGET.pattern, re.ASCII)
_WORLD = re.compile(r"lab|live")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True)
class HookSettings:
    """What is to be promoted, how its pods pull, and the hook's own identity.

    `target` is the target's name. `application` is the Application that is synced, in
    `application_namespace`; it is '' if the Job runs without one, and then `deployed` is what the
    variables say. `digest` is the one that the chart pins, or '' if it uses the tag. `pull_secrets`
    are those that the chart's values give its pods, and `service_account` is the pods' account.
    `own_account`, `pod` and `pod_uid` are the hook's. `credential` is None if there is none, as for
    a public package. `deadline` is in seconds; `max_age` is the maximum age of a verdict. `world`
    is `lab` or `live`: whose images the verdict must be on.
    """

    revision: str
    target: str
    workload: str
    application: str
    application_namespace: str
    deployed: Deployed
    image: Image
    digest: str
    service_account: str
    pull_secrets: tuple[str, ...]
    key: Key
    credential: Credential | None
    own_account: str
    pod: str
    pod_uid: str
    deadline: int
    max_age: timedelta = VALID_FOR
    world: str = "live"

    @property
    def namespace(self) -> str:
        """Return the namespace that is synced, which is also the hook's own."""
        return self.deployed.namespace

    @property
    def account(self) -> str:
        """Return the hook's user name at the API server."""
        return f"system:serviceaccount:{self.namespace}:{self.own_account}"


def read_settings(environ: Mapping[str, str]) -> HookSettings:
    """Return the settings in `environ`.

    Raises UsageError that names a wrong variable, and HeldError for a reference that no node can
    pull.
    """
    image, pinned = _image(environ)
    return HookSettings(
        revision=_fitting(environ, "GATE_REVISION", _COMMIT, "a full commit id"),
        target=_fitting(environ, "GATE_TARGET", _TARGET, "a target's name"),
        workload=_fitting(environ, "GATE_WORKLOAD", _NAME, "a workload's name"),
        # Outside of Argo CD's own namespace, the tracking name is NAMESPACE_NAME.
        application=(environ.get("GATE_APPLICATION") or "").rpartition("_")[2],
        application_namespace=environ.get("GATE_APPLICATION_NAMESPACE") or _ARGOCD,
        deployed=_deployed(environ),
        image=image,
        digest=pinned,
        service_account=environ.get("GATE_SERVICE_ACCOUNT") or "default",
        pull_secrets=tuple((environ.get("GATE_PULL_SECRETS") or "").replace(",", " ").split()),
        key=_key(environ),
        credential=_credential(environ, image),
        own_account=_fitting(environ, "GATE_OWN_ACCOUNT", _NAME, "a ServiceAccount"),
        pod=_fitting(environ, "GATE_POD", _NAME, "a pod's name"),
        pod_uid=_given(environ, "GATE_POD_UID"),
        deadline=_seconds(environ),
        max_age=_max_age(environ),
        world=_fitting(environ, "GATE_WORLD", _WORLD, "lab or live", default="live"),
    )


def _deployed(environ: Mapping[str, str]) -> Deployed:
    """Return what is deployed: either an Application or the variables describe it, not both."""
    namespace = _fitting(environ, "GATE_NAMESPACE", _NAME, "a namespace")
    chart = environ.get("GATE_CHART") or ""
    if bool(environ.get("GATE_APPLICATION")) == bool(chart):
        raise UsageError("Either GATE_APPLICATION or GATE_CHART is needed; docs/gate-hook.md.")
    values = (environ.get("GATE_VALUES_FILES") or "").split()
    return Deployed(namespace, chart, tuple(values))


def _given(environ: Mapping[str, str], name: str, default: str = "") -> str:
    found = environ.get(name, "").strip() or default
    if not found:
        raise UsageError(f"{name} is not set; docs/gate-hook.md has every variable.")
    return found


def _fitting(
    environ: Mapping[str, str], name: str, form: re.Pattern[str], what: str, default: str = ""
) -> str:
    found = _given(environ, name, default)
    if not form.fullmatch(found):
        raise UsageError(f"{name}={found!r} is not {what}.")
    return found


def _image(environ: Mapping[str, str]) -> tuple[Image, str]:
    """Return the image and, if the chart pins it by a digest, that digest."""
    given = _given(environ, "GATE_REFERENCE")
    parsed = parse_reference(given)
    if parsed.problem:
        raise HeldError(f"{Cause.INVALID_REFERENCE}: {given}: {parsed.problem}")
    if not parsed.tag and not parsed.digest:
        raise UsageError(f"GATE_REFERENCE={given!r} has neither a tag nor a digest.")
    digest = environ.get("GATE_DIGEST") or parsed.digest
    if digest and not _DIGEST.fullmatch(digest):
        raise UsageError(f"GATE_DIGEST={digest!r} is not sha256: with 64 hex digits.")
    return Image(parsed.repository, parsed.tag), digest


def _key(environ: Mapping[str, str]) -> Key:
    file = Path(_given(environ, "GATE_KEY_FILE"))
    return public_key(_content(file, "GATE_KEY_FILE"), str(file))


def _credential(environ: Mapping[str, str], image: Image) -> Credential | None:
    """Return the credential of the mounted pull secret for the image's repository."""
    given = environ.get("GATE_REGISTRY_CONFIG", "")
    if not given:
        return None
    text = _content(Path(given), "GATE_REGISTRY_CONFIG")
    try:
        found = in_order(read_entries(text).items(), image.repository)
    except (UnreadableSecretError, json.JSONDecodeError) as error:
        raise UsageError(f"GATE_REGISTRY_CONFIG={given}: {error}.") from error
    if not found:
        raise UsageError(f"GATE_REGISTRY_CONFIG={given} has no entry for {image.registry}.")
    protect(found[0][1].token)
    return found[0][1]


def _content(file: Path, name: str) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}={file} cannot be read: {error}") from error


def _max_age(environ: Mapping[str, str]) -> timedelta:
    given = environ.get("GATE_MAX_AGE") or "24"
    if not given.isdecimal() or not 0 < int(given) <= _LONGEST_HOURS:
        raise UsageError(f"GATE_MAX_AGE={given!r} is not a number of hours of at most a year.")
    return timedelta(hours=int(given))


def _seconds(environ: Mapping[str, str]) -> int:
    given = environ.get("GATE_DEADLINE") or str(DEADLINE)
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"GATE_DEADLINE={given!r} is not a number of seconds.")
    return int(given)
