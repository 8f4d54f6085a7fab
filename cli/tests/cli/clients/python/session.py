"""A session of pymongo with an Argon server: session.py URI DATABASE

The URI names no database; DATABASE is a project or one of its branches (`shop:try`), without
collections. Prints `ok NAME` for each step; the first step that fails ends the program.
"""

import asyncio
import sys
import time
from datetime import datetime, timezone
from decimal import Decimal
from uuid import uuid4

import gridfs
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from pymongo import (
    ASCENDING,
    DESCENDING,
    AsyncMongoClient,
    DeleteMany,
    DeleteOne,
    IndexModel,
    InsertOne,
    MongoClient,
    ReplaceOne,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
    WriteConcern,
)
from pymongo.collation import Collation
from pymongo.cursor import CursorType
from pymongo.errors import (
    BulkWriteError,
    ClientBulkWriteException,
    DuplicateKeyError,
    OperationFailure,
)
from pymongo.server_api import ServerApi

URI, DATABASE = sys.argv[1:]
PROJECT, _, BRANCH = DATABASE.partition(":")
BRANCH = BRANCH or "main"
COPY = f"{PROJECT}:{BRANCH}-copy"
CLIENT = MongoClient(URI, serverSelectionTimeoutMS=5000)
DB = CLIENT[DATABASE]


def ids(cursor):
    return [found["_id"] for found in cursor]


def refusal(call, kind=OperationFailure):
    """The error that the call must end in."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def crud():
    things = DB.crud
    document = {
        "_id": ObjectId(),
        "int": 1,
        "long": Int64(2**40),
        "double": 0.5,
        "decimal": Decimal128(Decimal("1.10")),
        "text": "a\u0000ü",
        "null": None,
        "bool": True,
        "date": datetime(2026, 7, 7, 9, 0, 0, 123000, tzinfo=timezone.utc).replace(tzinfo=None),
        "binary": Binary(b"\x00\x01", 128),
        "regex": Regex("^a", "i"),
        "array": [1, [2, {"x": 3}], {}],
        "nested": {"b": 1, "a": {"": 2}},
    }
    assert things.insert_one(document).inserted_id == document["_id"]
    found = things.find_one()
    assert found == document and list(found) == list(document), found
    assert things.insert_many([{"_id": i, "n": i % 3} for i in range(10)]).inserted_ids == list(
        range(10)
    )
    updated = things.update_one(
        {"_id": 1}, {"$inc": {"n": 10}, "$push": {"log": {"$each": [1, 2]}}}
    )
    assert (updated.matched_count, updated.modified_count) == (1, 1)
    assert things.find_one({"_id": 1}) == {"_id": 1, "n": 11, "log": [1, 2]}
    updated = things.update_many({"n": 0}, {"$set": {"n": 0}})
    assert (updated.matched_count, updated.modified_count) == (4, 0)
    updated = things.update_one({"_id": 2}, [{"$set": {"twice": {"$multiply": ["$n", 2]}}}])
    assert things.find_one({"_id": 2}) == {"_id": 2, "n": 2, "twice": 4}
    updated = things.update_one({"_id": "new"}, {"$setOnInsert": {"a": 1}}, upsert=True)
    assert (updated.matched_count, updated.upserted_id) == (0, "new")
    assert things.replace_one({"_id": "new"}, {"b": 2}).modified_count == 1
    assert things.find_one("new") == {"_id": "new", "b": 2}
    things.insert_one({"_id": "arrays", "grades": [{"v": 1}, {"v": 5}, {"v": 9}]})
    things.update_one(
        {"_id": "arrays"}, {"$inc": {"grades.$[g].v": 1}}, array_filters=[{"g.v": {"$gt": 4}}]
    )
    assert [g["v"] for g in things.find_one("arrays")["grades"]] == [1, 6, 10]
    assert ids(things.find({"_id": {"$type": "int"}}).sort("_id", DESCENDING).skip(2).limit(3)) == [
        7,
        6,
        5,
    ]
    assert things.find_one({"_id": 1}, {"_id": 0, "log": {"$slice": -1}, "n": 1}) == {
        "log": [2],
        "n": 11,
    }
    assert things.delete_one({"_id": 9}).deleted_count == 1
    assert things.delete_many({"_id": {"$gte": 5}}).deleted_count == 4
    assert ids(things.find({"_id": {"$type": "int"}})) == [0, 1, 2, 3, 4]
    assert refusal(lambda: things.find_one({"$nope": 1})).code == 2
    assert refusal(lambda: DB.command("nope")).code == 59


def find_and_modify():
    tasks = DB.tasks
    tasks.insert_many([{"_id": i, "state": "open"} for i in range(3)])
    taken = tasks.find_one_and_update(
        {"state": "open"},
        {"$set": {"state": "taken"}},
        sort=[("_id", -1)],
        projection={"state": 1},
        return_document=ReturnDocument.AFTER,
    )
    assert taken == {"_id": 2, "state": "taken"}
    assert tasks.find_one_and_replace({"_id": 0}, {"state": "done"}) == {"_id": 0, "state": "open"}
    assert tasks.find_one_and_delete({"_id": 0}) == {"_id": 0, "state": "done"}
    assert tasks.find_one_and_update({"_id": 9}, {"$set": {"a": 1}}) is None
    made = tasks.find_one_and_update(
        {"_id": 9}, {"$set": {"a": 1}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    assert made == {"_id": 9, "a": 1}


def counts():
    numbers = DB.numbers
    numbers.insert_many([{"_id": i, "n": i % 7, "tags": [i % 2, "x"]} for i in range(1000)])
    assert numbers.count_documents({}) == numbers.estimated_document_count() == 1000
    assert numbers.count_documents({"n": {"$lt": 2}}) == 286
    assert numbers.count_documents({"n": 1}, skip=3, limit=5) == 5
    assert numbers.distinct("n") == list(range(7))
    assert sorted(numbers.distinct("tags", {"_id": {"$lt": 1}}), key=str) == [0, "x"]
    assert DB.none.estimated_document_count() == 0 and DB.none.distinct("a") == []


def cursors():
    numbers = DB.numbers
    for size in (0, 1, 7, 1000, 5000):
        assert ids(numbers.find({"_id": {"$lt": 150}}, batch_size=size)) == list(range(150)), size
    assert ids(numbers.find(batch_size=33, cursor_type=CursorType.EXHAUST)) == list(range(1000))
    with numbers.find(batch_size=10) as cursor:
        next(cursor)
        cursor_id = cursor.cursor_id
    gone = DB.command("killCursors", "numbers", cursors=[Int64(cursor_id)])
    assert gone["cursorsNotFound"] == [cursor_id]
    assert refusal(lambda: DB.command("getMore", Int64(cursor_id), collection="numbers")).code == 43
    # A cursor keeps the state in which it was opened.
    with numbers.find(batch_size=10) as cursor:
        next(cursor)
        numbers.insert_one({"_id": 5000})
        assert len(list(cursor)) == 999
    numbers.delete_one({"_id": 5000})
    large = "x" * 1_000_000
    DB.large.insert_many([{"_id": i, "text": large} for i in range(40)])
    assert [len(found["text"]) for found in DB.large.find()] == [1_000_000] * 40
    assert refusal(lambda: DB.large.insert_one({"text": "x" * (16 << 20)}), Exception)


def bulk():
    items = DB.items
    done = items.bulk_write(
        [
            InsertOne({"_id": 1, "n": 1}),
            InsertOne({"_id": 2, "n": 1}),
            UpdateMany({"n": 1}, {"$inc": {"n": 1}}),
            UpdateOne({"_id": 3}, {"$set": {"n": 9}}, upsert=True),
            ReplaceOne({"_id": 1}, {"n": 5}),
            DeleteOne({"_id": 2}),
            DeleteMany({"n": 77}),
        ]
    )
    assert (done.inserted_count, done.matched_count, done.modified_count) == (2, 3, 3)
    assert (done.deleted_count, done.upserted_ids) == (1, {3: 3})
    assert list(items.find()) == [{"_id": 1, "n": 5}, {"_id": 3, "n": 9}]
    requests = [InsertOne({"_id": i}) for i in (10, 1, 11, 3, 12)]
    details = refusal(lambda: items.bulk_write(requests), BulkWriteError).details
    assert details["nInserted"] == 1 and [e["index"] for e in details["writeErrors"]] == [1]
    error = details["writeErrors"][0]
    assert (error["code"], error["keyPattern"], error["keyValue"]) == (
        11000,
        {"_id": 1},
        {"_id": 1},
    )
    items.delete_one({"_id": 10})
    details = refusal(lambda: items.bulk_write(requests, ordered=False), BulkWriteError).details
    assert details["nInserted"] == 3 and [e["index"] for e in details["writeErrors"]] == [1, 3]
    many = [InsertOne({"_id": f"many{i}"}) for i in range(3000)]
    assert items.bulk_write(many, ordered=False).inserted_count == 3000


def client_bulk():
    first, second = f"{DATABASE}.first", f"{DATABASE}.second"
    done = CLIENT.bulk_write(
        [
            InsertOne({"_id": 1}, namespace=first),
            InsertOne({"_id": 1}, namespace=second),
            UpdateOne({"_id": 1}, {"$set": {"a": 1}}, namespace=second),
            UpdateOne({"_id": 2}, {"$set": {"a": 2}}, upsert=True, namespace=second),
            DeleteOne({"_id": 1}, namespace=first),
        ],
        verbose_results=True,
    )
    assert (done.inserted_count, done.modified_count, done.upserted_count, done.deleted_count) == (
        2,
        1,
        1,
        1,
    )
    assert done.insert_results[0].inserted_id == 1 and done.update_results[3].upserted_id == 2
    assert DB.first.count_documents({}) == 0
    assert list(DB.second.find()) == [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]
    requests = [InsertOne({"_id": i}, namespace=second) for i in (3, 1, 4)]
    failed = refusal(lambda: CLIENT.bulk_write(requests, ordered=False), ClientBulkWriteException)
    assert [e["code"] for e in failed.write_errors] == [
        11000
    ] and failed.partial_result.inserted_count == 2


def aggregate():
    numbers = DB.numbers
    grouped = numbers.aggregate(
        [
            {"$match": {"_id": {"$lt": 700}}},
            {"$group": {"_id": "$n", "count": {"$sum": 1}, "most": {"$max": "$_id"}}},
            {"$sort": {"_id": 1}},
        ]
    )
    assert list(grouped) == [{"_id": n, "count": 100, "most": 693 + n} for n in range(7)]
    joined = numbers.aggregate(
        [
            {"$match": {"_id": 3}},
            {
                "$lookup": {
                    "from": "tasks",
                    "localField": "_id",
                    "foreignField": "_id",
                    "as": "task",
                }
            },
            {"$project": {"n": 1, "tasks": {"$size": "$task"}, "sum": {"$add": ["$n", 0.5]}}},
        ]
    )
    assert list(joined) == [{"_id": 3, "n": 3, "tasks": 0, "sum": 3.5}]
    assert ids(numbers.aggregate([{"$sort": {"_id": -1}}], batchSize=9)) == list(range(999, -1, -1))
    [faceted] = numbers.aggregate(
        [{"$facet": {"count": [{"$count": "n"}], "by": [{"$sortByCount": "$n"}, {"$limit": 1}]}}]
    )
    assert faceted["count"] == [{"n": 1000}] and faceted["by"][0]["count"] == 143
    numbers.aggregate([{"$match": {"n": 6}}, {"$out": "sixes"}])
    assert DB.sixes.count_documents({}) == 142
    numbers.aggregate([{"$match": {"n": 5}}, {"$merge": {"into": "sixes", "on": "_id"}}])
    assert DB.sixes.count_documents({}) == 285
    assert list(DB.aggregate([{"$documents": [{"a": 1}, {"a": 2}]}, {"$match": {"a": 2}}])) == [
        {"a": 2}
    ]
    assert refusal(lambda: numbers.aggregate([{"$nope": {}}])).code == 40324


def indexes():
    people = DB.people
    people.insert_many(
        [{"_id": i, "mail": f"m{i}", "age": i % 50, "text": "a"} for i in range(200)]
    )
    assert people.create_index([("mail", ASCENDING)], unique=True) == "mail_1"
    assert people.create_indexes(
        [IndexModel([("age", -1), ("mail", 1)], name="both"), IndexModel("text", sparse=True)]
    ) == ["both", "text_1"]
    assert list(people.index_information()) == ["_id_", "mail_1", "both", "text_1"]
    assert people.index_information()["mail_1"] == {"v": 2, "key": [("mail", 1)], "unique": True}
    error = refusal(lambda: people.insert_one({"mail": "m7"}), DuplicateKeyError)
    assert error.code == 11000
    assert (error.details["keyPattern"], error.details["keyValue"]) == ({"mail": 1}, {"mail": "m7"})
    assert str(error).startswith(
        f'E11000 duplicate key error collection: {DATABASE}.people index: mail_1 dup key: {{ mail: "m7" }}'
    ), error
    error = refusal(
        lambda: people.update_one({"_id": 1}, {"$set": {"mail": "m2"}}), DuplicateKeyError
    )
    assert error.details["keyValue"] == {"mail": "m2"}
    error = refusal(lambda: people.create_index("age", unique=True))
    assert (error.code, error.details["keyPattern"]) == (11000, {"age": 1})
    assert refusal(lambda: people.create_index("mail")).code in (85, 86)
    plan = people.find({"age": 7}).explain()["queryPlanner"]["winningPlan"]
    assert "IXSCAN" in str(plan) and "both" in str(plan), plan
    ran = DB.command(
        "explain", {"find": "people", "filter": {"age": 7}}, verbosity="executionStats"
    )
    assert ran["executionStats"]["nReturned"] == 4
    assert people.count_documents({"age": 7}, hint="both") == 4
    assert refusal(lambda: people.find_one({}, hint="none")).code == 2
    assert refusal(lambda: people.drop_index("none")).code == 27
    people.drop_index("both")
    assert len(list(people.list_indexes())) == 3
    people.create_index("ttl", expireAfterSeconds=3600)
    people.create_index("part", partialFilterExpression={"age": {"$gt": 40}})
    people.drop_indexes()
    assert list(people.index_information()) == ["_id_"]


def collation():
    words = DB.words
    words.insert_many([{"_id": i, "w": w} for i, w in enumerate(["b", "A", "a", "B", "ä", "z"])])
    order = words.find(collation=Collation("de")).sort("w")
    assert [found["w"] for found in order] == ["a", "A", "ä", "b", "B", "z"]
    assert words.count_documents({"w": "a"}, collation=Collation("en", strength=2)) == 2


def default_collation():
    made = DB.create_collection("folded", collation=Collation("en", strength=2))
    made.create_index("k")
    made.insert_one({"k": "Key"})
    assert made.find_one({"k": "KEY"})["k"] == "Key"
    assert made.index_information()["k_1"]["collation"]["strength"] == 2
    assert refusal(lambda: made.create_index("u", unique=True)).code == 67


def transactions():
    accounts = DB.accounts
    accounts.insert_many([{"_id": "a", "n": 10}, {"_id": "b", "n": 0}])

    def transfer(session):
        accounts.update_one({"_id": "a"}, {"$inc": {"n": -3}}, session=session)
        accounts.update_one({"_id": "b"}, {"$inc": {"n": 3}}, session=session)
        DB.journal.insert_one({"_id": 1}, session=session)
        assert accounts.find_one("b", session=session)["n"] == 3
        assert accounts.find_one("b")["n"] == 0
        return "done"

    with CLIENT.start_session() as session:
        assert session.with_transaction(transfer) == "done"
    assert [a["n"] for a in accounts.find()] == [7, 3] and DB.journal.count_documents({}) == 1

    with CLIENT.start_session() as session, session.start_transaction():
        accounts.update_one({"_id": "a"}, {"$set": {"n": 0}}, session=session)
        session.abort_transaction()
    assert accounts.find_one("a")["n"] == 7

    with CLIENT.start_session() as session, CLIENT.start_session() as other:
        session.start_transaction()
        assert accounts.find_one("a", session=session)["n"] == 7
        other.start_transaction()
        accounts.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=other)
        other.commit_transaction()

        def late():
            accounts.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=session)
            session.commit_transaction()

        error = refusal(late)
        assert error.code == 112 and error.has_error_label("TransientTransactionError"), (
            error.details
        )
        if session.in_transaction:
            session.abort_transaction()
    assert accounts.find_one("a")["n"] == 8

    with CLIENT.start_session() as session:
        session.start_transaction()
        error = refusal(
            lambda: accounts.insert_one({"_id": "a"}, session=session), DuplicateKeyError
        )
        assert not error.has_error_label("TransientTransactionError")
        assert refusal(session.commit_transaction).code == 251

    attempts = []
    with CLIENT.start_session() as session:

        def once_late(session):
            attempts.append(1)
            accounts.find_one("a", session=session)
            if len(attempts) == 1:
                accounts.update_one({"_id": "a"}, {"$inc": {"n": 1}})
            accounts.update_one({"_id": "a"}, {"$inc": {"n": 100}}, session=session)

        session.with_transaction(once_late)
    assert len(attempts) == 2 and accounts.find_one("a")["n"] == 109


def grid_files():
    bucket = gridfs.GridFSBucket(DB)
    content = bytes(range(256)) * 4096 + b"end"
    file_id = bucket.upload_from_stream("a.bin", content, metadata={"by": 1})
    assert bucket.open_download_stream(file_id).read() == content
    with bucket.open_upload_stream("a.bin", chunk_size_bytes=1000) as upload:
        upload.write(b"second" * 1000)
    assert bucket.open_download_stream_by_name("a.bin").read() == b"second" * 1000
    assert bucket.open_download_stream_by_name("a.bin", revision=0).read() == content
    found = bucket.find({"filename": "a.bin"}).sort("uploadDate", 1)
    assert [file.length for file in found] == [len(content), 6000]
    assert DB.fs.chunks.count_documents({}) == 5 + 6
    assert set(DB.fs.chunks.index_information()) == {"_id_", "files_id_1_n_1"}
    bucket.delete(file_id)
    assert DB.fs.chunks.count_documents({}) == 6
    refusal(lambda: bucket.open_download_stream(file_id), gridfs.NoFile)


def catalog():
    assert DATABASE in CLIENT.list_database_names()
    assert [d["name"] for d in CLIENT.list_databases(filter={"name": DATABASE})] == [DATABASE]
    names = DB.list_collection_names()
    assert {"crud", "people", "fs.files", "folded"} <= set(names), names
    [folded] = DB.list_collections(filter={"name": "folded"})
    assert folded["type"] == "collection" and folded["options"]["collation"]["strength"] == 2
    assert folded["idIndex"]["name"] == "_id_" and folded["info"]["readOnly"] is False
    assert refusal(lambda: DB.create_collection("folded", check_exists=False)).code == 48
    DB.create_collection("adults", viewOn="people", pipeline=[{"$match": {"age": {"$gte": 18}}}])
    assert (
        DB.adults.count_documents({}) == 128
        and refusal(lambda: DB.adults.insert_one({})).code == 166
    )
    DB.words.rename("verbs")
    assert DB.verbs.count_documents({}) == 6 and DB.words.count_documents({}) == 0
    assert refusal(lambda: DB.words.rename("nouns")).code == 26
    DB.create_collection("checked", validator={"$jsonSchema": {"required": ["a"]}})
    assert refusal(lambda: DB.checked.insert_one({})).code == 121
    DB.checked.insert_one({"a": 1})
    DB.drop_collection("checked")
    assert "checked" not in DB.list_collection_names()
    assert (
        DB.command("dbStats")["db"] == DATABASE
        and DB.command("collStats", "people")["count"] == 200
    )


def capped():
    DB.create_collection("small", capped=True, size=4096, max=2)
    for i in range(5):
        DB.small.insert_one({"_id": i})
    assert DB.small.options() == {"capped": True, "size": 4096, "max": 2}
    assert ids(DB.small.find()) == [3, 4]
    assert ids(DB.small.find().sort("$natural", DESCENDING)) == [4, 3]
    with DB.small.find(cursor_type=CursorType.TAILABLE_AWAIT) as tail:
        assert [next(tail)["_id"], next(tail)["_id"]] == [3, 4]
        DB.small.insert_one({"_id": 0})
        assert next(tail)["_id"] == 0
        DB.small.insert_many([{"_id": 9}, {"_id": 8}])
        # The position was displaced (code 136), which this driver takes for the end.
        assert next(tail, None) is None and not tail.alive
    DB.plain.insert_many([{"_id": 1}, {"_id": 0}])
    DB.command("convertToCapped", "plain", size=1_000_000)
    assert DB.command("collStats", "plain")["maxSize"] == 1_000_000
    assert ids(DB.plain.find()) == [1, 0]


def unacknowledged():
    fast = DB.get_collection("fast", write_concern=WriteConcern(w=0))
    assert fast.insert_one({"_id": 1}).acknowledged is False
    fast.insert_many([{"_id": i} for i in range(2, 10)])
    fast.insert_one({"_id": 1})
    fast.update_one({"_id": 1}, {"$set": {"a": 1}})
    fast.delete_one({"_id": 2})
    deadline = time.monotonic() + 5
    while DB.fast.count_documents({}) != 8 or DB.fast.find_one(1) != {"_id": 1, "a": 1}:
        assert time.monotonic() < deadline, list(DB.fast.find())
        time.sleep(0.01)


def compression():
    offered = ["snappy", "zlib", "zstd"]
    assert CLIENT.admin.command("hello", compression=offered)["compression"] == offered
    for name in offered:
        with MongoClient(URI, compressors=name) as client:
            client[DATABASE].packed.insert_one({"_id": name, "text": "ab" * 100_000})
            assert client[DATABASE].packed.find_one(name)["text"] == "ab" * 100_000
            assert len(ids(client[DATABASE].numbers.find(batch_size=100))) == 1000


def sessions():
    with CLIENT.start_session(causal_consistency=True) as session:
        DB.causal.insert_one({"_id": 1}, session=session)
        assert session.operation_time and session.cluster_time
        assert DB.causal.find_one({}, session=session) == {"_id": 1}
    with MongoClient(URI, server_api=ServerApi("1", strict=True), appname="keeper") as client:
        assert client.admin.command("ping")["ok"] == 1
        assert refusal(lambda: client.admin.command("buildInfo")).code == 323
    assert CLIENT.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"] == []


def watch():
    with DB.watched.watch(full_document="updateLookup") as stream:
        DB.watched.insert_one({"_id": 1, "n": 1})
        DB.watched.update_one({"_id": 1}, {"$set": {"n": 2}})
        DB.watched.delete_one({"_id": 1})
        inserted, updated, deleted = (next(stream) for _ in range(3))
        assert (inserted["operationType"], inserted["fullDocument"]) == (
            "insert",
            {"_id": 1, "n": 1},
        )
        assert inserted["ns"] == {"db": DATABASE, "coll": "watched"}
        assert updated["updateDescription"]["updatedFields"] == {"n": 2}
        assert (deleted["operationType"], deleted["documentKey"]) == ("delete", {"_id": 1})
    with DB.watch(
        [{"$match": {"operationType": "delete"}}], resume_after=inserted["_id"]
    ) as stream:
        assert next(stream)["_id"] == deleted["_id"]
        assert stream.try_next() is None


def branches():
    DB.orders.insert_many([{"_id": 1}, {"_id": 2}])
    DB.command({"argonBranch": f"{BRANCH}-copy", "from": BRANCH})
    branch = CLIENT[COPY]
    branch.orders.insert_one({"_id": 3}, comment="an order on a branch")
    assert ids(branch.orders.find()) == [1, 2, 3] and ids(DB.orders.find()) == [1, 2]
    DB.orders.delete_one({"_id": 1})
    assert ids(branch.orders.find()) == [1, 2, 3]
    assert COPY in CLIENT.list_database_names()
    head, _, options = URI.partition("?")
    with MongoClient(f"{head.rstrip('/')}/{COPY}?{options}") as client:
        own = client.get_default_database()
        assert own.name == COPY and ids(own.orders.find()) == [1, 2, 3]
        with client.start_session() as session:
            session.with_transaction(lambda s: own.orders.delete_many({}, session=s) and None)
        assert ids(own.orders.find()) == []
        assert own.people.index_information().keys() == {"_id_"}
        own.people.create_index("mail", unique=True)
        assert refusal(lambda: own.people.insert_one({"mail": "m1"})).code == 11000
        assert DB.people.index_information().keys() == {"_id_"}


def past():
    DB.orders.insert_one({"_id": 9})
    before = CLIENT[f"{PROJECT}@{BRANCH}~1"]
    assert ids(DB.orders.find()) == [2, 9] and ids(before.orders.find()) == [2]
    assert before.orders.count_documents({}) == 1 and "people" in before.list_collection_names()
    for write in (
        lambda: before.orders.insert_one({"_id": 10}),
        lambda: before.orders.update_one({"_id": 2}, {"$set": {"a": 1}}),
        lambda: before.orders.delete_one({"_id": 2}),
        lambda: before.orders.create_index("a"),
        lambda: before.orders.drop(),
        lambda: before.create_collection("new", check_exists=False),
        lambda: before.orders.aggregate([{"$out": "new"}]),
    ):
        assert refusal(write).code == 115
    assert ids(before.orders.find()) == [2]


async def asynchronous():
    async with AsyncMongoClient(URI, compressors="zstd") as client:
        db = client[DATABASE]
        things = db.asynchronous
        await things.insert_many([{"_id": i} for i in range(300)])
        assert [d["_id"] async for d in things.find(batch_size=50)] == list(range(300))
        total = await (
            await things.aggregate([{"$group": {"_id": None, "n": {"$sum": "$_id"}}}])
        ).to_list()
        assert total == [{"_id": None, "n": 44850}]
        found = await asyncio.gather(*(things.find_one({"_id": i}) for i in range(50)))
        assert [d["_id"] for d in found] == list(range(50))

        async def move(session):
            await things.delete_one({"_id": 1}, session=session)
            await things.insert_one({"_id": "moved"}, session=session)

        async with client.start_session() as session:
            await session.with_transaction(move)
        assert await things.count_documents({}) == 300 and await things.find_one("moved")
        try:
            await things.insert_one({"_id": 2})
            raise AssertionError("no DuplicateKeyError")
        except DuplicateKeyError as error:
            assert error.details["keyValue"] == {"_id": 2}
        bucket = gridfs.AsyncGridFSBucket(db, bucket_name="async")
        file_id = await bucket.upload_from_stream("a", b"content" * 100_000)
        assert await (await bucket.open_download_stream(file_id)).read() == b"content" * 100_000
        done = await client.bulk_write(
            [InsertOne({"_id": str(uuid4())}, namespace=f"{DATABASE}.async_bulk")]
        )
        assert done.inserted_count == 1


STEPS = [
    crud,
    find_and_modify,
    counts,
    cursors,
    bulk,
    client_bulk,
    aggregate,
    indexes,
    collation,
    default_collation,
    transactions,
    grid_files,
    catalog,
    capped,
    unacknowledged,
    compression,
    sessions,
    watch,
    branches,
    past,
]


def run():
    for step in STEPS:
        step()
        print("ok", step.__name__, flush=True)
    asyncio.run(asynchronous())
    print("ok", asynchronous.__name__)
    CLIENT.drop_database(COPY)
    CLIENT.drop_database(DATABASE)
    assert DATABASE not in CLIENT.list_database_names()
    CLIENT.close()
    print("ok drop")


if __name__ == "__main__":
    run()
