"""What is wrong with the pull secret, or with the credential in it."""

from pullrecovery.diagnosis.advice import READ, WAIT
from pullrecovery.model import Cause, Verdict, fails
from pullrecovery.observation import Probe, SecretSeen

_SCOPES = "does not match expected scopes"


def diagnose_credential(secret: SecretSeen) -> Verdict | None:
    """What is wrong with the pull secret; None if the registry accepts its credential."""
    where = f"Secret {secret.namespace}/{secret.name}"
    refresh = (
        f"kubectl -n {secret.namespace} create secret docker-registry {secret.name}"
        " --docker-server=ghcr.io … --dry-run=client -o yaml | kubectl apply -f -"
    )
    if not secret.exists:
        return fails(Cause.SECRET_MISSING, f"{where} does not exist", refresh)
    if secret.type != "kubernetes.io/dockerconfigjson":
        again = f"kubectl -n {secret.namespace} delete secret {secret.name}; {refresh}"
        return fails(Cause.SECRET_WRONG_TYPE, f"{where} is of type {secret.type}", again)
    if secret.problem:
        return fails(Cause.SECRET_UNREADABLE, f"{where}: {secret.problem}", refresh)
    if secret.credential is None:
        servers = ", ".join(secret.servers) or "no server"
        return fails(Cause.SECRET_WRONG_SERVER, f"{where} is for {servers}", refresh)
    if secret.probe is None:
        return fails(Cause.UNKNOWN, f"{where}: the registry was not asked", READ)
    return _diagnose_probe(where, secret.probe, refresh)


def _diagnose_probe(where: str, probe: Probe, refresh: str) -> Verdict | None:
    evidence = f"{where}: {probe}"
    if probe.ok or probe.missing:
        return None
    if probe.stage == "token" and probe.status == 403:
        return fails(Cause.CREDENTIAL_REJECTED, evidence, f"make a new token, then {refresh}")
    if _SCOPES in probe.message:
        scope = "give the token the scope read:packages"
        return fails(Cause.SCOPE_MISSING, evidence, f"{scope}, then {refresh}")
    if "SAML enforcement" in probe.message:
        return fails(Cause.SSO_MISSING, evidence, "authorise the token for the organisation's SSO")
    if "permission_denied" in probe.message:
        grant = "give the token's owner read access to the package"
        return fails(Cause.PERMISSION_MISSING, evidence, f"{grant} in the package's settings")
    if probe.unreachable:
        return fails(Cause.REGISTRY_UNREACHABLE, evidence, WAIT)
    return fails(Cause.UNKNOWN, evidence, READ)
