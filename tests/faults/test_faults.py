"""The rows of faults, and the scenarios that they make of the sample."""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from fixtures.scenario.matrix import scenarios_of
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.faults import FAULTS
from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import fits, wirings_of
from pullrecovery.faults.workflow_copy import WorkflowCopy
from pullrecovery.lab.seed import Minted
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Visibility
from pullrecovery.model.verdict import Cause
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import CRITERIA
from tests.fakes import printed, recorded

TARGET = load_target(SUITE_ROOT / "sample")

RECORDED = {
    "secret-missing": ("ErrImagePull", recorded.ANONYMOUS),
    "token-revoked": ("ErrImagePull", recorded.REJECTED),
    "token-without-scope": ("ErrImagePull", recorded.NO_SCOPE),
    "token-mistyped": ("ErrImagePull", recorded.REJECTED),
    "token-expired": ("ErrImagePull", recorded.REJECTED),
    "token-fine-grained": ("ErrImagePull", recorded.NO_SCOPE),
    "token-of-a-stranger": ("ErrImagePull", recorded.NO_READ),
    "token-without-sso": ("ErrImagePull", recorded.NO_SSO),
    "classic-tokens-forbidden": ("ErrImagePull", recorded.NO_CLASSIC),
    "two-entries-refused": ("ErrImagePull", recorded.TWO_REFUSED),
    "auth-not-base64": (recorded.NOT_BASE64, recorded.NOT_BASE64),
    "auth-without-login": (recorded.NO_COLON, recorded.NO_COLON),
    "repository-typo": ("ErrImagePull", recorded.not_found(f"{recorded.TYPO}:{recorded.TAG}")),
    "tag-dev": ("ErrImagePull", recorded.not_found(f"{recorded.REPOSITORY}:dev")),
    "owner-in-capitals": ("InvalidImageName", recorded.MUST_BE_LOWER_CASE),
    "release-not-upgraded": (
        "ErrImagePull",
        recorded.not_found(f"{recorded.REPOSITORY}:dev"),
    ),
}

SHORT = f"{recorded.REPOSITORY}:{recorded.TAG[:7]}"
UNPUSHED = f"{recorded.REPOSITORY}-5b1e09c2:{recorded.TAG}"
NO_CREDENTIAL = (
    "secret-in-other-namespace",
    "secret-of-other-name",
    "secret-opaque",
    "secret-of-legacy-type",
    "server-docker-hub",
    "server-with-port",
    "server-github",
    "server-of-other-owner",
    "entry-empty",
    "not-wired",
    "values-key-misspelt",
    "wired-to-no-secret",
    "account-hidden",
    "account-overwritten",
    "account-not-the-pods",
    "account-patched-too-late",
)
RECORDED |= dict.fromkeys(NO_CREDENTIAL, ("ErrImagePull", recorded.ANONYMOUS))
RECORDED |= {
    "tag-shortened": ("ErrImagePull", recorded.not_found(SHORT)),
    "repository-never-pushed": ("ErrImagePull", recorded.not_found(UNPUSHED)),
}
RECORDED |= {
    "token-not-classic": ("ErrImagePull", recorded.NO_SCOPE),
    "token-not-authorised-for-sso": ("ErrImagePull", recorded.NO_SSO),
    "package-not-public": ("ErrImagePull", recorded.ANONYMOUS),
}
RECORDED |= {
    "tag-in-repository": ("InvalidImageName", recorded.TAG_IN_REPOSITORY),
    "digest-unknown": (
        "ErrImagePull",
        recorded.not_found(f"{recorded.REPOSITORY}@{recorded.OTHER_DIGEST}"),
    ),
    "registry-of-a-developer": ("ErrImagePull", recorded.NOBODY_LISTENS),
    "later-file-overrides-tag": (
        "ErrImagePull",
        recorded.not_found(f"{recorded.REPOSITORY}:hotfix"),
    ),
}
_DEV = ("ErrImagePull", recorded.not_found(f"{recorded.REPOSITORY}:dev"))
RECORDED |= dict.fromkeys(
    (
        "init-container-only",
        "second-container-only",
        "hook-only",
        "max-unavailable-satisfies-helm",
        "fix-not-synced",
        "synced-to-earlier-commit",
        "branch-without-the-fix",
        "application-with-other-values",
    ),
    _DEV,
)
RECORDED |= dict.fromkeys(
    ("self-heal-undoes-account", "secret-pruned"), ("ErrImagePull", recorded.ANONYMOUS)
)
RECORDED["pull-policy-never"] = ("ErrImageNeverPull", recorded.NEVER_PULLED)
RECORDED |= {
    "tag-deleted": ("ErrImagePull", recorded.not_found(recorded.REFERENCE)),
    "platform-missing": ("ErrImagePull", recorded.NO_PLATFORM),
    "manifest-altered": ("ErrImagePull", recorded.OTHER_BYTES),
    "layer-missing": ("ErrImagePull", recorded.NO_PART),
}
REFUSED = {
    "tag-as-number": recorded.TAG_A_NUMBER,
    "repository-empty": recorded.REPOSITORY_EMPTY,
}
LOOKING = {
    "digest-of-another-build": recorded.deployment(
        images=(f"{recorded.REPOSITORY}@{recorded.OTHER_DIGEST}",)
    ),
    "old-pods-still-serve": recorded.beside_an_old_pod(
        recorded.waiting(recorded.not_found(f"{recorded.REPOSITORY}:dev"))
    ),
    "rolled-back": recorded.deployment(images=(f"{recorded.REPOSITORY}:earlier-1",)),
    "rollout-paused": recorded.deployment(paused=True),
    "scaled-to-nothing": replace(recorded.deployment(replicas=0), pods=()),
    "tag-moved": recorded.running(image_id=f"{recorded.REPOSITORY}@{recorded.OTHER_DIGEST}"),
    "another-release-serves": replace(recorded.deployment(exists=False), pods=()),
    "another-processor": recorded.ended("Error 1: exec /web-base: exec format error"),
    "tag-with-blank": replace(
        recorded.deployment(replica_failure=recorded.TRAILING_BLANK), pods=()
    ),
}
TOLD = {
    "token-may-push": "x-oauth-scopes: read:packages, write:packages",
    "token-reaches-repositories": "x-oauth-scopes: read:packages, repo",
    "token-may-delete": "x-oauth-scopes: delete:packages, read:packages",
    "token-ends-soon": "github-authentication-token-expiration: 2026-11-27 03:20:48 UTC",
    "token-shared-by-namespaces": "Secret other-5b1e09c2/ghcr-credentials is the same",
    "public-package-with-secret": '"version_count":2,"visibility":"public","url":',
    "package-not-private": '"version_count":2,"visibility":"public","url":',
}
PRINTED = {
    "operator-not-logged-in": printed.NOT_LOGGED_IN,
    "operator-token-revoked": printed.REJECTED,
    "operator-token-without-scope": printed.NO_SCOPE,
    "operator-may-not-read": printed.MAY_NOT_READ,
    "operator-token-fine-grained": printed.NO_SCOPE,
    "operator-token-without-sso": printed.NO_SSO,
    "operator-classic-tokens-forbidden": printed.NO_CLASSIC,
}
# GHCR says the same of both.
ALIKE = {"operator-token-without-scope", "operator-token-fine-grained"}


def _fault(name):
    return next(fault for fault in FAULTS if fault.id == name)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_fails_its_own_criterion(fault):
    """Otherwise it would belong to another task."""
    assert fault.reg in fault.must_fail
    assert fault.must_fail <= CRITERIA.keys()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_expects_a_cause_that_is_known(fault):
    """UNKNOWN is what is left when nothing fits."""
    assert fault.cause in set(Cause) - {Cause.UNKNOWN}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_has_a_short_name_for_ids(fault):
    """It stands in test ids, which a shell must take as they are."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.id)


def test_no_two_faults_have_one_name():
    """A row is found by its name."""
    names = [fault.id for fault in FAULTS]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("name", "seen"), RECORDED.items(), ids=RECORDED)
def test_symptom_of_a_fault_is_what_the_kubelet_really_said(name, seen):
    """Seen on Kubernetes 1.37.2 with containerd 2.3.4."""
    symptom, (reason, message) = _fault(name).symptom, seen

    assert reason in symptom.reasons
    assert symptom.message.search(message)


@pytest.mark.parametrize(("name", "seen"), PRINTED.items(), ids=PRINTED)
def test_symptom_of_a_fault_is_what_a_client_really_printed(name, seen):
    """In its last words, and of no other fault of the operator's."""
    symptom = _fault(name).symptom
    showing = {
        other
        for other, each in PRINTED.items()
        if any(symptom.message.search(ran.said) for ran in each.commands if ran.rc != 0)
    }
    # Who is refused at the login asks as nobody from then on.
    nobody = {"operator-token-revoked"} if name == "operator-not-logged-in" else set()

    assert symptom.surface == "registry"
    assert showing == {name} | nobody | (ALIKE if name in ALIKE else set())


@pytest.mark.parametrize(("name", "line"), TOLD.items(), ids=TOLD)
def test_symptom_of_a_grant_is_a_line_of_github_or_of_the_cluster(name, line):
    """And none of what they tell of a grant in good order."""
    symptom = _fault(name).symptom
    good = ("x-oauth-scopes: read:packages", "x-accepted-oauth-scopes: ", '"visibility":"private"')

    assert symptom.surface == "api"
    assert symptom.message.search(line)
    assert not [each for each in good if symptom.message.search(each)]


def test_every_symptom_was_seen():
    """By the kubelet's words, a client's, Helm's or GitHub's, or by what the release looks like.

    Those of the docs stand in test_reg_007.py, those of the workflow in test_reg_002.py.
    """
    of_pods = {fault.id for fault in FAULTS if fault.symptom.surface != "docs" and fault.deployed}

    assert of_pods == {*RECORDED, *PRINTED, *REFUSED, *LOOKING, *TOLD}


@pytest.mark.parametrize(("name", "said"), REFUSED.items(), ids=REFUSED)
def test_symptom_of_a_refused_chart_is_what_helm_really_said(name, said):
    """Of this fault, and of no other."""
    showing = {other for other in REFUSED if _fault(other).symptom.message.search(said)}

    assert _fault(name).symptom.surface == "chart"
    assert showing == {name}


@pytest.mark.parametrize(("name", "seen"), LOOKING.items(), ids=LOOKING)
def test_symptom_of_a_release_is_not_shown_by_one_in_good_order(name, seen):
    """It says what it sees, and sees nothing where all is well."""
    symptom = _fault(name).symptom

    assert symptom.surface == "release"
    assert symptom.shown(seen.deployment, seen.pods, recorded.DIGEST)
    assert not symptom.shown(recorded.GOOD.deployment, recorded.GOOD.pods, recorded.DIGEST)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_of_which_pods_know_nothing_fails_nothing_of_theirs(fault):
    """A symptom on the registry's surface alone, or the docs', leaves the workload in order."""
    shows_to_people_alone = fault.deployed and fault.symptom.surface == "registry"
    assert (fault.must_fail == {"REG-001"}) is shows_to_people_alone
    assert (fault.must_fail == {"REG-007"}) is (fault.symptom.surface == "docs")


@pytest.mark.parametrize(
    ("containerd", "text"), [("2.3.4", recorded.NO_SCOPE), ("2.1.5", recorded.FORBIDDEN_2_1)]
)
def test_symptom_of_a_missing_scope_is_what_this_containerd_says(containerd, text):
    """From 2.3.3 on it repeats the registry's sentence, before it has none."""
    wanted = _fault("token-without-scope").symptom.text_of(containerd)

    assert wanted.search(text)
    assert bool(wanted.search(recorded.NO_SCOPE)) is (containerd == "2.3.4")


@pytest.mark.parametrize("name", RECORDED)
def test_symptom_of_a_fault_is_not_just_any_failed_pull(name):
    """The text of an outage is none of them, with no other registry in the values."""
    outage = (
        f'failed to pull and unpack image "{recorded.REFERENCE}": failed to do request: '
        "dial tcp 172.18.0.9:443: connect: connection refused"
    )

    assert not _fault(name).symptom.message.search(outage)


class LabWorld:
    """Mints credentials, and keeps what is said of them."""

    def __init__(self):
        self.minted, self.put, self.told, self.pushed, self.world_changed = [], [], [], [], []
        self.control = SimpleNamespace(
            put_credential=self._put, share_package=self.share_package, put_owner=self.put_owner
        )
        self.world = SimpleNamespace(target=TARGET, core=None)

    def mint(self, scopes=("read:packages",), login="ByteQuester", *, sso="", expires=None):
        self.minted.append(scopes)
        self.told.append((sso, expires))
        return Minted(f"c{len(self.minted)}", Credential(login, f"token-{len(self.minted)}"))

    def publish(self, image, app, by=None):
        self.pushed.append((image.reference, by))
        return f"sha256:{len(self.pushed)}"

    def __getattr__(self, name):
        assert name.startswith(("put_", "share_")), name
        return lambda *args, **fields: self.world_changed.append((name, args, fields))

    def _put(self, name, *_, **state):
        self.put.append((name, state))


@pytest.fixture(name="ground")
def _ground(tmp_path):
    """Return the ground of the sample's frontend in a copy of the sample."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    lab_world = LabWorld()
    lab_world.world = SimpleNamespace(target=target)
    secret, operator = lab_world.mint(), lab_world.mint()
    own = WorkflowCopy(target.workflow.file)
    workload = target.workload("frontend")
    return Ground(lab_world, workload, "values", secret, operator, own_workflow=own)


def _spoil(ground, name):
    _fault(name).break_it(ground)
    return ground.operator


def test_operator_who_is_refused_has_another_credential_than_the_secret(ground):
    """What the Secret holds is left alone, so the pods pull on."""
    secret = ground.credential

    assert _spoil(ground, "operator-not-logged-in") is None
    assert _spoil(ground, "operator-token-revoked").name == ground.lab_world.put[0][0]
    assert ground.lab_world.put[0][1] == {"revoked": True}
    assert _spoil(ground, "operator-may-not-read").credential.login.startswith("stranger-")
    _spoil(ground, "operator-token-without-scope")
    assert ground.lab_world.minted[-1] == ("repo",)
    assert ground.credential is secret
    assert secret.name not in [name for name, _ in ground.lab_world.put]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("tag-shortened", rf"{re.escape(recorded.REPOSITORY)}:{recorded.TAG[:7]}"),
        ("repository-never-pushed", rf"{re.escape(recorded.REPOSITORY)}-\w+:{recorded.TAG}"),
    ],
)
def test_unknown_name_is_wanted_by_target_and_values_alike(ground, name, wanted):
    """So that the chart renders what is wanted, and only the registry does not know it."""
    _fault(name).break_it(ground)

    image = ground.workload.image
    values = YAML(typ="safe").load(ground.workload.values_file.read_text())["image"]
    assert re.fullmatch(wanted, image.reference)
    assert (values["repository"], values["tag"]) == (image.repository, image.tag)


@pytest.fixture(name="secrets_put")
def _secrets_put(monkeypatch):
    """Return what is put into Secrets: the token and, if it is another one, the namespace."""
    put = []
    monkeypatch.setattr(
        Ground, "put_secret", lambda _, credential, *namespace: put.append((credential, *namespace))
    )
    monkeypatch.setattr(Ground, "delete_secret", lambda _: put.append(None))
    monkeypatch.setattr(
        Ground,
        "copy_secret_elsewhere",
        lambda ground: (
            ground.other_namespaces.append("other-5b1e09c2") or put.append((None, "other-5b1e09c2"))
        ),
    )
    monkeypatch.setattr(Ground, "set_account_secrets", lambda *_: None)
    monkeypatch.setattr("pullrecovery.faults.ground.make_sandbox", lambda *_, **__: None)
    return put


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("token-may-push", ("read:packages", "write:packages")),
        ("token-reaches-repositories", ("read:packages", "repo")),
        ("token-may-delete", ("read:packages", "delete:packages")),
        ("token-ends-soon", ("read:packages",)),
    ],
)
def test_token_that_is_too_much_is_the_secrets_own(ground, secrets_put, name, scopes):
    """So that the remedy knows which one to revoke."""
    _fault(name).break_it(ground)

    assert ground.lab_world.minted[-1] == scopes
    assert secrets_put == [(ground.credential.credential,)]
    assert bool(ground.lab_world.told[-1][1]) is (name == "token-ends-soon")


def test_organisation_that_demands_sso_is_a_scenarios_own(ground, secrets_put):
    """All but the Secret's token are authorised, and the image is pushed before it is demanded."""
    secret = ground.credential
    _fault("token-not-authorised-for-sso").break_it(ground)

    owner = ground.workload.image.owner
    assert owner.startswith("sso-")
    assert ground.credential is secret
    assert [sso for sso, _ in ground.lab_world.told] == ["", "", owner, owner]
    assert ground.lab_world.pushed == [(ground.workload.image.reference, ground.keeper)]
    demands = [
        args[1].sso_enforced
        for name, args, _ in ground.lab_world.world_changed
        if name == "put_owner"
    ]
    assert demands == [False, True]


def test_shared_token_is_in_a_namespace_of_the_targets(ground, secrets_put):
    """Which, here, wants one for each."""
    _fault("token-shared-by-namespaces").break_it(ground)

    peer = "other-5b1e09c2"
    assert secrets_put == [(None, peer)]
    assert ground.wanted.token_per_namespace
    *own, other = ground.wanted.workloads
    assert tuple(own) == ground.lab_world.world.target.workloads
    assert other.namespace == peer


@pytest.mark.parametrize(
    ("name", "visible", "wanted", "has_secret"),
    [
        ("public-package-with-secret", "public", "public", True),
        ("package-not-public", "private", "public", False),
        ("package-not-private", "public", "private", True),
    ],
)
def test_package_of_another_visibility_is_a_scenarios_own(
    ground, secrets_put, name, visible, wanted, has_secret
):
    """As the others' would see the change; its digest is that of its own push."""
    before = ground.workload.image.repository
    _fault(name).break_it(ground)

    image = ground.workload.image
    values = YAML(typ="safe").load(ground.workload.values_file.read_text())
    assert image.repository.startswith(f"{before}-")
    assert values["image"]["repository"] == image.repository
    ((_, (package, visibility, *_), _),) = ground.lab_world.world_changed
    assert (package, visibility) == (image.package, visible)
    assert ground.workload.visibility == wanted
    assert ground.digest == "sha256:1"
    assert [bool(put) for put in secrets_put] == [has_secret]
    wired = [{"name": "ghcr-credentials"}] if has_secret else []
    assert values["serviceAccount"]["imagePullSecrets"] == wired


@pytest.mark.parametrize("reg", ["REG-003", "REG-004", "REG-008"])
def test_fault_of_a_secret_is_not_played_on_a_public_workload(reg):
    """It needs none."""
    workloads = tuple(replace(each, visibility=Visibility.PUBLIC) for each in TARGET.workloads)
    played = {row.fault.id for row in scenarios_of(reg, replace(TARGET, workloads=workloads))}

    of_packages = {"public-package-with-secret", "package-not-public", "package-not-private"}
    assert played == (of_packages if reg == "REG-008" else set())


def test_frontend_with_its_own_service_account_is_wired_by_values_alone():
    """Patching the namespace's default would have no effect on it."""
    assert wirings_of(TARGET.workload("frontend")) == ("values",)


@pytest.mark.parametrize("name", ["frontend-sample", "backend"])
def test_workload_on_the_default_service_account_is_wired_either_way(name):
    """By the chart's values, or by the ServiceAccount of its namespace."""
    assert wirings_of(TARGET.workload(name)) == ("values", "service-account")


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.needs], ids=lambda each: each.id)
def test_fault_of_what_a_chart_need_not_have_is_left_out_without_it(ground, fault):
    """Of a target whose chart lacks it; the sample's charts have it."""
    assert any(fits(fault, workload) for workload in TARGET.workloads)

    for own in ("values.yaml", "values.schema.json"):
        (ground.workload.chart / own).unlink()

    assert not fits(fault, ground.workload)


def test_run_of_a_scenario_pushes_nothing_that_others_stand_on(ground):
    """Each of its images has a name that is its own but the workload's; a second call is none."""
    ground.keep_apart()
    text = ground.workflow.file.read_text()
    ground.keep_apart()

    first, *others = (each.image.repository for each in ground.pushed.workloads)
    assert first == ground.workload.image.repository
    assert all(name.rpartition("/")[2] in text for name in (first, *others))
    assert not {first, *others[:1]} & {each.image.repository for each in TARGET.workloads[1:]}
    assert ground.target.workloads == ground.lab_world.world.target.workloads
    assert ground.workflow.file.read_text() == text


def test_image_of_another_owner_is_pushed_by_a_repository_of_theirs(ground):
    """As a workflow names the owner by its repository."""
    image = replace(ground.workload.image, repository="ghcr.io/acme/hosting-monorepo")
    ground.workload = replace(ground.workload, image=image)

    assert ground.target.workflow.repository == "acme/hosting-monorepo"
