"""Requests to the API server whose object is missing, or there already."""

import pytest
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.api_server import tolerate_existing, tolerate_missing


def _answer(status):
    def request(*_, **__):
        raise ApiException(status=status)

    return request


def test_answer_of_a_request_is_returned():
    """With its arguments, by place and by name."""
    assert tolerate_missing(lambda name, *, namespace: (name, namespace), "a", namespace="b") == (
        "a",
        "b",
    )


def test_missing_object_is_none():
    """The API server answers 404."""
    assert tolerate_missing(_answer(404), "name") is None


def test_existing_object_is_none():
    """The API server answers 409 to the request that creates it."""
    assert tolerate_existing(_answer(409), "name") is None


@pytest.mark.parametrize(
    ("tolerate", "status"),
    [(tolerate_missing, 403), (tolerate_missing, 409), (tolerate_existing, 404)],
)
def test_other_answers_are_raised(tolerate, status):
    """A forbidden read, for example, does not show that the object is missing."""
    with pytest.raises(ApiException) as raised:
        tolerate(_answer(status), "name")
    assert raised.value.status == status
