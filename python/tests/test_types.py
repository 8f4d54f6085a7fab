"""Types survive the way into a store and back."""

from __future__ import annotations

import datetime
import re
import uuid

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

import argondb

VALUES = {
    "double": 1.5,
    "whole double": 1.0,
    "negative zero": -0.0,
    "infinity": float("inf"),
    "string": "Grüße \U0001f600",
    "empty string": "",
    "document": {"b": 1, "a": {"c": []}},
    "array": [1, "two", [3.0, None], {"four": 4}],
    "binary": b"\x00\xff",
    "binary of a user's subtype": Binary(b"\x01\x02", 128),
    "uuid": Binary.from_uuid(uuid.UUID(int=7)),
    "object id": ObjectId("5f50c31e8a7d4a0001b7a1c2"),
    "true": True,
    "date": datetime.datetime(2026, 7, 7, 9, 0, 0, 123000),
    "date before 1970": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
    "null": None,
    "regex": Regex("^a.*b$", re.IGNORECASE | re.MULTILINE),
    "code": Code("function() {}"),
    "code with scope": Code("f(x)", {"x": 1}),
    "reference": DBRef("users", 1),
    "int32": 2147483647,
    "int64": Int64(2147483647),
    "large int": Int64(2**62),
    "timestamp": Timestamp(1234567890, 7),
    "decimal": Decimal128("1.10"),
    "decimal infinity": Decimal128("-Infinity"),
    "min key": MinKey(),
    "max key": MaxKey(),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_survives_the_way_through_a_store(main: argondb.Branch, name: str) -> None:
    document = {"_id": name, "value": VALUES[name]}
    main["values"].insert_one(document)
    found = main["values"].find_one(name)
    assert bson.encode(found) == bson.encode(document)
    assert type(found["value"]) is type(VALUES[name])


def test_a_document_keeps_the_order_of_its_fields_and_its_id_comes_first(
    main: argondb.Branch,
) -> None:
    main["values"].insert_one({"z": 1, "a": 2, "_id": 1})
    assert list(main["values"].find_one(1)) == ["_id", "z", "a"]


def test_raw_documents_cross_as_they_are(main: argondb.Branch) -> None:
    raw = RawBSONDocument(bson.encode({"_id": 1, "n": Int64(5), "t": "x"}))
    main["values"].insert_one(raw)
    options = CodecOptions(document_class=RawBSONDocument)
    found = main["values"].with_options(options).find_one(1)
    assert isinstance(found, RawBSONDocument)
    assert found.raw == raw.raw
    [batch] = main["values"].find_raw_batches({})
    assert bytes(batch) == raw.raw
    with pytest.raises(argondb.InvalidError):
        main["values"].insert_one(RawBSONDocument(bson.encode({"n": 1})))


def test_codec_options_decide_how_documents_are_decoded(main: argondb.Branch) -> None:
    options: CodecOptions[dict[str, object]] = CodecOptions(
        tz_aware=True, uuid_representation=UuidRepresentation.STANDARD
    )
    values = main.collection("values", options)
    document = {
        "_id": uuid.UUID(int=9),
        "time": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
    }
    values.insert_one(document)
    assert values.find_one({"_id": uuid.UUID(int=9)}) == document
    late = {"_id": 1, "time": DatetimeMS(2**60)}
    main["values"].insert_one(late)
    milliseconds: CodecOptions[dict[str, object]] = CodecOptions(
        datetime_conversion=DatetimeConversion.DATETIME_MS
    )
    assert main.collection("values", milliseconds).find_one(1) == late


def test_differences_have_types_too(main: argondb.Branch) -> None:
    before = {"_id": ObjectId("5f50c31e8a7d4a0001b7a1c2"), "n": Int64(1), "d": Decimal128("1.10")}
    after = {**before, "n": 1, "when": datetime.datetime(2026, 7, 7)}
    main["values"].insert_one(before)
    main["values"].replace_one({}, after)
    [change] = main.at(1).diff(main)
    assert (change.before, change.after, change.id) == (before, after, before["_id"])
    assert type(change.before["n"]) is Int64 and type(change.after["n"]) is int
    [version, first] = main.history("values", before["_id"])
    assert (version.document, first.document) == (after, before)
