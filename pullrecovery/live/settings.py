"""The cluster and the credential of a live run, all given explicitly by the user."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pullrecovery.common.errors import UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.common.secret_variables import TOKEN, secret
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Target

KUBECONFIG = "KUBECONFIG"
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+")


@dataclass(frozen=True)
class LiveSettings:
    """A context of a kubeconfig and the operator's credential.

    `kubeconfig` is one path, or several as KUBECONFIG lists them. `platforms` are the nodes'
    os/arch; if empty, the nodes are listed instead.
    """

    kubeconfig: str
    context: str
    operator: Credential
    platforms: tuple[str, ...] = ()


def live_settings(
    target: Target,
    context: str,
    *,
    login: str = "",
    platforms: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> LiveSettings:
    """Read KUBECONFIG and GHCR_TOKEN from `environment`, by default the process's environment.

    `login` is the token's owner, by default the target's login. Raises UsageError if one is missing
    or the kubeconfig has no such context.
    """
    given = {**os.environ, TOKEN: secret(TOKEN)} if environment is None else environment
    wrong = [platform for platform in platforms if not _PLATFORM.fullmatch(platform)]
    if wrong:
        raise UsageError(f"--platform: {wrong[0]!r} is no platform; one is linux/amd64.")
    token = protect(given.get(TOKEN, "").strip())
    if not token:
        raise UsageError(
            f"{TOKEN} is not set: the live world asks the registry as its user, with a classic"
            " token that has read:packages."
        )
    kubeconfig = given.get(KUBECONFIG, "")
    if not kubeconfig:
        raise UsageError(f"{KUBECONFIG} is not set: the live world takes no default for it.")
    _check_context(kubeconfig, context)
    operator = Credential(login or target.login, token)
    protect(operator.auth)
    return LiveSettings(kubeconfig, context, operator, tuple(platforms))


def _check_context(kubeconfig: str, context: str) -> None:
    names = _contexts(kubeconfig)
    listed = f"{kubeconfig} has {', '.join(names) or 'none'}"
    if not context:
        raise UsageError(
            "--context is missing: the live world looks at no cluster that it was not told;"
            f" {listed}."
        )
    if context not in names:
        raise UsageError(f"--context: there is no context {context!r}; {listed}.")


def _contexts(kubeconfig: str) -> list[str]:
    """Return the names of all contexts in all files of `kubeconfig`."""
    files = [Path(name) for name in kubeconfig.split(os.pathsep) if name]
    return sorted({name for file in files for name in _named_in(file)})


def _named_in(file: Path) -> list[str]:
    if not file.is_file():
        raise UsageError(f"{KUBECONFIG} names {file}, and there is no such file.")
    try:
        document = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        return [str(each["name"]) for each in document["contexts"]]
    except (YAMLError, OSError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{KUBECONFIG}: {file} cannot be read as a kubeconfig: {type(error).__name__}."
        ) from error
