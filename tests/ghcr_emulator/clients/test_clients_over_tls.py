"""The emulator behind TLS on a loopback socket, and the suite's own clients."""

import asyncio
import base64
import hashlib
import threading
from contextlib import contextmanager

import httpx
import pytest

from ghcr_emulator.access_log.log import Query
from ghcr_emulator.client import Assumptions, OwnerBody
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.faults.tls_listener import TlsListener, tls
from ghcr_emulator.server.uvicorn_server import listen, serve
from pullrecovery.common.errors import LabError
from pullrecovery.lab.images.app_images import _Upload
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.registry.container import (
    HOST,
    GhcrEmulator,
    issue_certificates,
    lab_client,
    lab_transport,
)
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.github_packages import Packages, PackagesError

SECRET = "the-control-secret-of-the-tests"
CONTENT = b"a layer" * 100
LAYER = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


@contextmanager
def serving(app, **pair):
    """Run an application over TLS in a thread of its own, and yield its port."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        tls_listener = TlsListener(app, listener, tls(**pair), Switches()) if pair else None
        run = tls_listener.serve(stop) if tls_listener else serve(app, listener, stop)
        thread = threading.Thread(target=loop.run_until_complete, args=(run,))
        thread.start()
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()


@pytest.fixture(name="lab")
def _lab(ghcr, tmp_path):
    paths = Paths(cache=tmp_path / "cache", state=tmp_path / "state")
    for name, content in issue_certificates(paths).items():
        (tmp_path / name).write_bytes(content)
    ghcr.control("PUT", "/owners/bytequester", {"login": "ByteQuester"})
    pair = {"certificate": tmp_path / "tls.crt", "key": tmp_path / "tls.key"}
    with serving(ghcr.emulator, **pair) as port, serving(ghcr.control_app) as control:
        yield GhcrEmulator(port, control, paths.certs / HOST / "ca.crt", SECRET)


def packages(lab, caller, owner="ByteQuester"):
    """Return the suite's client of the packages API with the token of a caller."""
    return Packages(owner, f"ghp_{caller}", transport=lab_transport(lab))


@pytest.fixture(name="admin")
def _admin(ghcr, lab):
    scopes = ["read:packages", "write:packages", "delete:packages"]
    ghcr.control("PUT", "/credentials/admin", {"token": "ghp_admin", "login": "ByteQuester", "scopes": scopes})  # fmt: skip
    return packages(lab, "admin")


def test_blob_redirect_drops_bearer(ghcr, lab):
    """The client sends its token to the registry, and not to the storage of the blobs."""
    basic = "Basic " + base64.b64encode(b"anyone:ghp_reader").decode()
    with lab_client(lab) as client:
        token = client.get(
            "https://ghcr.io/token?scope=repository:bytequester/closed:pull",
            headers={"Authorization": basic},
        ).json()["token"]
        blob = client.get(
            f"https://ghcr.io/v2/bytequester/closed/blobs/{LAYER}",
            headers={"Authorization": f"Bearer {token}"},
            follow_redirects=True,
        )
    redirected, given = list(ghcr.log.find(Query(digest=LAYER)))

    assert blob.content == CONTENT
    assert blob.url.host == "pkg-containers.githubusercontent.com"
    assert (redirected.route, redirected.status) == ("blob", 307)
    assert (given.route, given.status, given.credential_leaked) == ("stored-blob", 200, False)
    assert given.identity == "ByteQuester"


def test_push_treats_redirect_as_present(ghcr, lab):
    """The lab's pusher checks each blob first, and sends only the missing ones."""
    with lab_client(lab) as client:
        registry = RegistryClient(HOST, client)
        token = registry.token("bytequester/closed", "pull,push", Credential("x", "ghp_writer"))
        upload = _Upload(registry, "bytequester/closed", token)
        upload.blob(LAYER, CONTENT)
        upload.blob(digest_of(b"new"), b"new")
    methods = [(entry.method, entry.status) for entry in ghcr.log.find(Query()) if entry.repository]

    assert methods[1:] == [("HEAD", 307), ("HEAD", 404), ("POST", 202), ("PUT", 201)]


def digest_of(content):
    """Return the sha256 digest of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def test_control_says_who_there_is(ghcr, lab):
    """Each method of the client is one request, which takes effect at once."""
    with lab.control() as control:
        owner = OwnerBody(organisation=True, sso_enforced=True, teams={"all": ["Bob"]})
        control.put_owner("acme", owner)
        control.share_package("acme/app", "private", ["team:all"], ["repository:acme/app"])
        control.put_credential("bob", "ghp_bob", "Bob", ["read:packages"], sso_authorised=["Acme"])
        control.put_credential("bob-old", "ghp_bob-old", "Bob", ["read:packages"], expired=True)
        control.put_fine_grained("fine", "ghp_fine", "Bob")
        control.put_run_token("run", "ghp_run", "acme/app", "write")
        control.put_assumptions(Assumptions(bearer_seconds=60))
        assumptions = control.assumptions()
    answers = {
        name: ghcr.ask("GET", "/v2/acme/app/manifests/v1", caller=f"pat {name}").json()
        for name in ("bob", "bob-old", "fine", "run")
    }
    said = {name: answer["errors"][0]["message"] for name, answer in answers.items()}

    assert assumptions == Assumptions(bearer_seconds=60)
    assert said == {
        "bob": "manifest unknown",
        "bob-old": "unauthenticated: User cannot be authenticated with the token provided.",
        "fine": "permission_denied: The token provided does not match expected scopes.",
        "run": "manifest unknown",
    }


def test_world_is_replaced_or_refused(ghcr, lab):
    """The error reaches the caller with the line of the mistake."""
    with lab.control() as control:
        control.put_world("users: {Alice: }\npackages: {alice/app: {visibility: public}}\n")
        with pytest.raises(LabError, match=r"400 .*world:1: the world has no key 'people'"):
            control.put_world("people: {}\n")

    assert ghcr.token_for("nobody", "repository:alice/app:pull").status_code == 200


def test_versions_are_read_deleted_restored(ghcr, admin):
    """The suite's calls work from the library down to the socket."""
    before = admin.versions("closed")
    by_tag = {tag: version for version in before for tag in version.tags}
    admin.delete("closed", by_tag["v1"])
    left, gone = admin.versions("closed"), admin.versions("closed", deleted=True)
    admin.restore("closed", gone[0])

    assert set(by_tag) == {"v1", "multi"}
    assert by_tag["v1"].digest == ghcr.storage.tags("bytequester/closed")["v1"]
    assert [version.tags for version in left] == [("multi",)]
    assert gone == [by_tag["v1"]]
    assert admin.versions("closed") == before


def test_every_page_is_read(ghcr, admin):
    """The client reads more than a hundred versions over several answers."""
    for number in range(205):
        ghcr.storage.put_image("bytequester/closed", f"t{number}", str(number))

    versions = admin.versions("closed")

    assert len({version.digest for version in versions}) == 207


def test_package_visibility_is_returned(admin):
    """The client returns each of the three visibilities."""
    found = {name: admin.visibility(name) for name in ("open", "closed", "inner")}

    assert found == {"open": "public", "closed": "private", "inner": "internal"}


def test_organisation_package_is_found(ghcr, lab, admin):
    """The client asks for the kind of an owner, and uses the path for that kind."""
    ghcr.control("PUT", "/owners/acme", {"login": "Acme", "organisation": True})
    ghcr.control("PUT", "/packages/acme/team/tool", {"visibility": "public"})

    assert packages(lab, "admin", "acme").visibility("team/tool") == "public"


def test_token_scopes_are_returned(ghcr, lab, admin):
    """GitHub returns the scopes of a classic token, and none for other kinds."""
    ghcr.control("PUT", "/credentials/none", {"token": "ghp_none", "login": "ByteQuester"})
    ghcr.control("PUT", "/credentials/fine", {"token": "ghp_fine", "login": "ByteQuester", "kind": "fine-grained"})  # fmt: skip

    assert admin.scopes() == {"read:packages", "write:packages", "delete:packages"}
    assert packages(lab, "none").scopes() == frozenset()
    assert packages(lab, "fine").scopes() is None


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        ("invented", 401, "Bad credentials"),
        ("scopeless", 403, "You need at least read:packages scope to get a package's versions."),
        ("stranger", 404, "Package not found."),
    ],
)
def test_refusal_is_one_error(lab, caller, status, message):
    """The error has GitHub's message and the request."""
    with pytest.raises(PackagesError) as caught:
        packages(lab, caller).versions("closed")

    assert (caught.value.status, caught.value.message) == (status, message)
    assert str(caught.value).startswith("GitHub's packages API, GET /users/ByteQuester")
    assert "ghp_" not in str(caught.value)


def test_missing_sso_links_to_grant(ghcr, lab, admin):
    """The error contains the address that a person opens to authorise the token."""
    ghcr.control("PUT", "/owners/acme", {"organisation": True, "sso_enforced": True})
    ghcr.control("PUT", "/packages/acme/app", {"visibility": "private"})

    with pytest.raises(PackagesError) as caught:
        packages(lab, "admin", "acme").visibility("app")

    assert caught.value.status == 403
    assert caught.value.sso.startswith("https://github.com/orgs/acme/sso?authorization_request=")


def test_silence_is_one_error_too(lab):
    """An error without an answer has no status, and names the reason."""
    client = Packages("ByteQuester", "ghp_reader", base_url="https://github.example/", transport=lab_transport(lab))  # fmt: skip

    with pytest.raises(PackagesError, match=r"no answer github\.example is not in the lab"):
        client.scopes()


def test_non_json_page_is_quoted(lab):
    """The error quotes a page that is not JSON, such as one of a gateway."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, text="<html>502 Bad Gateway</html>")

    client = Packages("a", "ghp_reader", transport=httpx.MockTransport(answer))

    with pytest.raises(PackagesError, match="502 <html>502 Bad Gateway</html>"):
        client.scopes()
