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
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

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
_T = TypeVar("_T")

#: How many calls run at the same time.
THREADS = 16

#: How long a watch waits in one piece, in seconds.
_WATCH_STEP = 0.2

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

    async def method(self: Any, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _run(function, self._sync, *args, **kwargs)

    functools.update_wrapper(method, function)
    return method


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
    """The documents that ``find`` finds."""

    def sort(self, key_or_list: Order, direction: Any = None) -> Cursor:
        """Sets the order."""
        self._sync.sort(key_or_list, direction)
        return self

    def skip(self, skip: int) -> Cursor:
        """Sets the number of documents to leave out first."""
        self._sync.skip(skip)
        return self

    def limit(self, limit: int) -> Cursor:
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


class CollectionView:
    """A collection in a state that does not change by this object."""

    def __init__(self, sync: _collection.CollectionView) -> None:
        self._sync: Any = sync

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

    @property
    def name(self) -> str:
        """The name."""
        return str(self._sync.name)

    @functools.wraps(_collection.CollectionView.find)
    def find(self, *args: Any, **kwargs: Any) -> Cursor:
        return Cursor(self._sync.find(*args, **kwargs))

    async def aggregate(self, pipeline: Any, **options: Any) -> CommandCursor:
        """Runs a pipeline."""
        sync: _cursor.CommandCursor = await _run(self._sync.aggregate, pipeline, **options)
        return CommandCursor(sync)

    find_one = _later(_collection.CollectionView.find_one)
    count_documents = _later(_collection.CollectionView.count_documents)
    estimated_document_count = _later(_collection.CollectionView.estimated_document_count)
    distinct = _later(_collection.CollectionView.distinct)
    list_indexes = _later(_collection.CollectionView.list_indexes)
    index_information = _later(_collection.CollectionView.index_information)
    to_arrow = _later(_collection.CollectionView.to_arrow)

    async def to_pandas(self, filter: Any = None, **options: Any) -> Any:
        """The documents that match as a DataFrame of pandas."""
        return await _run(self._sync.to_pandas, filter, **options)

    async def to_polars(self, filter: Any = None, **options: Any) -> Any:
        """The documents that match as a DataFrame of polars."""
        return await _run(self._sync.to_polars, filter, **options)

    async def write_parquet(self, path: Any, filter: Any = None, **options: Any) -> None:
        """Writes the documents that match to a Parquet file."""
        await _run(self._sync.write_parquet, path, filter, **options)


class Collection(CollectionView):
    """A collection of a branch, or of a commit of several writes."""

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
    drop_index = _later(_collection.Collection.drop_index)
    drop = _later(_collection.Collection.drop)

    async def create_index(self, keys: Order, **options: Any) -> str:
        """Creates an index and the entries of all documents. Returns its name."""
        return str(await _run(self._sync.create_index, keys, **options))

    async def rename(self, new_name: str, *, comment: str | None = None) -> Collection:
        """Renames the collection. Returns it by its new name."""
        return Collection(await _run(self._sync.rename, new_name, comment=comment))


class State:
    """A past state."""

    def __init__(self, sync: _branch.State) -> None:
        self._sync: Any = sync

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

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

    def __getitem__(self, name: str) -> CollectionView:
        return self.collection(name)

    def collection(
        self, name: str, codec_options: CodecOptions[Any] | None = None
    ) -> CollectionView:
        """A collection of the state."""
        return CollectionView(self._sync.collection(name, codec_options))

    list_collection_names = _later(_branch.State.list_collection_names)
    history = _later(_branch.State.history)
    blame = _later(_branch.State.blame)

    async def diff(self, other: Branch | State | str, **options: Any) -> list[argondb.Change]:
        """What differs from this state to another one."""
        changes: list[argondb.Change] = await _run(self._sync.diff, _sync(other), **options)
        return changes


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
        return Collection(self._begun()[name])

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


#: A commit, if there is one, and whether the watch has ended.
_Step: TypeAlias = tuple[WatchedCommit | None, bool]


def _watch_step(watch: _branch.Watch, seconds: float) -> _Step:
    begun = time.monotonic()
    commit = watch.next(seconds)
    # A watch that has failed gives nothing, and does not wait.
    return commit, commit is None and time.monotonic() - begun < seconds / 2


class Watch:
    """The commits of a branch as they are made."""

    def __init__(self, sync: _branch.Watch) -> None:
        self._sync: Any = sync
        self._closed = False
        #: Steps whose callers were cancelled: they may have a commit, which the next caller gets.
        self._left: deque[Future[_Step]] = deque()

    async def __aiter__(self) -> AsyncIterator[WatchedCommit]:
        while (commit := await self.next()) is not None:
            yield commit

    async def next(self, timeout: float | None = None) -> WatchedCommit | None:
        """The next commit; ``None`` if there is none within ``timeout`` seconds. A call that is
        cancelled takes no commit from the next one."""
        check_seconds("timeout", timeout)
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _WATCH_STEP if end is None else max(end - time.monotonic(), 0.0)
            commit, has_ended = await self._step(min(left, _WATCH_STEP))
            if commit is not None or has_ended or (end is not None and time.monotonic() >= end):
                return commit

    async def _step(self, seconds: float) -> _Step:
        """Waits for a short time, so that nobody holds a thread, or the watch, for ever."""
        if self._closed:
            raise argondb.InvalidError("the watch is closed")
        begin = functools.partial(_threads().submit, _watch_step, self._sync, seconds)
        step = self._left.popleft() if self._left else begin()
        try:
            return await asyncio.wrap_future(step)
        except asyncio.CancelledError:
            if not step.cancel():
                self._left.append(step)
            raise

    async def close(self) -> None:
        """Ends the watch; a call that waits for a commit fails."""
        self._closed = True
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


class Plan:
    """A merge that is computed and saved."""

    def __init__(self, sync: _plan.Plan) -> None:
        self._sync: Any = sync

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

    @property
    def id(self) -> str | None:
        """The identifier; ``None`` if there is nothing to merge."""
        identifier: str | None = self._sync.id
        return identifier

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


class Branch:
    """A branch."""

    def __init__(self, sync: _branch.Branch) -> None:
        self._sync: Any = sync

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

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

    async def with_trailers(self, trailers: Mapping[str, str]) -> Branch:
        """The same branch, for commits with trailers."""
        return Branch(await _run(self._sync.with_trailers, trailers))

    async def at(self, revision: str | int | datetime) -> State:
        """A past state."""
        return State(await _run(self._sync.at, revision))

    async def head(self) -> State:
        """The present state, which stays as it is when others write."""
        return State(await _run(self._sync.head))

    async def diff(self, other: Branch | State | str | int, **options: Any) -> list[argondb.Change]:
        """What differs from this branch to another state."""
        changes: list[argondb.Change] = await _run(self._sync.diff, _sync(other), **options)
        return changes

    async def create(self, name: str, *, at: str | int | datetime | None = None) -> Branch:
        """Creates a branch that starts at the head of this one, or at a revision of it."""
        return Branch(await _run(self._sync.create, name, at=at))

    async def rename(self, new_name: str) -> Branch:
        """Renames the branch. Returns it by its new name."""
        return Branch(await _run(self._sync.rename, new_name))

    async def keep(self, new_name: str | None = None) -> Branch:
        """Makes an ordinary branch of a sandbox."""
        return Branch(await _run(self._sync.keep, new_name))

    async def merge(self, source: Branch | State | str, **options: Any) -> Plan:
        """Computes the merge of a state into this branch, as a plan."""
        return Plan(await _run(self._sync.merge, _sync(source), **options))

    async def watch(self, *, start_after: str | None = None, start_at: int | None = None) -> Watch:
        """Follows the branch."""
        watch = await _run(self._sync.watch, start_after=start_after, start_at=start_at)
        return Watch(watch)

    @asynccontextmanager
    async def sandbox(
        self,
        ttl: str | timedelta = "1h",
        *,
        name: str | None = None,
        at: str | int | datetime | None = None,
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


class Project:
    """A project of a store."""

    def __init__(self, sync: _store.Project) -> None:
        self._sync: Any = sync

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

    @property
    def name(self) -> str:
        """The name."""
        return str(self._sync.name)

    async def branch(self, name: str = "main") -> Branch:
        """A branch, which must exist."""
        return Branch(await _run(self._sync.branch, name))

    branches = _later(_store.Project.branches)
    pins = _later(_store.Project.pins)
    delete_pin = _later(_store.Project.delete_pin)
    plans = _later(_store.Project.plans)


class Store:
    """A store, made by :func:`argondb.aio.open`."""

    def __init__(self, sync: _store.Store) -> None:
        self._sync: Any = sync

    def __repr__(self) -> str:
        return f"aio.{self._sync!r}"

    @property
    def url(self) -> str:
        """The URL, without a password."""
        return str(self._sync.url)

    @property
    def is_open(self) -> bool:
        """Whether this process has the store open at the moment."""
        return bool(self._sync.is_open)

    async def project(self, name: str, create: bool = False) -> Project:
        """A project; with ``create``, it is created if it does not exist."""
        return Project(await _run(self._sync.project, name, create))

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
