"""The long-term memory.

``store_items`` has a document for each item, with plain values, so that memory can be queried, compared
and merged by field:

================ ==========================================================================
``_id``          ``{namespace, key}``; ``namespace`` is a list of texts
``value``        the value
``created_at``   when the item was stored first
``updated_at``   when it was stored last
``expires_at``   until when it lives; absent if for good
``ttl_minutes``  for how long it lives after it was stored, or read with ``refresh_ttl``
================ ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from bson.max_key import MaxKey
from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from argondb.aio import _run
from argondb.branch import Commit, State
from argondb.errors import InvalidError, UnsupportedError
from argondb.langgraph._filter import query_of
from argondb.langgraph._place import AnyPlace, Place, read, write

__all__ = ["ArgonStore"]

_ITEMS = "store_items"

Namespace = tuple[str, ...]
Document = dict[str, Any]


class ArgonStore(BaseStore):
    """A store of LangGraph that keeps its items in a branch; see :mod:`argondb.langgraph.store` for the
    documents.

    ``place`` is a branch, sync or async, or a past state, which can only be read. ``actor`` signs the
    commits; without it, the actor of the store does.

    - Each call is one commit, with all of its changes or none, and durable when the call returns;
      :meth:`batch` makes one of many operations. Its reads are of the state before its writes.
    - A value is a mapping of what BSON has. Keys of a filter can't have a dot.
    - :meth:`search` gives the items that were stored last first. Texts are compared with texts, and
      numbers with numbers. Mappings inside ``$eq`` and ``$ne`` are equal if their keys have the same
      order.
    - There is no search by meaning: ``index`` here, and ``query`` of a search, raise
      :class:`~argondb.UnsupportedError`. ``index`` of :meth:`put` is ignored, as LangGraph says.
    - ``ttl`` has LangGraph's settings for items that expire. Reading such an item with ``refresh_ttl``,
      the default of LangGraph, is a commit; ``{"refresh_on_read": False}`` changes that. Expired items
      are deleted by :meth:`sweep_ttl`, and after :meth:`setup` by ``argon index expire``. Until then they
      are found, unless ``omit_expired``. No thread is started: ``sweep_interval_minutes`` raises
      :class:`~argondb.InvalidError`.

    >>> import argondb
    >>> from argondb.langgraph import ArgonStore
    >>> with argondb.open("memory:") as opened:
    ...     main = opened.project("agents", create=True).branch("main")
    ...     store = ArgonStore(main, actor="agent")
    ...     store.put(("users", "ada"), "food", {"likes": "pizza", "sure": 0.9})
    ...     [found] = store.search(("users",), filter={"sure": {"$gt": 0.5}})
    ...     found.key, found.value, main["store_items"].distinct("value.likes")
    ('food', {'likes': 'pizza', 'sure': 0.9}, ['pizza'])
    """

    supports_ttl = True

    def __init__(
        self,
        place: AnyPlace,
        *,
        actor: str | None = None,
        ttl: TTLConfig | None = None,
        index: IndexConfig | None = None,
    ) -> None:
        if index is not None:
            raise UnsupportedError("ArgonStore has no search by meaning: index must be None")
        if ttl and ttl.get("sweep_interval_minutes") is not None:
            raise InvalidError("ArgonStore sweeps at no interval", None, "call sweep_ttl()")
        self.ttl_config = ttl
        self._place = Place(place, actor)

    def setup(self) -> None:
        """Creates the index by which ``argon index expire`` finds items that have expired, if it does not
        exist."""
        self._place.branch[_ITEMS].create_index("expires_at", expireAfterSeconds=0)

    def sweep_ttl(self) -> int:
        """Deletes the items that have expired, in one commit. Returns how many."""

        def change(commit: Commit) -> int:
            return write(commit, _ITEMS).delete_many({"expires_at": {"$lte": _now()}}).deleted_count

        return self._place.commit("delete expired items", change)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Runs operations: first all that read, in one state, then all that write, in one commit. The last
        of several writes of one item counts."""
        state = self._place.state()
        results: list[Result] = []
        puts: dict[tuple[Namespace, str], PutOp] = {}
        refreshed: dict[tuple[Namespace, str], Document] = {}
        for op in ops:
            validate_op_namespace(op)
            if isinstance(op, PutOp):
                puts[op.namespace, op.key] = op
                results.append(None)
            elif isinstance(op, ListNamespacesOp):
                results.append(self._namespaces(state, op))
            elif isinstance(op, (GetOp, SearchOp)):
                found = self._found(state, op)
                if op.refresh_ttl:
                    refreshed.update((_place_of(one), one) for one in found if "ttl_minutes" in one)
                if isinstance(op, SearchOp):
                    results.append([SearchItem(**_item(document)) for document in found])
                else:
                    results.append(Item(**_item(found[0])) if found else None)
            else:
                raise InvalidError(f"unknown operation {op!r}")
        self._write(puts, [] if self._place.is_past else list(refreshed.values()))
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As :meth:`batch`."""
        return await _run(self.batch, ops)

    def _found(self, state: State, op: GetOp | SearchOp) -> list[Document]:
        """The documents of the items that are read."""
        items = read(state, _ITEMS)
        if isinstance(op, GetOp):
            query = {"_id": _id(op.namespace, op.key), **self._unexpired()}
            return items.find(query).to_list()
        if op.query is not None:
            raise UnsupportedError("ArgonStore has no search by meaning: query must be None")
        if op.limit <= 0:
            return []
        query = {"$and": [_below(op.namespace_prefix), query_of(op.filter), self._unexpired()]}
        newest = [("updated_at", -1), ("_id", 1)]
        return items.find(query, skip=op.offset, limit=op.limit, sort=newest).to_list()

    def _namespaces(self, state: State, op: ListNamespacesOp) -> list[Namespace]:
        conditions = op.match_conditions or ()
        query = {"$and": [*map(_at_least, conditions), self._unexpired()]}
        pipeline: list[Document] = [{"$match": query}, {"$group": {"_id": "$_id.namespace"}}]
        found = {tuple(group["_id"]) for group in read(state, _ITEMS).aggregate(pipeline)}
        matching = [one for one in found if all(_matches(one, each) for each in conditions)]
        namespaces = sorted({one[: op.max_depth] for one in matching})
        return namespaces[op.offset : op.offset + op.limit]

    def _unexpired(self) -> Document:
        """The condition on items that they have not expired, if those that have are left out."""
        if self.ttl_config and self.ttl_config.get("omit_expired"):
            return {"$nor": [{"expires_at": {"$lte": _now()}}]}
        return {}

    def _write(self, puts: Mapping[tuple[Namespace, str], PutOp], refresh: list[Document]) -> None:
        if not puts and not refresh:
            return

        def change(commit: Commit) -> None:
            items, now = write(commit, _ITEMS), _now()
            for document in refresh:
                # It may have been stored again for good, or deleted, since it was read.
                query = {"_id": document["_id"], "ttl_minutes": document["ttl_minutes"]}
                items.update_one(query, {"$set": _life(now, document["ttl_minutes"])})
            for (namespace, key), op in puts.items():
                query = {"_id": _id(namespace, key)}
                if op.value is None:
                    items.delete_one(query)
                else:
                    items.update_one(query, _update(now, op), upsert=True)

        self._place.commit(_message(puts), change)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _id(namespace: Namespace, key: str) -> Document:
    return {"namespace": list(namespace), "key": key}


def _place_of(document: Document) -> tuple[Namespace, str]:
    return tuple(document["_id"]["namespace"]), document["_id"]["key"]


def _item(document: Document) -> dict[str, Any]:
    """The arguments of an item."""
    namespace, key = _place_of(document)
    times = {name: document[name] for name in ("created_at", "updated_at")}
    return {"namespace": namespace, "key": key, "value": document["value"], **times}


def _life(now: datetime, minutes: float) -> Document:
    return {"expires_at": now + timedelta(minutes=minutes), "ttl_minutes": minutes}


def _update(now: datetime, op: PutOp) -> Document:
    """The update that stores an item."""
    value = {"value": dict(op.value or {}), "updated_at": now}
    created = {"$setOnInsert": {"created_at": now}}
    if op.ttl is None:
        return {"$set": value, "$unset": {"expires_at": "", "ttl_minutes": ""}, **created}
    return {"$set": {**value, **_life(now, op.ttl)}, **created}


def _message(puts: Mapping[tuple[Namespace, str], PutOp]) -> str:
    if not puts:
        return "refresh the time to live of items"
    if len(puts) > 1:
        return f"write {len(puts)} items"
    [((namespace, key), op)] = puts.items()
    return f"{'delete' if op.value is None else 'put'} {'/'.join((*namespace, key))}"


def _below(prefix: Namespace) -> Document:
    """The items whose namespace begins with a prefix."""
    if not prefix:
        return {}
    # A range of the _id: a list that goes on after the prefix is larger than the prefix alone.
    start, end = {"namespace": list(prefix)}, {"namespace": [*prefix, MaxKey()]}
    return {"_id": {"$gte": start, "$lt": end}}


def _at_least(condition: MatchCondition) -> Document:
    """What a condition on namespaces says at least: the labels before the first wildcard of a prefix."""
    if condition.match_type != "prefix":
        return {}
    path = condition.path
    return _below(tuple(path[: path.index("*")] if "*" in path else path))


def _matches(namespace: Namespace, condition: MatchCondition) -> bool:
    """Whether a namespace begins, or ends, with a path; ``*`` stands for any label."""
    path = condition.path
    if len(namespace) < len(path):
        return False
    is_prefix = condition.match_type == "prefix"
    labels = namespace[: len(path)] if is_prefix else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for label, wanted in zip(labels, path, strict=True))
