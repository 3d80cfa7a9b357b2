"""The sample's manifests for the hook: least rights, nothing as root, and a key that holds all."""

import pytest
from joserfc.jwk import OKPKey
from ruamel.yaml import YAML

from pullrecovery.gate.signing import public_key
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.target import load_target

GATE = REPOSITORY / "sample" / "argocd" / "gate"


def _all(name):
    return list(YAML(typ="safe").load_all((GATE / name).read_text()))


def test_hook_may_make_pods_and_touch_its_own_probes_alone():
    """Of both frontends of the sample, by the names that the hook gives them."""
    _, role, binding = _all("access.yaml")
    create, rest = role["rules"]
    target = load_target(REPOSITORY / "sample")
    names = {f"{each.name}-gate-probe" for each in target.workloads if "frontend" in each.name}

    assert (create["resources"], create["verbs"]) == (["pods"], ["create"])
    assert (rest["resources"], rest["verbs"]) == (["pods"], ["get", "delete"])
    assert set(rest["resourceNames"]) == names
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_key_of_the_sample_is_one_that_verifies_and_that_nobody_has():
    """So that a hook with the sample's key lets nothing through."""
    (config_map,) = _all("key.yaml")

    key = public_key(config_map["data"]["gate.pub"], "key.yaml")

    assert isinstance(key, OKPKey)


@pytest.mark.parametrize("kind", ["initContainers", "containers"])
def test_nightly_job_runs_nothing_as_root_and_writes_to_folders_of_its_own(kind):
    """The same limits as the hook's."""
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


def test_nightly_job_names_its_context_outright():
    """The live world looks at no cluster that it was not told."""
    config_map, cron = _all("nightly.yaml")
    kubeconfig = YAML(typ="safe").load(config_map["data"]["config"])
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]

    (context,) = kubeconfig["contexts"]
    assert "--world=live" in container["args"]
    assert f"--context={context['name']}" in container["args"]
