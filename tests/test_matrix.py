"""The rows that the sample's workloads and the faults make, and how they are selected."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import pytest

from fixtures.scenario import matrix
from fixtures.scenario.matrix import NONSENSE, scenarios_of
from pullrecovery.deploy.argocd import ArgoCD
from pullrecovery.deploy.helm import Helm
from pullrecovery.faults import FAULTS
from pullrecovery.faults.rows import SERVICE_ACCOUNT, VALUES, fits
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import CRITERIA

TARGET = load_target(REPOSITORY / "sample")
ROWS = [row for reg in CRITERIA for row in scenarios_of(reg, TARGET)]
# By Helm, along all axes.
SCENARIOS = [row for row in ROWS if row.deploy == "helm"]
EVERY_CHART = [
    row
    for reg in CRITERIA
    for row in scenarios_of(reg, TARGET, every_chart=True)
    if row.deploy == "helm"
]
BY_ARGOCD = [row for row in ROWS if row.deploy == "argocd" and not row.literal]
BY_HELM = [fault for fault in FAULTS if fault.abilities <= Helm.abilities]
WORKLOADS = {"frontend", "frontend-sample", "backend"}
NAMESPACES = {"frontend-dev", "backend-dev"}
OF_WORKLOADS = [fault for fault in BY_HELM if fault.symptom.surface != "docs" and fault.deployed]
OF_WIRING = [fault for fault in OF_WORKLOADS if fault.wirings or fault.reg == "REG-004"]
PLAYED = [reg for reg in CRITERIA if any(fault.reg == reg for fault in OF_WORKLOADS)]


@pytest.mark.parametrize("reg", PLAYED)
@pytest.mark.parametrize("literal", ["pin", "latest"])
def test_every_criterion_is_played_by_the_tasks_own_names(reg, literal):
    """On every workload, in its namespace, with its repository."""
    rows = [row for row in scenarios_of(reg, TARGET) if row.literal == literal]

    assert {row.workload.name for row in rows} == WORKLOADS
    for row in rows:
        own = TARGET.workload(row.workload.name)
        tag = own.image.tag if literal == "pin" else "latest"
        assert row.workload.namespace == own.namespace
        assert row.workload.image.reference == f"{own.image.repository}:{tag}"


@pytest.mark.parametrize(
    "fault", [each for each in FAULTS if not each.deployed], ids=lambda fault: fault.id
)
def test_fault_of_the_workflow_is_played_once(fault):
    """A workflow is one for all workloads; its literal names are of the first of its task."""
    assert len([row for row in SCENARIOS if row.fault is fault and not row.literal]) == 1


def test_there_are_as_many_scenarios_as_are_promised():
    """What is left out must be left out for a reason, not to be done sooner."""
    assert len(SCENARIOS) >= 150
    assert {row.fault.id for row in SCENARIOS} == {row.fault.id for row in EVERY_CHART}


@pytest.mark.parametrize("fault", OF_WIRING, ids=lambda fault: fault.id)
def test_fault_of_the_wiring_meets_every_kind_of_chart(fault):
    """Charts that take their pull secrets by another key wire otherwise; those alike take turns."""
    assert _kinds(fault, SCENARIOS) == _possible(fault)


@pytest.mark.parametrize("fault", OF_WORKLOADS, ids=lambda fault: fault.id)
def test_every_fault_meets_every_kind_of_chart_where_that_is_asked_for(fault):
    """As the nightly run does: what nothing is known to depend on may still."""
    assert _kinds(fault, EVERY_CHART) == _possible(fault)


def test_fault_that_nothing_depends_on_is_played_once():
    """Which chart, namespace and wiring is by turns."""
    played = [row.fault.id for row in SCENARIOS if not row.literal]
    others = [fault for fault in OF_WORKLOADS if fault not in OF_WIRING]

    assert [played.count(fault.id) for fault in others] == [1] * len(others)


def _kinds(fault, rows):
    return {row.workload.pull_secrets_key for row in rows if row.fault is fault and not row.literal}


def _possible(fault):
    ways = set(fault.wirings or (VALUES,))
    return {
        each.pull_secrets_key
        for each in TARGET.workloads
        if fits(fault, each) and ways & {*matrix.wirings_of(each)}
    }


@pytest.mark.parametrize("fault", OF_WORKLOADS, ids=lambda fault: fault.id)
def test_every_fault_meets_every_wiring_that_it_names(fault):
    """On every chart that it is played on; where it names none, nothing depends on it."""
    rows = [row for row in SCENARIOS if row.fault is fault and not row.literal]
    either = {row.workload.name: matrix.wirings_of(row.workload) for row in rows}

    met = {(row.workload.name, row.wiring) for row in rows}
    wanted = {(name, way) for name in either for way in either[name] if way in fault.wirings}
    assert wanted <= met
    assert all(row.wiring in either[row.workload.name] for row in rows)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_what_shows_in_a_release_is_played_once_by_argo_cd(fault):
    """On a workload that has an Application; a fault that it cannot bring about is Helm's alone."""
    rows = [row for row in BY_ARGOCD if row.fault is fault]
    shows = fault.reg in {"REG-004", "REG-005", "REG-006"} or fault.abilities

    assert len(rows) == (1 if shows and fault.abilities <= ArgoCD.abilities else 0)
    assert all(row.workload.application for row in rows)


@pytest.mark.parametrize("reg", PLAYED)
def test_literal_names_meet_both_wirings_and_deployers(reg):
    """Of each task: a chart with two wirings is wired both ways, and Argo CD deploys one row."""
    rows = [row for row in ROWS if row.literal and row.fault.reg == reg]

    for workload in TARGET.workloads:
        met = {row.wiring for row in rows if row.workload.name == workload.name}
        assert met == {*matrix.wirings_of(workload)}
    deployed = [row for row in rows if row.deploy == "argocd"]
    assert len(deployed) == 1
    assert all(row.workload.application for row in deployed)


def test_literal_names_meet_every_application():
    """From task to task another one, so that `frontend` and `frontend-sample` both are synced."""
    rows = [row for row in ROWS if row.literal and row.deploy == "argocd"]

    met = {(row.workload.name, row.wiring) for row in rows}
    assert met == {
        ("frontend", VALUES),
        ("frontend-sample", VALUES),
        ("frontend-sample", SERVICE_ACCOUNT),
    }


def test_what_a_deployer_cannot_do_is_not_played_by_it():
    """Helm follows no branch, and Argo CD has no --wait."""
    for row in ROWS:
        deployer = ArgoCD if row.deploy == "argocd" else Helm
        assert row.fault.abilities <= deployer.abilities


def test_target_without_applications_has_no_row_by_argo_cd():
    """It may be deployed by Helm alone."""
    workloads = tuple(replace(each, application=None) for each in TARGET.workloads)

    rows = scenarios_of("REG-006", replace(TARGET, workloads=workloads))

    assert {row.deploy for row in rows} == {"helm"}


def test_faults_of_the_docs_are_played_once():
    """They are one for all workloads; and a target without docs has none."""
    rows = scenarios_of("REG-007", TARGET)

    assert len({row.fault.id for row in rows}) == len(rows) >= 8
    assert not any(row.literal for row in rows)
    assert scenarios_of("REG-007", replace(TARGET, docs=None)) == ()


def test_wirings_namespaces_and_workloads_meet_by_pairs():
    """But for the default ServiceAccount and the chart that brings its own."""
    rows = [row for row in SCENARIOS if not row.literal]
    wirings = {VALUES, SERVICE_ACCOUNT}

    met = {(row.wiring, row.workload.namespace) for row in rows}
    assert met == set(product(wirings, NAMESPACES))
    met = {(row.workload.name, row.workload.namespace) for row in rows}
    assert met == set(product(WORKLOADS, NAMESPACES))
    met = {(row.workload.name, row.wiring) for row in rows}
    assert met == set(product(WORKLOADS, wirings)) - {("frontend", SERVICE_ACCOUNT)}


def test_new_fault_changes_no_row_of_another(monkeypatch):
    """An id in a report of last week is the same row today."""
    before = {row.id for row in matrix.scenarios_of.__wrapped__("REG-003", TARGET)}
    monkeypatch.setattr(matrix, "FAULTS", FAULTS[::-1])

    after = {row.id for row in matrix.scenarios_of.__wrapped__("REG-003", TARGET)}

    unnamed = {row for row in before if not {"pin", "latest"} & {*row.split("-")}}
    assert unnamed <= after


def test_no_two_scenarios_have_one_id():
    """A report is about one of them."""
    ids = [row.id for row in ROWS]

    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_id_of_a_scenario_says_what_is_played(row):
    """So that `-k` can select by each of it."""
    parts = (row.fault.id, row.workload.name, row.workload.namespace, row.wiring)

    named = [row.literal] if row.literal else []
    named += [row.deploy] if row.deploy != "helm" else []
    assert row.id == "-".join((*parts, *named))


def test_what_is_not_played_is_in_the_documentation_with_its_reason():
    """A hole in the matrix is either there by intent, or a mistake."""
    page = (REPOSITORY / "docs" / "matrix.md").read_text()

    for combination, reason in NONSENSE.items():
        assert f"| {combination} | {reason} |" in page


def test_tests_of_a_task_are_marked_with_it():
    """By the file's name, so that none is forgotten."""
    marks = []

    def item(stem):
        return SimpleNamespace(path=SimpleNamespace(stem=stem), add_marker=marks.append)

    stems = ("test_reg_003_pull_secret", "test_world", "test_reg_008_least_privilege")
    matrix.pytest_collection_modifyitems([item(stem) for stem in stems])

    assert marks == ["reg003", "reg008"]
