"""Leftovers of scenarios in a cluster: each is named, and removed in an order that works."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.lab import leak_check as leaks
from pullrecovery.lab.cluster.api_kinds import ApiKind
from pullrecovery.lab.paths import LABEL, Paths

ROLE = ApiKind(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRole",
    "clusterroles",
    namespaced=False,
    verbs=frozenset({"list", "delete"}),
)
LEASE = ApiKind(
    "coordination.k8s.io",
    "v1",
    "Lease",
    "leases",
    namespaced=True,
    verbs=frozenset({"list", "delete"}),
)
REVIEW = ApiKind(
    "authorization.k8s.io",
    "v1",
    "SubjectAccessReview",
    "subjectaccessreviews",
    namespaced=False,
    verbs=frozenset({"create"}),
)

LAB = {LABEL: "scenario"}


class Api:
    """A fake API of Applications, namespaces and other objects, with the order of deletions.

    A namespace is gone once none of its `objects` has a finalizer.
    """

    def __init__(self, applications, namespaces, objects):
        self.applications, self.namespaces, self.objects = applications, namespaces, objects
        self.deleted, self.said = [], []

    def list_cluster_custom_object(self, *_, **__):
        if self.applications is None:
            raise ApiException(status=404)
        place = {"namespace": "argocd"}
        return {"items": [{"metadata": {"name": name, **place}} for name in self.applications]}

    def delete_namespaced_custom_object(self, *place):
        self.deleted.append(place[-1])

    def list_namespace(self, **_):
        there = [self._namespace(name) for name in self.namespaces if not self._is_gone(name)]
        return SimpleNamespace(items=[SimpleNamespace(metadata=each) for each in there])

    def _namespace(self, name):
        labels = self.namespaces[name]
        return SimpleNamespace(name=name, labels=labels, deletion_timestamp=None)

    def _is_gone(self, name):
        held = (each for kind in self.objects.values() for each in kind)
        held = [each for each in held if each.get("namespace") == name and each["finalizers"]]
        return name in self.deleted and not held

    def delete_namespace(self, name):
        self.deleted.append(name)

    def delete_collection_namespaced_pod(self, namespace, *, grace_period_seconds):
        assert namespace in self.namespaces
        assert grace_period_seconds == 0

    def list_metadata(self, _, kind, namespace=None):
        found = self.objects.get(kind, [])
        return [each for each in found if each.get("namespace") == namespace]

    def drop_finalizers(self, _, path):
        for each in self.objects.get(LEASE, []):
            if path == LEASE.path(each["namespace"], each["name"]):
                each["finalizers"] = []

    def delete(self, _, path):
        self.deleted.append(path.rpartition("/")[2])


@pytest.fixture
def left(monkeypatch, tmp_path):
    """Return a function that checks a cluster with these objects; it returns output and API."""

    def looked(applications, namespaces, objects=None, *, others=()):
        labelled = dict.fromkeys(others) | {name: dict(LAB) for name in namespaces}
        api = Api(applications, labelled, objects or {})
        monkeypatch.setattr(leaks.k8s, "CustomObjectsApi", lambda _: api)
        monkeypatch.setattr(leaks.k8s, "CoreV1Api", lambda _: api)
        monkeypatch.setattr(leaks, "served_kinds", lambda _: (ROLE, LEASE, REVIEW))
        monkeypatch.setattr(leaks, "_HELD_AFTER", 0.0)
        for name in ("list_metadata", "drop_finalizers", "delete"):
            monkeypatch.setattr(leaks, name, getattr(api, name))

        @contextmanager
        def client():
            yield None

        cluster = SimpleNamespace(api=client, paths=Paths(tmp_path, tmp_path))

        return leaks.remove_leaks(cluster, api.said.append), api

    return looked


def test_application_is_deleted_before_namespace(left):
    """Each removed object is named with its kind."""
    told, api = left(["dev-0a1b2c-frontend"], ["dev-0a1b2c"])

    assert api.deleted == ["dev-0a1b2c-frontend", "dev-0a1b2c"]
    assert told == ["Application dev-0a1b2c-frontend", "namespace dev-0a1b2c"]


def test_cluster_without_argo_cd_has_none(left):
    """The API server does not know the kind Application."""
    told, api = left(None, [], others=["default"])

    assert (told, api.deleted) == ([], [])


def test_cluster_scoped_object_is_leak(left):
    """Helm's annotation names a namespace of the lab, or one that is gone."""
    roles = [
        {"name": name, "annotations": {"meta.helm.sh/release-namespace": namespace}}
        for name, namespace in (("here", "dev-0a1b2c"), ("gone", "dev-7f"), ("theirs", "shop"))
    ]
    roles += [{"name": "labelled", "labels": LAB}, {"name": "system:node"}]

    told, api = left(None, ["dev-0a1b2c"], {ROLE: roles}, others=["shop"])

    removed = ["ClusterRole here", "ClusterRole gone", "ClusterRole labelled"]
    assert told == [*removed, "namespace dev-0a1b2c"]
    assert api.deleted == ["here", "gone", "labelled", "dev-0a1b2c"]


def test_blocking_finalizer_is_removed(left):
    """Objects that are not being deleted, and those of other namespaces, keep their finalizers."""
    held = {"name": "held", "namespace": "dev-0a1b2c", "finalizers": ["example.com/never"]}
    held["deletionTimestamp"] = "2026-11-29T12:00:00Z"
    living = {"name": "living", "namespace": "shop", "finalizers": ["example.com/never"]}

    _, api = left(None, ["dev-0a1b2c"], {LEASE: [held, living]}, others=["shop"])

    (said,) = api.said
    assert "Lease dev-0a1b2c/held" in said
    assert "example.com/never" in said
    assert living["finalizers"]
