"""The sandbox of a scenario: everything in it is healthy until a fault breaks it."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from kubernetes import client as k8s

from ghcr_emulator.client import RequestSwitch, switched
from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.clean_up import CleanUp
from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect
from pullrecovery.deploy.argocd import ArgoCD, application_name
from pullrecovery.faults.clean_up import sweep_release
from pullrecovery.faults.workflow_copy import WorkflowCopy
from pullrecovery.kube.events import EventRecorder
from pullrecovery.lab import accounts
from pullrecovery.lab.chart_namespace import ChartNamespace, make_chart_namespace
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.registry.broken_images import Variants
from pullrecovery.lab.seed import IssuedToken, LabWorld
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Docs, Image, Target, Visibility, Workload
from pullrecovery.model.wiring import VALUES
from pullrecovery.model.workflow_run import WorkflowRun
from pullrecovery.monorepo.image_values import naming
from pullrecovery.monorepo.values_file import set_values
from pullrecovery.registry.keyring import DATA_KEYS, DOCKER_CONFIG_JSON


@dataclass
class Sandbox:
    """A namespace with a valid Secret and a checkout with correct values, for one workload.

    `credential` is the credential in the Secret, `operator` the one of the operator at the runner,
    if any. `wiring` is `values` or `service-account`. Scenarios use a shared namespace one after
    another. `own_workflow` is a copy of the target's workflow. `own_docs` is a copy of the docs,
    only for faults of the docs, which need nothing else of the sandbox and do not set it up. If the
    image belongs to an organisation of the scenario's own, `run_token` is the token of a workflow
    run there.

    `keeper` reads and pushes for the suite if the suite's own credentials may not. `wanted` is the
    content of target.yaml, if it differs here. `digest` is the digest of the image that was pushed
    last, and `run` the last run of the workflow. `argocd` deploys here, if Helm does not.
    """

    lab_world: LabWorld
    workload: Workload
    wiring: str
    credential: IssuedToken
    operator: IssuedToken | None
    shared_namespace: bool = False
    own_workflow: WorkflowCopy | None = None
    own_docs: Docs | None = None
    keeper: IssuedToken | None = None
    wanted: Target | None = None
    digest: str = ""
    argocd: ArgoCD | None = None
    recorder: EventRecorder | None = field(default=None, init=False)
    chart_namespace: ChartNamespace | None = field(default=None, init=False)
    clean_up: CleanUp = field(default_factory=CleanUp, init=False)
    other_namespaces: list[str] = field(default_factory=list, init=False)
    run_token: IssuedToken | None = field(default=None, init=False)
    run: WorkflowRun | None = field(default=None, init=False)

    @property
    def world(self) -> LabWorld:
        """The lab's world with this sandbox's credentials, events and deployer."""
        world = self.lab_world
        reader = self.keeper or self.run_token
        return replace(
            world,
            target=self.target,
            reader=reader or world.reader,
            operator=self.operator,
            events=self.recorder,
            argocd=self.argocd,
            helm=self.chart_namespace.helm if self.chart_namespace else world.helm,
        )

    @property
    def target(self) -> Target:
        """The target with this sandbox's copies of the workflow and of the docs."""
        target = self.wanted or self.lab_world.target
        owner, workflow = self.workload.image.owner, target.workflow
        own, repository = self.own_workflow, workflow.repository
        if owner != target.owner:
            # An image of another owner is pushed by a repository of that owner.
            repository = f"{owner}/{repository.partition('/')[2]}"
        file = own.file if own else workflow.file
        workflow = replace(workflow, file=file, repository=repository)
        docs = self.own_docs or target.docs
        return replace(target, workflow=workflow, docs=docs)

    @property
    def workflow(self) -> WorkflowCopy:
        """A copy of the target's workflow that a fault may edit."""
        if self.own_workflow is None:
            raise LabError("This sandbox has no workflow of its own.")
        return self.own_workflow

    def push_as(self, name: str) -> None:
        """Make this sandbox's workflow push the workload's image under another name."""
        self.workflow.push_as(self.workload.image, name)

    def keep_apart(self) -> None:
        """Make this sandbox's workflow push no image that other scenarios use."""
        self.workflow.keep_apart(self.lab_world.target, self.workload.name)

    @property
    def pushed(self) -> Target:
        """The target with the images that this sandbox's workflow should push."""
        target = self.target
        workloads = tuple(
            replace(workload, image=self._pushed(workload)) for workload in target.workloads
        )
        return replace(target, workloads=workloads)

    def _pushed(self, workload: Workload) -> Image:
        if workload.name == self.workload.name:
            return self.workload.image
        repository = workload.image.repository
        return replace(workload.image, repository=self.workflow.apart.get(repository, repository))

    @property
    def in_cluster(self) -> bool:
        """Whether there is a cluster; without one there are a checkout and a registry."""
        return self.lab_world.lab.has_cluster

    @property
    def docs(self) -> Docs:
        """A copy of the target's docs that a fault may edit."""
        if self.own_docs is None:
            raise LabError("This sandbox has no docs of its own.")
        return self.own_docs

    @property
    def recording(self) -> EventRecorder:
        """The event recorder; raises LabError before `started`, and without a cluster."""
        if self.recorder is None:
            raise LabError("Nothing is recorded here.")
        return self.recorder

    @property
    def namespace(self) -> str:
        return self.workload.namespace

    @property
    def secret_name(self) -> str:
        return self.lab_world.target.pull_secret

    @property
    def core(self) -> k8s.CoreV1Api:
        return self.lab_world.core

    @contextmanager
    def started(self) -> Iterator[Self]:
        """Set up namespace, Secret, wiring and values as healthy, and start recording events.

        At the end of the block, everything that the scenario created is removed, including a
        namespace that is not shared; also if the set-up fails half-way.
        """
        with self.clean_up:
            self._set_up()
            yield self

    def _set_up(self) -> None:
        """Set the sandbox up; each step adds its clean-up before it can leave anything."""
        self.set_values(naming(self.workload.image))
        if not self.in_cluster:
            return
        shared = self.shared_namespace
        if not shared:
            self.clean_up.add(partial(self._delete_namespace, self.namespace))
        self.chart_namespace = make_chart_namespace(self.lab_world, self.namespace, shared=shared)
        self.clean_up.add(self.chart_namespace.forget)
        if shared:
            self._delete_applications()
            self._sweep()
            self.clean_up.add(self._sweep)
        self.clean_up.add(self._delete_applications)
        self.recorder = EventRecorder(self.core, self.namespace)
        self.clean_up.add(self.recorder.end)
        self.recorder.start()
        public = self.workload.visibility is Visibility.PUBLIC
        if not public:
            self.put_secret(self.credential)
        self.wire([] if public else [{"name": self.secret_name}])

    def deploy_by(self, argocd: ArgoCD, name: str = "") -> None:
        """Deploy with Argo CD, by an Application of the sandbox's own, or one with this name."""
        self.argocd = argocd
        name = name or application_name(self.workload)
        self.workload = replace(self.workload, by_application=name)

    def wire(self, entries: list[dict[str, str]]) -> None:
        """Give pods these pull secrets by the sandbox's way of wiring, and none by the other."""
        by_values = self.wiring == VALUES
        self.set_value(self.workload.pull_secrets_key, entries if by_values else [])
        self.set_account_secrets([] if by_values else entries)

    def publish(self) -> None:
        """Push a new image under the wanted name."""
        self.digest = self.lab_world.publish(self.workload.image, self.workload.app, self.keeper)

    def expect(self, image: Image) -> None:
        """Change the wanted image, in target.yaml, in the values and in the workflow."""
        if self.own_workflow and image.name != self.workload.image.name:
            self.push_as(image.name)
        self.workload = replace(self.workload, image=image)
        self.set_values(naming(image))

    def set_value(self, key: str, value: object) -> None:
        self.set_values({key: value})

    def set_values(self, values: Mapping[str, object]) -> None:
        """Set these dotted keys of the workload's own values file."""
        set_values(self.workload.values_file, values)

    def put_secret(self, credential: Credential, server: str = "") -> None:
        """Replace the Secret by one for the target's registry, or another server."""
        registry = self.lab_world.target.registry
        self.put_document({"auths": {server or registry: {"auth": auth_of(credential)}}})

    def put_document(
        self, document: object, *, kind: str = DOCKER_CONFIG_JSON, key: str = "", name: str = ""
    ) -> None:
        """Replace the Secret, or the one with this name, by one with `document` as JSON.

        Without a cluster there is no Secret, and the call does nothing.
        """
        if not self.in_cluster:
            return
        name = name or self.secret_name
        body = k8s.V1Secret(
            metadata=k8s.V1ObjectMeta(name=name, labels={LABEL: "scenario"}),
            type=kind,
            string_data={key or DATA_KEYS[kind]: json.dumps(document)},
        )
        tolerate_missing(lambda: self.core.delete_namespaced_secret(name, self.namespace))
        self.core.create_namespaced_secret(self.namespace, body)

    def copy_secret_elsewhere(self) -> None:
        """Copy the Secret into another new namespace, which is deleted with the sandbox."""
        elsewhere = f"other-{secrets.token_hex(4)}"
        self.clean_up.add(partial(self._delete_namespace, elsewhere))
        metadata = k8s.V1ObjectMeta(name=elsewhere, labels={LABEL: "scenario"})
        self.core.create_namespace(k8s.V1Namespace(metadata=metadata))
        self.other_namespaces.append(elsewhere)
        found = self.core.read_namespaced_secret(self.secret_name, self.namespace)
        body = k8s.V1Secret(
            metadata=k8s.V1ObjectMeta(name=self.secret_name), type=found.type, data=found.data
        )
        self.core.create_namespaced_secret(elsewhere, body)

    def found_organisation(self) -> None:
        """Move the image to a new organisation, which accepts the tokens of both accounts.

        The suite itself reads there with the token of a workflow run, because the organisation's
        rules for accounts do not apply to it.
        """
        control, login = self.lab_world.control, self.lab_world.target.login
        image = self.workload.image
        owner = f"{image.owner}-{secrets.token_hex(4)}"
        package = f"{owner}/{image.package.partition('/')[2]}"
        run = f"{owner}/app"
        accounts.put_organisation(control, owner, login)
        control.share_package(package, "private", [login, f"repository:{run}"], [login])
        for issued in (self.credential, self.operator):
            if issued:
                accounts.authorise(control, issued, owner)
        self.run_token = accounts.issue_run_token(control, run)
        image = replace(image, repository=f"{image.registry}/{package}")
        self.workload = replace(self.workload, image=image)

    def use_run_token(self) -> None:
        """Put the run's token into the Secret; no rule of its organisation applies to it."""
        if self.run_token is None:
            raise LabError("There is no organisation of the scenario's own, and so no run in it.")
        self.credential = self.run_token
        self.put_secret(self.run_token)

    def delete_secret(self) -> None:
        tolerate_missing(
            lambda: self.core.delete_namespaced_secret(self.secret_name, self.namespace)
        )

    def set_account_secrets(self, entries: list[dict[str, str]]) -> None:
        body = {"imagePullSecrets": entries or None}
        self.core.patch_namespaced_service_account("default", self.namespace, body)

    def switch_on(self, switch: RequestSwitch) -> None:
        """Turn on a fault switch of the GHCR emulator, until the sandbox's block ends."""
        self.clean_up.enter(switched(self.lab_world.control, switch))

    @property
    def variants(self) -> Variants:
        """A pusher of broken variants of the workload's image."""
        lab_world = self.lab_world
        return Variants(lab_world.pusher, lab_world.app_images[self.workload.app])

    def _delete_namespace(self, namespace: str) -> None:
        tolerate_missing(lambda: self.core.delete_namespace(namespace))

    def _delete_applications(self) -> None:
        """Delete the Applications first: they would recreate what is deleted after them."""
        if self.argocd is None:
            return
        if self.shared_namespace:
            self.argocd.uninstall(self.workload)
        self.argocd.forget(self.workload)

    def _sweep(self) -> None:
        """Remove what scenarios leave in a shared namespace."""
        self.world.helm.uninstall(self.workload)
        sweep_release(self.lab_world, self.workload)
        self.delete_secret()
        self.core.delete_collection_namespaced_secret(
            self.namespace, label_selector=f"{LABEL}=scenario"
        )
        self.set_account_secrets([])


def auth_of(credential: Credential) -> str:
    """Login and token as an entry's `auth` has them."""
    return protect(credential.auth)
