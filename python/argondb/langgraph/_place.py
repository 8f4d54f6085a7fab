"""Where the state of agents is, and how it is read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64
from bson.max_key import MaxKey

from argondb import aio
from argondb.branch import Branch, Commit, State
from argondb.collection import Collection, CollectionView
from argondb.errors import ConflictError, DuplicateKeyError, InvalidError

__all__ = ["AnyPlace", "Place", "beginning_with", "read", "write"]

#: A branch, or a past state, which can only be read.
AnyPlace: TypeAlias = Branch | State | aio.Branch | aio.State

_T = TypeVar("_T")

#: How often a commit is tried. Each time that it is refused, another writer has got on.
_ATTEMPTS = 100

#: How many characters of a message are kept: names of channels and keys can be long.
_MESSAGE = 1000


class _PlainInt(TypeDecoder):
    """64-bit integers as ``int``: serializers do not know those of BSON."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


#: Whatever options the branch has, the documents of agents are read with these.
_OPTIONS: CodecOptions[Any] = CodecOptions(tz_aware=True, type_registry=TypeRegistry([_PlainInt()]))


class Place:
    """A branch or a past state, and who signs what is written there."""

    def __init__(self, place: AnyPlace, actor: str | None) -> None:
        sync = getattr(place, "_sync", place)
        if not isinstance(sync, (Branch, State)):
            raise InvalidError(f"invalid place {place!r}: expected a branch or a state")
        self._sync: Branch | State = sync
        self._actor = actor

    @property
    def branch(self) -> Branch:
        """The branch; a past state takes no writes."""
        if isinstance(self._sync, State):
            problem = f"{self._sync!r} is a past state, which takes no writes"
            raise InvalidError(problem, None, "create a branch of it")
        return self._sync

    @property
    def is_past(self) -> bool:
        """Whether it is a past state."""
        return isinstance(self._sync, State)

    def state(self) -> State:
        """The state to read. What is read from it belongs together, whoever writes meanwhile."""
        return self._sync if isinstance(self._sync, State) else self._sync.head()

    def commit(
        self,
        message: str,
        change: Callable[[Commit], _T],
        trailers: Mapping[str, str] | None = None,
    ) -> _T:
        """Makes a change in one commit: all of it, or nothing. It is made again on the new head if others
        wrote the same documents meanwhile."""
        branch = _with_trailers(self.branch, trailers or {})
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with branch.commit(message[:_MESSAGE], actor=self._actor) as commit:
                    result = change(commit)
                return result
            except (ConflictError, DuplicateKeyError):
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")


def _with_trailers(branch: Branch, trailers: Mapping[str, str]) -> Branch:
    """The branch with more trailers than it has."""
    own = dict(text.split("=", 1) for text in branch._session.trailers or [])
    return branch.with_trailers({**own, **trailers})


def read(state: State, collection: str) -> CollectionView:
    """A collection of a state."""
    return state.collection(collection, _OPTIONS)


def write(commit: Commit, collection: str) -> Collection:
    """A collection of a commit."""
    return commit.collection(collection, _OPTIONS)


def beginning_with(first: Mapping[str, Any]) -> dict[str, Any]:
    """The condition on an ``_id`` that is a document: it begins with these fields. It is a range of
    ``_id``, so nothing else is read."""
    # The largest value of all ends the range, whatever the name of its field.
    return {"$gte": dict(first), "$lt": {**first, "": MaxKey()}}
