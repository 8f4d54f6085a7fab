"""The same names, async.

>>> import asyncio
>>> import argondb.aio
>>> async def main():
...     async with await argondb.aio.open("memory:") as store:
...         project = await store.project("shop", create=True)
...         branch = await project.branch("main")
...         await branch["users"].insert_many([{"_id": 1, "age": 36}, {"_id": 2, "age": 45}])
...         return [user["_id"] async for user in branch["users"].find().sort("age", -1)]
>>> asyncio.run(main())
[2, 1]

Calls run on threads of this module. A call that is cancelled before it begins does nothing; a write
that has begun is made as a whole, or not at all, although nobody waits for it any more. A block of
``async with branch.commit()`` that is cancelled writes nothing.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, SupportsIndex, TypeVar

import argondb
from argondb import branch as _branch
from argondb import collection as _collection
from argondb import cursor as _cursor
from argondb import plan as _plan
from argondb import store as _store
from argondb._session import check_seconds
from argondb.records import BranchInfo, WatchedCommit

if TYPE_CHECKING:
    from types import TracebackType

    from argondb._codec import CodecOptions, Order
    from argondb.branch import Revision

__all__ = [
    "Branch",
    "Collection",
    "CollectionView",
    "CommandCursor",
    "Commit",
    "Cursor",
    "Plan",
    "Project",
    "State",
    "Store",
    "Watch",
    "open",
]

_P = ParamSpec("_P")
_S = TypeVar("_S")
_T = TypeVar("_T")

#: How many calls run at the same time.
THREADS = 16

_executor: tuple[int, ThreadPoolExecutor] | None = None


def _threads() -> ThreadPoolExecutor:
    """The threads of this process: a child of a fork has none of its parent's."""
    global _executor
    if _executor is None or _executor[0] != os.getpid():
        _executor = os.getpid(), ThreadPoolExecutor(THREADS, thread_name_prefix="argondb.aio")
    return _executor[1]


async def _run(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Runs a call on another thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(), functools.partial(function, *args, **kwargs))


def _later(
    function: Callable[Concatenate[Any, _P], _T],
) -> Callable[Concatenate[Any, _P], Coroutine[Any, Any, _T]]:
    """The same method of the object behind an async one."""
    return _later_as(function, lambda result: result)


def _later_as(
    function: Callable[Concatenate[Any, _P], _S], wrapped: Callable[[_S], _T]
) -> Callable[Concatenate[Any, _P], Coroutine[Any, Any, _T]]:
    """The same method of the object behind an async one, whose result becomes an async one."""

    async def method(self: Any, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return wrapped(await _run(function, self._sync, *args, **kwargs))

    functools.update_wrapper(method, function)
    return method


class _OfSync:
    """An object with the sync one behind it, which is equal to others of the same."""

    _sync: Any

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _OfSync):
            return NotImplemented
        return bool(self._sync == other._sync)

    def __hash__(self) -> int:
        return hash(self._sync)


class CommandCursor:
    """Documents, each as soon as it is wanted."""

    def __init__(self, sync: _cursor.CommandCursor) -> None:
        self._sync: Any = sync

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        cursor: _cursor.CommandCursor = self._sync
        while True:
            batch = cursor._batch
            for document in batch:
                yield document
            if not await _run(cursor._advance, batch):
                return

    async def __anext__(self) -> dict[str, Any]:
        cursor: _cursor.CommandCursor = self._sync
        while True:
            batch = cursor._batch
            for document in batch:
                return document  # type: ignore[no-any-return]
            if not await _run(cursor._advance, batch):
                raise StopAsyncIteration

    async def next(self) -> dict[str, Any]:
        """The next document."""
        return await self.__anext__()

    async def raw_batches(self) -> AsyncIterator[bytes]:
        """The documents that are left as BSON, one after the other, about a megabyte at a time."""
        cursor: _cursor.CommandCursor = self._sync
        while (data := await _run(cursor._raw_batch)) is not None:
            yield data

    try_next = _later(_cursor.CommandCursor.try_next)
    to_list = _later(_cursor.CommandCursor.to_list)
    close = _later(_cursor.CommandCursor.close)

    @property
    def alive(self) -> bool:
        """Whether there may be more documents."""
        return bool(self._sync.alive)

    async def __aenter__(self) -> CommandCursor:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class Cursor(CommandCursor):
    """The documents that ``find`` finds. Options are set before the first document is read."""

    def sort(self, key_or_list: Order, direction: Any = None) -> Cursor:
        """Sets the order."""
        self._sync.sort(key_or_list, direction)
        return self

    def skip(self, skip: SupportsIndex) -> Cursor:
        """Sets the number of documents to leave out first."""
        self._sync.skip(skip)
        return self

    def limit(self, limit: SupportsIndex) -> Cursor:
        """Sets the maximum number of documents; 0 for all."""
        self._sync.limit(limit)
        return self

    def hint(self, index: Any) -> Cursor:
        """Sets the index to read by."""
        self._sync.hint(index)
        return self

    def collation(self, collation: Any) -> Cursor:
        """Sets the order of texts."""
        self._sync.collation(collation)
        return self

    def batch_size(self, batch_size: int) -> Cursor:
        """Does nothing: batches have about a megabyte."""
        self._sync.batch_size(batch_size)
        return self

    def max_time_ms(self, max_time_ms: SupportsIndex | None) -> Cursor:
        """Sets how many milliseconds reading may take in all."""
        self._sync.max_time_ms(max_time_ms)
        return self

    def clone(self) -> Cursor:
        """The same query, not read yet."""
        return Cursor(self._sync.clone())

    async def rewind(self) -> Cursor:
        """Begins again: the next document is the first."""
        await _run(self._sync.rewind)
        return self

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """The cursor, limited to a slice of its documents; or ``await cursor[3]``, a document."""
        if isinstance(index, slice):
            self._sync[index]
            return self
        return _run(self._sync.__getitem__, index)

    explain = _later(_cursor.Cursor.explain)


class CollectionView(_OfSync):
    """A collection in a state that does not change by this object."""

    def __init__(self, sync: _collection.CollectionView) -> None:
        self._sync: Any = sync

    @property
    def name(self) -> str:
        """The name."""
        return str(self._sync.name)

    @property
    def codec_options(self) -> CodecOptions[Any]:
        """How documents are encoded and decoded."""
        options: CodecOptions[Any] = self._sync.codec_options
        return options

    @functools.wraps(_collection.CollectionView.find)
    def find(self, *args: Any, **kwargs: Any) -> Cursor:
        return Cursor(self._sync.find(*args, **kwargs))

    @functools.wraps(_collection.CollectionView.find_raw_batches)
    def find_raw_batches(self, *args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        return self.find(*args, **kwargs).raw_batches()

    def with_options(self, codec_options: CodecOptions[Any] | None = None) -> CollectionView:
        """The same collection with other options."""
        return CollectionView(self._sync.with_options(codec_options))

    aggregate = _later_as(_collection.CollectionView.aggregate, CommandCursor)
    find_one = _later(_collection.CollectionView.find_one)
    count_documents = _later(_collection.CollectionView.count_documents)
    estimated_document_count = _later(_collection.CollectionView.estimated_document_count)
    distinct = _later(_collection.CollectionView.distinct)
    list_indexes = _later(_collection.CollectionView.list_indexes)
    index_information = _later(_collection.CollectionView.index_information)
    to_arrow = _later(_collection.CollectionView.to_arrow)
    to_pandas = _later(_collection.CollectionView.to_pandas)
    to_polars = _later(_collection.CollectionView.to_polars)
    write_parquet = _later(_collection.CollectionView.write_parquet)


class Collection(CollectionView):
    """A collection of a branch, or of a commit of several writes."""

    def with_options(self, codec_options: CodecOptions[Any] | None = None) -> Collection:
        """The same collection with other options."""
        return Collection(self._sync.with_options(codec_options))

    aggregate = _later_as(_collection.Collection.aggregate, CommandCursor)
    insert_one = _later(_collection.Collection.insert_one)
    insert_many = _later(_collection.Collection.insert_many)
    insert_table = _later(_collection.Collection.insert_table)
    update_one = _later(_collection.Collection.update_one)
    update_many = _later(_collection.Collection.update_many)
    replace_one = _later(_collection.Collection.replace_one)
    delete_one = _later(_collection.Collection.delete_one)
    delete_many = _later(_collection.Collection.delete_many)
    find_one_and_update = _later(_collection.Collection.find_one_and_update)
    find_one_and_replace = _later(_collection.Collection.find_one_and_replace)
    find_one_and_delete = _later(_collection.Collection.find_one_and_delete)
    bulk_write = _later(_collection.Collection.bulk_write)
    create_index = _later(_collection.Collection.create_index)
    create_indexes = _later(_collection.Collection.create_indexes)
    drop_index = _later(_collection.Collection.drop_index)
    drop_indexes = _later(_collection.Collection.drop_indexes)
    drop = _later(_collection.Collection.drop)
    rename = _later_as(_collection.Collection.rename, lambda sync: Collection(sync))


class State(_OfSync):
    """A past state."""

    def __init__(self, sync: _branch.State) -> None:
        self._sync: Any = sync

    @property
    def lsn(self) -> int:
        """The position."""
        return int(self._sync.lsn)

    @property
    def digest(self) -> str:
        """The digest of the last commit, which covers all before it."""
        return str(self._sync.digest)

    @property
    def revision(self) -> str:
        """The branch and the position."""
        return str(self._sync.revision)

    def with_options(self, codec_options: CodecOptions[Any]) -> State:
        """The same state with other codec options."""
        return State(self._sync.with_options(codec_options))

    def __getitem__(self, name: str) -> CollectionView:
        return self.collection(name)

    def collection(
        self, name: str, codec_options: CodecOptions[Any] | None = None
    ) -> CollectionView:
        """A collection of the state."""
        return CollectionView(self._sync.collection(name, codec_options))

    list_collection_names = _later(_branch.State.list_collection_names)

    async def diff(self, other: Branch | State | Revision, **options: Any) -> list[argondb.Change]:
        """What differs from this state to another one."""
        changes: list[argondb.Change] = await _run(self._sync.diff, _sync(other), **options)
        return changes

    history = _later(_branch.State.history)
    blame = _later(_branch.State.blame)


class Commit:
    """Several writes that become one commit; made by :meth:`Branch.commit`."""

    def __init__(self, begin: Callable[[], _branch.Commit]) -> None:
        self._begin = begin
        self._sync: _branch.Commit | None = None

    @property
    def lsn(self) -> int | None:
        """The position of the commit, after the end; ``None`` if nothing was changed."""
        return self._begun().lsn

    def __getitem__(self, name: str) -> Collection:
        return self.collection(name)

    def collection(self, name: str, codec_options: CodecOptions[Any] | None = None) -> Collection:
        """A collection, whose writes become part of the commit."""
        return Collection(self._begun().collection(name, codec_options))

    def _begun(self) -> _branch.Commit:
        if self._sync is None:
            raise argondb.InvalidError("a commit begins with `async with`")
        return self._sync

    async def __aenter__(self) -> Commit:
        self._sync = await _run(self._begin)
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await _run(self._begun().__exit__, exception_type, exception, traceback)


class Watch:
    """The commits of a branch as they are made. One that waits needs no thread."""

    def __init__(self, sync: _branch.Watch) -> None:
        self._sync: Any = sync
        #: Commits that were asked for by callers that have given up: the next callers get them.
        self._left: deque[Future[bytes | None]] = deque()

    async def __aiter__(self) -> AsyncIterator[WatchedCommit]:
        while (commit := await self.next()) is not None:
            yield commit

    async def __anext__(self) -> WatchedCommit:
        commit = await self.next()
        if commit is None:
            raise StopAsyncIteration
        return commit

    async def next(self, timeout: float | None = None) -> WatchedCommit | None:
        """The next commit; ``None`` if there is none within ``timeout`` seconds. A call that is
        cancelled takes no commit from the next one."""
        check_seconds("timeout", timeout)
        asked = self._left.popleft() if self._left else self._ask()
        given = asyncio.wrap_future(asked)
        try:
            data = await (given if timeout is None else asyncio.wait_for(given, timeout))
        except (asyncio.CancelledError, asyncio.TimeoutError) as gone:
            if not asked.done():
                self._left.append(asked)
            elif not isinstance(gone, asyncio.CancelledError):
                return self._commit(asked.result())
            elif asked.exception() is None:
                self._left.appendleft(asked)
            if isinstance(gone, asyncio.CancelledError):
                raise
            return None
        return self._commit(data)

    def _commit(self, data: bytes | None) -> WatchedCommit | None:
        sync: _branch.Watch = self._sync
        return None if data is None else sync._watched(data)

    def _ask(self) -> Future[bytes | None]:
        """Asks for the next commit: a thread of the store brings it."""
        asked: Future[bytes | None] = Future()
        # It can't be cancelled: who is cancelled leaves the commit to the next one.
        asked.set_running_or_notify_cancel()

        def back(commit: bytes | None, error: BaseException | None) -> None:
            if error is None:
                asked.set_result(commit)
            else:
                asked.set_exception(error)

        self._sync._native.request(back)
        return asked

    async def close(self) -> None:
        """Ends the watch; a call that waits for a commit fails."""
        self._left.clear()
        await _run(self._sync.close)

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class Plan(_OfSync):
    """A merge that is computed and saved."""

    def __init__(self, sync: _plan.Plan) -> None:
        self._sync: Any = sync

    @property
    def id(self) -> str | None:
        """The identifier; ``None`` if there is nothing to merge."""
        identifier: str | None = self._sync.id
        return identifier

    @property
    def what(self) -> str:
        """What the plan does, in words."""
        return str(self._sync.what)

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """The decisions so far."""
        return list(self._sync.decisions)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to merge."""
        return bool(self._sync.is_empty)

    @property
    def status(self) -> str | None:
        """``"open"``, ``"applied"``, ``"aborted"`` or ``"nothing"``."""
        status: str | None = self._sync.status
        return status

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of documents and conflicts."""
        return dict(self._sync.counts)

    @property
    def conflicts(self) -> list[argondb.Conflict]:
        """The conflicts that are left."""
        return list(self._sync.conflicts)

    refresh = _later(_plan.Plan.refresh)
    resolve = _later(_plan.Plan.resolve)
    apply = _later(_plan.Plan.apply)
    abort = _later(_plan.Plan.abort)


class Branch(_OfSync):
    """A branch."""

    def __init__(self, sync: _branch.Branch) -> None:
        self._sync: Any = sync

    @property
    def name(self) -> str:
        """The name."""
        return str(self._sync.name)

    @property
    def lsn(self) -> Awaitable[int]:
        """The position of the head: ``await branch.lsn``."""
        return _run(lambda: int(self._sync.lsn))

    @property
    def digest(self) -> Awaitable[str]:
        """The digest of the last commit: ``await branch.digest``."""
        return _run(lambda: str(self._sync.digest))

    @property
    def info(self) -> Awaitable[BranchInfo]:
        """What is known of the branch: ``await branch.info``."""
        sync: _branch.Branch = self._sync
        return _run(lambda: sync.info)

    def __getitem__(self, name: str) -> Collection:
        return self.collection(name)

    def collection(self, name: str, codec_options: CodecOptions[Any] | None = None) -> Collection:
        """A collection; its first document creates it."""
        return Collection(self._sync.collection(name, codec_options))

    def commit(self, message: str | None = None, *, actor: str | None = None) -> Commit:
        """Begins a commit of several writes, to be used in ``async with``."""
        return Commit(functools.partial(self._sync.commit, message, actor=actor))

    def with_options(self, codec_options: CodecOptions[Any]) -> Branch:
        """The same branch with other codec options."""
        return Branch(self._sync.with_options(codec_options))

    with_trailers = _later_as(_branch.Branch.with_trailers, lambda sync: Branch(sync))
    at = _later_as(_branch.Branch.at, State)
    head = _later_as(_branch.Branch.head, State)
    create = _later_as(_branch.Branch.create, lambda sync: Branch(sync))
    rename = _later_as(_branch.Branch.rename, lambda sync: Branch(sync))
    keep = _later_as(_branch.Branch.keep, lambda sync: Branch(sync))
    watch = _later_as(_branch.Branch.watch, Watch)
    create_collection = _later_as(_branch.Branch.create_collection, Collection)

    async def diff(self, other: Branch | State | Revision, **options: Any) -> list[argondb.Change]:
        """What differs from this branch to another state."""
        changes: list[argondb.Change] = await _run(self._sync.diff, _sync(other), **options)
        return changes

    async def merge(
        self,
        source: Branch | State | Revision,
        *,
        strategy: str | None = None,
        policy: Mapping[str, Any] | None = None,
        strict: bool = False,
        message: str | None = None,
    ) -> Plan:
        """Computes the merge of a state into this branch, as a plan."""
        merge = functools.partial(
            self._sync.merge,
            strategy=strategy,
            policy=policy,
            strict=strict,
            message=message,
        )
        return Plan(await _run(merge, _sync(source)))

    @asynccontextmanager
    async def sandbox(
        self,
        ttl: str | timedelta = "1h",
        *,
        name: str | None = None,
        at: Revision | None = None,
    ) -> AsyncIterator[Branch]:
        """A branch that ends by itself, and at the end of ``async with``."""
        manager = self._sync.sandbox(ttl, name=name, at=at)
        branch = Branch(await _run(manager.__enter__))
        try:
            yield branch
        finally:
            await asyncio.shield(_run(manager.__exit__, None, None, None))

    list_collection_names = _later(_branch.Branch.list_collection_names)
    drop_collection = _later(_branch.Branch.drop_collection)
    log = _later(_branch.Branch.log)
    show = _later(_branch.Branch.show)
    history = _later(_branch.Branch.history)
    blame = _later(_branch.Branch.blame)
    delete = _later(_branch.Branch.delete)
    undo = _later(_branch.Branch.undo)
    reset = _later(_branch.Branch.reset)
    restore = _later(_branch.Branch.restore)
    pin = _later(_branch.Branch.pin)


class Project(_OfSync):
    """A project of a store."""

    def __init__(self, sync: _store.Project) -> None:
        self._sync: Any = sync

    @property
    def name(self) -> str:
        """The name."""
        return str(self._sync.name)

    branch = _later_as(_store.Project.branch, Branch)
    branches = _later(_store.Project.branches)
    pins = _later(_store.Project.pins)
    delete_pin = _later(_store.Project.delete_pin)
    plans = _later(_store.Project.plans)


class Store(_OfSync):
    """A store, made by :func:`argondb.aio.open`."""

    def __init__(self, sync: _store.Store) -> None:
        self._sync: Any = sync

    @property
    def url(self) -> str:
        """The URL, without a password."""
        return str(self._sync.url)

    @property
    def is_open(self) -> bool:
        """Whether this process has the store open at the moment."""
        return bool(self._sync.is_open)

    project = _later_as(_store.Store.project, Project)
    projects = _later(_store.Store.projects)
    release = _later(_store.Store.release)
    close = _later(_store.Store.close)

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def open(url: str, create: bool = False, **options: Any) -> Store:
    """Opens a store; see :func:`argondb.open`."""
    return Store(await _run(_store.open, url, create, **options))


def _sync(state: Any) -> Any:
    """The object behind an async one."""
    return getattr(state, "_sync", state)
