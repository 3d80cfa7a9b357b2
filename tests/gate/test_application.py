"""Checks that an Application deploys what the gate judges, or an error names the field."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.gate.commit import target_in

FILE = "argocd/frontend.yaml"
HOOK = "argocd/gate/hook"


@pytest.fixture(name="target")
def _target(tmp_path):
    """Return a copy of the sample without the npm packages of its docs site."""
    made = shutil.ignore_patterns("node_modules", "build", ".docusaurus")
    return Path(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "sample", ignore=made))


def _edit(target, change):
    file = target / FILE
    application = YAML(typ="safe").load(file)
    change(application, *application["spec"]["sources"])
    YAML(typ="safe", pure=True).dump(application, file)


def _at(place, **values):
    """Return a function that changes `helm`, the source or the spec."""

    def change(application, chart, hook):
        node = {"chart": chart, "hook": hook, "spec": application["spec"]}[place.split(".")[0]]
        (node["helm"] if place.endswith("helm") else node).update(values)

    return change


def _parameter(name, value):
    def change(_application, _chart, hook):
        others = [each for each in hook["helm"]["parameters"] if each["name"] != name]
        given = [] if value is None else [{"name": name, "value": value}]
        hook["helm"]["parameters"] = [*others, *given]

    return change


def _twice(_application, _chart, hook):
    hook["helm"]["parameters"].append({"name": "gate.key", "value": "other"})


def _another(application, chart, _hook):
    application["spec"]["sources"].append({**chart, "path": "charts/backend"})


def _referring(application, chart, _hook):
    application["spec"]["sources"].append({"repoURL": chart["repoURL"], "ref": "values"})
    chart["helm"]["valueFiles"] = ["$values/charts/frontend/values-dev.yaml"]


CHART = "spec.sources[0]"
GATE = "spec.sources[1]"
TAG = [{"name": "image.tag", "value": "dev"}]
DIFFERENCES = {
    "parameters": (
        _at("chart.helm", parameters=TAG),
        f"{CHART}.helm.parameters is [{{'name': 'image.tag', 'value': 'dev'}}], and none is judged",
    ),
    "values": (
        _at("chart.helm", values="image: {tag: dev}"),
        f"{CHART}.helm.values is image: {{tag: dev}}, and none is judged",
    ),
    "valuesObject": (
        _at("chart.helm", valuesObject={"replicaCount": 2}),
        f"{CHART}.helm.valuesObject is {{'replicaCount': 2}}, and none is judged",
    ),
    "fileParameters": (
        _at("chart.helm", fileParameters=[{"name": "a", "path": "b"}]),
        f"{CHART}.helm.fileParameters is [{{'name': 'a', 'path': 'b'}}], and none is judged",
    ),
    "valueFiles": (
        _at("chart.helm", valueFiles=["values-prod.yaml"]),
        f"{CHART}.helm.valueFiles is charts/frontend/values-prod.yaml, and charts/frontend/values-",
    ),
    "no valueFiles": (
        _at("chart.helm", valueFiles=None),
        f"{CHART}.helm.valueFiles is none, and charts/frontend/values-dev.yaml is judged",
    ),
    "valueFiles of another source": (
        _referring,
        "spec.sources: path is charts/frontend, argocd/gate/hook, none, and charts/frontend is",
    ),
    "valueFiles by a variable": (
        _at("chart.helm", valueFiles=["$ARGOCD_APP_NAME/../values-dev.yaml"]),
        f"{CHART}.helm.valueFiles is $ARGOCD_APP_NAME/../values-dev.yaml, and charts/",
    ),
    "releaseName": (
        _at("chart.helm", releaseName="other"),
        f"{CHART}.helm.releaseName is other, and frontend is judged",
    ),
    "kustomize": (
        _at("chart", kustomize={"namePrefix": "a-"}),
        f"{CHART}.kustomize is {{'namePrefix': 'a-'}}, and none is judged",
    ),
    "namespace": (
        _at("spec", destination={"namespace": "frontend-prod"}),
        "spec.destination.namespace is frontend-prod, and frontend-dev is judged",
    ),
    "hydrator": (
        _at("spec", sourceHydrator={"syncSource": {"path": "x"}}),
        "spec.sourceHydrator is {'syncSource': {'path': 'x'}}, and none is judged",
    ),
    "a third source": (
        _another,
        "spec.sources: path is charts/frontend, argocd/gate/hook, charts/backend, and charts/",
    ),
    "hook's values": (
        _at("hook.helm", valuesObject={"image": {"tag": "dev"}}),
        f"{GATE}.helm.valuesObject is {{'image': {{'tag': 'dev'}}}}, and none is judged",
    ),
    "hook's valueFiles": (
        _at("hook.helm", valueFiles=["../../../charts/frontend/values.yaml"]),
        f"{GATE}.helm.valueFiles is none, and charts/frontend/values-dev.yaml is judged",
    ),
    "hook's targetRevision": (
        _at("hook", targetRevision="main"),
        f"{GATE}.targetRevision is main, and promoted is judged",
    ),
    "hook's repoURL": (
        _at("hook", repoURL="https://example.com/other.git"),
        f"{GATE}.repoURL is https://example.com/other.git, and https://github.com/",
    ),
    "hook's target": (
        _parameter("gate.target", "monorepo-dev"),
        f"{GATE}.helm.parameters: gate.target is monorepo-dev, and hosting-monorepo is judged",
    ),
    "hook's revision": (
        _parameter("gate.revision", "HEAD"),
        f"{GATE}.helm.parameters: gate.revision is HEAD, and $ARGOCD_APP_REVISION is judged",
    ),
    "hook's key left to values files": (
        _parameter("gate.key", None),
        f"{GATE}.helm.parameters: gate.key is not set",
    ),
    "a key twice": (_twice, f"{GATE}.helm.parameters: gate.key is set 2 times"),
    "hook's tag": (
        _parameter("image.tag", "dev"),
        f"{GATE}.helm.parameters: image.tag is dev, and none is judged",
    ),
}


def test_sample_deploys_what_is_judged(target):
    """The manifests of the sample are used without a change."""
    assert target_in(target, target).name == "hosting-monorepo"


@pytest.mark.parametrize(("change", "problem"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_differing_application_is_clear_error(target, change, problem):
    """The error names the Application's file, the field and both values."""
    _edit(target, change)

    with pytest.raises(UsageError) as error:
        target_in(target, target)

    assert str(error.value).startswith(f"{target}/{FILE}: ")
    assert problem in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def _one_source(application, chart, _hook):
    del application["spec"]["sources"]
    application["spec"]["source"] = chart


def test_application_without_hook_deploys_chart(target):
    """A target may omit the hook, and deploy by one source."""
    _edit(target, _one_source)

    assert target_in(target, target).name == "hosting-monorepo"


def test_chart_values_file_may_be_named_first(target):
    """Helm reads the chart's own values.yaml first in any case."""
    _edit(target, _at("chart.helm", valueFiles=["values.yaml", "/charts/frontend/values-dev.yaml"]))

    assert target_in(target, target).name == "hosting-monorepo"


FILES = {
    "values set the hook's image": (
        "charts/frontend/values-dev.yaml",
        "\ngate:\n  image: ghcr.io/mallory/yes\n",
        "charts/frontend/values-dev.yaml sets `gate`",
    ),
    "values set it by a merge": (
        "charts/frontend/values-dev.yaml",
        "\nx: &x\n  gate: {key: mine}\n<<: *x\n",
        "charts/frontend/values-dev.yaml sets `gate`",
    ),
    "the chart's own values set it": (
        "charts/frontend/values.yaml",
        "\ngate: {}\n",
        "charts/frontend/values.yaml sets `gate`",
    ),
    "overrides beside the chart": (
        "charts/frontend/.argocd-source.yaml",
        "helm: {}\n",
        ".argocd-source.yaml beside frontend overrides the source's parameters",
    ),
    "overrides of one Application": (
        "charts/frontend/.argocd-source-frontend.yaml",
        "helm: {}\n",
        ".argocd-source-frontend.yaml beside frontend overrides",
    ),
    "overrides beside the hook": (
        f"{HOOK}/.argocd-source.yaml",
        "helm: {}\n",
        ".argocd-source.yaml beside hook overrides",
    ),
    "another template of the hook": (
        f"{HOOK}/templates/job.yaml",
        "# nothing\n",
        f"{HOOK}/templates/job.yaml is not that of sample/argocd/gate/hook in this suite",
    ),
    "one more template of the hook": (
        f"{HOOK}/templates/more.yaml",
        "# nothing\n",
        f"{HOOK}/templates/more.yaml is not that of sample/argocd/gate/hook in this suite",
    ),
}


@pytest.mark.parametrize(("name", "text", "problem"), FILES.values(), ids=FILES.keys())
def test_file_changing_deployment_is_refused(target, name, text, problem):
    """An editor of the chart's files must not choose who verifies it."""
    with (target / name).open("a") as file:
        file.write(text)

    with pytest.raises(UsageError) as error:
        target_in(target, target)

    assert str(error.value).startswith(f"{target}/{FILE}: ")
    assert problem in str(error.value)


def test_symlinked_hook_chart_is_refused(target):
    """Helm follows a link in a directory of templates, and reads its target."""
    (target / HOOK / "templates" / "more").symlink_to(target / "charts" / "backend" / "templates")

    with pytest.raises(UsageError, match="templates/more is not that of"):
        target_in(target, target)


@pytest.mark.parametrize("path", ["../other", "charts", "/etc"])
def test_hook_source_without_chart_is_refused(target, path):
    """Nothing outside of the target is read."""
    _edit(target, _at("hook", path=path))

    with pytest.raises(UsageError, match="which is no chart"):
        target_in(target, target)


def test_binary_values_file_is_clear_error(target):
    """Helm reads only UTF-8."""
    (target / "charts/frontend/values-dev.yaml").write_bytes(b"a: \xff\n")

    with pytest.raises(UsageError, match=r"values-dev\.yaml:1: not valid YAML"):
        target_in(target, target)
