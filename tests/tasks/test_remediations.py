"""Check what the tasks change in a cluster and in values files: little, and only once."""

import base64
import copy
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from kubernetes.client import V1LocalObjectReference, V1ObjectMeta, V1Secret, V1ServiceAccount
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.probe import Credential
from pullrecovery.model.verdict import Cause, all_named, fails
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks.reg_003_pull_secret import refresh_secret
from pullrecovery.tasks.reg_004_wiring import wire_service_account, wire_values
from pullrecovery.tasks.reg_005_right_values import correct_values
from pullrecovery.tasks.reg_006_redeploy import redeploy
from tests.fakes import recorded

WORKLOAD = recorded.GOOD.workload
FRESH = Credential("ByteQuester", "fr3sh")
ENTRY = {"username": "ByteQuester", "password": "fr3sh", "auth": "Qnl0ZVF1ZXN0ZXI6ZnIzc2g="}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OTHER = {"username": "someone", "password": "else"}


class Core:
    """A test double of the API server with one Secret and one ServiceAccount."""

    def __init__(self, secret=None, pull_secrets=None):
        self.secret = secret
        names = [V1LocalObjectReference(name=name) for name in pull_secrets or ()]
        self.account = V1ServiceAccount(image_pull_secrets=names or None)
        self.calls = []

    def read_namespaced_secret(self, *_):
        if self.secret is None:
            raise ApiException(status=404)
        return self.secret

    def delete_namespaced_secret(self, *_):
        self.calls.append("delete")
        self.secret = None

    def patch_namespaced_secret(self, name, namespace, body, _content_type, **how):
        kind = _content_type.removeprefix("application/").partition("-")[0]
        self.calls.append(f"{kind} {namespace}/{name}")
        if kind == "merge":
            for key in body["metadata"]["annotations"]:
                del self.secret.metadata.annotations[key]
        else:
            assert how == {"field_manager": "pull-recovery", "force": True}
            self._keep(body)

    def read_namespaced_service_account(self, *_):
        return self.account

    def patch_namespaced_service_account(self, name, namespace, body, _content_type):
        self.calls.append(f"patch {namespace}/{name}")
        assert _content_type == "application/strategic-merge-patch+json"
        added = [V1LocalObjectReference(name=entry["name"]) for entry in body["imagePullSecrets"]]
        self.account.image_pull_secrets = [*(self.account.image_pull_secrets or ()), *added]

    def _keep(self, body):
        """Apply the body as server-side apply does: fields that the body lacks stay."""
        assert body["kind"] == "Secret"
        new, old = V1Secret(metadata=V1ObjectMeta(), type=body["type"], data={}), self.secret
        if old is not None:
            assert (old.type, old.immutable) == (body["type"], None)
            new.metadata, new.data = old.metadata, old.data
        new.metadata.labels = body["metadata"].get("labels", new.metadata.labels)
        new.metadata.annotations = body["metadata"].get("annotations", new.metadata.annotations)
        new.data |= body["data"]
        self.secret = new

    @property
    def auths(self):
        return json.loads(base64.b64decode(self.secret.data[".dockerconfigjson"]))["auths"]

    @property
    def pull_secrets(self):
        return [entry.name for entry in self.account.image_pull_secrets]


def _secret(text, kind="kubernetes.io/dockerconfigjson"):
    data = {".dockerconfigjson": base64.b64encode(text.encode()).decode()}
    return V1Secret(metadata=V1ObjectMeta(name="ghcr-credentials"), type=kind, data=data)


def _auths(**entries):
    return _secret(json.dumps({"auths": entries}))


def _world(core):
    return SimpleNamespace(target=recorded.GOOD.target, core=core)


@pytest.fixture(name="frontend")
def _frontend(tmp_path):
    """Return the sample's frontend in a copy of the sample."""
    return load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target")).workload(
        "frontend"
    )


APPLY = "apply frontend-dev/ghcr-credentials"


def test_missing_secret_is_created():
    """The new Secret has the target's registry and login, and the type that the kubelet reads."""
    core = Core()

    done = refresh_secret(_world(core), WORKLOAD, FRESH)

    assert done.summary == "Secret frontend-dev/ghcr-credentials created"
    assert core.calls == [APPLY]
    assert core.secret.type == "kubernetes.io/dockerconfigjson"
    assert core.auths == {"ghcr.io": ENTRY}


def test_secret_that_is_there_is_refreshed():
    """Entries for other registries stay unchanged."""
    core = Core(_auths(**{"ghcr.io": OTHER, "docker.io": OTHER}))

    done = refresh_secret(_world(core), WORKLOAD, FRESH)

    assert done.summary == "Secret frontend-dev/ghcr-credentials refreshed"
    assert core.calls == [APPLY]
    assert core.auths == {"ghcr.io": ENTRY, "docker.io": OTHER}


def test_refreshing_twice_is_refreshing_once():
    """A second run changes nothing, as with `kubectl create --dry-run=client | kubectl apply`."""
    core = Core()

    refresh_secret(_world(core), WORKLOAD, FRESH)
    again = refresh_secret(_world(core), WORKLOAD, FRESH)

    assert core.auths == {"ghcr.io": ENTRY}
    assert core.calls == [APPLY]
    assert (again.summary, again.diff) == (
        "Secret frontend-dev/ghcr-credentials has this entry already",
        "",
    )


def test_dry_run_shows_the_change_and_no_token():
    """The diff masks tokens, and shows whether they change; other registries' entries stay."""
    core = Core(_auths(**{"ghcr.io": OTHER, "docker.io": OTHER}))

    shown = refresh_secret(_world(core), WORKLOAD, FRESH, dry_run=True)

    assert core.calls == []
    assert shown.summary == "Secret frontend-dev/ghcr-credentials would be refreshed"
    changed = [line for line in shown.diff.splitlines() if line[0] in "-+"]
    assert changed[2:] == ["-  ghcr.io: '*** (before)'", "+  ghcr.io: '*** (after)'"]
    assert "   docker.io: '***'" in shown.diff.splitlines()
    assert not [secret for secret in ("fr3sh", "else", ENTRY["auth"]) if secret in shown.diff]


@pytest.mark.parametrize(
    "secret",
    [
        None,
        _auths(**{"ghcr.io:443": OTHER}),
        _secret("{}", kind="Opaque"),
        _secret("[]"),
    ],
    ids=["missing", "another server", "another type", "unreadable"],
)
def test_dry_run_and_run_show_the_same_change(secret):
    """The dry run shows exactly the change that the run makes."""
    core = Core(copy.deepcopy(secret))

    announced = refresh_secret(_world(core), WORKLOAD, FRESH, dry_run=True)
    done = refresh_secret(_world(core), WORKLOAD, FRESH)

    assert announced.diff == done.diff != ""


@pytest.mark.parametrize("entry", [OTHER, {"auth": "c29tZW9uZTplbHNl"}], ids=["apart", "auth"])
@pytest.mark.parametrize("key", [".dockerconfigjson", ".dockercfg"])
def test_wrong_secret_type_is_recreated(key, entry):
    """A Secret's type is immutable, so it is recreated; its labels and other entries stay."""
    auths = {"docker.io": entry, "ghcr.io": OTHER}
    document = {"auths": auths} if key == ".dockerconfigjson" else auths
    old = _secret(json.dumps(document), kind="Opaque")
    old.data = {key: old.data[".dockerconfigjson"], "note": "eA=="}
    old.metadata.labels, old.metadata.annotations = {"team": "web"}, {"why": "deploy"}
    core = Core(old)

    done = refresh_secret(_world(core), WORKLOAD, FRESH)

    assert done.summary == "Secret frontend-dev/ghcr-credentials deleted and created anew"
    assert "-type: Opaque" in done.diff.splitlines()
    assert core.calls == ["delete", APPLY]
    assert core.secret.type == "kubernetes.io/dockerconfigjson"
    assert core.auths == {"docker.io": entry, "ghcr.io": ENTRY}
    assert core.secret.data.keys() == {".dockerconfigjson", "note"}
    assert core.secret.metadata.labels == {"team": "web"}
    assert core.secret.metadata.annotations == {"why": "deploy"}


def test_immutable_secret_is_made_anew():
    """The content of an immutable Secret cannot change, so it is recreated."""
    old = _auths(**{"ghcr.io": OTHER})
    old.immutable = True
    core = Core(old)

    refresh_secret(_world(core), WORKLOAD, FRESH)

    assert core.calls == ["delete", APPLY]


def test_annotation_with_token_is_removed():
    """`kubectl apply` stores its input unencrypted in an annotation."""
    old = _auths(**{"ghcr.io": OTHER})
    old.metadata.annotations = {LAST_APPLIED: "else", "why": "deploy"}
    core = Core(old)

    done = refresh_secret(_world(core), WORKLOAD, FRESH)

    assert core.calls == [APPLY, "merge frontend-dev/ghcr-credentials"]
    assert core.secret.metadata.annotations == {"why": "deploy"}
    assert f"-  {LAST_APPLIED}: '***'" in done.diff.splitlines()


@pytest.mark.parametrize(
    "text",
    ["{}", '{"auths": null}', '{"auths": {"docker.io": {"auth": "YWJj"}}}'],
    ids=["empty", "null", "entry that spoils it"],
)
def test_unreadable_secret_is_made_readable(text):
    """The kubelet cannot decode this Secret, which blocks its other entries too."""
    core = Core(_secret(text))

    refresh_secret(_world(core), WORKLOAD, FRESH)

    assert core.auths == {"ghcr.io": ENTRY}


@pytest.mark.parametrize("server", ["ghcr.io/bytequester", "https://ghcr.io", "*.io"])
def test_older_entry_for_the_same_image_goes(server):
    """The kubelet might try the older entry first, so it is removed."""
    core = Core(_auths(**{server: OTHER}))

    refresh_secret(_world(core), WORKLOAD, FRESH)

    assert core.auths == {"ghcr.io": ENTRY}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ["ghcr-credentials"]),
        (["other"], ["other", "ghcr-credentials"]),
        (["ghcr-credentials", "other"], ["ghcr-credentials", "other"]),
    ],
    ids=["none", "another", "already"],
)
def test_account_keeps_own_secrets(before, after):
    """Secrets of the account stay, and a wired account is not patched."""
    core = Core(pull_secrets=before)

    announced = wire_service_account(_world(core), WORKLOAD, dry_run=True)
    untouched = list(core.calls)
    done = wire_service_account(_world(core), WORKLOAD)

    assert untouched == []
    assert announced.diff == done.diff
    assert core.calls == (["patch frontend-dev/default"] if before != after else [])
    assert bool(done.diff) is (before != after)
    assert core.pull_secrets == after


def test_account_change_is_shown():
    """The change shows that the account's other secrets stay."""
    shown = wire_service_account(_world(Core(pull_secrets=["other"])), WORKLOAD, dry_run=True)

    assert shown.summary == "ServiceAccount frontend-dev/default would name ghcr-credentials"
    assert shown.diff.splitlines()[-2:] == [" - name: other", "+- name: ghcr-credentials"]


def test_wired_values_are_unchanged(frontend):
    """The sample is wired, so its values do not change."""
    before = frontend.values_file.read_text()

    done = wire_values(_world(None), frontend)

    assert done.summary == (
        "serviceAccount.imagePullSecrets in values-dev.yaml names ghcr-credentials already"
    )
    assert done.diff == ""
    assert frontend.values_file.read_text() == before


def test_values_are_wired_by_chart_key(frontend):
    """The edit is in the file that takes precedence; a dry run writes nothing."""
    before = "# ours\nserviceAccount:\n  imagePullSecrets: [] # none yet\nnote: ~\n"
    frontend.values_file.write_text(before)

    announced = wire_values(_world(None), frontend, dry_run=True)
    assert frontend.values_file.read_text() == before
    done = wire_values(_world(None), frontend)

    assert announced.diff == done.diff
    assert "would name" in announced.summary
    assert frontend.values_file.read_text() == (
        "# ours\nserviceAccount:\n  imagePullSecrets:    # none yet\n"
        "    - name: ghcr-credentials\nnote: ~\n"
    )


class Helm:
    """Records its calls, and renders one object with its settings."""

    def __init__(self, deployed=""):
        self.deployed, self.upgrades = deployed, []

    def template(self, _, *, settings, hooks):
        assert not hooks
        return "".join(f"---\n{line}\n" for line in ("kind: Deployment", *settings))

    def manifest(self, _):
        return self.deployed

    def upgrade(self, _, *, settings):
        self.upgrades.append(settings)
        self.deployed = self.template(_, settings=settings, hooks=False)
        return self.deployed


def _deployed(monkeypatch, seen):
    """Return a world with an observation's Deployment and pods, and a record of the calls."""
    core = SimpleNamespace(deleted=[])
    core.delete_namespaced_pod = lambda name, *_, **__: core.deleted.append(name)
    apps = SimpleNamespace(patched=[])
    apps.patch_namespaced_deployment = lambda *patch: apps.patched.append(patch)
    module = "pullrecovery.tasks.reg_006_redeploy"
    monkeypatch.setattr(f"{module}.observe_deployment", lambda *_: seen.deployment)
    monkeypatch.setattr(f"{module}.observe_pods", lambda *_: seen.pods)
    helm = Helm()
    return SimpleNamespace(core=core, apps=apps, helm=helm, deployer=helm)


def test_redeployment_recreates_waiting_objects(monkeypatch):
    """A pod in back-off would wait up to five minutes, so it is recreated."""
    world = _deployed(monkeypatch, recorded.waiting(recorded.ANONYMOUS))

    dry = redeploy(world, WORKLOAD, dry_run=True)
    assert (world.helm.upgrades, world.core.deleted) == ([], [])
    done = redeploy(world, WORKLOAD)

    assert dry == done
    assert "+kind: Deployment" in done.diff
    assert "-# live: Pod frontend-6d5f8c7b9-x2v4q waits for its image" in done.diff
    assert world.helm.upgrades == [[]]
    assert world.core.deleted == ["frontend-6d5f8c7b9-x2v4q"]


def test_redeployment_of_running_changes_nothing(monkeypatch):
    """Helm upgrades even a healthy release, as live objects may have been edited."""
    world = _deployed(monkeypatch, recorded.GOOD)
    redeploy(world, WORKLOAD)

    again = redeploy(world, WORKLOAD)

    assert (again.summary, again.diff) == ("frontend runs as its chart renders it", "")
    assert (world.core.deleted, world.apps.patched) == ([], [])


def test_paused_rollout_is_resumed(monkeypatch):
    """Helm does not change a field that its chart does not have."""
    world = _deployed(monkeypatch, recorded.deployment(paused=True))

    done = redeploy(world, WORKLOAD)

    assert "-# live: Deployment frontend is paused" in done.diff
    assert world.apps.patched == [("frontend", "frontend-dev", {"spec": {"paused": None}})]


@pytest.mark.parametrize(
    ("cause", "option"),
    [
        (Cause.TAG_MOVED, "image.pullPolicy=Always"),
        (Cause.NEVER_PULLED, "image.pullPolicy=IfNotPresent"),
        (Cause.SCALED_TO_NOTHING, "replicaCount=1"),
    ],
)
def test_cause_beyond_upgrade_gets_option(monkeypatch, cause, option):
    """The cause selects the option, even if another cause is named before it."""
    world = _deployed(monkeypatch, recorded.GOOD)
    verdict = all_named(fails(Cause.SECRET_MISSING), fails(cause))

    done = redeploy(world, WORKLOAD, verdict)

    assert world.helm.upgrades == [[option]]
    assert f"+{option}" in done.diff


def _texts(workload):
    files = (workload.chart / "values.yaml", *workload.values)
    return {file.name: file.read_text() for file in files}


def test_good_values_are_not_written_at_all(frontend):
    """A second correction changes nothing, and says so."""
    before = _texts(frontend)

    done = correct_values(frontend)

    assert done.summary == f"the values name {frontend.image.reference} already"
    assert (done.diff, _texts(frontend)) == ("", before)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ("image:\n  tag: 20241105 # a date\n", "+  tag: {tag} # a date"),
        ("image:\n  repository: ghcr.io/x/y # old\n", "+  repository: {repository} # old"),
        ('image:\n  tag: "{tag} "\n', '+  tag: "{tag}"'),
        ("image:\n  digest: sha256:" + "a" * 64 + " # the build of May\n", "+  digest: ''"),
        ("sidecars:\n  - name: a # ours\n    image: x:1 # why\n", "+    image: {reference} # why"),
        ("hook:\n  image: x:1\n  args: [-x]\n", "+  image: {reference}"),
    ],
    ids=["number", "repository", "blank", "digest", "container", "hook"],
)  # fmt: skip
def test_only_other_images_are_changed(frontend, values, line):
    """The images change once; a dry run shows the same change, and writes nothing."""
    image = frontend.image
    names = {"tag": image.tag, "repository": image.repository, "reference": image.reference}
    for name, value in names.items():
        values, line = values.replace(f"{{{name}}}", value), line.replace(f"{{{name}}}", value)
    base = "# Of dev.\nreplicaCount: 1\n"
    frontend.values_file.write_text(base + values)
    (frontend.chart / "values.yaml").write_text(
        f"image:\n  repository: {image.repository}\n  tag: {image.tag}\n"
    )

    dry = correct_values(frontend, dry_run=True)
    assert frontend.values_file.read_text() == base + values
    done = correct_values(frontend)

    assert dry == done
    before, after = (base + values).splitlines(), frontend.values_file.read_text().splitlines()
    changed = [f"+{new}" for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0].startswith(line)
    assert sum(each[0] in "+-" for each in done.diff.splitlines()[2:]) == 2
    assert correct_values(frontend).diff == ""


def test_last_values_file_is_the_edited_one(frontend):
    """A later values file without the image stays unchanged."""
    later, last = frontend.chart / "hotfix.yaml", frontend.chart / "last.yaml"
    later.write_text("image:\n  tag: hotfix\n")
    last.write_text("replicaCount: 1\n")
    workload = replace(frontend, values=(*frontend.values, later, last))

    done = correct_values(workload)

    assert done.summary.endswith("in hotfix.yaml")
    assert later.read_text() == f"image:\n  tag: {frontend.image.tag}\n"
    assert last.read_text() == "replicaCount: 1\n"


def test_values_get_wanted_image(frontend):
    """The file gets the wanted image; keys that are right in an earlier file are not repeated."""
    frontend.values_file.write_text("image:\n  tag: dev # for now\n")
    wanted = replace(frontend, image=recorded.GOOD.workload.image)

    done = correct_values(wanted)

    assert done.summary == f"set {recorded.REFERENCE} in values-dev.yaml"
    assert frontend.values_file.read_text() == (f"image:\n  tag: {recorded.TAG} # for now\n")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{{"Auths": {{"quay.io": {0}}}, "auths": {{"ghcr.io": {0}}}}}', {"quay.io": OTHER}),
        ('{{"AUTHS": {{"quay.io": {0}}}}}', {"quay.io": OTHER}),
        ('{{"auths": {{"quay.io": {0}}}, "auths": null}}', {}),
        ('{{"auths": {{"quay.io": {{"Username": "someone", "PASSWORD": "else"}}}}}}', {"quay.io": OTHER}),
        ('{{"auths": {{"quay.io": {{"identitytoken": "x", "n": [1.5, {{}}]}}}}}}', {"quay.io": {"identitytoken": "x", "n": [1.5, {}]}}),
    ],
)  # fmt: skip
def test_refresh_keeps_entries_that_the_kubelet_reads(text, kept):
    """The kubelet reads `auths` in any case, and adds a second one to the first."""
    document = base64.b64encode(text.format(json.dumps(OTHER)).encode()).decode()
    core = Core(
        V1Secret(
            metadata=V1ObjectMeta(),
            type="kubernetes.io/dockerconfigjson",
            data={".dockerconfigjson": document},
        )
    )

    refresh_secret(_world(core), WORKLOAD, FRESH)

    assert json.loads(base64.b64decode(core.secret.data[".dockerconfigjson"])) == {
        "auths": {**kept, "ghcr.io": ENTRY}
    }
