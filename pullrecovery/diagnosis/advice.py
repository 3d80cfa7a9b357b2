"""What is told: where nothing is to be mended, and how a pull secret is made or refreshed.

The commands take the token from GHCR_TOKEN and hand it on by pipes, so that no process list and no
annotation shows it.
"""

from pullrecovery.model import Target

READ = "read the message; no known cause fits it"


def make_secret(target: Target, name: str, namespace: str) -> str:
    """The command that makes the pull secret, or replaces all that it holds."""
    return (
        f"jq -n '{{auths: {{\"{target.registry}\": {_entry(target)}}}}}'"
        f" | kubectl -n {namespace} create secret docker-registry {name}"
        " --from-file=.dockerconfigjson=/dev/stdin --dry-run=client -o yaml"
        " | kubectl apply --server-side --force-conflicts -f -"
    )


def refresh_secret(target: Target, name: str, namespace: str) -> str:
    """The command that puts the token into a pull secret, which keeps its other registries."""
    change = (
        f'@base64d | fromjson | .auths["{target.registry}"] = {_entry(target)} | tojson | @base64'
    )
    return (
        f"kubectl -n {namespace} get secret {name} -o json"
        f" | jq '.data[\".dockerconfigjson\"] |= ({change})'"
        " | kubectl replace -f -"
    )


def _entry(target: Target) -> str:
    return f'{{auth: ("{target.login}:" + env.GHCR_TOKEN | @base64)}}'
