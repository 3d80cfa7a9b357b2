"""The ground a scenario stands on: all good, until a fault spoils it."""

import base64
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.lab.paths import LABEL, SHARED_LABEL
from pullrecovery.lab.seeding import LabWorld, Minted
from pullrecovery.lab.switches import RequestSwitch, switched
from pullrecovery.lab.variants import Variants
from pullrecovery.model import Workload
from pullrecovery.observation import Credential
from pullrecovery.observe.events import Recorder
from pullrecovery.values import edit_values
from pullrecovery.wait import wait_for
from pullrecovery.world import World


@dataclass
class Ground:
    """A namespace with a good Secret and a checkout with good values, for one workload.

    `credential` is what the Secret holds, `operator` what the person at the runner has, if
    anything; `wiring` is `values` or `service-account`; a shared namespace is one that other
    scenarios use too, one after another.
    """

    lab_world: LabWorld
    workload: Workload
    wiring: str
    credential: Minted
    operator: Minted | None
    shared_namespace: bool = False
    recorder: Recorder | None = field(default=None, init=False)
    blocks: ExitStack = field(default_factory=ExitStack, init=False)

    @property
    def world(self) -> World:
        """The lab's world, as the operator of this ground sees it, with what is recorded here."""
        operator = self.operator.credential if self.operator else None
        return replace(self.lab_world.world, operator=operator, events=self.recorder)

    @property
    def namespace(self) -> str:
        return self.workload.namespace

    @property
    def secret_name(self) -> str:
        return self.lab_world.world.target.pull_secret

    @property
    def core(self) -> k8s.CoreV1Api:
        return self.lab_world.world.core

    def lay(self) -> None:
        """Make all good: namespace, Secret, wiring, values; and record from now on what is said."""
        self._ensure_namespace()
        if self.shared_namespace:
            self.clear()
        self.recorder = Recorder(self.core, self.namespace)
        self.recorder.start()
        self.put_secret(self.credential.credential)
        self.set_value("image.repository", self.workload.image.repository)
        self.set_value("image.tag", self.workload.image.tag)
        by_values = self.wiring == "values"
        entries = [{"name": self.secret_name}]
        self.set_value(self.workload.pull_secrets_key, entries if by_values else [])
        self.set_account_secrets([] if by_values else entries)

    def set_value(self, key: str, value: object) -> None:
        edit_values(self.workload.values_file, key, lambda _: value)

    def put_secret(self, credential: Credential) -> None:
        """Replace the Secret by one for the target's registry."""
        target = self.lab_world.world.target
        auth = base64.b64encode(f"{credential.login}:{credential.token}".encode()).decode()
        auths = {"auths": {target.registry: {"auth": auth}}}
        body = k8s.V1Secret(
            metadata=k8s.V1ObjectMeta(name=self.secret_name),
            type="kubernetes.io/dockerconfigjson",
            string_data={".dockerconfigjson": json.dumps(auths)},
        )
        self.delete_secret()
        self.core.create_namespaced_secret(self.namespace, body)

    def delete_secret(self) -> None:
        _tolerate_missing(
            lambda: self.core.delete_namespaced_secret(self.secret_name, self.namespace)
        )

    def set_account_secrets(self, entries: list[dict[str, str]]) -> None:
        body = {"imagePullSecrets": entries or None}
        self.core.patch_namespaced_service_account("default", self.namespace, body)

    def switch_on(self, switch: RequestSwitch) -> None:
        """Have the stand-in play a switch of the scenario's own, until the ground is cleared."""
        self.blocks.enter_context(switched(self.lab_world.control, switch))

    @property
    def variants(self) -> Variants:
        """What pushes images of the workload that are of no use."""
        lab_world = self.lab_world
        return Variants(lab_world.pusher, lab_world.apps[self.workload.app])

    def clear(self) -> None:
        """Remove all that the scenario made; the namespace too, unless its name is shared."""
        self.blocks.close()
        if self.recorder is not None:
            self.recorder.end()
        if not self.shared_namespace:
            _tolerate_missing(lambda: self.core.delete_namespace(self.namespace))
            return
        self.lab_world.world.helm.uninstall(self.workload)
        wait_for(f"{self.workload.name} is gone", self._sweep, lambda left: not left, timeout=60)
        self.delete_secret()
        self.set_account_secrets([])

    def _sweep(self) -> list[str]:
        """Delete what is left of the release without grace; returns the names."""
        world, selector = self.lab_world.world, f"app.kubernetes.io/instance={self.workload.name}"
        left = world.apps.list_namespaced_replica_set(self.namespace, label_selector=selector).items
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        if pods:
            self.core.delete_collection_namespaced_pod(
                self.namespace, label_selector=selector, grace_period_seconds=0
            )
        return [each.metadata.name for each in (*left, *pods)]

    def _ensure_namespace(self) -> None:
        """Make the namespace and wait for its ServiceAccount, without which it takes no pods."""
        labels = {LABEL: "scenario"}
        if self.shared_namespace:
            labels[SHARED_LABEL] = "true"
        metadata = k8s.V1ObjectMeta(name=self.namespace, labels=labels)
        try:
            self.core.create_namespace(k8s.V1Namespace(metadata=metadata))
        except ApiException as error:
            if error.status != 409:
                raise
        wait_for(
            f"ServiceAccount {self.namespace}/default",
            self._account_exists,
            bool,
            timeout=30,
        )

    def _account_exists(self) -> bool:
        names = self.core.list_namespaced_service_account(self.namespace).items
        return any(account.metadata.name == "default" for account in names)


def _tolerate_missing(delete: Callable[[], object]) -> None:
    try:
        delete()
    except ApiException as error:
        if error.status != 404:
            raise
