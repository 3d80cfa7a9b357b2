"""Check the table of faults, and the scenarios that they make of the sample."""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from devtools.matrix_page import PAGE, not_run_yet
from fixtures.scenario.matrix import scenarios_of
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.faults import FAULTS
from pullrecovery.faults.rows import fits, wirings_of
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.workflow_copy import WorkflowCopy
from pullrecovery.lab.seed import IssuedToken
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
    "token-of-other-user": ("ErrImagePull", recorded.NO_READ),
    "token-without-sso": ("ErrImagePull", recorded.NO_SSO),
    "classic-tokens-forbidden": ("ErrImagePull", recorded.NO_CLASSIC),
    "secret-entries-refused": ("ErrImagePull", recorded.TWO_REFUSED),
    "secret-auth-not-base64": (recorded.NOT_BASE64, recorded.NOT_BASE64),
    "secret-auth-without-login": (recorded.NO_COLON, recorded.NO_COLON),
    "repository-typo": ("ErrImagePull", recorded.not_found(f"{recorded.TYPO}:{recorded.TAG}")),
    "tag-dev": ("ErrImagePull", recorded.not_found(f"{recorded.REPOSITORY}:dev")),
    "owner-uppercase": ("InvalidImageName", recorded.MUST_BE_LOWER_CASE),
    "release-never-upgraded": (
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
    "secret-server-docker-hub",
    "secret-server-with-port",
    "secret-server-github",
    "secret-server-of-other-owner",
    "secret-entry-empty",
    "not-wired",
    "values-key-misspelt",
    "wired-to-missing-secret",
    "account-secrets-ignored",
    "account-secrets-overwritten",
    "wrong-account-patched",
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
    "registry-localhost": ("ErrImagePull", recorded.NOBODY_LISTENS),
    "later-file-overrides-tag": (
        "ErrImagePull",
        recorded.not_found(f"{recorded.REPOSITORY}:hotfix"),
    ),
}
_DEV = ("ErrImagePull", recorded.not_found(f"{recorded.REPOSITORY}:dev"))
RECORDED |= dict.fromkeys(
    (
        "wrong-tag-in-init-container",
        "wrong-tag-in-second-container",
        "wrong-tag-in-hook",
        "helm-wait-satisfied-by-max-unavailable",
        "application-not-synced",
        "synced-to-earlier-commit",
        "application-branch-outdated",
        "application-with-other-values",
    ),
    _DEV,
)
RECORDED |= dict.fromkeys(
    ("self-heal-reverts-account", "secret-pruned"), ("ErrImagePull", recorded.ANONYMOUS)
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
    "digest-of-other-build": recorded.deployment(
        images=(f"{recorded.REPOSITORY}@{recorded.OTHER_DIGEST}",)
    ),
    "old-pods-still-serve": recorded.beside_an_old_pod(
        recorded.waiting(recorded.not_found(f"{recorded.REPOSITORY}:dev"))
    ),
    "rolled-back": recorded.deployment(images=(f"{recorded.REPOSITORY}:earlier-1",)),
    "rollout-paused": recorded.deployment(paused=True),
    "scaled-to-zero": replace(recorded.deployment(replicas=0), pods=()),
    "tag-moved": recorded.running(image_id=f"{recorded.REPOSITORY}@{recorded.OTHER_DIGEST}"),
    "other-release-serves": replace(recorded.deployment(exists=False), pods=()),
    "image-of-other-platform": recorded.ended("Error 1: exec /web-base: exec format error"),
    "tag-with-space": replace(
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
    "operator-without-read-permission": printed.MAY_NOT_READ,
    "operator-token-fine-grained": printed.NO_SCOPE,
    "operator-token-without-sso": printed.NO_SSO,
    "operator-classic-tokens-forbidden": printed.NO_CLASSIC,
}
# GHCR gives the same answer for both.
ALIKE = {"operator-token-without-scope", "operator-token-fine-grained"}


def _fault(name):
    return next(fault for fault in FAULTS if fault.id == name)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_fails_its_own_criterion(fault):
    """A fault must fail the criterion of its own task."""
    assert fault.reg in fault.must_fail
    assert fault.must_fail <= CRITERIA.keys()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_expects_a_cause_that_is_known(fault):
    """No fault expects UNKNOWN, which is the cause when nothing fits."""
    assert fault.cause in set(Cause) - {Cause.UNKNOWN}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_has_a_short_name_for_ids(fault):
    """The id is part of test ids, so it has only characters that a shell does not interpret."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.id)


def test_no_two_faults_have_one_name():
    """Ids are unique, as they identify a fault."""
    names = [fault.id for fault in FAULTS]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("name", "seen"), RECORDED.items(), ids=RECORDED)
def test_pod_symptom_matches_kubelet_message(name, seen):
    """The messages are from Kubernetes 1.37.2 with containerd 2.3.4."""
    symptom, (reason, message) = _fault(name).symptom, seen

    assert reason in symptom.reasons
    assert symptom.message.search(message)


@pytest.mark.parametrize(("name", "seen"), PRINTED.items(), ids=PRINTED)
def test_client_symptom_matches_output(name, seen):
    """The symptom matches the client's last line, and no other operator fault's."""
    symptom = _fault(name).symptom
    showing = {
        other
        for other, each in PRINTED.items()
        if any(symptom.message.search(ran.said) for ran in each.commands if ran.rc != 0)
    }
    # After a refused login the client pulls anonymously.
    anonymous = {"operator-token-revoked"} if name == "operator-not-logged-in" else set()

    assert symptom.surface == "registry"
    assert showing == {name} | anonymous | (ALIKE if name in ALIKE else set())


@pytest.mark.parametrize(("name", "line"), TOLD.items(), ids=TOLD)
def test_grant_symptom_is_api_line(name, line):
    """The symptom matches this line, and no line of a healthy grant."""
    symptom = _fault(name).symptom
    good = ("x-oauth-scopes: read:packages", "x-accepted-oauth-scopes: ", '"visibility":"private"')

    assert symptom.surface == "api"
    assert symptom.message.search(line)
    assert not [each for each in good if symptom.message.search(each)]


def test_every_symptom_was_seen():
    """Every symptom has a recorded message of the kubelet, a client, Helm or GitHub, or a release.

    test_reg_007.py has those of the docs, test_reg_002.py those of the workflow. A fault that no
    complete run has run yet may have none; the end of the tests' output names it.
    """
    deployed = {fault.id for fault in FAULTS if fault.symptom.surface != "docs" and fault.deployed}
    seen = {*RECORDED, *PRINTED, *REFUSED, *LOOKING, *TOLD}

    assert seen <= deployed
    assert deployed - seen <= {*not_run_yet(PAGE.read_text(), FAULTS)}


@pytest.mark.parametrize(("name", "said"), REFUSED.items(), ids=REFUSED)
def test_helm_symptom_matches_message(name, said):
    """The symptom matches this fault's message, and no other fault's."""
    showing = {other for other in REFUSED if _fault(other).symptom.message.search(said)}

    assert _fault(name).symptom.surface == "chart"
    assert showing == {name}


@pytest.mark.parametrize(("name", "seen"), LOOKING.items(), ids=LOOKING)
def test_healthy_release_shows_no_symptom(name, seen):
    """A release's symptom describes what it matches, and does not match a healthy release."""
    symptom = _fault(name).symptom

    assert symptom.surface == "release"
    assert symptom.shown(seen.deployment, seen.pods, recorded.DIGEST)
    assert not symptom.shown(recorded.GOOD.deployment, recorded.GOOD.pods, recorded.DIGEST)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_without_pods_fails_no_pod_criterion(fault):
    """A fault that shows in the registry or in the docs only does not affect the workload."""
    shows_to_people_alone = fault.deployed and fault.symptom.surface == "registry"
    assert (fault.must_fail == {"REG-001"}) is shows_to_people_alone
    assert (fault.must_fail == {"REG-007"}) is (fault.symptom.surface == "docs")


@pytest.mark.parametrize(
    ("containerd", "text"), [("2.3.4", recorded.NO_SCOPE), ("2.1.5", recorded.FORBIDDEN_2_1)]
)
def test_scope_symptom_matches_containerd(containerd, text):
    """Since 2.3.3, containerd repeats the registry's message; earlier versions have none."""
    wanted = _fault("token-without-scope").symptom.text_of(containerd)

    assert wanted.search(text)
    assert bool(wanted.search(recorded.NO_SCOPE)) is (containerd == "2.3.4")


@pytest.mark.parametrize("name", RECORDED)
def test_symptom_is_specific(name):
    """No symptom matches an outage, or values with another registry."""
    outage = (
        f'failed to pull and unpack image "{recorded.REFERENCE}": failed to do request: '
        "dial tcp 172.18.0.9:443: connect: connection refused"
    )

    assert not _fault(name).symptom.message.search(outage)


class LabWorld:
    """Issues credentials, and records the calls."""

    def __init__(self):
        self.issued, self.put, self.told, self.pushed, self.world_changed = [], [], [], [], []
        self.control = SimpleNamespace(
            put_credential=self._put, share_package=self.share_package, put_owner=self.put_owner
        )
        self.target, self.core = TARGET, None

    def issue_token(self, scopes=("read:packages",), login="ByteQuester", *, sso="", expires=None):
        self.issued.append(scopes)
        self.told.append((sso, expires))
        return IssuedToken(login, f"token-{len(self.issued)}", f"c{len(self.issued)}")

    def publish(self, image, app, by=None):
        self.pushed.append((image.reference, by))
        return f"sha256:{len(self.pushed)}"

    def __getattr__(self, name):
        assert name.startswith(("put_", "share_")), name
        return lambda *args, **fields: self.world_changed.append((name, args, fields))

    def _put(self, name, *_, **state):
        self.put.append((name, state))


@pytest.fixture(name="sandbox")
def _sandbox(tmp_path):
    """Return the sandbox of the sample's frontend in a copy of the sample."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    lab_world = LabWorld()
    lab_world.target = target
    secret, operator = lab_world.issue_token(), lab_world.issue_token()
    own = WorkflowCopy(target.workflow.file)
    workload = target.workload("frontend")
    return Sandbox(lab_world, workload, "values", secret, operator, own_workflow=own)


def _spoil(sandbox, name):
    _fault(name).break_it(sandbox)
    return sandbox.operator


def test_refused_operator_has_own_credential(sandbox):
    """The Secret stays unchanged, so that pods can still pull."""
    secret = sandbox.credential

    assert _spoil(sandbox, "operator-not-logged-in") is None
    assert _spoil(sandbox, "operator-token-revoked").name == sandbox.lab_world.put[0][0]
    assert sandbox.lab_world.put[0][1] == {"revoked": True}
    assert _spoil(sandbox, "operator-without-read-permission").login.startswith("stranger-")
    _spoil(sandbox, "operator-token-without-scope")
    assert sandbox.lab_world.issued[-1] == ("repo",)
    assert sandbox.credential is secret
    assert secret.name not in [name for name, _ in sandbox.lab_world.put]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("tag-shortened", rf"{re.escape(recorded.REPOSITORY)}:{recorded.TAG[:7]}"),
        ("repository-never-pushed", rf"{re.escape(recorded.REPOSITORY)}-\w+:{recorded.TAG}"),
    ],
)
def test_unknown_name_is_in_target_and_values(sandbox, name, wanted):
    """Target and values both have the unknown name, so that only the registry lacks it."""
    _fault(name).break_it(sandbox)

    image = sandbox.workload.image
    values = YAML(typ="safe").load(sandbox.workload.values_file.read_text())["image"]
    assert re.fullmatch(wanted, image.reference)
    assert (values["repository"], values["tag"]) == (image.repository, image.tag)


@pytest.fixture(name="secrets_put")
def _secrets_put(monkeypatch):
    """Return the list of tokens put into Secrets, with the namespace if it is another one."""
    put = []
    monkeypatch.setattr(
        Sandbox,
        "put_secret",
        lambda _, credential, *namespace: put.append((credential, *namespace)),
    )
    monkeypatch.setattr(Sandbox, "delete_secret", lambda _: put.append(None))
    monkeypatch.setattr(
        Sandbox,
        "copy_secret_elsewhere",
        lambda sandbox: (
            sandbox.other_namespaces.append("other-5b1e09c2")
            or put.append((None, "other-5b1e09c2"))
        ),
    )
    monkeypatch.setattr(Sandbox, "set_account_secrets", lambda *_: None)
    monkeypatch.setattr("pullrecovery.faults.sandbox.make_chart_namespace", lambda *_, **__: None)
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
def test_excessive_token_is_in_secret(sandbox, secrets_put, name, scopes):
    """The Secret has the excessive token, so that the remediation revokes that one."""
    _fault(name).break_it(sandbox)

    assert sandbox.lab_world.issued[-1] == scopes
    assert secrets_put == [(sandbox.credential,)]
    assert bool(sandbox.lab_world.told[-1][1]) is (name == "token-ends-soon")


def test_sso_organisation_is_scenarios_own(sandbox, secrets_put):
    """Every token but the Secret's is authorised, and the push precedes the SSO rule."""
    secret = sandbox.credential
    _fault("token-not-authorised-for-sso").break_it(sandbox)

    owner = sandbox.workload.image.owner
    assert owner.startswith("sso-")
    assert sandbox.credential is secret
    assert [sso for sso, _ in sandbox.lab_world.told] == ["", "", owner, owner]
    assert sandbox.lab_world.pushed == [(sandbox.workload.image.reference, sandbox.keeper)]
    demands = [
        args[1].sso_enforced
        for name, args, _ in sandbox.lab_world.world_changed
        if name == "put_owner"
    ]
    assert demands == [False, True]


def test_shared_token_is_in_target_namespace(sandbox, secrets_put):
    """The target wants a token per namespace, but two namespaces share one."""
    _fault("token-shared-by-namespaces").break_it(sandbox)

    peer = "other-5b1e09c2"
    assert secrets_put == [(None, peer)]
    assert sandbox.wanted.token_per_namespace
    *own, other = sandbox.wanted.workloads
    assert tuple(own) == sandbox.lab_world.target.workloads
    assert other.namespace == peer


@pytest.mark.parametrize(
    ("name", "visible", "wanted", "has_secret"),
    [
        ("public-package-with-secret", "public", "public", True),
        ("package-not-public", "private", "public", False),
        ("package-not-private", "public", "private", True),
    ],
)
def test_other_visibility_is_scenarios_own(sandbox, secrets_put, name, visible, wanted, has_secret):
    """The scenario pushes its own package, so that other scenarios do not see the change."""
    before = sandbox.workload.image.repository
    _fault(name).break_it(sandbox)

    image = sandbox.workload.image
    values = YAML(typ="safe").load(sandbox.workload.values_file.read_text())
    assert image.repository.startswith(f"{before}-")
    assert values["image"]["repository"] == image.repository
    ((_, (package, visibility, *_), _),) = sandbox.lab_world.world_changed
    assert (package, visibility) == (image.package, visible)
    assert sandbox.workload.visibility == wanted
    assert sandbox.digest == "sha256:1"
    assert [bool(put) for put in secrets_put] == [has_secret]
    wired = [{"name": "ghcr-credentials"}] if has_secret else []
    assert values["serviceAccount"]["imagePullSecrets"] == wired


@pytest.mark.parametrize("reg", ["REG-003", "REG-004", "REG-008"])
def test_secret_fault_skips_public_workload(reg):
    """A public workload needs no Secret, so it has no row of these tasks."""
    workloads = tuple(
        replace(workload, visibility=Visibility.PUBLIC) for workload in TARGET.workloads
    )
    played = {row.fault.id for row in scenarios_of(reg, replace(TARGET, workloads=workloads))}

    of_packages = {"public-package-with-secret", "package-not-public", "package-not-private"}
    assert played == (of_packages if reg == "REG-008" else set())


def test_own_account_is_wired_by_values():
    """A patch of the namespace's default account has no effect on a chart's own account."""
    assert wirings_of(TARGET.workload("frontend")) == ("values",)


@pytest.mark.parametrize("name", ["frontend-sample", "backend"])
def test_default_account_is_wired_both_ways(name):
    """The chart's values or the namespace's default ServiceAccount can wire this workload."""
    assert wirings_of(TARGET.workload(name)) == ("values", "service-account")


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.needs], ids=lambda each: each.id)
def test_fault_of_optional_part_is_skipped(sandbox, fault):
    """A fault of an optional part needs a chart with that part; the sample's charts have it."""
    assert any(fits(fault, workload) for workload in TARGET.workloads)

    for own in ("values.yaml", "values.schema.json"):
        (sandbox.workload.chart / own).unlink()

    assert not fits(fault, sandbox.workload)


def test_scenario_run_pushes_own_names(sandbox):
    """Each image gets the run's own name, except the workload's; a second call changes nothing."""
    sandbox.keep_apart()
    text = sandbox.workflow.file.read_text()
    sandbox.keep_apart()

    first, *others = (workload.image.repository for workload in sandbox.pushed.workloads)
    assert first == sandbox.workload.image.repository
    assert all(name.rpartition("/")[2] in text for name in (first, *others))
    assert not {first, *others[:1]} & {each.image.repository for each in TARGET.workloads[1:]}
    assert sandbox.target.workloads == sandbox.lab_world.target.workloads
    assert sandbox.workflow.file.read_text() == text


def test_other_owner_has_own_repository(sandbox):
    """The repository has the package's owner, as a workflow names the owner by its repository."""
    image = replace(sandbox.workload.image, repository="ghcr.io/acme/hosting-monorepo")
    sandbox.workload = replace(sandbox.workload, image=image)

    assert sandbox.target.workflow.repository == "acme/hosting-monorepo"
