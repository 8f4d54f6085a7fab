"""Documents as bytes, by pymongo's ``bson``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

__all__ = [
    "DEFAULT_CODEC_OPTIONS",
    "CodecOptions",
    "command",
    "decode",
    "decode_result",
    "encode",
    "encode_value",
    "order",
    "projection",
]

Options = CodecOptions[Any]


def encode(document: Mapping[str, Any], options: Options) -> bytes:
    """A document as BSON; a raw one as it is."""
    if isinstance(document, RawBSONDocument):
        return bytes(document.raw)
    return bson.encode(document, codec_options=options)


def command(options: Options, **fields: Any) -> bytes:
    """A command: the fields that are not ``None``."""
    given = {name: value for name, value in fields.items() if value is not None}
    return bson.encode(given, codec_options=options)


def decode(data: bytes, options: Options) -> list[Any]:
    """The documents that stand one after the other."""
    return bson.decode_all(data, options)


def encode_value(value: Any, options: Options) -> bytes:
    """A value of a document in a request: the BSON of a document that has it. Nothing else in requests and
    results is bytes, so it is never taken for another, as one that looks like Extended JSON would be."""
    return encode({"v": value}, options)


def decode_result(data: bytes, options: Options) -> Any:
    """The result of an operation; ``options`` are those of the values of documents in it."""
    [document] = decode(data, DEFAULT_CODEC_OPTIONS)
    return _result(document["result"], options)


def _result(result: Any, options: Options) -> Any:
    if isinstance(result, dict):
        return {name: _result(value, options) for name, value in result.items()}
    if isinstance(result, list):
        return [_result(value, options) for value in result]
    if isinstance(result, bytes):
        return decode(result, options)[0]["v"]
    return int(result) if isinstance(result, Int64) else result


Order = Sequence["str | tuple[str, Any]"] | Mapping[str, Any] | str


def order(keys: Order, direction: Any = None) -> dict[str, Any]:
    """An order, or the key of an index, as pymongo takes them.

    >>> order("age", -1)
    {'age': -1}
    >>> order([("age", -1), "name"])
    {'age': -1, 'name': 1}
    """
    if isinstance(keys, str):
        return {keys: 1 if direction is None else direction}
    if isinstance(keys, Mapping):
        return dict(keys)
    pairs = [(key, 1) if isinstance(key, str) else key for key in keys]
    return dict(pairs)


def projection(fields: Mapping[str, Any] | Sequence[str] | None) -> Mapping[str, Any] | None:
    """A projection, as pymongo takes it: a list names the fields that are given."""
    if fields is None or isinstance(fields, Mapping):
        return fields
    return dict.fromkeys(fields, 1) or {"_id": 1}
