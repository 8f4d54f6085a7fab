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


LOOKALIKES = [
    {"$oid": "not"},
    {"$oid": "5f50c31e8a7d4a0001b7a1c2"},
    {"$numberLong": "7"},
    {"$date": "2026-07-07T09:00:00Z"},
    {"a": [{"$numberDecimal": "x"}, {"$binary": {}}]},
    ObjectId("5f50c31e8a7d4a0001b7a1c2"),
    Int64(7),
]


@pytest.mark.parametrize("value", LOOKALIKES, ids=repr)
def test_a_value_that_looks_like_extended_json_stays_what_it_is(
    main: argondb.Branch, value: object
) -> None:
    """In everything that history, comparisons and merges give, and in what they are asked."""
    things = main["things"]
    things.insert_one({"_id": 1, "v": value})
    base = main.create("base")
    other = main.create("other")
    things.update_one({"_id": 1}, [{"$set": {"v": {"$literal": {"was": value}}}}])
    other["things"].update_one({"_id": 1}, {"$set": {"v": 2}})

    def same(found: object, expected: object) -> None:
        assert found == expected
        assert bson.encode({"v": found}) == bson.encode({"v": expected})

    same(main.history("things", 1)[1].document, {"_id": 1, "v": value})
    same(main.at(1).history("things", 1)[0].document, {"_id": 1, "v": value})
    same(main.show()[-1].before, {"_id": 1, "v": value})
    [change] = base.diff(main, detail="changes")
    same(change.before, {"_id": 1, "v": value})
    fields = {field.path: field for field in change.fields}
    assert set(fields) <= {"v", "v.was", "v.$oid", "v.$numberLong", "v.$date", "v.a"}
    [field] = [field for field in other.diff(main, detail="changes")[0].fields if field.path == "v"]
    same(field.after, {"was": value})
    assert main.blame("things", 1)[0].path == "_id"
    with main.watch(start_at=0) as commits:
        same(next(commits).changes[-1].document, {"_id": 1, "v": value})

    plan = main.merge(other)
    conflicts = {conflict.path: conflict for conflict in plan.conflicts}
    same(conflicts["v"].base, value)
    same(conflicts["v"].ours, {"was": value})
    plan.resolve("value", collection="things", id=1, path="v", value=value)
    same(plan.decisions[0]["value"], value)
    plan.apply()
    same(things.find_one(1), {"_id": 1, "v": value})


@pytest.mark.parametrize("identifier", [*LOOKALIKES[5:], None, {"a": None}, {}], ids=repr)
def test_an_id_is_found_whatever_it_looks_like(main: argondb.Branch, identifier: object) -> None:
    things = main["things"]
    things.insert_one({"_id": identifier, "n": 1})
    other = main.create("other")
    for branch, n in ((main, 2), (other, 3)):
        branch["things"].update_one({}, {"$set": {"n": n}})
    assert [version.document["n"] for version in main.history("things", identifier)] == [2, 1]
    assert main.blame("things", identifier)[-1].value == 2
    assert main.diff(other)[-1].id == identifier
    plan = main.merge(other)
    assert plan.conflicts[0].id == identifier
    plan.resolve("theirs", collection="things", id=identifier, path="n")
    assert plan.decisions[0]["id"] == identifier
    plan.apply()
    assert things.find_one({}) == {"_id": identifier, "n": 3}
    assert main.restore(1, "things", [identifier]).changed == 1
    assert things.find_one({}) == {"_id": identifier, "n": 1}


def test_an_index_is_of_values_that_look_like_extended_json(main: argondb.Branch) -> None:
    partial = {"v": {"$eq": {"$oid": "not"}}}
    main["things"].create_index("v", partialFilterExpression=partial)
    assert main["things"].index_information()["v_1"]["partialFilterExpression"] == partial


def test_codec_options_are_those_of_results_too(store: argondb.Store, main: argondb.Branch) -> None:
    options = CodecOptions(uuid_representation=UuidRepresentation.STANDARD, tz_aware=True)
    key, moment = uuid.UUID(int=7), datetime.datetime(2026, 7, 7, tzinfo=datetime.timezone.utc)
    branch = main.with_options(options)
    branch["users"].insert_one({"_id": key, "at": moment})
    other = branch.create("other")
    for changed, name in ((branch, "Ada"), (other, "Tim")):
        changed["users"].update_one({"_id": key}, {"$set": {"name": name}})
    with branch.commit() as commit:
        assert commit["users"].find_one(key)["at"] == moment
        commit["users"].insert_one({"_id": 1, "of": key})
    document = {"_id": key, "at": moment, "name": "Ada"}
    for state in (branch, branch.head(), branch.at(2), main.head().with_options(options)):
        assert state["users"].find_one(key) == document
        assert state.history("users", key)[0].document == document
        assert state.blame("users", key)[1].value == moment
    assert branch.show(2)[0].after == document
    assert branch.diff(other)[-1].id == key
    with branch.watch(start_at=0) as commits:
        assert next(commits).changes[-1].document == {"_id": key, "at": moment}
    plan = branch.merge(other)
    assert plan.conflicts[0].id == key
    plan.resolve("ours", collection="users", id=key, path="name")
    plan.apply()
    assert branch.restore(1, "users", [key]).changed == 1
    assert main["users"].find_one({"_id": Binary.from_uuid(key)})["_id"] == Binary.from_uuid(key)
    with argondb.open("memory:", codec_options=options) as another:
        users = another.project("p", create=True).branch()["users"]
        users.insert_one({"_id": key})
        assert users.find_one() == {"_id": key}
        raw = another.project("p").branch().with_options(CodecOptions(RawBSONDocument))
        assert isinstance(raw.history("users", Binary.from_uuid(key))[0].document, RawBSONDocument)


def test_a_message_says_nothing_of_the_encoding_of_requests(main: argondb.Branch) -> None:
    main["things"].insert_one({"_id": 1})
    for wrong in (
        lambda: main.log(revision="a b"),
        lambda: main.log(limit=-1),
        lambda: main.log(since="yesterdayish"),
        lambda: main.show("a b"),
        lambda: main.create("a b"),
        lambda: main.merge("main", strategy="nobody's"),
        lambda: main.merge("main", policy={"strategy": 7}),
        lambda: main.pin("a b"),
        lambda: main.diff("main", collections=[""]),
        lambda: main.history("", 1),
        lambda: main.history("things", [1]),
        lambda: main["things"].create_index("", name=""),
    ):
        with pytest.raises(argondb.ArgonError) as error:
            wrong()
        assert not re.search(r"\bline \d|column \d|BSON error|Kind:", str(error.value)), error.value
