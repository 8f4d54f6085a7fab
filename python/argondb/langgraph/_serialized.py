"""What a serializer of LangGraph makes, as values of documents.

One is a binary value of subtype 128: the name that the serializer gives to its format, a zero byte, and
its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.binary import USER_DEFINED_SUBTYPE, Binary
from langgraph.checkpoint.serde.base import SerializerProtocol

__all__ = ["dump", "dump_metadata", "load", "load_metadata"]

_INT64 = range(-(2**63), 2**63)


def dump(serde: SerializerProtocol, value: Any) -> Binary:
    """A value as the serializer has it."""
    kind, data = serde.dumps_typed(value)
    return Binary(kind.encode() + b"\0" + data, USER_DEFINED_SUBTYPE)


def load(serde: SerializerProtocol, stored: bytes) -> Any:
    """The value of :func:`dump`."""
    kind, _, data = stored.partition(b"\0")
    return serde.loads_typed((kind.decode(), data))


def dump_metadata(serde: SerializerProtocol, value: Any) -> Any:
    """Metadata as plain values, which filters find and diffs show; a value that JSON does not have is
    serialized. Tuples become lists, as in LangGraph's own savers for databases."""
    if value is None or type(value) in (str, bool, float):
        return value
    if type(value) is int and value in _INT64:
        return value
    if isinstance(value, (list, tuple)):
        return [dump_metadata(serde, one) for one in value]
    if isinstance(value, Mapping) and all(_is_name(name) for name in value):
        return {name: dump_metadata(serde, one) for name, one in value.items()}
    return dump(serde, value)


def load_metadata(serde: SerializerProtocol, stored: Any) -> Any:
    """The metadata of :func:`dump_metadata`."""
    if isinstance(stored, Binary):
        return load(serde, stored)
    if isinstance(stored, list):
        return [load_metadata(serde, one) for one in stored]
    if isinstance(stored, dict):
        return {name: load_metadata(serde, one) for name, one in stored.items()}
    return stored


def _is_name(name: Any) -> bool:
    """Whether a field can have this name."""
    return type(name) is str and "\0" not in name
