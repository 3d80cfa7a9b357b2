"""Secrets are removed from printed text in every known form."""

import base64
import json
from urllib.parse import quote

import pytest

from pullrecovery.common.process import CommandError
from pullrecovery.common.redaction import protect, redact
from pullrecovery.model.probe import Credential
from tests.fakes import recorded

SENTINEL = "S3nt1nelS3nt1nelS3nt1nelS3nt1nelS3nt"
AUTH = base64.b64encode(f"ByteQuester:{SENTINEL}".encode()).decode()

SHAPES = {
    "classic token": f"ghp_{SENTINEL}",
    "OAuth token": f"gho_{SENTINEL}",
    "user token": f"ghu_{SENTINEL}",
    "server token": f"ghs_{SENTINEL}",
    "refresh token": f"ghr_{SENTINEL}",
    "fine-grained token": f"github_pat_11ABCDEFG0_{SENTINEL}",
    "bearer header": f"Authorization: Bearer {SENTINEL}",
    "basic header": f"authorization: basic {AUTH}",
    "auth of a docker config": f'{{"auths": {{"ghcr.io": {{"auth": "{AUTH}"}}}}}}',
    "password of a docker config": f'{{"username":"ByteQuester","password":"{SENTINEL}"}}',
    "token service's answer": f'{{"token":"{SENTINEL}"}}',
    "Secret as JSON": f'{{"data": {{".dockerconfigjson": "{AUTH}"}}}}',
    "Secret as YAML": f"data:\n  .dockerconfigjson: {AUTH}\n",
    "headers as a dict": str({"Authorization": f"Bearer {SENTINEL}", "Accept": "*/*"}),
    "headers within JSON": json.dumps({"said": json.dumps({"authorization": f"Basic {AUTH}"})}),
    "password in a URL": f"http://somebody:{SENTINEL}@proxy.example:3128",
    "private key": f"-----BEGIN PRIVATE KEY-----\n{SENTINEL}\n-----END PRIVATE KEY-----",
    "private key in JSON": json.dumps(f"-----BEGIN EC PRIVATE KEY-----\n{SENTINEL}\n-----END"),
    "JSON within JSON": json.dumps({"message": json.dumps({"auth": AUTH})}),
}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr("pullrecovery.common.redaction._known", set())


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_secret_of_a_known_shape_is_removed(text):
    """A secret of a known form is removed without registration."""
    shown = redact(f"before {text} after")

    assert SENTINEL not in shown
    assert AUTH not in shown
    assert shown.startswith("before ")
    assert "[redacted]" in shown
    assert shown.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        "ghcr.io/bytequester/backend:c6cd88ef7de43520f6e95fcb87e6f2452b45edd4",
        "failed to authorize: failed to fetch oauth token: unexpected status",
        "denied: permission_denied: The token provided does not match expected scopes.",
        f"ghcr.io/bytequester/backend@{recorded.DIGEST}",
        '{"auths": {"ghcr.io": {}}}',
        f"docker://backend:v1@{recorded.DIGEST}",
    ],
    ids=["reference", "oauth token", "scopes", "digest", "no auth", "tag and digest"],
)
def test_text_without_a_secret_stays_as_it_is(text):
    """Text that readers need is not removed."""
    assert redact(text) == text


def test_secret_is_redacted_in_any_shape():
    """A registered secret, such as a token of another forge or a password, is removed."""
    assert protect("hunter-2") == "hunter-2"

    assert redact("login with hunter-2, hunter-2!") == "login with [redacted], [redacted]!"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("login", ["", "a", "ab", "ByteQuester:"])
@pytest.mark.parametrize("rest", ["", "\n", ":x"])
def test_secret_is_redacted_in_base64(encode, login, rest):
    """Base64 is removed whole, wherever the secret is in the encoded text."""
    secret = protect("sec/ret?+\N{WHITE SMILING FACE}-of-another-forge")

    encoded = encode(f"{login}{secret}{rest}".encode()).decode()

    assert redact(f"auth {encoded} end") == "auth [redacted] end"


def test_protected_secret_is_removed_from_urls():
    """The address of a proxy has a user and a password."""
    secret = protect("p@ss/word:1")

    assert (
        redact(f"http://me:{quote(secret, safe='')}@proxy:3128")
        == "http://me:[redacted]@proxy:3128"
    )


def test_longer_secret_goes_first():
    """A shorter secret that is part of a longer one leaves nothing of it."""
    protect("abc")
    protect("abc-def")

    assert redact("abc-def abc") == "[redacted] [redacted]"


def test_empty_secret_is_no_secret():
    """An empty secret would be found between all characters."""
    protect("")

    assert redact("text") == "text"


def test_failed_command_shows_no_secret():
    """The error shows the secret neither in arguments nor in output."""
    protect("hunter-2")

    error = CommandError(["login", "hunter-2"], 1, f"denied for ghp_{SENTINEL}")

    assert str(error) == "`login [redacted]` exited with 1: denied for [redacted]"
    assert error.output == "denied for [redacted]"
    assert SENTINEL not in repr(error)


def test_secret_seen_shows_no_token():
    """A failed assertion prints the whole observation, without the token."""
    assert recorded.TOKEN not in repr(recorded.GOOD)
    assert recorded.TOKEN not in f"{recorded.GOOD.secret}"
    assert repr(Credential("ByteQuester", SENTINEL)) == "Credential(login='ByteQuester')"
