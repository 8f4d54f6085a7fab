"""What the objects of a store share: the native store, and operations of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argondb.errors import InvalidError

if TYPE_CHECKING:
    from argondb import _argondb

__all__ = ["Session", "check_seconds"]


class Session:
    """The native store of a :class:`~argondb.Store`. Requests and results are Extended JSON."""

    def __init__(self, native: _argondb.Store, trailers: list[str] | None = None) -> None:
        self.native = native
        #: The trailers of all commits that are made through this, each as ``KEY=VALUE``.
        self.trailers = trailers

    def call(
        self,
        operation: str,
        request: dict[str, Any] | None = None,
        project: str | None = None,
        branch: str | None = None,
    ) -> Any:
        """Runs an operation; fields that are ``None`` are left out."""
        given = {name: value for name, value in (request or {}).items() if value is not None}
        result = self.native.call(operation, _dumps(given), project, branch, self.trailers)
        return _loads(result)


def check_seconds(name: str, seconds: float | None) -> None:
    """Refuses a time that is negative, or no number at all."""
    if seconds is not None and not seconds >= 0:
        raise InvalidError(f"{name} is a time in seconds and must not be negative: {seconds}")


#: The fields of requests that have values of documents, which are Extended JSON.
_OF_DOCUMENTS = frozenset({"id", "ids", "value", "definition"})


def _dumps(request: dict[str, Any]) -> str:
    import json

    fields = (f"{json.dumps(name)}: {_value(name, value)}" for name, value in request.items())
    return "{" + ", ".join(fields) + "}"


def _value(name: str, value: Any) -> str:
    import json

    if name not in _OF_DOCUMENTS:
        return json.dumps(value)
    from bson import json_util

    return json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS)


def _loads(result: str) -> Any:
    import json

    if "$" not in result:
        return json.loads(result)
    from bson import json_util

    options = json_util.JSONOptions(
        json_mode=json_util.JSONMode.CANONICAL, tz_aware=False, tzinfo=None
    )
    return json_util.loads(result, json_options=options)
