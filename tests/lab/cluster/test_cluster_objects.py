"""Cluster-scoped objects of a rendered chart: which are left out, and what they are renamed to."""

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.errors import UsageError
from pullrecovery.lab.cluster.api_kinds import ApiKind
from pullrecovery.lab.cluster.cluster_objects import (
    SplitChart,
    documents,
    renamed,
    split,
    write_chart,
)
from tests.fakes import recorded

RBAC = "rbac.authorization.k8s.io"
VERBS = frozenset({"list", "delete"})
KINDS = {
    (each.group, each.kind): each
    for each in (
        ApiKind("", "v1", "ConfigMap", "configmaps", namespaced=True, verbs=VERBS),
        ApiKind(RBAC, "v1", "ClusterRole", "clusterroles", namespaced=False, verbs=VERBS),
        ApiKind(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            namespaced=False,
            verbs=VERBS,
        ),
    )
}
# As `helm template` prints it: `on` would be a boolean to whoever wrote it anew.
KEPT = """\
---
# Source: shop/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
data: {mode: on}
"""
ROLE = f"""\
---
# Source: shop/templates/role.yaml
apiVersion: {RBAC}/v1
kind: ClusterRole
metadata:
  name: shop
"""
BINDING = f"""\
---
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: shop, namespace: shop-dev}}
roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: shop}}
subjects: [{{kind: ServiceAccount, name: shop, namespace: shop-dev}}]
"""
DEFINITION = """\
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: carts.shop.example.com}
spec: {group: shop.example.com, names: {kind: Cart}}
"""
CART = """\
---
apiVersion: shop.example.com/v1
kind: Cart
metadata: {name: first}
"""


def test_cluster_scoped_object_is_split_off():
    """Helm's own text of a namespaced object is passed on, to the letter."""
    found = split(KEPT + ROLE, KINDS)

    assert found.names == ("ClusterRole shop",)
    assert found.kept == KEPT


def test_kind_of_skipped_definition_is_skipped():
    """The API server would not know it; one that is just unknown is left for it to refuse."""
    assert split(DEFINITION + CART + KEPT, KINDS).names == (
        "CustomResourceDefinition carts.shop.example.com",
        "Cart first",
    )
    assert split(CART, KINDS).names == ()


@pytest.mark.parametrize("text", ["", "---\n# nothing\n", "---\n[1, 2]\n", "---\na: {b\n"])
def test_plain_chart_skips_nothing(text):
    """What is no YAML at all is Helm's to name."""
    assert split(text, KINDS).left_out == ()


def test_allowed_object_is_renamed():
    """The ClusterRole has a name of the sandbox's own, which its RoleBinding has by then."""
    found = renamed(split(KEPT + ROLE + BINDING, KINDS), "shop-dev-0a1b2c")

    (role,) = found.left_out
    assert role["metadata"]["name"] == "shop-dev-0a1b2c-shop"
    assert role["metadata"]["labels"] == {"dev.pullrecovery.lab": "scenario"}
    config, binding = documents(found.kept)
    assert binding["roleRef"]["name"] == "shop-dev-0a1b2c-shop"
    assert config["kind"] == "ConfigMap"
    assert KEPT in found.kept


def test_allowed_webhook_covers_sandbox_only():
    """It would else stand in the way of every other."""
    webhook = {"clientConfig": {"service": {"name": "shop", "namespace": "shop"}}}
    document = {
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "shop"},
        "webhooks": [webhook],
    }

    (own,) = renamed(SplitChart("", (document,)), "dev").left_out

    assert own["webhooks"] == [
        {
            "clientConfig": {"service": {"name": "shop", "namespace": "dev"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dev"}},
        }
    ]
    assert "namespaceSelector" not in webhook


def test_unrenamable_object_is_error():
    """A definition's name is made of its kind's."""
    with pytest.raises(UsageError, match=r"CustomResourceDefinition carts\.shop\.example\.com"):
        renamed(split(DEFINITION + ROLE, KINDS), "dev")


def test_kept_chart_renders_nothing_new(tmp_path):
    """Helm reads the text as a file, and so leaves what looks like a template in it alone."""
    workload = write_chart(tmp_path, recorded.GOOD.workload, KEPT)

    assert (workload.chart, workload.values) == (tmp_path, ())
    assert (tmp_path / "objects.yaml").read_text() == KEPT
    assert (
        tmp_path / "templates" / "objects.yaml"
    ).read_text() == '{{ .Files.Get "objects.yaml" }}'
    assert YAML(typ="safe").load(tmp_path / "Chart.yaml")["apiVersion"] == "v2"
