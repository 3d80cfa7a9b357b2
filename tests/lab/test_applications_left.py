"""Applications that a scenario left: gone before their namespaces, which they would make anew."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.lab import leaks


class Api:
    """Applications and namespaces, and the order in which they are deleted."""

    def __init__(self, applications, namespaces):
        self.applications, self.namespaces, self.deleted = applications, namespaces, []

    def list_cluster_custom_object(self, *_, **__):
        if self.applications is None:
            raise ApiException(status=404)
        place = {"namespace": "argocd"}
        return {"items": [{"metadata": {"name": name, **place}} for name in self.applications]}

    def delete_namespaced_custom_object(self, *place):
        self.deleted.append(place[-1])

    def list_namespace(self, **_):
        living = [name for name in self.namespaces if name not in self.deleted]
        named = [SimpleNamespace(name=n, labels={}, deletion_timestamp=None) for n in living]
        return SimpleNamespace(items=[SimpleNamespace(metadata=each) for each in named])

    def delete_namespace(self, name):
        self.deleted.append(name)

    def delete_collection_namespaced_pod(self, namespace, *, grace_period_seconds):
        assert namespace in self.namespaces
        assert grace_period_seconds == 0


@pytest.fixture
def left(monkeypatch):
    """Looks for what is left in a cluster that has these; returns what was told and deleted."""

    def looked(applications, namespaces):
        api = Api(applications, namespaces)
        monkeypatch.setattr(leaks.k8s, "CustomObjectsApi", lambda _: api)
        monkeypatch.setattr(leaks.k8s, "CoreV1Api", lambda _: api)

        @contextmanager
        def client():
            yield None

        return leaks.remove_leaks(SimpleNamespace(api=client)), api.deleted

    return looked


def test_application_goes_before_the_namespace_that_it_would_make_anew(left):
    """And both are told as what they are."""
    told, deleted = left(["dev-0a1b2c-frontend"], ["dev-0a1b2c"])

    assert deleted == ["dev-0a1b2c-frontend", "dev-0a1b2c"]
    assert told == ["Application dev-0a1b2c-frontend", "namespace dev-0a1b2c"]


def test_cluster_without_argo_cd_has_none(left):
    """It does not know the kind."""
    assert left(None, []) == ([], [])
