"""The filters of LangGraph's stores as queries.

They look like MongoDB's, and mean something else: equality is that of JSON, without a look into lists,
and a mapping without operators says what a mapping has at least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argondb.errors import InvalidError

__all__ = ["query_of"]

_ORDERS = ("$gt", "$gte", "$lt", "$lte")
_NO_LIST = {"$not": {"$type": "array"}}


def query_of(filter: Mapping[str, Any] | None) -> dict[str, Any]:
    """The query that finds the documents whose ``value`` matches a filter.

    >>> query_of({"likes": "pizza", "sure": {"$gt": 0.5}})
    {'$and': [{'value.likes': {'$eq': 'pizza', '$not': {'$type': 'array'}}}, \
{'value.sure': {'$gt': 0.5, '$not': {'$type': 'array'}}}]}
    """
    conditions = list(_fields("value", filter or {}))
    return {"$and": conditions} if conditions else {}


def _fields(path: str, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in wanted.items():
        if "." in name or name.startswith("$"):
            raise InvalidError(
                f"invalid key '{name}' of a filter: expected no dot, and no $ before it"
            )
        yield from _conditions(f"{path}.{name}", value)


def _conditions(path: str, wanted: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(wanted, Mapping):
        yield _equal(path, wanted)
    elif any(name.startswith("$") for name in wanted):
        for name, value in wanted.items():
            yield _operator(path, name, value)
    else:
        yield {path: {"$type": "object", **_NO_LIST}}
        yield from _fields(path, wanted)


def _operator(path: str, name: str, value: Any) -> dict[str, Any]:
    if name == "$eq":
        return _equal(path, value)
    if name == "$ne":
        return {"$nor": [_equal(path, value)]}
    if name in _ORDERS:
        return {path: {name: value, **_NO_LIST}}
    expected = ", ".join(("$eq", "$ne", *_ORDERS))
    raise InvalidError(f"unknown operator '{name}' of a filter: expected one of {expected}")


def _equal(path: str, value: Any) -> dict[str, Any]:
    if isinstance(value, (list, tuple)):
        return {"$expr": {"$eq": [f"${path}", {"$literal": list(value)}]}}
    return {path: {"$eq": value, **_NO_LIST}}
