"""Answers about a grant: GitHub's, asked with curl in the runner, and the API server's."""

from urllib.parse import quote

from pullrecovery.faults.sandbox import Sandbox

_API = "https://api.github.com"
# The token is passed on standard input, as every user can read a process's arguments.
_CURL = (
    """printf 'Authorization: Bearer %s' "$(cat "$TOKEN_FILE")" """
    "| curl --silent --show-error --include --header @- "
)


def grant_answers(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Return every line of GitHub's answers and of the cluster, each with who gave it."""
    return [*_lines_of_github(sandbox), *_lines_of_cluster(sandbox)]


def _lines_of_github(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Return every line that curl prints in the runner for the Secret's token and the package."""
    image = sandbox.workload.image
    name = quote(image.name, safe="")
    addresses = (f"{_API}/user", f"{_API}/users/{image.owner}/packages/container/{name}")
    commands = [_CURL + address for address in addresses]
    results = sandbox.world.runner.run(commands, credential=sandbox.credential)
    answers = zip(addresses, results, strict=True)
    return [(address, line) for address, result in answers for line in result.stdout.splitlines()]


def _lines_of_cluster(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Return a line for each other namespace whose pull secret has exactly the same content."""
    name = sandbox.secret_name
    own = sandbox.core.read_namespaced_secret(name, sandbox.namespace).data
    peers = (
        (peer, sandbox.core.read_namespaced_secret(name, peer)) for peer in sandbox.other_namespaces
    )
    return [
        (f"Secret {peer}/{name}", f"Secret {peer}/{name} is the same")
        for peer, secret in peers
        if secret.data == own
    ]
