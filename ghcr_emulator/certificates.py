"""A certificate for all names of the emulator, under a new CA.

Only this module needs trustme: an emulator that reads its files from a directory works without it.
"""

from dataclasses import dataclass
from pathlib import Path

import trustme

from ghcr_emulator.protocol import hosts
from ghcr_emulator.state.secret_files import write_private


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate for all names and the loopback, under a CA whose key is not stored."""

    ca_file: Path
    chain_file: Path
    key_file: Path


def issue_certificate(folder: Path) -> ServerCertificate:
    """Write `ca.crt`, `tls.crt` and `tls.key` of a new certificate into `folder`."""
    authority = trustme.CA(organization_name="pull-recovery loopback")
    leaf = authority.issue_cert(*hosts.NAMES, "127.0.0.1")
    made = ServerCertificate(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    made.ca_file.write_bytes(authority.cert_pem.bytes())
    made.chain_file.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    write_private(made.key_file, leaf.private_key_pem.bytes())
    return made
