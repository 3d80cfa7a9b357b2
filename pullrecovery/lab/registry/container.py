"""The running GHCR emulator: its container, its certificate, and an HTTP client for it."""

import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import docker
import httpx
import trustme
from docker.errors import NotFound

from ghcr_emulator.protocol import hosts
from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect
from pullrecovery.lab.engine.containers import await_answer, remove_own
from pullrecovery.lab.engine.network import free_ports
from pullrecovery.lab.engine.tar_archive import archive
from pullrecovery.lab.paths import LABEL, NAME, Paths
from pullrecovery.lab.registry.certificates import keep_faulty
from pullrecovery.lab.registry.client import Control

HOST = hosts.REGISTRY
# All names of the container: the registry, its blobs, and the packages API.
NAMES = hosts.NAMES
CONTAINER = f"{NAME}-ghcr"
# Seconds. Short, because the first packets to a new container may be lost without an answer.
_SOON = 3.0
_HOSTS_TOML = f"""\
server = "https://{HOST}"
ca = "/etc/containerd/certs.d/{HOST}/ca.crt"
"""


@dataclass(frozen=True)
class GhcrEmulator:
    """The emulator's ports on this host, and what is needed to use them."""

    https_port: int
    control_port: int
    ca_file: Path
    secret: str = field(repr=False)

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the lab's CA and nothing else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def control(self, timeout: float = 30) -> Control:
        return Control(self.control_port, self.secret, timeout)


def issue_certificates(paths: Paths) -> dict[str, bytes]:
    """Create a new CA and a certificate for all names of the emulator.

    The CA's certificate is written to where the nodes read it; its key is discarded. Returns the
    files that the container needs, by name.
    """
    authority = trustme.CA(organization_name="pull-recovery lab")
    leaf = authority.issue_cert(*NAMES)
    folder = paths.certs / HOST
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_bytes(authority.cert_pem.bytes())
    (folder / "hosts.toml").write_text(_HOSTS_TOML)
    keep_faulty(authority, (HOST,), paths.state)
    chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
    return {"tls.crt": chain, "tls.key": leaf.private_key_pem.bytes()}


def start_emulator(client: docker.DockerClient, paths: Paths, image: str) -> GhcrEmulator:
    """Start a new emulator on the lab's network, replacing the container of its name."""
    remove_emulator(client)
    secret = secrets.token_urlsafe(32)
    files = {**issue_certificates(paths), "control.secret": secret.encode()}
    https, control = free_ports(2)
    container = client.containers.create(
        image,
        name=CONTAINER,
        hostname=CONTAINER,
        labels={LABEL: "ghcr"},
        network=NAME,
        networking_config={NAME: client.api.create_endpoint_config(aliases=list(NAMES))},
        ports={"443/tcp": ("127.0.0.1", https), "8080/tcp": ("127.0.0.1", control)},
        init=True,
    )
    container.put_archive("/etc", archive({f"ghcr/{name}": data for name, data in files.items()}))
    secret_file = paths.state / "control.secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret)
    container.start()
    what = "the GHCR emulator answers"
    found = await_answer(container, what, lambda: find_emulator(client, paths), within=60)
    if found is None:
        raise LabError("The GHCR emulator answers no more.")
    return found


def find_emulator(
    client: docker.DockerClient, paths: Paths, image: str = ""
) -> GhcrEmulator | None:
    """Return the running emulator, if it accepts the lab's secret and is of `image` (if given)."""
    secret_file = paths.state / "control.secret"
    ca_file = paths.certs / HOST / "ca.crt"
    try:
        container = client.containers.get(CONTAINER)
        secret = protect(secret_file.read_text())
        ports = container.attrs["NetworkSettings"]["Ports"]
        https, control = (int(ports[port][0]["HostPort"]) for port in ("443/tcp", "8080/tcp"))
    except (NotFound, OSError, KeyError, TypeError, IndexError):
        return None
    if image and container.attrs["Config"]["Image"] != image:
        return None
    found = GhcrEmulator(https, control, ca_file, secret)
    return found if _answers(found) else None


def remove_emulator(client: docker.DockerClient) -> None:
    """Remove the container if it exists; raises LabError if it is not the lab's."""
    remove_own(client, CONTAINER)


def emulator_output(client: docker.DockerClient) -> bytes:
    """Return everything that the container has printed."""
    output: bytes = client.containers.get(CONTAINER).logs()
    return output


def _answers(emulator: GhcrEmulator) -> bool:
    """Return whether the control API accepts the secret and TLS has a valid certificate."""
    try:
        with emulator.control(_SOON) as control, lab_client(emulator, _SOON) as client:
            control.instance()
            return client.get(f"https://{HOST}/v2/").status_code == httpx.codes.UNAUTHORIZED
    except (LabError, httpx.HTTPError, OSError):
        return False


class _ToTheLab(httpx.HTTPTransport):
    """Send requests for the emulator's names to its published port, under their TLS names."""

    def __init__(self, emulator: GhcrEmulator) -> None:
        super().__init__(verify=emulator.trust(), trust_env=False)
        self._port = emulator.https_port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if name not in NAMES:
            raise httpx.ConnectError(f"{name} is not in the lab", request=request)
        # A new request, because the client resolves redirects against its own request.
        onward = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=self._port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": name},
        )
        return super().handle_request(onward)


def lab_client(emulator: GhcrEmulator, timeout: float = 60) -> httpx.Client:
    """Return an HTTP client that sends https://ghcr.io to the lab and reaches no other host."""
    return httpx.Client(transport=lab_transport(emulator), timeout=timeout, trust_env=False)


def lab_transport(emulator: GhcrEmulator) -> httpx.BaseTransport:
    """Return the transport of lab_client(), for a library that creates its own client."""
    return _ToTheLab(emulator)
