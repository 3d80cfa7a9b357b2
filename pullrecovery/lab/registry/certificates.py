"""The lab's certificates that are wrong on purpose, as wrong in one thing alone.

The authority that the nodes trust is forgotten when the lab is raised, so what it has to sign is
signed at once, and kept in a file that only this user may read.
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
    """A certificate with its chain, and its key; both PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class FaultyCertificates:
    """Signed by the trusted authority: for another name, and for ours until yesterday."""

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
    """Read what keep_faulty() wrote; raises LabError if it did not."""
    file = folder / _FILE
    try:
        pairs = json.loads(file.read_text())
    except OSError as error:
        raise LabError(
            f"{file} cannot be read: {error.strerror}; raise the lab anew (make lab-down lab)."
        ) from error
    return FaultyCertificates(KeyPair(**pairs["other_name"]), KeyPair(**pairs["expired"]))


def of_unknown_authority(names: tuple[str, ...]) -> KeyPair:
    """A certificate for our names whose authority nobody trusts."""
    return _pair(trustme.CA(organization_name="nobody").issue_cert(*names))


def _pair(leaf: trustme.LeafCert) -> KeyPair:
    chain = "".join(pem.bytes().decode() for pem in leaf.cert_chain_pems)
    return KeyPair(chain, leaf.private_key_pem.bytes().decode())
