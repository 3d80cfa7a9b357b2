"""Fill the lab with the packages, accounts and images of one target."""

import os
import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx
from kubernetes import client as k8s

from ghcr_emulator.client import Entry, Route
from pullrecovery.common.redaction import protect
from pullrecovery.deploy.helm import Helm
from pullrecovery.lab.docs_site.chromium import Browser
from pullrecovery.lab.docs_site.lab_docs_site import LabDocsSite
from pullrecovery.lab.images.app_images import App, Pusher, build_app, build_web_base
from pullrecovery.lab.registry.client import Control
from pullrecovery.lab.registry.container import HOST, lab_client, lab_transport
from pullrecovery.lab.runner.act import LabWorkflows
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.up import Lab
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image, Target
from pullrecovery.monorepo.actionlint import Actionlint
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.github_packages import GitHub
from pullrecovery.world.world import RegistryPull, World

_NODE_AGENT = "containerd/"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, eq=False)
class IssuedToken(Credential):
    """A credential that the GHCR emulator issued; `name` is its name in the access log."""

    name: str


# How the access log shows a pull without a credential.
ANONYMOUS = IssuedToken("", "", "None")


@dataclass(frozen=True, kw_only=True)
class LabWorld(World):
    """A world that tests may break, with the means to do so.

    With `allow_cluster_objects`, charts' cluster-scoped objects are applied under other names.
    """

    lab: Lab
    control: Control
    pusher: Pusher
    app_images: dict[Path, App]
    allow_cluster_objects: bool = False

    def publish(self, image: Image, app: Path, by: IssuedToken | None = None) -> str:
        """Push a new image of `app` under `image`, with the lab's own credential or with `by`.

        Returns its digest.
        """
        pusher = replace(self.pusher, credential=by) if by else self.pusher
        return pusher.push(self.app_images[app], image)

    def issue_token(
        self,
        scopes: tuple[str, ...] = ("read:packages",),
        login: str = "",
        *,
        sso: str = "",
        expires: datetime | None = None,
    ) -> IssuedToken:
        """Issue a classic token of `login`, by default the target's, in the lab's ghcr.io.

        `sso` is an organisation that it is authorised for; `expires` is when it expires, if ever.
        """
        login = login or self.target.login
        return issue_token(self.control, login, scopes, sso=sso, expires=expires)

    def revoke(self, issued: IssuedToken) -> None:
        """Revoke a token, as its owner does on GitHub's page."""
        self.control.put_credential(issued.name, issued.token, issued.login, [], revoked=True)

    def mark(self) -> int:
        """Return the number that the next entry of the access log will have."""
        return self.control.log_end()

    def pulls(self, *, since: int, digest: str) -> list[RegistryPull]:
        """Return the nodes' successful manifest requests for `digest` after the mark `since`."""
        entries = self.control.log(since=since, digest=digest, status=200)
        return [
            _pull(entry) for entry in entries if _by_node(entry) and entry.route is Route.MANIFEST
        ]

    def reads(self, *, since: int, digest: str, credential: str) -> int:
        """Return how often clients other than nodes read `digest`'s manifest by `credential`."""
        found = self.control.log(since=since, digest=digest, credential=credential, status=200)
        return sum(entry.route is Route.MANIFEST and not _by_node(entry) for entry in found)

    def requests(self, *, since: int, reference: str, credential: str) -> int:
        """Return how many node requests after the mark used `reference` or `credential`."""
        entries = [entry for entry in self.control.log(since=since) if _by_node(entry)]
        return sum(
            entry.reference == reference or entry.credential == credential for entry in entries
        )


@contextmanager
def open_world(
    lab: Lab, target: Target, note: Callable[[str], None], *, allow_cluster_objects: bool = False
) -> Iterator[LabWorld]:
    """Create the target's packages and accounts in the lab's ghcr.io, and open a world over it."""
    with (
        lab.emulator.control() as control,
        lab_client(lab.emulator) as http,
        lab.cluster.api() if lab.has_cluster else nullcontext() as api,
    ):
        world = _seed(lab, target, control, http, api, note)
        yield replace(world, allow_cluster_objects=allow_cluster_objects)


def _seed(
    lab: Lab,
    target: Target,
    control: Control,
    http: httpx.Client,
    api: k8s.ApiClient | None,
    note: Callable[[str], None],
) -> LabWorld:
    registry = RegistryClient(HOST, http)
    reader, operator = (issue_token(control, target.login, ("read:packages",)) for _ in range(2))
    writer = issue_token(control, target.login, ("read:packages", "write:packages"))
    _share_packages(control, target)
    client = lab.engine.client()
    sources = {workload.app for workload in target.workloads}
    apps = {source: build_app(client, lab.tools, source, note) for source in sorted(sources)}
    return LabWorld(
        target=target,
        cluster=api,
        registry=registry,
        github=GitHub(lambda: lab_transport(lab.emulator)),
        # Without rights: a sandbox's own ServiceAccount applies charts (lab/chart_namespace.py).
        helm=Helm(lab.helm(), {**lab.environment, "KUBECONFIG": os.devnull}),
        runner=lab.runner,
        workflows=LabWorkflows(lab.runner, control),
        actionlint=Actionlint(lab.tools.binary(toolchain.ACTIONLINT)),
        reader=reader,
        operator=operator,
        docs_site=LabDocsSite(
            lab.paths,
            Browser(lab.paths, lab.engine, lab.plan.pull),
            origin=target.docs.folder if target.docs else None,
        ),
        platforms=() if lab.has_cluster else (f"linux/{toolchain.go_arch()}",),
        lab=lab,
        control=control,
        pusher=Pusher(registry, writer),
        app_images=apps,
    )


def _share_packages(control: Control, target: Target) -> None:
    """Create the target's packages, linked to its repository as if its workflow pushed them."""
    logins, runs = [target.login], f"repository:{target.workflow.repository}"
    for workload in target.workloads:
        writers = [*logins, runs]
        control.share_package(workload.image.package, workload.visibility, writers, writers)
    control.share_package(_base(target).package, "private", [*logins, runs], logins)


def _base(target: Target) -> Image:
    """Return the base image of the applications' Dockerfiles and the sample's workflow."""
    return Image(f"{target.registry}/{target.owner}/web-base", "1")


def seed_images(lab_world: LabWorld) -> None:
    """Push every workload's wanted tag and `latest`, with new digests for this run.

    The base image is pushed too, for the workflow's runs.
    """
    lab = lab_world.lab
    base = build_web_base(lab.engine.client(), lab.tools)
    lab_world.pusher.push(base, _base(lab_world.target))
    for workload in lab_world.target.workloads:
        for tag in ("latest", workload.image.tag):
            lab_world.publish(replace(workload.image, tag=tag), workload.app)


def issue_token(
    control: Control,
    login: str,
    scopes: tuple[str, ...],
    *,
    sso: str = "",
    expires: datetime | None = None,
) -> IssuedToken:
    """Issue a token in the form of GitHub's classic ones and add it to the emulator."""
    issued = _fresh(login, "ghp_")
    control.put_credential(
        issued.name,
        issued.token,
        login,
        list(scopes),
        sso_authorised=[sso] if sso else [],
        expires=expires,
    )
    return issued


def _fresh(login: str, prefix: str) -> IssuedToken:
    name = f"{login.lower()}-{secrets.token_hex(4)}"
    token = protect(prefix + "".join(secrets.choice(_ALPHABET) for _ in range(36)))
    return IssuedToken(login, token, name)


def _by_node(entry: Entry) -> bool:
    return (entry.user_agent or "").startswith(_NODE_AGENT)


def _pull(entry: Entry) -> RegistryPull:
    return RegistryPull(
        time=datetime.fromisoformat(entry.time),
        identity=str(entry.identity),
        credential=str(entry.credential),
        repository=str(entry.repository),
        digest=str(entry.digest),
    )
