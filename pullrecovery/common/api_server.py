"""Send requests to the API server that may find their object missing, or there already."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from kubernetes.client.exceptions import ApiException

P = ParamSpec("P")
T = TypeVar("T")
_NOT_FOUND, _CONFLICT = 404, 409


def tolerate_missing(request: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return the answer to a request for an object, or None if the object does not exist."""
    return _tolerate(_NOT_FOUND, lambda: request(*args, **kwargs))


def tolerate_existing(create: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Create an object and return it, or None if one of this name exists already."""
    return _tolerate(_CONFLICT, lambda: create(*args, **kwargs))


def _tolerate(status: int, request: Callable[[], T]) -> T | None:
    try:
        return request()
    except ApiException as error:
        if error.status != status:
            raise
        return None
