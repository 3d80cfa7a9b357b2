"""Fakes of the registry and the API server for the hook, each of which can fail."""

import hashlib
import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
from kubernetes.client.exceptions import ApiException
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT as SUITE
from pullrecovery.gate.hook.hook import REQUIRED, Hook
from pullrecovery.gate.hook.settings import HookSettings
from pullrecovery.gate.releases import Deployed
from pullrecovery.gate.verdict.registry_store import LAYER_TYPE, verdict_tag
from pullrecovery.gate.verdict.signing import sign
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image
from pullrecovery.registry.client import RegistryClient
from tests.fakes import verdicts
from tests.fakes.recorded import REPOSITORY, TOKEN

TAG = "v1"
PACKAGE = REPOSITORY.partition("/")[2]
SETTINGS = HookSettings(
    revision=verdicts.REVISION,
    target="hosting-monorepo",
    workload="frontend",
    application="frontend",
    application_namespace="argocd",
    deployed=Deployed("frontend-dev", "", ()),
    image=Image(REPOSITORY, TAG),
    digest="",
    service_account="frontend",
    pull_secrets=(),
    key=verdicts.public(),
    credential=Credential("ByteQuester", TOKEN),
    own_account="frontend-gate",
    pod="frontend-gate-x2v4q",
    pod_uid="0b0f4b6e-2f2c-4a52-9d5c-9a3f2b7c1d11",
    deadline=60,
)


def promoting(**changes):
    """Return a signed verdict that promotes its revision."""
    names = tuple(f"frontend {each}" for each in sorted(REQUIRED))
    whole = verdicts.Checks(declared=names, run=names)
    return sign(verdicts.verdict(**({"checks": whole, "world": "live"} | changes)), verdicts.KEY)


@dataclass
class Registry:
    """A fake GHCR with one image and, where `signed` is not '', the verdict on it."""

    signed: str = field(default_factory=promoting)
    digest: str = verdicts.IMAGE
    broken: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def __call__(self, request):
        path = request.url.path
        self.asked.append(path)
        spoilt = next((self.broken[part] for part in self.broken if part in path), None)
        if isinstance(spoilt, Exception):
            raise spoilt
        return spoilt or self._answer(path.removeprefix(f"/v2/{PACKAGE}"))

    def _answer(self, path):
        if path == "/token":
            return httpx.Response(200, json={"token": "djE6czNudDFuM2w="})
        if path in (f"/manifests/{TAG}", f"/manifests/{self.digest}"):
            return httpx.Response(200, headers={"docker-content-digest": self.digest}, json={})
        content = self.signed.encode()
        layer = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if (
            path == f"/manifests/{verdict_tag('hosting-monorepo', verdicts.REVISION)}"
            and self.signed
        ):
            found = {"mediaType": LAYER_TYPE, "digest": layer, "size": len(content)}
            return httpx.Response(200, json={"layers": [found]})
        if path == f"/blobs/{layer}":
            return httpx.Response(200, content=content)
        missing = {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}
        return httpx.Response(404, json={"errors": [missing]})

    def client(self):
        return RegistryClient("ghcr.io", httpx.Client(transport=httpx.MockTransport(self)))


@dataclass
class Api:
    """The pods of a namespace: a new pod goes through `states`, and stays in the last."""

    states: list
    accounts: tuple = ("frontend", "frontend-gate", "default")
    account_secrets: tuple = ("ghcr-credentials",)
    refuses: dict = field(default_factory=dict)
    pods: dict = field(default_factory=dict)
    made: list = field(default_factory=list)
    deleted: list = field(default_factory=list)

    def create(self, manifest):
        self._may("create")
        name, account = manifest["metadata"]["name"], manifest["spec"]["serviceAccountName"]
        if account not in self.accounts:
            raise refusal(
                403, f"error looking up service account frontend-dev/{account}: not found"
            )
        if name in self.pods:
            raise refusal(409, f'pods "{name}" already exists')
        self.pods[name] = list(self.states)
        self.made.append(manifest)

    def read(self, name):
        self._may("get")
        if name not in self.pods:
            raise refusal(404, f'pods "{name}" not found')
        states = self.pods[name]
        state = states.pop(0) if len(states) > 1 else states[0]
        if state is None:
            del self.pods[name]
            raise refusal(404, f'pods "{name}" not found')
        given = self.made[-1]["spec"]["imagePullSecrets"] if self.made else []
        secrets = [each["name"] for each in given] or self.account_secrets
        return _pod(name, state, secrets)

    def delete(self, name):
        self._may("delete")
        self.deleted.append(name)
        if self.pods.pop(name, None) is None:
            raise refusal(404, f'pods "{name}" not found')

    def _may(self, verb):
        if verb in self.refuses:
            raise self.refuses[verb]


def refusal(status, message):
    """Return the exception of the client for an answer of the API server."""
    error = ApiException(status=status, reason="refused")
    error.body = json.dumps({"message": message})
    return error


def waiting(reason, message=""):
    """Return the state of a waiting container."""
    return {"waiting": SimpleNamespace(reason=reason, message=message)}


def ended(image_id=f"{REPOSITORY}@{verdicts.IMAGE}"):
    """Return the state of a container that could not be started after its image was pulled."""
    said = 'exec: "/pull-recovery/no-such-program": stat: no such file or directory'
    over = SimpleNamespace(reason="StartError", exit_code=128, message=said)
    return {"terminated": over, "image_id": image_id}


def _container(name, state):
    return SimpleNamespace(
        name=name,
        image="",
        image_id=state.get("image_id", ""),
        ready=False,
        last_state=None,
        state=SimpleNamespace(waiting=state.get("waiting"), terminated=state.get("terminated")),
    )


def _pod(name, state, secrets):
    """Return a pod of the API; `init` and `beside` are states of injected containers."""
    failed = state.get("failed")
    phase = "Failed" if failed or "terminated" in state else "Pending"
    init = [_container("probe", each) for each in state.get("init", ())]
    beside = [_container("istio-proxy", each) for each in state.get("beside", ())]
    reason, message = failed or ("", "")
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, uid="u", labels={}, creation_timestamp=verdicts.NOW),
        spec=SimpleNamespace(
            service_account_name="frontend",
            image_pull_secrets=[SimpleNamespace(name=secret) for secret in secrets],
        ),
        status=SimpleNamespace(
            phase=phase,
            reason=reason,
            message=message,
            conditions=state.get("conditions", []),
            init_container_statuses=init or None,
            container_statuses=[] if failed else [*beside, _container("probe", state)],
        ),
    )


def syncing(**changes):
    """Return the sample's Application while its sync to the judged commit is running."""
    application = YAML(typ="safe").load(SUITE / "sample" / "argocd" / "frontend.yaml")
    sources = application["spec"]["sources"]
    result = {"sources": sources, "revisions": [verdicts.REVISION] * len(sources)}
    state = {"phase": "Running", "operation": {"sync": {}}, "syncResult": result}
    application["status"] = {"operationState": state | changes}
    return application


@dataclass
class Applications:
    """Argo CD's Applications: one that is synced, unless it is an exception."""

    application: object = field(default_factory=syncing)
    asked: list = field(default_factory=list)

    def read(self, namespace, name):
        self.asked.append((namespace, name))
        if isinstance(self.application, Exception):
            raise self.application
        return self.application


def hook(api, registry=None, settings=SETTINGS, until=None, applications=None):
    """Return a hook with these fakes; its deadline has passed unless `until` has a time."""
    registry, applications = registry or Registry(), applications or Applications()
    now = lambda: verdicts.NOW  # noqa: E731
    return Hook(settings, registry.client(), api, applications, until or 0.0, now)
