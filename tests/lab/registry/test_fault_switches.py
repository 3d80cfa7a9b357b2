"""The lab's functions for fault switches, against an emulator in a process of its own."""

import json
import os
import signal
import subprocess
import sys

import httpx
import pytest
import trustme

from ghcr_emulator.client import (
    Certificate,
    Close,
    Hang,
    Missing,
    Outage,
    PackageBody,
    PackageVisibility,
    PersonalToken,
    PlainHttp,
    RateLimit,
    Refuse,
    Reset,
    Slow,
    Truncate,
    WrongBytes,
    WrongDigest,
    package_deleted,
    switched,
    token_revoked,
)
from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.engine.network import free_ports
from pullrecovery.lab.registry.certificates import (
    keep_faulty,
    of_unknown_authority,
    read_faulty,
)
from pullrecovery.lab.registry.client import Control
from pullrecovery.lab.registry.container import HOST, GhcrEmulator, lab_client
from pullrecovery.lab.registry.tagging import Tags, tag_deleted, tag_moved
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient

SECRET = "the-control-secret-of-the-tests"
TOKEN = "ghp_of-the-tests-of-the-switches"
PACKAGE = "bytequester/app"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(name="state", scope="module")
def _state(tmp_path_factory):
    """Return the state directory of the lab."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(name="configured", scope="module")
def _configured(state, tmp_path_factory):
    """Return the emulator's configuration directory, and what a client of it needs."""
    folder, authority = tmp_path_factory.mktemp("etc"), trustme.CA()
    leaf = authority.issue_cert(HOST)
    keep_faulty(authority, (HOST,), state)
    (folder / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    (folder / "tls.key").write_bytes(leaf.private_key_pem.bytes())
    secret = folder / "control.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    emulator, control = free_ports(2)
    settings = {
        "registry_host": "127.0.0.1",
        "registry_port_tls": emulator,
        "control_host": "127.0.0.1",
        "control_port": control,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    authority.cert_pem.write_to_path(state / "ca.crt")
    return folder, GhcrEmulator(emulator, control, state / "ca.crt", SECRET)


@pytest.fixture(name="process", scope="module")
def _process(configured):
    """Run the emulator, and yield it and its process."""
    folder, emulator = configured
    command = [sys.executable, "-m", "ghcr_emulator", "--config", str(folder)]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(
            "the GHCR emulator answers",
            lambda: answers(emulator),
            lambda seen: seen,
            failed=lambda _: process.poll() is not None,
            describe=lambda _: process.stderr.read() if process.poll() is not None else "silence",
            timeout=30,
        )
        yield emulator, process
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[1]
        assert "Traceback" not in said


def answers(emulator):
    """Return whether the control port answers."""
    try:
        with emulator.control(1) as control:
            return bool(control.instance())
    except LabError:
        return False


@pytest.fixture(name="control")
def _control(process):
    """Yield the control API of an emulator with one reader, and without switches."""
    emulator, _ = process
    with emulator.control() as control:
        scopes = ["read:packages", "write:packages"]
        control.put_credential("writer", TOKEN, "ByteQuester", scopes)
        control.share_package(PACKAGE, "private", [], [])
        yield control
        assert control.switches() == []


@pytest.fixture(name="http")
def _http(process):
    with lab_client(process[0], timeout=5) as http:
        yield http


@pytest.fixture(name="tags")
def _tags(http, control):
    """Return the tags of the emulator, with an image under v1 and another under v2."""
    tags = Tags(RegistryClient(HOST, http), Credential("ByteQuester", TOKEN))
    for tag in ("v1", "v2"):
        index = {"schemaVersion": 2, "manifests": [], "annotations": {"t": f"{tag}.0"}}
        asked = tags.registry.token(PACKAGE, "pull,push", tags.credential)
        http.put(
            f"https://{HOST}/v2/{PACKAGE}/manifests/{tag}",
            content=json.dumps(index).encode(),
            headers={"Authorization": f"Bearer {asked}", "Content-Type": INDEX},
        ).raise_for_status()
    return tags


def pulled(tags, reference="v1"):
    """Return the status and the first error of a pull."""
    probe = tags.registry.manifest(PACKAGE, reference, tags.credential)
    return probe.status, probe.code


TOLD = [
    (RateLimit(route="manifest"), (429, "TOOMANYREQUESTS")),
    (Outage(status=502, body="html", credential="writer"), (502, "")),
    (Outage(repository=PACKAGE, route="token"), (503, "UNAVAILABLE")),
    (Missing(reference="v1"), (404, "MANIFEST_UNKNOWN")),
    (Close(route="manifest"), (0, "RemoteProtocolError")),
    (Reset(route="manifest"), (0, "RemoteProtocolError")),
    (Truncate(), (0, "RemoteProtocolError")),
    (Slow(delay=1, route="manifest"), (200, "")),
    (WrongBytes(), (200, "")),
    (WrongDigest(), (200, "")),
    (PlainHttp(), (0, "ConnectError")),
]


@pytest.mark.parametrize(
    ("switch", "told"),
    TOLD,
    ids=[f"{switch.kind} {number}" for number, (switch, _) in enumerate(TOLD)],
)
def test_switch_is_off_after_block(control, tags, switch, told):
    """The switch is hit and counted in the block, and answers are as before afterwards."""
    with switched(control, switch) as on:
        seen, hits = pulled(tags), on.hits()

    assert seen == told
    assert hits >= 1
    assert pulled(tags) == (200, "")


def test_connection_is_refused_in_the_block(control, tags):
    """Refused connections are not counted."""
    with switched(control, Refuse()) as on:
        seen = pulled(tags)
        with pytest.raises(LabError, match="counts no hits"):
            on.hits()

    assert seen == (0, "ConnectError")
    assert pulled(tags) == (200, "")


def faulty(state, which):
    """Return a certificate and its key with one error."""
    if which == "unknown authority":
        return of_unknown_authority((HOST,))
    pairs = read_faulty(state)
    return {"other name": pairs.other_name, "expired": pairs.expired}[which]


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("other name", r"Hostname mismatch, certificate is not valid for 'ghcr\.io'"),
        ("expired", "certificate has expired"),
        ("unknown authority", "unable to get local issuer certificate"),
    ],
)
def test_certificate_is_wrong_in_one_thing(control, tags, http, state, which, said):
    """Each error is reported by name: the trusted authority signed the other certificates."""
    pair = faulty(state, which)
    with (
        switched(control, Certificate(certificate=pair.certificate, key=pair.key)),
        pytest.raises(httpx.ConnectError, match=said),
    ):
        http.get(f"https://{HOST}/v2/")

    assert pulled(tags) == (200, "")


@pytest.mark.usefixtures("configured")
def test_certificate_keys_are_private(state):
    """The repr, which a traceback prints, has no key."""
    file = state / "faulty-certificates.json"

    assert file.stat().st_mode & 0o077 == 0
    switch = Certificate(certificate="-----BEGIN c", key="-----BEGIN PRIVATE")
    assert "PRIVATE" not in repr(read_faulty(state)) + repr(switch)


def test_old_lab_has_no_faulty_certificates(tmp_path):
    """The error says what to do."""
    with pytest.raises(LabError, match=r"cannot be read: No such file.*make lab-down lab"):
        read_faulty(tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_switch_is_off_after_exception(control, tags, error):
    """The exception is raised out of the block."""
    with pytest.raises(error), switched(control, Hang()):
        raise error

    assert pulled(tags) == (200, "")


def test_switch_may_be_off_already(control):
    """A switch that the block drops is no error at its end."""
    with switched(control, Outage()) as on:
        control.drop_switches()
        with pytest.raises(LabError, match="is off"):
            on.hits()

    assert control.switches() == []


def test_switch_ends_by_itself(control, tags):
    """The switch ends on its own after its count."""
    with switched(control, Outage(route="manifest", count=1)) as on:
        assert [pulled(tags), pulled(tags)] == [(503, "UNAVAILABLE"), (200, "")]
        assert on.hits() == 1


def test_refused_switch_is_error(control):
    """The error has the emulator's own sentence."""
    with (
        pytest.raises(LabError, match="no certificate and its key"),
        switched(control, Certificate(certificate="-----BEGIN c", key="-----BEGIN k")),
    ):
        pytest.fail("it cannot be on")


def test_token_is_revoked_between_two_pulls(control, tags):
    """The token is valid again after the block."""
    token = PersonalToken(token=TOKEN, login="ByteQuester", scopes=["write:packages"])
    before = pulled(tags)
    with token_revoked(control, "writer", token):
        during = pulled(tags)

    assert (before, during, pulled(tags)) == ((200, ""), (403, "DENIED"), (200, ""))


def test_package_is_deleted_and_restored(control, tags):
    """The content of the package is restored."""
    with package_deleted(control, PACKAGE, PackageBody(visibility=PackageVisibility.PRIVATE)):
        during = pulled(tags)

    assert (during, pulled(tags)) == ((404, "NAME_UNKNOWN"), (200, ""))


def test_missing_package_cannot_be_deleted(control):
    """The end of the block does not create the package."""
    package = "bytequester/none"
    with (
        pytest.raises(LabError, match="404"),
        package_deleted(control, package, PackageBody(visibility=PackageVisibility.PRIVATE)),
    ):
        pytest.fail("there is none")

    with pytest.raises(LabError, match="404"):
        control.delete_package(package)


def test_tag_moves_and_comes_back(tags):
    """The tag points to the same bytes after the block."""
    first, second = tags.read(PACKAGE, "v1"), tags.read(PACKAGE, "v2")
    with tag_moved(tags, PACKAGE, "v1", to="v2"):
        during = tags.read(PACKAGE, "v1")

    assert (during, tags.read(PACKAGE, "v1")) == (second, first)


def test_tag_is_deleted_and_comes_back(control, tags):
    """The tag is the newest of its package then."""
    before = tags.read(PACKAGE, "v1")
    with tag_deleted(control, tags, PACKAGE, "v1"):
        during = pulled(tags)

    assert during == (404, "MANIFEST_UNKNOWN")
    assert tags.read(PACKAGE, "v1") == before


def test_tag_that_is_not_there_cannot_move(tags):
    """The error names the tag."""
    with (
        pytest.raises(LabError, match=f"rejected a GET of {PACKAGE}:v9: 404"),
        tag_moved(tags, PACKAGE, "v9", to="v1"),
    ):
        pytest.fail("there is none")


def test_control_says_that_it_does_not_answer():
    """The error has no secret in it."""
    (port,) = free_ports(1)
    with Control(port, SECRET, 1) as control, pytest.raises(LabError) as caught:
        control.switches()

    assert SECRET not in str(caught.value)
