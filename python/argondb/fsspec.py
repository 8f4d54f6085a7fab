"""Collections as files, for what reads through fsspec (pandas, DuckDB, pyarrow, dask …).

``argon://STORE/PROJECT@REV/COLLECTION.parquet`` is a collection of a state as Parquet;
``.jsonl`` is one document a line, as relaxed Extended JSON. ``STORE`` is a name that ``argon store add``
gave. The option ``store`` has the store instead (a URL, or an open :class:`~argondb.Store`), as in
``argon:///shop@main/users.parquet``; without either, ``ARGON_STORE`` has its URL. Without ``@REV``, it is
the head of ``main``. Slashes in names of collections are written as ``%2F``.

Nothing can be written. A file is made when it is opened, and then stays as it is: a branch that moves
meanwhile gives its new state to the next one who opens it.

>>> import argondb, fsspec
>>> with argondb.open("memory:") as store:
...     boats = store.project("shop", create=True).branch("main")["boats"]
...     _ = boats.insert_one({"_id": 1, "sails": 2})
...     with fsspec.open("argon:///shop@main/boats.jsonl", "rt", store=store) as file:
...         print(file.read(), end="")
{"_id": 1, "sails": 2}
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import quote, unquote

from fsspec.spec import AbstractFileSystem

from argondb.branch import State
from argondb.collection import CollectionView
from argondb.errors import InvalidError, NotFoundError
from argondb.records import time
from argondb.store import Store, open

__all__ = ["ArgonFileSystem"]

#: How many bytes of files are kept, besides the last one.
KEPT = 256 * 1024 * 1024


class ArgonFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The filesystem of the protocol ``argon``."""

    protocol = "argon"
    root_marker = ""
    # Its options may hold a store, which has no text that tells it from another.
    cachable = False

    def __init__(self, store: str | Store | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._store = store

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        text = os.fspath(path)
        start = "argon://"
        return (text[len(start) :] if text.startswith(start) else text).rstrip("/")

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """What is known of a file or a directory."""
        place = _Place.of(self._strip_protocol(path))
        if place.collection is None:
            self._list(place)
            return place.entry(None)
        return place.entry(len(self._content(place)))

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """The projects of a store, or the collections of a state, each as two files. Their sizes are
        known only by :meth:`info`, which makes the file."""
        place = _Place.of(self._strip_protocol(path))
        if place.collection is not None:
            entries = [self.info(path)]
        else:
            entries = [found.entry(None) for found in self._list(place)]
        return entries if detail else [entry["name"] for entry in entries]

    def _open(self, path: str, mode: str = "rb", **options: Any) -> _File:
        if mode != "rb":
            raise NotImplementedError("argon:// can only be read")
        place = _Place.of(path)
        if place.collection is None:
            self._list(place)
            raise IsADirectoryError(path)
        return _File(self._content(place))

    def ukey(self, path: str) -> str:
        """A text that differs when the file does."""
        place = _Place.of(self._strip_protocol(path))
        state = self._state(place)
        return f"{state.digest}@{state.lsn}"

    def modified(self, path: str) -> datetime:
        """The time of the last commit of the state."""
        state = self._state(_Place.of(self._strip_protocol(path)))
        request = {"revision": state.revision, "limit": 1}
        commits = state._session.call("log", request, state._project, state._branch)
        return time(commits[0]["time"]) if commits else datetime.fromtimestamp(0, timezone.utc)

    def glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any:
        """The paths that match, each with the position that its revision has now: what DuckDB asks
        for next, the size of a file and its content, are those of one state."""
        found = super().glob(path, maxdepth, **options)
        if isinstance(found, dict):
            fixed = {self._fixed(name): entry for name, entry in found.items()}
            return {name: {**entry, "name": name} for name, entry in fixed.items()}
        return [self._fixed(name) for name in found]

    def _fixed(self, path: str) -> str:
        place = _Place.of(path)
        if place.collection is None:
            return path
        return str(replace(place, revision=self._state(place).revision))

    def _list(self, place: _Place) -> list[_Place]:
        if place.project is None:
            return [_Place(place.store, found.project) for found in self._opened(place).projects()]
        return [
            _Place(place.store, place.project, place.revision, name, format)
            for name in self._state(place).list_collection_names()
            for format in _FORMATS
        ]

    def _opened(self, place: _Place) -> Store:
        if isinstance(self._store, Store):
            return self._store
        return _open_store(self._store or place.store or os.environ.get("ARGON_STORE", ""))

    def _state(self, place: _Place) -> State:
        try:
            branch = self._opened(place).project(place.project or "").branch("main")
            return branch.at(place.revision or "main")
        except NotFoundError as error:
            raise FileNotFoundError(str(error)) from error

    def _content(self, place: _Place) -> bytes:
        store, state = self._opened(place), self._state(place)
        name, format = place.collection or "", place.format
        if name not in state.list_collection_names():
            raise FileNotFoundError(f"unknown collection '{name}' in {state!r}")
        key = (store.url, place.project, state.revision, state.digest, name, format)
        return _kept.get(key, lambda: _FORMATS[format](state[name]))


class _File(BytesIO):
    """A file that was opened; its ``size`` is that of what it has."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.size = len(content)


@dataclass(frozen=True)
class _Place:
    """What a path names: the store, a project in a state, or a collection of it."""

    store: str
    project: str | None = None
    revision: str | None = None
    collection: str | None = None
    format: str = ""

    @classmethod
    def of(cls, path: str) -> _Place:
        """
        >>> _Place.of("prod/shop@feature/login/users.parquet").revision
        'feature/login'
        """
        store, _, rest = path.partition("/")
        if not rest:
            return cls(store)
        head, _, last = rest.rpartition("/")
        stem, _, format = last.rpartition(".")
        if head and stem and format in _FORMATS:
            project, _, revision = head.partition("@")
            return cls(store, unquote(project), unquote(revision) or None, unquote(stem), format)
        project, _, revision = rest.partition("@")
        return cls(store, unquote(project), unquote(revision) or None)

    def __str__(self) -> str:
        path = self.store
        if self.project is not None:
            path += f"/{quote(self.project)}"
        if self.revision is not None:
            path += f"@{quote(self.revision, safe='/@~^:{}')}"
        if self.collection is not None:
            path += f"/{quote(self.collection, safe='')}.{self.format}"
        return path

    def entry(self, size: int | None) -> dict[str, Any]:
        """What fsspec wants to know."""
        if self.collection is None:
            return {"name": str(self), "size": 0, "type": "directory"}
        return {"name": str(self), "size": size, "type": "file"}


def _parquet(collection: CollectionView) -> bytes:
    content = BytesIO()
    collection.write_parquet(content)
    return content.getvalue()


def _jsonl(collection: CollectionView) -> bytes:
    from bson import json_util

    options = json_util.RELAXED_JSON_OPTIONS
    lines = (
        json_util.dumps(document, json_options=options, ensure_ascii=False) + "\n"
        for document in collection.find()
    )
    return "".join(lines).encode()


_FORMATS = {"parquet": _parquet, "jsonl": _jsonl}


class _Kept:
    """Files that were made, the last used last."""

    def __init__(self) -> None:
        self._files: OrderedDict[Any, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Any, make: Any) -> bytes:
        """The file of a key, which is made if it is not kept."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        content: bytes = make()
        with self._lock:
            if key not in self._files:
                self._files[key] = content
                self._size += len(content)
            while self._size > KEPT and len(self._files) > 1:
                self._size -= len(self._files.popitem(last=False)[1])
        return content


_kept = _Kept()
_stores: dict[tuple[int, str], Store] = {}


def _open_store(named: str) -> Store:
    """A store by its URL or name; one that was opened in this process stays for the next file."""
    if not named:
        raise InvalidError(
            "the URL names no store",
            hint="argon://NAME/…, or the option store=, or the variable ARGON_STORE",
        )
    key = (os.getpid(), named)
    if key not in _stores:
        _stores[key] = open(named)
    return _stores[key]
