"""Messages of pods while the registry is unavailable, by row of faults/external."""

from pullrecovery.model.probe import RegistryFailure
from tests.fakes import recorded
from tests.fakes.recorded import REFERENCE

P = f'failed to pull and unpack image "{REFERENCE}": '
RESOLVE = f'{P}failed to resolve reference "{REFERENCE}": '
URL = f"https://ghcr.io/v2/bytequester/hosting-monorepo/manifests/{recorded.TAG}"
HEAD = f"{RESOLVE}unexpected status from HEAD request to {URL}: "
DIALLED = f'{RESOLVE}failed to do request: Head "{URL}": '
TOKEN = (
    f"{RESOLVE}failed to authorize: failed to fetch oauth token: unexpected status from GET"
    " request to https://ghcr.io/token?scope=repository%3Ao%2Fa%3Apull&service=ghcr.io: "
)
TLS = "tls: failed to verify certificate: x509: certificate "
EXPIRED = "has expired or is not yet valid: current time 2026-11-24T20:11:13Z is after 2026-11-23Z"
LOOKUP = "dial tcp: lookup ghcr.io on 172.18.0.1:53: "

# The observed message of the pod for each row, and the failure that it means.
PODS = {
    "rate-limit-token": (f"{TOKEN}429 Too Many Requests", RegistryFailure.RATE_LIMITED),
    "rate-limit-manifest": (f"{HEAD}429 Too Many Requests", RegistryFailure.RATE_LIMITED),
    "rate-limit-blob": (
        (
            f"{P}failed to copy: httpReadSeeker: failed open: unexpected status from GET request"
            " to https://ghcr.io/v2/o/a/blobs/sha256:0: 429 Too Many Requests\n"
            "toomanyrequests: retry-after: 880.092µs, allowed: 44000/minute"
        ),
        RegistryFailure.RATE_LIMITED,
    ),
    "outage-500-json": (f"{HEAD}500 Internal Server Error", RegistryFailure.SERVER_ERROR),
    "outage-502-html": (f"{HEAD}502 Bad Gateway", RegistryFailure.SERVER_ERROR),
    "outage-503-empty": (f"{HEAD}503 Service Unavailable", RegistryFailure.SERVER_ERROR),
    "outage-504-html": (f"{TOKEN}504 Gateway Timeout", RegistryFailure.SERVER_ERROR),
    "connection-closed": (f"{DIALLED}EOF", RegistryFailure.REFUSED),
    "connection-reset": (
        f"{DIALLED}read tcp 172.18.0.4:1->172.18.0.2:443: read: connection reset by peer",
        RegistryFailure.REFUSED,
    ),
    "blob-truncated": (
        f"{P}failed to copy: short read: expected 3489 bytes but got 1744: unexpected EOF",
        RegistryFailure.TRUNCATED,
    ),
    "certificate-untrusted": (
        f"{DIALLED}{TLS}signed by unknown authority",
        RegistryFailure.TLS_UNTRUSTED,
    ),
    "certificate-name-mismatch": (
        f"{DIALLED}{TLS}is valid for registry.example, not ghcr.io",
        RegistryFailure.TLS_WRONG_NAME,
    ),
    "certificate-expired": (f"{DIALLED}{TLS}{EXPIRED}", RegistryFailure.TLS_EXPIRED),
    "plain-http": (
        f"{DIALLED}http: server gave HTTP response to HTTPS client",
        RegistryFailure.PLAIN_HTTP,
    ),
    "connection-refused": (
        f"{DIALLED}dial tcp 172.18.0.2:443: connect: connection refused",
        RegistryFailure.REFUSED,
    ),
    "dns-name-not-resolved": (
        f"{DIALLED}{LOOKUP}read udp 172.18.0.4:1->172.18.0.1:53: read: connection refused",
        RegistryFailure.DNS,
    ),
}
