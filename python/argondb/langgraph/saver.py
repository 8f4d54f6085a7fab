"""The checkpointer.

``checkpoints`` has a document for each checkpoint. *Serialized* is a binary value of subtype 128: the name
of the serializer's format, a zero byte, its bytes.

=========================== ==========================================================================
``_id``                     ``{thread_id, checkpoint_ns, checkpoint_id}``; ``checkpoint_ns`` is ``""``
                            except in a subgraph
``parent_checkpoint_id``    the checkpoint before it, or null
``metadata``                ``source``, ``step``, ``run_id`` and so on, as plain values; what JSON does
                            not have is serialized
``channel_values.CHANNEL``  the value of a channel, serialized
``checkpoint``              the rest of the checkpoint (``ts``, ``channel_versions`` …), serialized
=========================== ==========================================================================

``checkpoint_writes`` has what the tasks of a step wrote, before all of them have ended:

=============== ===========================================================================
``_id``         ``{thread_id, checkpoint_ns, checkpoint_id, task_id, idx}``; ``idx`` is the
                position in the task's writes, or negative for errors and interrupts
``task_path``   where the task is in the graph
``channel``     where the value goes
``value``       it, serialized
=============== ===========================================================================

The ``_id`` says what a document is, so branches that ran on from the same checkpoint can be merged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    PendingWrite,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from argondb.aio import _run
from argondb.branch import Commit, State
from argondb.errors import InvalidError
from argondb.langgraph._place import AnyPlace, Place, beginning_with, read, write
from argondb.langgraph._serialized import dump, dump_metadata, load, load_metadata

__all__ = ["ArgonSaver"]

_CHECKPOINTS = "checkpoints"
_WRITES = "checkpoint_writes"
_TRAILER = "langgraph-thread"
#: The newest checkpoint of a thread first.
_NEWEST = [("_id.thread_id", 1), ("_id.checkpoint_ns", 1), ("_id.checkpoint_id", -1)]
#: In the metadata: the channels whose values are in the writes of the checkpoints before.
_DELTAS = "counters_since_delta_snapshot"

#: Inside the class, ``list`` is the method.
_Writes: TypeAlias = list[PendingWrite]


class ArgonSaver(BaseCheckpointSaver[int]):
    """A checkpointer of LangGraph that keeps the checkpoints of all threads in a branch; see
    :mod:`argondb.langgraph.saver` for the documents.

    ``place`` is a branch, sync or async. It can also be a past state, whose checkpoints can be read and
    not written. ``actor`` signs the commits, so that ``argon undo --actor`` finds them; without it, the
    actor of the store does. ``serde`` is the serializer, by default LangGraph's own, which writes no
    pickle; with an ``EncryptedSerializer`` the metadata stay plain.

    - Each write is one commit, with all of its documents or none, and durable when the call returns. Its
      trailer ``langgraph-thread`` is the thread, of at most 1024 bytes.
    - Each read is of one state, whatever is written meanwhile.
    - Threads and processes may write the same thread. Nothing is lost: runs that go on from the same
      checkpoint are two branches of the thread, of which the newest checkpoint is the thread's latest.
    - What is deleted is still in the history, as everything in Argon.
    - :class:`~argondb.IndeterminateError` says that a write may have been made. All writes can be
      repeated.

    >>> import argondb
    >>> from argondb.langgraph import ArgonSaver
    >>> from langgraph.checkpoint.base import empty_checkpoint
    >>> with argondb.open("memory:") as store:
    ...     main = store.project("agents", create=True).branch("main")
    ...     saver = ArgonSaver(main, actor="agent")
    ...     config = {"configurable": {"thread_id": "1", "checkpoint_ns": ""}}
    ...     config = saver.put(config, empty_checkpoint(), {"source": "input", "step": -1}, {})
    ...     saver.get_tuple(config).metadata, main.log()[0].actor, main.log()[0].trailers
    ({'source': 'input', 'step': -1}, 'agent', {'langgraph-thread': '1'})
    """

    def __init__(
        self,
        place: AnyPlace,
        *,
        actor: str | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self._place = Place(place, actor)

    def setup(self) -> None:
        """Creates the index by which the latest checkpoint of a thread is found, if it does not exist.
        Without it, that reads the whole thread."""
        self._place.branch[_CHECKPOINTS].create_index(_NEWEST)

    # Reads

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint of a config with its writes: that of the ``checkpoint_id``, or the latest of the
        thread."""
        thread, namespace = _thread_of(config)
        state = self._place.state()
        if checkpoint := get_checkpoint_id(config):
            key = _key(thread, namespace, checkpoint)
            document = read(state, _CHECKPOINTS).find_one({"_id": key})
        else:
            newest = [("_id.checkpoint_id", -1)]
            query = _of_thread(thread, namespace)
            document = read(state, _CHECKPOINTS).find_one(query, sort=newest)
        return None if document is None else self._tuple(state, document)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The checkpoints of a thread, or of all, the newest first; those before another one, and those
        whose metadata have the values of ``filter``. All are of one state; a local store stays open until
        the last is read."""
        if limit is not None and limit <= 0:
            return
        wanted = filter or {}
        state = self._place.state()
        found = read(state, _CHECKPOINTS).find(
            _listed(config, wanted, before),
            # The query does not know all values that metadata may have, so it may find too many.
            limit=0 if wanted else limit or 0,
            sort=[("_id.checkpoint_id", -1)],
        )
        with found as documents:
            tuples = (self._tuple(state, document) for document in documents)
            yield from islice((one for one in tuples if _has(one.metadata, wanted)), limit)

    def _tuple(self, state: State, document: dict[str, Any]) -> CheckpointTuple:
        key, serde = document["_id"], self.serde
        values = {name: load(serde, value) for name, value in document["channel_values"].items()}
        checkpoint = {**load(serde, document["checkpoint"]), "channel_values": values}
        parent = document["parent_checkpoint_id"]
        return CheckpointTuple(
            config={"configurable": dict(key)},
            checkpoint=cast(Checkpoint, checkpoint),
            metadata=load_metadata(serde, document["metadata"]),
            parent_config={"configurable": {**key, "checkpoint_id": parent}} if parent else None,
            pending_writes=self._writes(state, key),
        )

    def _writes(self, state: State, checkpoint: dict[str, Any]) -> _Writes:
        """The writes of a checkpoint in the order in which the graph applies them."""
        documents = read(state, _WRITES).find({"_id": beginning_with(checkpoint)}).to_list()
        documents.sort(key=lambda one: (one["task_path"], one["_id"]["task_id"], one["_id"]["idx"]))
        return [
            (one["_id"]["task_id"], one["channel"], load(self.serde, one["value"]))
            for one in documents
        ]

    # Writes

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint as the next one after that of the config, in place of one of the same id.
        Returns its config."""
        thread, namespace = _thread_of(config)
        key = _key(thread, namespace, checkpoint["id"])
        rest = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        values = checkpoint["channel_values"].items()
        metadata = get_checkpoint_metadata(config, metadata)
        document = {
            "_id": key,
            "parent_checkpoint_id": get_checkpoint_id(config),
            "metadata": dump_metadata(self.serde, metadata),
            "channel_values": {name: dump(self.serde, value) for name, value in values},
            "checkpoint": dump(self.serde, rest),
        }

        def change(commit: Commit) -> None:
            write(commit, _CHECKPOINTS).replace_one({"_id": key}, document, upsert=True)

        message = f"checkpoint of step {metadata.get('step')} ({metadata.get('source')})"
        self._place.commit(message, change, {_TRAILER: thread})
        return {"configurable": dict(key)}

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Stores what a task wrote after the checkpoint of the config. What the task has stored at a
        position stays as it is; errors and interrupts replace those before."""
        thread, namespace = _thread_of(config)
        checkpoint = _key(thread, namespace, config["configurable"]["checkpoint_id"])
        stored = []
        for position, (channel, value) in enumerate(writes):
            index = WRITES_IDX_MAP.get(channel, position)
            document = {
                "task_path": task_path,
                "channel": channel,
                "value": dump(self.serde, value),
            }
            stored.append(({**checkpoint, "task_id": task_id, "idx": index}, document))

        def change(commit: Commit) -> None:
            collection = write(commit, _WRITES)
            for key, document in stored:
                if key["idx"] < 0:
                    collection.replace_one({"_id": key}, document, upsert=True)
                else:
                    collection.update_one({"_id": key}, {"$setOnInsert": document}, upsert=True)

        channels = ", ".join(sorted({channel for channel, _ in writes}))
        self._place.commit(f"writes to {channels}", change, {_TRAILER: thread})

    def delete_thread(self, thread_id: str) -> None:
        """Deletes the checkpoints and writes of a thread, in one commit. Past states keep them."""
        thread = str(thread_id)

        def change(commit: Commit) -> None:
            query = {"_id": beginning_with({"thread_id": thread})}
            for collection in (_CHECKPOINTS, _WRITES):
                write(commit, collection).delete_many(query)

        self._place.commit("delete the thread", change, {_TRAILER: thread})

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Deletes the checkpoints whose metadata have one of these ``run_id``, and their writes, in one
        commit. A ``DeltaChannel`` of a later checkpoint that needs them can't be read any more."""

        def change(commit: Commit) -> None:
            query = {"metadata.run_id": {"$in": list(run_ids)}}
            found = write(commit, _CHECKPOINTS).find(query, ["_id"]).to_list()
            _delete(commit, [document["_id"] for document in found])

        self._place.commit("delete runs", change)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copies all checkpoints and writes of a thread to another one, in one commit, which holds up to
        256 MiB. A branch costs less: it copies nothing."""
        source, target = str(source_thread_id), str(target_thread_id)

        def change(commit: Commit) -> None:
            for name in (_CHECKPOINTS, _WRITES):
                collection = write(commit, name)
                query = {"_id": beginning_with({"thread_id": source})}
                for document in collection.find(query).to_list():
                    document["_id"] = {**document["_id"], "thread_id": target}
                    collection.replace_one({"_id": document["_id"]}, document, upsert=True)

        self._place.commit(f"copy the thread {source}", change, {_TRAILER: target})

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Deletes old checkpoints of threads and their writes, in one commit a thread; past states keep
        them. ``"keep_latest"`` keeps the latest of each namespace, and those before it that the values of
        a ``DeltaChannel`` are made of; ``"delete"`` keeps none."""
        if strategy not in ("keep_latest", "delete"):
            raise InvalidError(f"invalid strategy '{strategy}': expected 'keep_latest' or 'delete'")
        for thread_id in thread_ids:
            if strategy == "delete":
                self.delete_thread(thread_id)
            else:
                self._keep_latest(str(thread_id))

    def _keep_latest(self, thread: str) -> None:
        def change(commit: Commit) -> None:
            collection = write(commit, _CHECKPOINTS)
            query = {"_id": beginning_with({"thread_id": thread})}
            fields = ["parent_checkpoint_id", f"metadata.{_DELTAS}"]
            documents = collection.find(query, fields, sort=[("_id", 1)]).to_list()
            # The last of each namespace is the latest.
            latest = {document["_id"]["checkpoint_ns"]: document for document in documents}
            kept = [key for document in latest.values() for key in _needed(commit, document)]
            _delete(commit, [one["_id"] for one in documents if one["_id"] not in kept])

        self._place.commit("prune the thread", change, {_TRAILER: thread})

    # The same, async

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """As :meth:`get_tuple`."""
        return await _run(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """As :meth:`list`."""
        tuples = self.list(config, filter=filter, before=before, limit=limit)
        while (one := await _run(next, tuples, None)) is not None:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """As :meth:`put`."""
        return await _run(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """As :meth:`put_writes`."""
        await _run(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """As :meth:`delete_thread`."""
        await _run(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """As :meth:`delete_for_runs`."""
        await _run(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """As :meth:`copy_thread`."""
        await _run(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """As :meth:`prune`."""
        await _run(self.prune, thread_ids, strategy=strategy)


def _thread_of(config: RunnableConfig) -> tuple[str, str]:
    """The thread and the namespace of a config. Threads that are numbers are named by their digits."""
    configurable = config["configurable"]
    return str(configurable["thread_id"]), configurable.get("checkpoint_ns") or ""


def _key(thread: str, namespace: str, checkpoint: str) -> dict[str, Any]:
    """The ``_id`` of a checkpoint, with which those of its writes begin."""
    return {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": str(checkpoint)}


def _of_thread(thread: str, namespace: str | None) -> dict[str, Any]:
    """The checkpoints of a thread, by the index of :meth:`ArgonSaver.setup`, or else by a range."""
    first = {"thread_id": thread}
    if namespace is not None:
        first["checkpoint_ns"] = namespace
    fields = {f"_id.{name}": value for name, value in first.items()}
    return {**fields, "_id": beginning_with(first)}


def _listed(
    config: RunnableConfig | None, filter: dict[str, Any], before: RunnableConfig | None
) -> dict[str, Any]:
    query: dict[str, Any] = {}
    identifiers: dict[str, str] = {}
    if config is not None:
        namespace = config["configurable"].get("checkpoint_ns")
        query = _of_thread(str(config["configurable"]["thread_id"]), namespace)
        if checkpoint := get_checkpoint_id(config):
            identifiers["$eq"] = checkpoint
    if before is not None and (checkpoint := get_checkpoint_id(before)):
        identifiers["$lt"] = checkpoint
    if identifiers:
        query["_id.checkpoint_id"] = identifiers
    for name, value in filter.items():
        if "." not in name and type(value) in (str, int, float, bool):
            query[f"metadata.{name}"] = {"$eq": value}
    return query


def _has(metadata: CheckpointMetadata, wanted: dict[str, Any]) -> bool:
    return all(metadata.get(name) == value for name, value in wanted.items())


def _delete(commit: Commit, checkpoints: Iterable[dict[str, Any]]) -> None:
    """Deletes checkpoints and their writes."""
    for key in checkpoints:
        write(commit, _CHECKPOINTS).delete_one({"_id": key})
        write(commit, _WRITES).delete_many({"_id": beginning_with(key)})


def _needed(commit: Commit, document: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """A checkpoint, and those before it back to where each of its ``DeltaChannel`` has a value."""
    missing: set[str] | None = None
    seen = set()
    while document is not None and document["_id"]["checkpoint_id"] not in seen:
        key = document["_id"]
        yield key
        seen.add(key["checkpoint_id"])
        if missing is None:
            missing = set(document["metadata"].get(_DELTAS) or {})
        if not missing:
            return
        whole = write(commit, _CHECKPOINTS).find_one({"_id": key})
        missing -= whole["channel_values"].keys()
        parent = {**key, "checkpoint_id": document["parent_checkpoint_id"]}
        document = write(commit, _CHECKPOINTS).find_one({"_id": parent}) if missing else None
