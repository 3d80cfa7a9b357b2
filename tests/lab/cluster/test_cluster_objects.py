"""Cluster-scoped objects of a rendered chart: their omission, and their new names."""

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
# The output of `helm template`: `on` would become a boolean if it were written again.
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
    """Helm's own text of a namespaced object is passed on unchanged."""
    found = split(KEPT + ROLE, KINDS)

    assert found.names == ("ClusterRole shop",)
    assert found.kept == KEPT


def test_kind_of_skipped_definition_is_skipped():
    """An unknown kind without a skipped definition is left for the API server to reject."""
    assert split(DEFINITION + CART + KEPT, KINDS).names == (
        "CustomResourceDefinition carts.shop.example.com",
        "Cart first",
    )
    assert split(CART, KINDS).names == ()


@pytest.mark.parametrize("text", ["", "---\n# nothing\n", "---\n[1, 2]\n", "---\na: {b\n"])
def test_plain_chart_skips_nothing(text):
    """Helm reports text that is not YAML."""
    assert split(text, KINDS).left_out == ()


def test_allowed_object_is_renamed():
    """The ClusterRole gets a name of the sandbox, which its RoleBinding uses."""
    found = renamed(split(KEPT + ROLE + BINDING, KINDS), "shop-dev-0a1b2c")

    (role,) = found.left_out
    assert role["metadata"]["name"] == "shop-dev-0a1b2c-shop"
    assert role["metadata"]["labels"] == {"dev.pullrecovery.lab": "scenario"}
    config, binding = documents(found.kept)
    assert binding["roleRef"]["name"] == "shop-dev-0a1b2c-shop"
    assert config["kind"] == "ConfigMap"
    assert KEPT in found.kept


def test_allowed_webhook_covers_sandbox_only():
    """The webhook would otherwise apply to every other sandbox."""
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
    """A definition's name consists of its kind's names."""
    with pytest.raises(UsageError, match=r"CustomResourceDefinition carts\.shop\.example\.com"):
        renamed(split(DEFINITION + ROLE, KINDS), "dev")


def test_kept_chart_renders_nothing_new(tmp_path):
    """Helm reads the text as a file, and does not render templates in it."""
    workload = write_chart(tmp_path, recorded.GOOD.workload, KEPT)

    assert (workload.chart, workload.values) == (tmp_path, ())
    assert (tmp_path / "objects.yaml").read_text() == KEPT
    assert (
        tmp_path / "templates" / "objects.yaml"
    ).read_text() == '{{ .Files.Get "objects.yaml" }}'
    assert YAML(typ="safe").load(tmp_path / "Chart.yaml")["apiVersion"] == "v2"
