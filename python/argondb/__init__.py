"""Argon for Python: git for MongoDB-shaped data, in the process.

>>> import argondb
>>> store = argondb.open("memory:")                    # "sled:.argon", "mongodb://…", "s3://…"
>>> main = store.project("shop", create=True).branch("main")
>>> main["users"].insert_many([{"_id": 1, "name": "Ada"}, {"_id": 2, "name": "Grace"}]).lsn
1
>>> experiment = main.create("try")                    # costs one write
>>> experiment["users"].update_many({}, {"$set": {"active": True}}).modified_count
2
>>> main["users"].find_one({"name": "Ada"})
{'_id': 1, 'name': 'Ada'}
>>> main.merge("try").apply().lsn
2
>>> main.at(1)["users"].find_one(1)                    # as it was
{'_id': 1, 'name': 'Ada'}
>>> store.close()

The same names, async, are in :mod:`argondb.aio`.
"""

from __future__ import annotations

import atexit as _atexit
from typing import TYPE_CHECKING, Any

from argondb import _argondb
from argondb.errors import (
    AlreadyExistsError,
    ArgonError,
    ConflictError,
    CorruptError,
    DeniedError,
    DuplicateKeyError,
    IndeterminateError,
    InternalError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from argondb.store import Project, Store, open

if TYPE_CHECKING:
    from argondb.branch import Branch, Commit, State, Watch
    from argondb.collection import Collection, CollectionView
    from argondb.cursor import CommandCursor, Cursor
    from argondb.plan import Conflict, Merged, Plan, PlanInfo
    from argondb.records import (
        Blame,
        BranchInfo,
        Change,
        CommitInfo,
        DocumentVersion,
        FieldChange,
        Pin,
        ProjectInfo,
        Reset,
        Restored,
        WatchedChange,
        WatchedCommit,
    )
    from argondb.results import (
        BulkWriteResult,
        DeleteResult,
        InsertManyResult,
        InsertOneResult,
        UpdateResult,
    )

#: The version.
__version__: str = _argondb.__version__

#: The modules of the names that are loaded when they are first used: a program that only may use Argon
#: starts without them.
_LATER = {
    "branch": ("Branch", "Commit", "State", "Watch"),
    "collection": ("Collection", "CollectionView"),
    "cursor": ("CommandCursor", "Cursor"),
    "plan": ("Conflict", "Merged", "Plan", "PlanInfo"),
    "records": (
        "Blame",
        "BranchInfo",
        "Change",
        "CommitInfo",
        "DocumentVersion",
        "FieldChange",
        "Pin",
        "ProjectInfo",
        "Reset",
        "Restored",
        "WatchedChange",
        "WatchedCommit",
    ),
    "results": (
        "BulkWriteResult",
        "DeleteResult",
        "InsertManyResult",
        "InsertOneResult",
        "UpdateResult",
    ),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _LATER.items():
        if name in names:
            value = getattr(import_module(f"argondb.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'argondb' has no attribute '{name}'")


__all__ = [
    "AlreadyExistsError",
    "ArgonError",
    "Blame",
    "Branch",
    "BranchInfo",
    "BulkWriteResult",
    "Change",
    "Collection",
    "CollectionView",
    "CommandCursor",
    "Commit",
    "CommitInfo",
    "Conflict",
    "ConflictError",
    "CorruptError",
    "Cursor",
    "DeleteResult",
    "DeniedError",
    "DocumentVersion",
    "DuplicateKeyError",
    "FieldChange",
    "IndeterminateError",
    "InsertManyResult",
    "InsertOneResult",
    "InternalError",
    "InvalidError",
    "Merged",
    "NotFoundError",
    "Pin",
    "Plan",
    "PlanInfo",
    "Project",
    "ProjectInfo",
    "Reset",
    "Restored",
    "State",
    "Store",
    "UnavailableError",
    "UnsupportedError",
    "UpdateResult",
    "Watch",
    "WatchedChange",
    "WatchedCommit",
    "open",
]

_atexit.register(_argondb.close_all)
