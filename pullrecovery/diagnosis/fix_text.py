"""Texts of fixes: what to do for an unknown cause, and how to create or refresh a pull secret.

The commands read the token from GHCR_TOKEN and pass it on by pipes, so that no process list and no
annotation shows it.
"""

import json
from shlex import quote

from pullrecovery.model.target import Target

READ = "read the message; no known cause fits it"
# For a failure whose cause depends on a part that was not observed.
OBSERVE = "let what is named there be read, and judge again"


def make_secret(target: Target, name: str, namespace: str) -> str:
    """The command that creates the pull secret, or replaces its whole content."""
    document = f"{{auths: {{{json.dumps(target.registry)}: {_entry(target)}}}}}"
    return (
        f"jq -n {quote(document)}"
        f" | kubectl -n {quote(namespace)} create secret docker-registry {quote(name)}"
        " --from-file=.dockerconfigjson=/dev/stdin --dry-run=client -o yaml"
        " | kubectl apply --server-side --force-conflicts -f -"
    )


def refresh_secret(target: Target, name: str, namespace: str) -> str:
    """The command that puts the token into a pull secret and preserves its other registries."""
    entry = f".auths[{json.dumps(target.registry)}] = {_entry(target)}"
    change = f"@base64d | fromjson | {entry} | tojson | @base64"
    edit = f'.data[".dockerconfigjson"] |= ({change})'
    return (
        f"kubectl -n {quote(namespace)} get secret {quote(name)} -o json"
        f" | jq {quote(edit)}"
        " | kubectl replace -f -"
    )


def _entry(target: Target) -> str:
    login = json.dumps(f"{target.login}:")
    return f"{{auth: ({login} + env.GHCR_TOKEN | @base64)}}"
