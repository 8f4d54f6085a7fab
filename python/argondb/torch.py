"""PyTorch: the documents of a state as a dataset, which each worker of a DataLoader reads a part of.

The dataset is plain data until it is read: a worker opens the store itself, whether it was started by
spawn or by fork. docs/python/TORCH.md has a tour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from argondb.branch import Branch
from argondb.errors import InternalError, InvalidError
from argondb.reference import StateReference

if TYPE_CHECKING:
    from argondb.collection import CollectionView

try:
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError:  # The dataset can be iterated without it.
    IterableDataset = object

    def get_worker_info() -> Any:
        """What torch says of a worker: nothing here."""


__all__ = ["StateDataset"]

#: How long a worker waits for a local store that other workers read, in seconds.
_LOCK_TIMEOUT = 120.0
_CHUNK = 20_000


class StateDataset(IterableDataset):  # type: ignore[misc]
    """The documents of a collection in a state, in the order of their ``_id``.

    ``transform`` is called with each document; it must be picklable for workers that are spawned, as a
    function of a module is. Each worker reads a run of documents of its own, all of them the whole.
    The state is the recorded one, or there is an error, in every epoch and in every worker.

    A local store is open in one process at a time. So a worker reads ``chunk_size`` documents at once,
    and lets the store go while they are used. A sled store can't be opened in workers that are forked:
    there, use ``multiprocessing_context="spawn"``.
    """

    def __init__(
        self,
        collection: CollectionView,
        filter: Mapping[str, Any] | None = None,
        *,
        projection: Mapping[str, Any] | Sequence[str] | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        chunk_size: int = _CHUNK,
    ) -> None:
        super().__init__()
        owner = collection._owner
        if owner is None:
            raise InvalidError("only a collection of a branch or of a state can become a dataset")
        if chunk_size < 1:
            raise InvalidError("chunk_size must be at least 1")
        state = owner.head() if isinstance(owner, Branch) else owner
        #: The state that is read.
        self.reference = StateReference.of(state)
        self._collection = collection.name
        self._filter = dict(filter) if filter else None
        self._projection = projection
        self._transform = transform
        self._chunk_size = chunk_size
        self._length = state[collection.name].count_documents(self._filter)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        start = self._length * number // workers
        end = self._length * (number + 1) // workers
        position, last = start, None
        while position < end:
            documents = self._read(
                position, min(end - position, self._chunk_size), last, workers > 1
            )
            if not documents and last is None:
                raise InternalError(f"{self.reference.revision} has fewer documents than it had")
            position += len(documents)
            # Where _id has another type, or is not read, the next chunk is found by its position.
            last = documents[-1].get("_id") if documents else None
            yield from documents if self._transform is None else map(self._transform, documents)

    def _read(self, skip: int, limit: int, last: Any, is_shared: bool) -> list[dict[str, Any]]:
        """A chunk of documents: those after an ``_id``, or else those at a position."""
        state = self.reference.open(lock_timeout=_LOCK_TIMEOUT)
        query = self._filter
        if last is not None:
            skip, query = 0, {"$and": [{"_id": {"$gt": last}}, self._filter or {}]}
        found = state[self._collection].find(
            query, self._projection, skip=skip, limit=limit, sort=[("_id", 1)]
        )
        documents: list[dict[str, Any]] = found.to_list()
        if is_shared:
            state._session.native.release()
        return documents
