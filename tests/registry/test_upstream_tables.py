"""The keyring and the reference grammar agree with the kubelet's own modules, row by row."""

import base64
import json

import pytest

from devtools.upstream_tables.command import NAMES, TABLES, pinned_versions, read_table
from pullrecovery.model.reference_grammar import split_reference
from pullrecovery.registry.keyring import DATA_KEYS, UnreadableSecretError, in_order, read_secret

KEYRING, REFERENCES = (read_table(TABLES / f"{name}.jsonl") for name in NAMES)
ORDERS = [row for row in KEYRING if "servers" in row["question"]]
SECRETS = [row for row in KEYRING if "secrets" in row["question"]]


def _numbered(rows):
    return [pytest.param(row["question"], row["answer"], id=str(at)) for at, row in enumerate(rows)]


@pytest.mark.parametrize(("question", "answer"), _numbered(ORDERS))
def test_servers_apply_in_the_kubelets_order(question, answer):
    """The question has servers and an image, the answer the indexes of the servers to try."""
    entries = [(server, at) for at, server in enumerate(question["servers"])]

    tried = [at for _, at in in_order(entries, question["image"])]

    assert tried == answer.get("order", [])


@pytest.mark.parametrize(("question", "answer"), _numbered(SECRETS))
def test_secrets_hold_the_kubelets_credentials(question, answer):
    """The question has Secrets and an image, the answer the credentials to try, or an error."""
    if "error" in answer:
        with pytest.raises(UnreadableSecretError):
            _credentials(question)
        return

    expected = [
        (login["username"], base64.b64decode(login["password"]).decode(errors="replace"))
        for login in answer.get("logins", [])
    ]
    assert _credentials(question) == expected


@pytest.mark.parametrize(("question", "answer"), _numbered(REFERENCES))
def test_reference_splits_as_for_the_kubelet(question, answer):
    """The question is a reference, the answer its parts, or an error."""
    if "error" in answer:
        with pytest.raises(ValueError, match=r"\w"):
            split_reference(question["reference"])
        return

    registry, path, tag, digest = split_reference(question["reference"])
    assert f"{registry}/{path}" == answer["repository"]
    # The kubelet pulls `latest` if neither tag nor digest is given.
    assert tag or ("" if digest else "latest") == answer.get("tag", "")
    assert digest == answer.get("digest", "")


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_of_the_pinned_modules(name):
    """After an update of the lab's Kubernetes, `python -m devtools upstream-tables` is due."""
    header = json.loads((TABLES / f"{name}.jsonl").read_text().splitlines()[0])

    assert header["modules"] == pinned_versions()
    assert len(header["modules"]) == 2


def _credentials(question):
    entries = []
    for secret in question["secrets"]:
        key = DATA_KEYS.get(secret["type"], ".dockerconfigjson")
        entries += read_secret(secret["type"], {key: secret["data"]}).items()
    return [(one.login, one.token) for _, one in in_order(entries, question["image"])]
