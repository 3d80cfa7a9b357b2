"""The start of the emulator's container: one certificate for all of its names."""

import ssl

import httpx
import pytest
from cryptography import x509

from pullrecovery.lab.paths import Paths
from pullrecovery.lab.registry.container import NAMES, GhcrEmulator, issue_certificates, lab_client


@pytest.fixture(name="paths")
def _paths(tmp_path):
    return Paths(cache=tmp_path / "cache", state=tmp_path / "state")


def test_certificate_is_for_every_name(paths):
    """Registry, blobs and packages API are three names of one server."""
    files = issue_certificates(paths)
    leaf = x509.load_pem_x509_certificates(files["tls.crt"])[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == [
        "ghcr.io",
        "pkg-containers.githubusercontent.com",
        "api.github.com",
    ]


def test_nodes_trust_registry_and_redirects(paths):
    """One hosts.toml for ghcr.io is enough: containerd follows a redirect with the same client."""
    issue_certificates(paths)

    assert [folder.name for folder in paths.certs.iterdir()] == ["ghcr.io"]
    text = (paths.certs / "ghcr.io" / "hosts.toml").read_text()
    assert text == 'server = "https://ghcr.io"\nca = "/etc/containerd/certs.d/ghcr.io/ca.crt"\n'
    ssl.create_default_context(cafile=str(paths.certs / "ghcr.io" / "ca.crt"))


def test_lab_client_reaches_only_emulator(paths):
    """Another name is an error, and no request to the internet."""
    issue_certificates(paths)
    emulator = GhcrEmulator(1, 1, paths.certs / NAMES[0] / "ca.crt", "")

    with (
        lab_client(emulator) as client,
        pytest.raises(httpx.ConnectError, match=r"github\.com is not in the lab"),
    ):
        client.get("https://github.com/")
