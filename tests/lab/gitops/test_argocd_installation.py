"""The installation of Argo CD: a failure is an error of the lab with the awaited condition."""

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import LabError
from pullrecovery.lab.gitops import argocd


class Api:
    """A fake API server that serves none of Argo CD's resources."""

    def list_namespaced_custom_object(self, *_, **__):
        raise ApiException(status=404)


def test_unserved_resource_is_lab_error(monkeypatch):
    """A wait that times out gives one sentence, and no traceback."""
    monkeypatch.setattr(argocd, "_SERVED_WITHIN", 0.0)

    with pytest.raises(LabError, match="the API server serves Argo CD's resources: not after"):
        argocd._make_project(Api())
