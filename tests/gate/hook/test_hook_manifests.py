"""The sample's manifests for the hook: least rights, no root, and a key that holds everything."""

import os.path
import re

import pytest
from joserfc.jwk import OKPKey
from ruamel.yaml import YAML

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.gate.application import PINNED
from pullrecovery.gate.verdict.signing import public_key
from pullrecovery.monorepo.target_yaml import load_target

GATE = SUITE_ROOT / "sample" / "argocd" / "gate"


def _all(name):
    return list(YAML(typ="safe").load_all((GATE / name).read_text()))


def test_hook_role_covers_its_probes():
    """The role names the probes of both frontends of the sample."""
    _, role, binding, *_ = _all("access.yaml")
    create, rest = role["rules"]
    target = load_target(SUITE_ROOT / "sample")
    names = {
        f"{workload.name}-gate-probe"
        for workload in target.workloads
        if "frontend" in workload.name
    }

    assert (create["resources"], create["verbs"]) == (["pods"], ["create"])
    assert (rest["resources"], rest["verbs"]) == (["pods"], ["get", "delete"])
    assert set(rest["resourceNames"]) == names
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_hook_role_covers_its_applications():
    """The role names the Applications, in Argo CD's namespace."""
    account, _, _, role, binding = _all("access.yaml")
    (rule,) = role["rules"]

    assert (rule["resources"], rule["verbs"]) == (["applications"], ["get"])
    assert rule["resourceNames"] == ["frontend", "frontend-sample"]
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "argocd"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    named = {key: account["metadata"][key] for key in ("name", "namespace")}
    assert binding["subjects"] == [{"kind": "ServiceAccount", **named}]


def test_hook_template_quotes_values():
    """A quote and a newline in a tag stay part of the tag, and add no variable."""
    template = (GATE / "hook" / "templates" / "job.yaml").read_text()
    actions = re.findall(r"\{\{-? (.*?) ?\}\}", template)
    put = [action for action in actions if not re.match(r"(if|end|with|range|\$\w+ :?=)", action)]

    assert len(put) > 15
    assert [e for e in put if not e.endswith(("| quote", "$gate.activeDeadline | int64"))] == []


def test_hook_chart_has_no_risky_defaults():
    """A parameter that the Application omits is an error, which no values file may set."""
    (values,) = [YAML(typ="safe").load(GATE / "hook" / "values.yaml")]
    template = (GATE / "hook" / "templates" / "job.yaml").read_text()
    (required,) = re.findall(r"range tuple (.*?) \}\}", template)

    assert "gate" not in values
    names = {f"gate.{name}" for name in re.findall(r'"(\w+)"', required)}
    assert names == set(PINNED) - {"gate.ca"}


def test_sample_key_verifies_and_is_unused():
    """A hook with the sample's key promotes nothing, because no verdict is signed with it."""
    (config_map,) = _all("key.yaml")

    key = public_key(config_map["data"]["gate.pub"], "key.yaml")

    assert isinstance(key, OKPKey)


@pytest.mark.parametrize("name", ["frontend", "frontend-sample"])
def test_application_gives_hook_chart_sources(name):
    """Both sources have one repository and branch, and the values that target.yaml names."""
    workload = load_target(SUITE_ROOT / "sample").workload(name)
    spec = YAML(typ="safe").load(workload.application)["spec"]
    chart, hook = spec["sources"]
    values = [workload.chart / "values.yaml", *workload.values]
    given = {each["name"]: each["value"] for each in hook["helm"]["parameters"]}

    assert {(each["repoURL"], each["targetRevision"]) for each in (chart, hook)} == {
        ("https://github.com/bytequester/hosting-monorepo.git", "promoted")
    }
    assert hook["path"] == os.path.relpath(GATE / "hook", SUITE_ROOT / "sample")
    assert hook["helm"]["valueFiles"] == [os.path.relpath(file, GATE / "hook") for file in values]
    assert given["gate.revision"] == "$ARGOCD_APP_REVISION"
    assert given["gate.workload"] == name
    assert set(given) == set(PINNED)
    # A commit that the hook holds must not delay the next one.
    assert spec["syncPolicy"]["automated"]
    assert spec["syncPolicy"]["retry"] == {"limit": 0}


def test_documented_sources_match_sample():
    """docs/gate-hook.md shows frontend.yaml, without its comments."""
    page = (SUITE_ROOT / "docs" / "gate-hook.md").read_text()
    (block,) = re.findall(r"```yaml\n(   sources:\n.*?)```", page, re.DOTALL)
    spec = YAML(typ="safe").load(GATE.parent / "frontend.yaml")["spec"]

    assert YAML(typ="safe").load(block) == {key: spec[key] for key in ("sources", "syncPolicy")}


@pytest.mark.parametrize("kind", ["initContainers", "containers"])
def test_nightly_job_is_unprivileged(kind):
    """The nightly job has the limits of the hook."""
    _, cron = _all("nightly.yaml")
    job = cron["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]

    assert job["backoffLimit"] == 0
    assert job["activeDeadlineSeconds"] > 0
    assert pod["securityContext"]["runAsNonRoot"]
    for container in pod[kind]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == container["resources"]["limits"].keys()


def test_nightly_job_names_its_context():
    """The live world reads no cluster without a named context."""
    config_map, cron = _all("nightly.yaml")
    kubeconfig = YAML(typ="safe").load(config_map["data"]["config"])
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]

    (context,) = kubeconfig["contexts"]
    assert "--world=live" in container["args"]
    assert f"--context={context['name']}" in container["args"]
