"""The documents of a query."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from argondb import _codec
from argondb.errors import InvalidError

if TYPE_CHECKING:
    from types import TracebackType

    from argondb import _argondb

__all__ = ["CommandCursor", "Cursor"]


class CommandCursor(Iterator[dict[str, Any]]):
    """Documents, each as soon as it is wanted.

    A local store stays open until the last document is read, or until :meth:`close`. Threads may share
    a cursor: each document is given once.
    """

    def __init__(self, native: _argondb.Cursor | None, options: _codec.Options) -> None:
        self._native = native
        self._options = options
        self._closed = False
        #: The documents of a batch that are left. An iterator of a list gives each of them once, to
        #: whatever thread; only the step to the next batch needs the lock.
        self._batch: Iterator[Any] = iter(())
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

    def _advance(self, ended: Iterator[Any]) -> bool:
        """Goes on after a batch of which nothing is left, unless another thread has. Returns whether
        there may be more documents."""
        with self._lock:
            if self._batch is not ended:
                return True
            data = self._read()
            if data is None:
                return False
            batch = _codec.decode(data, self._options)
            self._batch, self._data, self._size = iter(batch), data, len(batch)
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
        while True:
            with self._lock:
                left = len(list(self._batch))
                data = _last(self._data, self._size, left) if left else self._read()
            if data is None:
                return
            yield data

    @property
    def alive(self) -> bool:
        """Whether there may be more documents."""
        return not self._closed

    def close(self) -> None:
        """Gives up the documents that are left, and lets the store go."""
        self._closed = True
        with self._lock:
            self._batch, self._data, self._size = iter(()), b"", 0
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

    def _open(self) -> _argondb.Cursor | None:
        if self._native is None and not self._closed:
            command = _codec.command(self._options, **self._query)
            self._native = self._documents.find(self._collection, command)
        return self._native

    def _with(self, **fields: Any) -> Cursor:
        if self._native is not None or self._closed:
            raise InvalidError("a cursor that was read can't be changed; call clone() or rewind()")
        self._query.update(fields)
        return self

    def sort(self, key_or_list: _codec.Order, direction: Any = None) -> Cursor:
        """Sets the order; without it, that of the ``_id``."""
        return self._with(sort=_codec.order(key_or_list, direction))

    def skip(self, skip: int) -> Cursor:
        """Sets the number of documents to leave out first."""
        return self._with(skip=skip)

    def limit(self, limit: int) -> Cursor:
        """Sets the maximum number of documents; 0 for all."""
        return self._with(limit=abs(limit))

    def hint(self, index: Any) -> Cursor:
        """Sets the index to read by: its name or its key."""
        is_name = index is None or isinstance(index, str)
        return self._with(hint=index if is_name else _codec.order(index))

    def collation(self, collation: Any) -> Cursor:
        """Sets the order of texts, such as ``{"locale": "de"}``."""
        return self._with(collation=as_document(collation))

    def batch_size(self, batch_size: int) -> Cursor:
        """Does nothing: batches have about a megabyte."""
        return self

    def clone(self) -> Cursor:
        """The same query, not read yet."""
        return Cursor(self._documents, self._collection, self._options, dict(self._query))

    def rewind(self) -> Cursor:
        """Begins again: the next document is the first."""
        self.close()
        self._native, self._closed = None, False
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, int):
            found = self.clone()._with(skip=self._query.get("skip", 0) + index, limit=1).to_list()
            if not found:
                raise IndexError("no such document in the cursor")
            return found[0]
        start = index.start or 0
        if index.step is not None or index.stop is None:
            raise InvalidError("a slice of a cursor must have an end, and no step")
        if index.stop <= start:
            self.close()
            return self
        return self._with(skip=start, limit=index.stop - start)


def as_document(collation: Any) -> Any:
    """A collation as a document: pymongo's class has one."""
    return getattr(collation, "document", collation)


def _last(data: bytes, size: int, count: int) -> bytes:
    """The last ``count`` of ``size`` documents, one after the other."""
    start = 0
    for _ in range(size - count):
        start += int.from_bytes(data[start : start + 4], "little")
    return data[start:]
