"""The documents of a query."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, SupportsIndex

from argondb import _codec
from argondb.errors import InvalidError

if TYPE_CHECKING:
    from types import TracebackType

    from argondb import _argondb

__all__ = ["CommandCursor", "Cursor"]


class CommandCursor(Iterator[dict[str, Any]]):
    """Documents, each as soon as it is wanted.

    A local store stays open until the last document is read, or until :meth:`close`. ``Store.close``
    ends the cursor: what it has not read yet is an error. Threads may share a cursor: each document is
    given once.
    """

    def __init__(self, native: _argondb.Cursor | None, options: _codec.Options) -> None:
        self._native = native
        self._options = options
        self._closed = False
        #: The documents of a batch, and an iterator of those that are left. The iterator gives each of
        #: them once, to whatever thread; only the step to the next batch needs the lock.
        self._documents_of_batch: list[Any] = []
        self._batch: Iterator[Any] = iter(self._documents_of_batch)
        #: That batch as BSON, and how many documents it has.
        self._data, self._size = b"", 0
        # A handler of a signal may close the cursor that its own thread is reading.
        self._lock = threading.RLock()

    def _open(self) -> _argondb.Cursor | None:
        return self._native

    def _read(self) -> bytes | None:
        """The next batch as BSON; the caller has the lock."""
        if self._closed:
            return None
        native = self._open()
        data = native.next_batch() if native is not None else None
        if data is None:
            self._closed = True
        return data

    def _take(self, documents: list[Any], data: bytes) -> None:
        """Takes a batch in place of the one before, of which nothing is given any more."""
        self._documents_of_batch.clear()
        self._documents_of_batch, self._data, self._size = documents, data, len(documents)
        self._batch = iter(documents)

    def _advance(self, ended: Iterator[Any]) -> bool:
        """Goes on after a batch of which nothing is left, unless another thread has. Returns whether
        there may be more documents."""
        with self._lock:
            if self._batch is not ended:
                return True
            data = self._read()
            if data is None:
                return False
            self._take(_codec.decode(data, self._options), data)
            return True

    def __iter__(self) -> Iterator[dict[str, Any]]:
        # A generator gives documents faster than a method of Python.
        while True:
            batch = self._batch
            yield from batch
            if not self._advance(batch):
                return

    def __next__(self) -> dict[str, Any]:
        while True:
            batch = self._batch
            for document in batch:
                return document  # type: ignore[no-any-return]
            if not self._advance(batch):
                raise StopIteration

    def next(self) -> dict[str, Any]:
        """The next document."""
        return self.__next__()

    def try_next(self) -> dict[str, Any] | None:
        """The next document, or ``None`` after the last."""
        return next(self, None)

    def to_list(self, length: int | None = None) -> list[dict[str, Any]]:
        """The documents that are left; at most ``length`` of them."""
        if length is not None:
            return list(islice(self, max(length, 0)))
        documents: list[dict[str, Any]] = []
        while True:
            batch = self._batch
            documents += batch
            if not self._advance(batch):
                return documents

    def raw_batches(self) -> Iterator[bytes]:
        """The documents that are left as BSON, one after the other, about a megabyte at a time."""
        while (data := self._raw_batch()) is not None:
            yield data

    def _raw_batch(self) -> bytes | None:
        with self._lock:
            left = len(list(self._batch))
            return _last(self._data, self._size, left) if left else self._read()

    @property
    def alive(self) -> bool:
        """Whether there may be more documents."""
        return not self._closed

    def close(self) -> None:
        """Gives up the documents that are left, and lets the store go."""
        self._closed = True
        with self._lock:
            self._take([], b"")
            if self._native is not None:
                self._native.close()

    def __enter__(self) -> CommandCursor:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Cursor(CommandCursor):
    """The documents that ``find`` finds. Options are set before the first document is read.

    >>> import argondb
    >>> with argondb.open("memory:") as store:
    ...     boats = store.project("shop", create=True).branch("main")["boats"]
    ...     _ = boats.insert_many([{"_id": 1, "sails": 2}, {"_id": 2, "sails": 3}])
    ...     boats.find().sort("sails", -1).limit(1).to_list()
    [{'_id': 2, 'sails': 3}]
    """

    def __init__(
        self,
        documents: _argondb.Documents,
        collection: str,
        options: _codec.Options,
        query: dict[str, Any],
    ) -> None:
        super().__init__(None, options)
        self._documents = documents
        self._collection = collection
        self._query = query
        self._is_empty = False

    def _open(self) -> _argondb.Cursor | None:
        if self._native is None and not self._closed and not self._is_empty:
            command = _codec.command(self._options, **self._query)
            self._native = self._documents.find(self._collection, command)
        return self._native

    def _check_unread(self) -> None:
        if self._native is not None or self._closed:
            raise InvalidError("a cursor that was read can't be changed; call clone() or rewind()")

    def _with(self, **fields: Any) -> Cursor:
        self._check_unread()
        self._query.update(fields)
        return self

    def sort(self, key_or_list: _codec.Order, direction: Any = None) -> Cursor:
        """Sets the order; without it, that of the ``_id``."""
        return self._with(sort=_codec.order(key_or_list, direction))

    def skip(self, skip: SupportsIndex) -> Cursor:
        """Sets the number of documents to leave out first."""
        return self._with(skip=operator.index(skip))

    def limit(self, limit: SupportsIndex) -> Cursor:
        """Sets the maximum number of documents; 0 for all."""
        self._is_empty = False
        return self._with(limit=abs(operator.index(limit)))

    def hint(self, index: Any) -> Cursor:
        """Sets the index to read by: its name or its key."""
        is_name = index is None or isinstance(index, str)
        return self._with(hint=index if is_name else _codec.order(index))

    def collation(self, collation: Any) -> Cursor:
        """Sets the order of texts, such as ``{"locale": "de"}``."""
        return self._with(collation=as_document(collation))

    def batch_size(self, batch_size: int) -> Cursor:
        """Does nothing: batches have about a megabyte."""
        self._check_unread()
        return self

    def max_time_ms(self, max_time_ms: SupportsIndex | None) -> Cursor:
        """Sets how many milliseconds reading may take in all, without the time between the batches;
        ``None`` for any. :class:`~argondb.UnavailableError` with the code 50 says that it took longer."""
        return self._with(max_time_ms=None if max_time_ms is None else operator.index(max_time_ms))

    def explain(self, verbosity: str = "executionStats") -> dict[str, Any]:
        """How the query is answered: the document of MongoDB's ``explain``. With ``"queryPlanner"``, the
        query is not run.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     boats = store.project("shop", create=True).branch("main")["boats"]
        ...     _ = boats.insert_many([{"_id": 1, "sails": 2}, {"_id": 2, "sails": 3}])
        ...     boats.find({"sails": 3}).explain()["executionStats"]["totalDocsExamined"]
        2
        """
        command = _codec.command(self._options, **self._query)
        execute = verbosity != "queryPlanner"
        data = self._documents.explain(self._collection, command, execute)
        explained: dict[str, Any] = _codec.decode(data, _codec.DEFAULT_CODEC_OPTIONS)[0]
        return explained

    def clone(self) -> Cursor:
        """The same query, not read yet."""
        clone = Cursor(self._documents, self._collection, self._options, dict(self._query))
        clone._is_empty = self._is_empty
        return clone

    def rewind(self) -> Cursor:
        """Begins again: the next document is the first, also in a loop over the cursor."""
        with self._lock:
            self.close()
            self._native, self._closed = None, False
        return self

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """The document at a position, or the cursor itself, limited to a slice of its documents.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     numbers = store.project("shop", create=True).branch("main")["numbers"]
        ...     _ = numbers.insert_many([{"_id": i} for i in range(5)])
        ...     numbers.find()[3], list(numbers.find()[3:]), list(numbers.find()[:1])
        ({'_id': 3}, [{'_id': 3}, {'_id': 4}], [{'_id': 0}])
        """
        if isinstance(index, slice):
            return self._slice(index)
        self._check_unread()
        position = operator.index(index)
        if position < 0:
            raise IndexError("a cursor has no negative positions")
        skip = self._query.get("skip", 0) + position
        found = None if self._is_empty else self.clone()._with(skip=skip, limit=1).try_next()
        if found is None:
            raise IndexError(f"the cursor has no document {position}")
        return found

    def _slice(self, wanted: slice) -> Cursor:
        self._check_unread()
        start = 0 if wanted.start is None else operator.index(wanted.start)
        if wanted.step is not None or start < 0:
            raise IndexError("a slice of a cursor must have no step and no negative positions")
        if wanted.stop is None:
            self._is_empty = False
            return self._with(skip=start, limit=0)
        limit = operator.index(wanted.stop) - start
        if limit < 0:
            raise IndexError("the end of a slice of a cursor must not be before its start")
        self._is_empty = limit == 0
        return self._with(skip=start, limit=limit)


def as_document(collation: Any) -> Any:
    """A collation as a document: pymongo's class has one."""
    return getattr(collation, "document", collation)


def _last(data: bytes, size: int, count: int) -> bytes:
    """The last ``count`` of ``size`` documents, one after the other."""
    start = 0
    for _ in range(size - count):
        start += int.from_bytes(data[start : start + 4], "little")
    return data[start:]
