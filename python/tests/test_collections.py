"""Reads and writes of collections, with pymongo's names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bson
import pytest
from bson import ObjectId
from pymongo import (
    DeleteMany,
    DeleteOne,
    IndexModel,
    InsertOne,
    ReplaceOne,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
)
from pymongo.collation import Collation

import argondb
from argondb import DuplicateKeyError, InvalidError, NotFoundError, UnavailableError

BOATS: list[dict[str, Any]] = [
    {"_id": 1, "name": "Ada", "sails": 2, "tags": ["red"]},
    {"_id": 2, "name": "bea", "sails": 3, "tags": ["red", "fast"]},
    {"_id": 3, "name": "Cleo", "sails": 3, "tags": []},
]


@pytest.fixture
def boats(main: argondb.Branch) -> argondb.Collection:
    boats = main["boats"]
    boats.insert_many([dict(boat) for boat in BOATS])
    return boats


def ids(documents: Any) -> list[Any]:
    return [document["_id"] for document in documents]


def test_a_query_has_the_options_of_pymongo(boats: argondb.Collection) -> None:
    assert list(boats.find()) == BOATS
    assert ids(boats.find({"sails": 3})) == [2, 3]
    assert ids(boats.find(sort=[("sails", -1), ("_id", -1)])) == [3, 2, 1]
    assert ids(boats.find().sort("name")) == [1, 3, 2]
    assert ids(boats.find().sort("name").collation(Collation("en", strength=2))) == [1, 2, 3]
    assert ids(boats.find().sort([("sails", -1), "_id"]).skip(1).limit(1)) == [3]
    assert boats.find({}, {"name": 1, "_id": 0}).to_list(1) == [{"name": "Ada"}]
    assert boats.find({}, ["sails"]).to_list()[0] == {"_id": 1, "sails": 2}
    assert ids(boats.find(skip=1, limit=1)) == [2]
    boats.create_index("sails")
    assert ids(boats.find({"sails": 3}).hint("sails_1")) == [2, 3]
    assert ids(boats.find({"sails": 3}).hint([("sails", 1)])) == [2, 3]
    with pytest.raises(InvalidError):
        list(boats.find().hint("missing"))


def test_a_cursor_is_read_once_and_can_begin_again(boats: argondb.Collection) -> None:
    cursor = boats.find()
    assert next(cursor)["_id"] == 1
    assert ids(cursor) == [2, 3]
    assert not cursor.alive
    assert ids(cursor.rewind()) == [1, 2, 3]
    assert ids(cursor.clone()) == [1, 2, 3]
    with pytest.raises(InvalidError):
        cursor.sort("name")
    assert boats.find()[1]["_id"] == 2
    assert ids(boats.find()[1:3]) == [2, 3]
    assert ids(boats.find()[1:]) == [2, 3] and ids(boats.find()[:1]) == [1]
    assert ids(boats.find()[:]) == [1, 2, 3] and ids(boats.find()[2:2]) == []
    assert ids(boats.find()[2:2].clone()) == [] and ids(boats.find()[2:2].limit(1)) == [3]
    for wrong in (-1, 3, slice(-1, 2), slice(0, 2, 1), slice(2, 1)):
        with pytest.raises(IndexError):
            boats.find()[wrong]
    with pytest.raises(TypeError):
        boats.find()["name"]  # type: ignore[index]
    with boats.find() as open_cursor:
        next(open_cursor)
    assert list(open_cursor) == []


def test_many_documents_come_in_batches(main: argondb.Branch) -> None:
    documents = [{"_id": i, "text": "x" * 200} for i in range(20_000)]
    main["many"].insert_many(documents)
    assert main["many"].find().to_list() == documents
    assert len(list(main["many"].find_raw_batches({}))) > 2
    cursor = main["many"].find()
    for document in cursor:
        if document["_id"] == 7:
            break
    assert next(cursor)["_id"] == 8
    assert len(cursor.to_list()) == 20_000 - 9


def test_raw_batches_go_on_where_the_cursor_is(main: argondb.Branch) -> None:
    documents = [{"_id": i, "text": "x" * 200} for i in range(20_000)]
    main["many"].insert_many(documents)
    cursor = main["many"].find()
    assert cursor.to_list(3) == documents[:3]
    assert next(cursor) == documents[3]
    batches = cursor.raw_batches()
    found = bson.decode_all(next(batches))
    assert found[0] == documents[4]
    rest = found + [each for batch in batches for each in bson.decode_all(batch)]
    assert rest == documents[4:]
    assert list(cursor) == [] and not cursor.alive


@pytest.mark.parametrize("how", ["next", "iter"])
def test_threads_share_a_cursor(main: argondb.Branch, how: str) -> None:
    documents = [{"_id": i, "text": "x" * 200} for i in range(20_000)]
    main["many"].insert_many(documents)
    cursor = main["many"].find()

    def read(_: int) -> list[int]:
        reader = iter(lambda: next(cursor, None), None) if how == "next" else iter(cursor)
        return [document["_id"] for document in reader if document is not None]

    with ThreadPoolExecutor(8) as threads:
        found = [identifier for part in threads.map(read, range(8)) for identifier in part]
    assert sorted(found) == list(range(20_000))


def test_a_collection_that_does_not_exist_is_empty(main: argondb.Branch) -> None:
    missing = main["missing"]
    assert list(missing.find()) == []
    assert missing.find_one() is None
    assert missing.count_documents({}) == 0
    assert missing.estimated_document_count() == 0
    assert missing.distinct("a") == []
    assert list(missing.aggregate([{"$match": {}}])) == []
    assert missing.list_indexes() == []
    assert missing.delete_many({}).deleted_count == 0
    assert missing.update_many({}, {"$set": {"a": 1}}).matched_count == 0


def test_one_document_is_found_by_its_id_or_a_filter(boats: argondb.Collection) -> None:
    assert boats.find_one(2) == BOATS[1]
    assert boats.find_one({"sails": 3}, sort=[("_id", -1)]) == BOATS[2]
    assert boats.find_one({"sails": 9}) is None
    assert boats.find_one({"tags": "red"}, {"tags.$": 1}) == {"_id": 1, "tags": ["red"]}


def test_documents_are_counted_and_values_listed(boats: argondb.Collection) -> None:
    assert boats.count_documents({}) == boats.estimated_document_count() == 3
    assert boats.count_documents({"sails": 3}) == 2
    assert boats.count_documents({"sails": 3}, limit=1) == 1
    assert boats.count_documents({}, skip=2) == 1
    assert boats.distinct("tags") == ["fast", "red"]
    assert boats.distinct("sails", {"name": "Ada"}) == [2]


def test_a_pipeline_reads_and_writes(boats: argondb.Collection, main: argondb.Branch) -> None:
    pipeline: list[dict[str, Any]] = [
        {"$group": {"_id": "$sails", "n": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    assert list(boats.aggregate(pipeline)) == [{"_id": 2, "n": 1}, {"_id": 3, "n": 2}]
    assert list(boats.aggregate([*pipeline, {"$out": "by_sails"}], comment="count")) == []
    assert main["by_sails"].count_documents({}) == 2
    assert main.log(1)[0].message == "count"
    least = [{"$match": {"$expr": {"$gte": ["$sails", "$$least"]}}}]
    assert ids(boats.aggregate(least, let={"least": 3})) == [2, 3]


def test_documents_get_an_object_id(main: argondb.Branch) -> None:
    document: dict[str, Any] = {"name": "Ada"}
    result = main["boats"].insert_one(document, comment="first")
    assert isinstance(result.inserted_id, ObjectId)
    assert document["_id"] == result.inserted_id
    assert (result.lsn, main.log()[0].message) == (1, "first")
    result = main["boats"].insert_many([{"a": 1}, {"_id": 5}])
    assert result.inserted_ids[1] == 5 and result.lsn == 2


def test_an_insertion_is_made_as_a_whole_or_not_at_all(boats: argondb.Collection) -> None:
    with pytest.raises(DuplicateKeyError) as refused:
        boats.insert_many([{"_id": 9}, {"_id": 1}])
    assert refused.value.code == 11000
    assert refused.value.details["id"] == "1"
    assert boats.count_documents({}) == 3
    with pytest.raises(InvalidError):
        boats.insert_many([])
    boats.create_index("name", unique=True)
    with pytest.raises(DuplicateKeyError):
        boats.insert_one({"name": "Ada"})


def test_updates_have_the_results_of_pymongo(boats: argondb.Collection) -> None:
    result = boats.update_one({"sails": 3}, {"$inc": {"sails": 1}})
    assert (result.matched_count, result.modified_count, result.upserted_id) == (1, 1, None)
    assert result.lsn == 2
    result = boats.update_many({}, {"$set": {"new": True}}, comment="all")
    assert (result.matched_count, result.modified_count) == (3, 3)
    result = boats.update_many({}, {"$set": {"new": True}})
    assert (result.matched_count, result.modified_count, result.lsn) == (3, 0, None)
    result = boats.update_one({"_id": 7}, {"$set": {"sails": 1}}, upsert=True)
    assert (result.matched_count, result.upserted_id, result.did_upsert) == (0, 7, True)
    boats.update_one({"_id": 2}, {"$set": {"tags.$[t]": "slow"}}, array_filters=[{"t": "fast"}])
    assert boats.distinct("tags", {"_id": 2}) == ["red", "slow"]
    boats.update_one({"_id": 1}, [{"$set": {"double": {"$multiply": ["$sails", 2]}}}])
    assert boats.find_one(1, {"double": 1}) == {"_id": 1, "double": 4}
    assert boats.replace_one({"_id": 1}, {"name": "Eva"}).modified_count == 1
    assert boats.find_one(1) == {"_id": 1, "name": "Eva"}
    for call in (
        lambda: boats.update_one({}, {"a": 1}),
        lambda: boats.replace_one({}, {"$set": {"a": 1}}),
        lambda: boats.update_one({}, {"$unknown": {"a": 1}}),
        lambda: boats.find({"a": {"$unknown": 1}}).to_list(),
    ):
        with pytest.raises(InvalidError):
            call()


def test_documents_are_deleted(boats: argondb.Collection) -> None:
    assert boats.delete_one({"sails": 3}).deleted_count == 1
    assert ids(boats.find()) == [1, 3]
    result = boats.delete_many({})
    assert (result.deleted_count, result.lsn) == (2, 3)
    assert boats.delete_many({}).lsn is None


def test_one_document_is_found_and_changed(boats: argondb.Collection) -> None:
    increment = {"$inc": {"sails": 1}}
    assert boats.find_one_and_update({"_id": 1}, increment) == BOATS[0]
    after = boats.find_one_and_update(
        {"sails": 3}, increment, ["sails"], [("_id", -1)], return_document=ReturnDocument.AFTER
    )
    assert after == {"_id": 3, "sails": 4}
    assert boats.find_one_and_update({"_id": 9}, increment) is None
    upserted = boats.find_one_and_update(
        {"_id": 9}, increment, upsert=True, return_document=ReturnDocument.AFTER
    )
    assert upserted == {"_id": 9, "sails": 1}
    assert boats.find_one_and_update({"_id": 2, "tags": "fast"}, {"$set": {"tags.$": "slow"}})
    assert boats.find_one(2)["tags"] == ["red", "slow"]
    replaced = boats.find_one_and_replace({"_id": 9}, {"n": 1}, return_document=True)
    assert replaced == {"_id": 9, "n": 1}
    assert boats.find_one_and_delete({}, sort={"_id": -1}) == {"_id": 9, "n": 1}
    assert boats.find_one_and_delete({"_id": 9}) is None


def test_a_bulk_is_one_commit_that_reads_what_it_writes(
    boats: argondb.Collection, main: argondb.Branch
) -> None:
    before = main.lsn
    result = boats.bulk_write(
        [
            InsertOne({"_id": 4, "sails": 3}),
            UpdateMany({"sails": 3}, {"$set": {"sails": 5}}),
            UpdateOne({"_id": 8}, {"$set": {"sails": 5}}, upsert=True),
            ReplaceOne({"_id": 1}, {"name": "Eva"}),
            DeleteOne({"_id": 2}),
            DeleteMany({"sails": 99}),
        ],
        comment="bulk",
    )
    assert (result.inserted_count, result.matched_count, result.modified_count) == (1, 4, 4)
    assert (result.deleted_count, result.upserted_ids, result.upserted_count) == (1, {2: 8}, 1)
    assert result.lsn == main.lsn == before + 1
    assert boats.find({}, {"sails": 1}).to_list() == [
        {"_id": 1},
        {"_id": 3, "sails": 5},
        {"_id": 4, "sails": 5},
        {"_id": 8, "sails": 5},
    ]
    with pytest.raises(DuplicateKeyError):
        boats.bulk_write([DeleteMany({}), InsertOne({"_id": 1}), InsertOne({"_id": 1})])
    assert main.lsn == before + 1
    with pytest.raises(InvalidError):
        boats.bulk_write([])
    with pytest.raises(InvalidError):
        boats.bulk_write(["no operation"])


def test_indexes_are_made_listed_and_dropped(boats: argondb.Collection) -> None:
    assert boats.create_index([("sails", -1), ("name", 1)]) == "sails_-1_name_1"
    assert boats.create_index("name", name="by_name", unique=True) == "by_name"
    information = boats.index_information()
    assert list(information) == ["_id_", "sails_-1_name_1", "by_name"]
    assert information["by_name"]["unique"] is True
    assert information["sails_-1_name_1"]["key"] == [("sails", -1), ("name", 1)]
    boats.drop_index([("sails", -1), ("name", 1)])
    boats.drop_index("by_name")
    assert [index["name"] for index in boats.list_indexes()] == ["_id_"]
    with pytest.raises(NotFoundError):
        boats.drop_index("by_name")
    with pytest.raises(NotFoundError):
        boats.drop_index([("missing", 1)])


def test_collections_are_created_renamed_and_dropped(main: argondb.Branch) -> None:
    main.create_collection("a")
    main["b"].insert_one({"_id": 1})
    assert main.list_collection_names() == ["a", "b"]
    assert main["b"].rename("c").find_one(1) == {"_id": 1}
    main.drop_collection("a")
    main.drop_collection("a")
    assert main.list_collection_names() == ["c"]
    assert main.at("~2").list_collection_names() == ["a", "b"]


def test_what_is_no_document_is_no_filter(boats: argondb.Collection) -> None:
    wrong: Any
    for wrong in (None, 0, "", [], [("sails", 3)]):
        for write in (
            lambda wrong=wrong: boats.delete_many(wrong),
            lambda wrong=wrong: boats.update_many(wrong, {"$set": {"a": 1}}),
            lambda wrong=wrong: boats.replace_one(wrong, {}),
            lambda wrong=wrong: boats.find_one_and_delete(wrong),
            lambda wrong=wrong: boats.bulk_write([DeleteMany(wrong)]),
        ):
            with pytest.raises((InvalidError, TypeError)):
                write()
    for wrong in (0, "", []):
        with pytest.raises(InvalidError, match="invalid filter"):
            boats.find(wrong).to_list()
        with pytest.raises(InvalidError, match="invalid filter"):
            boats.count_documents(wrong)
    assert boats.find().to_list() == BOATS


def test_a_bulk_refuses_what_the_single_writes_refuse(boats: argondb.Collection) -> None:
    wrong: Any
    for wrong in (
        UpdateOne({"_id": 1}, {"x": 1}),
        ReplaceOne({"_id": 1}, {"$set": {"x": 1}}),
        UpdateOne({}, {"$set": {"x": 1}}, sort={"_id": -1}),
        UpdateOne({}, {"$set": {"x": 1}}, hint="nope_1"),
        DeleteOne({}, hint="nope_1"),
    ):
        # pymongo itself refuses some of them, when they are used.
        with pytest.raises((InvalidError, ValueError)):
            boats.bulk_write([wrong])
    assert boats.find().to_list() == BOATS


def test_a_cursor_begins_again_inside_of_a_loop(boats: argondb.Collection) -> None:
    seen = []
    cursor = boats.find()
    for boat in cursor:
        seen.append(boat["_id"])
        if len(seen) == 2:
            cursor.rewind()
    assert seen == [1, 2, 1, 2, 3]
    for boat in (closed := boats.find()):
        closed.close()
        seen.append(boat["_id"])
    assert seen == [1, 2, 1, 2, 3, 1]


def test_cursors_have_the_options_of_pymongo(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    assert ids(boats.find(batch_size=1).batch_size(2)) == [1, 2, 3]
    assert boats.find().next()["_id"] == 1
    assert boats.find({"_id": 9}).try_next() is None
    assert ids(boats.find(max_time_ms=60_000)) == ids(boats.find().max_time_ms(None)) == [1, 2, 3]
    boats.create_index("sails")
    explained = boats.find({"sails": 3}).explain()
    assert explained["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "sails_1"
    assert explained["executionStats"]["nReturned"] == 2
    assert "executionStats" not in boats.find().explain("queryPlanner")
    assert main.at(0)["boats"].find().clone().to_list() == []
    main["many"].insert_many([{"_id": i} for i in range(2000)])
    slow = main["many"].find({"$expr": {"$eq": [{"$size": {"$range": [0, 20_000]}}, 1]}})
    with pytest.raises(UnavailableError) as late:
        slow.max_time_ms(1).to_list()
    assert (late.value.code, late.value.details["code_name"]) == (50, "MaxTimeMSExpired")


def test_a_write_reads_by_the_index_of_its_hint(boats: argondb.Collection) -> None:
    boats.create_index([("sails", -1)])
    by = {"hint": [("sails", -1)]}
    last = boats.find_one({}, sort=[("sails", -1)])
    assert boats.update_one({}, {"$set": {"n": 1}}, **by).modified_count == 1
    assert boats.find_one({"n": 1})["sails"] == last["sails"]
    assert boats.update_many({}, {"$set": {"m": 1}}, hint="sails_-1").matched_count == 3
    assert boats.find_one_and_update({}, {"$unset": {"n": 1}}, **by)["n"] == 1
    assert boats.replace_one({}, {"sails": 9, "new": True}, hint="sails_-1").modified_count == 1
    assert boats.find_one_and_replace({}, {"sails": 9, "new": 1}, hint="sails_-1")["new"] is True
    assert boats.delete_one({}, **by).deleted_count == 1 and boats.count_documents({"new": 1}) == 0
    assert boats.find_one_and_delete({}, hint="sails_-1") is not None
    for write in (
        lambda: boats.update_one({}, {"$set": {"n": 1}}, hint="missing"),
        lambda: boats.update_many({}, {"$set": {"n": 1}}, hint="missing"),
        lambda: boats.replace_one({}, {"n": 1}, hint="missing"),
        lambda: boats.delete_one({}, hint="missing"),
        lambda: boats.delete_many({}, hint="missing"),
    ):
        with pytest.raises(InvalidError, match="hint"):
            write()
    assert boats.delete_many({}, hint="sails_-1").deleted_count == 1


def test_indexes_are_created_and_dropped_together(boats: argondb.Collection) -> None:
    models = [IndexModel("name", unique=True), IndexModel([("sails", -1)], name="by sails")]
    assert boats.create_indexes([*models, {"key": {"n": 1}}]) == ["name_1", "by sails", "n_1"]
    assert boats.index_information()["name_1"]["unique"] is True
    boats.drop_indexes(comment="all of them")
    assert list(boats.index_information()) == ["_id_"]
    boats.drop_indexes()
