"""Whether a server that asks for a user lets only that one in: check_mongodb.py HOST:PORT USER PASSWORD."""

import sys

from pymongo import MongoClient
from pymongo.errors import OperationFailure

address, user, password = sys.argv[1:]
for credentials, code in [
    (f"{user}:{password}@", None),
    (f"{user}:not{password}@", 18),
    (f"not{user}:{password}@", 18),
    ("", 13),
]:
    client = MongoClient(f"mongodb://{credentials}{address}/?directConnection=true")
    try:
        client.test.test.insert_one({"by": credentials})
        refused = None
    except OperationFailure as error:
        refused = error.code
    assert refused == code, (credentials, refused)
