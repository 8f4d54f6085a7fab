"""SecantusDB, a server of MongoDB's protocol: starts one, and runs operations on it."""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import pymongo
from bson import ObjectId
from bson.errors import BSONError
from pymongo.errors import DocumentTooLarge, InvalidOperation, OperationFailure, PyMongoError

from operations import CODEC


class Server:
    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        home = pathlib.Path(self.home.name)
        (home / "empty.toml").touch()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        program = pathlib.Path(sys.executable).parent / "secantusd-py"
        options = ["--config", "empty.toml", "--host", "127.0.0.1", "--storage-path", "data", "--port", str(port)]
        with open(home / "log", "w") as log:
            self.process = subprocess.Popen([program, *options], cwd=home, stdout=log, stderr=log)
        self.client = pymongo.MongoClient(
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=60000, socketTimeoutMS=20000
        )
        self.client.admin.command("ping")
        return self.client.get_database("peers", codec_options=CODEC)

    def __exit__(self, *_):
        self.client.close()
        self.process.kill()
        self.process.wait()
        self.home.cleanup()


def run(database, operation):
    """Returns an answer, or `{"skip": reason}`."""
    try:
        prepare(database, operation)
    except (PyMongoError, BSONError, OverflowError) as error:
        return {"skip": f"the documents can't be stored: {error}"}
    try:
        return perform(database, operation)
    except (OperationFailure, InvalidOperation) as error:
        code = getattr(error, "code", None)
        if "internal server error" in str(error) or (
            "error" not in operation["answer"] and is_unknown(code, str(error))
        ):
            return {"skip": str(error)[:200]}
        return {"error": code, "message": str(error)[:200]}
    except (DocumentTooLarge, PyMongoError, BSONError, OverflowError, TypeError, ValueError) as error:
        return {"skip": f"the driver refuses it: {error}"[:200]}


def is_unknown(code, message):
    """Whether the server refuses a case because it lacks an operator or an option, or breaks on it."""
    words = ("not supported", "unsupported", "unknown", "internal server error")
    return code in (115, 168, 238, 40324, 15952) or any(word in message.lower() for word in words)


def prepare(database, operation):
    for name in database.list_collection_names():
        if name not in operation["collections"]:
            database.drop_collection(name)
    for name, documents in operation["collections"].items():
        database[name].delete_many({})
        if documents:
            database[name].insert_many([dict(document) for document in documents])


def perform(database, operation):
    name = operation.get("collection", "c")
    if "find" in operation:
        find = operation["find"]
        rows = list(database[name].find(find["filter"], find["projection"]))
        return {"rows": stripped(operation, rows)}
    if "update" in operation:
        update(database, operation)
        return {"rows": stripped(operation, list(database[name].find()))}
    options = {"let": operation["let"]} if operation.get("let") else {}
    pipeline = operation["aggregate"]
    is_source = bool(pipeline) and isinstance(pipeline[0], dict) and "$documents" in pipeline[0]
    target = database if is_source else database[name]
    rows = list(target.aggregate(pipeline, **options))
    if "written" in operation["answer"]:
        return {"written": {name: list(database[name].find()) for name in operation["answer"]["written"]}}
    return {"rows": rows}


def update(database, operation):
    asked = operation["update"]
    statement = {"q": asked["filter"], "u": asked["update"], "multi": asked["multi"], "upsert": asked["upsert"]}
    if asked["arrayFilters"] is not None:
        statement["arrayFilters"] = asked["arrayFilters"]
    reply = database.command({"update": "c", "updates": [statement]}, codec_options=CODEC)
    for error in reply.get("writeErrors", []):
        raise OperationFailure(error.get("errmsg", ""), error["code"])


def stripped(operation, rows):
    """The rows without the `_id`s that the server made; that of an upsert is as in the golden cases."""
    if operation.get("update", {}).get("upsert"):
        made = ObjectId("000000000000000000000007")
        wanted = (operation["answer"].get("rows") or [{}])[0].get("_id")
        return [{**row, "_id": made} if wanted == made and isinstance(row["_id"], ObjectId) else row for row in rows]
    if any("_id" in document for document in operation["collections"]["c"]):
        return rows
    return [{name: value for name, value in row.items() if name != "_id"} for row in rows]
