"""Certificates that are wrong on purpose, each in one thing only.

The key of the authority that the nodes trust is discarded when the lab starts. So the faulty
certificates that it has to sign are signed at once, and stored in a file with mode 0600.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from pullrecovery.common.errors import LabError

OTHER_NAME = "registry.example"
_FILE = "faulty-certificates.json"


@dataclass(frozen=True)
class KeyPair:
    """A certificate with its chain, and its key, both as PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class FaultyCertificates:
    """Certificates of the trusted authority: for another name, and for ghcr.io until yesterday."""

    other_name: KeyPair
    expired: KeyPair


def keep_faulty(authority: trustme.CA, names: tuple[str, ...], folder: Path) -> None:
    """Sign the faulty certificates and write them to `folder`, mode 0600."""
    today = datetime.now(UTC)
    expired = authority.issue_cert(
        *names, not_before=today - timedelta(days=30), not_after=today - timedelta(days=1)
    )
    faulty = FaultyCertificates(_pair(authority.issue_cert(OTHER_NAME)), _pair(expired))
    file = folder / _FILE
    folder.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(faulty)))


def read_faulty(folder: Path) -> FaultyCertificates:
    """Read what keep_faulty() wrote; raises LabError if there is no file."""
    file = folder / _FILE
    try:
        pairs = json.loads(file.read_text())
    except OSError as error:
        raise LabError(
            f"{file} cannot be read: {error.strerror}; raise the lab anew (make lab-down lab)."
        ) from error
    return FaultyCertificates(KeyPair(**pairs["other_name"]), KeyPair(**pairs["expired"]))


def of_unknown_authority(names: tuple[str, ...]) -> KeyPair:
    """Return a certificate for the lab's names whose authority no client trusts."""
    return _pair(trustme.CA(organization_name="nobody").issue_cert(*names))


def _pair(leaf: trustme.LeafCert) -> KeyPair:
    chain = "".join(pem.bytes().decode() for pem in leaf.cert_chain_pems)
    return KeyPair(chain, leaf.private_key_pem.bytes().decode())
