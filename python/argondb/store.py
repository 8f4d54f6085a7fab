"""Stores and projects."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from argondb import _argondb
from argondb._session import Session, check_seconds
from argondb.errors import AlreadyExistsError, NotFoundError

if TYPE_CHECKING:
    from types import TracebackType

    from argondb._codec import CodecOptions
    from argondb.branch import Branch
    from argondb.plan import PlanInfo
    from argondb.records import BranchInfo, Pin, ProjectInfo

__all__ = ["Project", "Store", "open"]

#: How long a local store stays open without a call, in seconds.
IDLE = 1.0

_opened: weakref.WeakSet[Store] = weakref.WeakSet()


class Store:
    """A store, made by :func:`argondb.open`."""

    def __init__(
        self, native: _argondb.Store, codec_options: CodecOptions[Any] | None = None
    ) -> None:
        self._session = Session(native, None, codec_options)
        self._process = os.getpid()
        _opened.add(self)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    @property
    def url(self) -> str:
        """The URL, without a password."""
        return self._session.native.url

    @property
    def is_open(self) -> bool:
        """Whether this process has the store open at the moment. A local one is let go when nobody
        has used it for a while, and opened again at the next call."""
        return self._session.native.is_open

    def projects(self) -> list[ProjectInfo]:
        """The projects by name."""
        from argondb.records import ProjectInfo, record

        return [record(ProjectInfo, data) for data in self._session.call("project.list")]

    def project(self, name: str, create: bool = False) -> Project:
        """A project; with ``create``, it is created if it does not exist."""
        if create:
            try:
                self._session.call("project.create", {"project": name})
            except AlreadyExistsError:
                pass
        elif all(project.project != name for project in self.projects()):
            known = ", ".join(project.project for project in self.projects()) or "none"
            raise NotFoundError(
                f"unknown project '{name}'; known projects: {known}",
                {"project": name},
                f"store.project({name!r}, create=True) creates it",
            )
        return Project(self._session, name)

    def release(self) -> bool:
        """Lets the store go until the next call, so that other processes can open it. Returns whether it
        is let go: an open cursor, commit or watch keeps it."""
        return self._session.native.release()

    def close(self) -> None:
        """Closes the store for good: open cursors and watches end with an error at their next use, open
        commits write nothing. A call of another thread that is running ends first."""
        self._session.native.close()
        _opened.discard(self)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Project:
    """A project of a store: branches over the same data."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name

    def __repr__(self) -> str:
        return f"Project({self._name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Project):
            return NotImplemented
        return (self._session.native, self._name) == (other._session.native, other._name)

    def __hash__(self) -> int:
        return hash((self._session.native, self._name))

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    def branch(self, name: str = "main") -> Branch:
        """A branch, which must exist."""
        from argondb.branch import Branch

        return Branch(self._session, self._name, name)

    def branches(self, all: bool = False) -> list[BranchInfo]:
        """The branches by name; with ``all``, also the backups that resets and deletions keep."""
        from argondb.records import BranchInfo, record

        return [record(BranchInfo, data) for data in self._call("branch.list", {"all": all})]

    def pins(self) -> list[Pin]:
        """The pins by name."""
        from argondb.records import Pin, record

        return [record(Pin, data) for data in self._call("pin.list")]

    def delete_pin(self, name: str) -> Pin:
        """Deletes a pin. Returns what it was."""
        from argondb.records import Pin, record

        return record(Pin, self._call("pin.delete", {"pin": name}))

    def plans(self, all: bool = False) -> list[PlanInfo]:
        """The open plans, the oldest first; with ``all``, also those that were applied or aborted."""
        from argondb.plan import plan_info

        return [plan_info(data) for data in self._call("plan.list", {"all": all})]

    def _call(self, operation: str, request: dict[str, Any] | None = None) -> Any:
        return self._session.call(operation, request, self._name)


def open(
    url: str,
    create: bool = False,
    *,
    actor: str | None = None,
    hold: bool = False,
    idle: float = IDLE,
    lock_timeout: float | None = None,
    password: str | None = None,
    codec_options: CodecOptions[Any] | None = None,
) -> Store:
    """Opens a store, in this process: ``sled:.argon``, ``fjall:.argon``, ``memory:``,
    ``mongodb://HOST/DATABASE``, ``s3://BUCKET/PREFIX``, or the name of a store in the settings.

    >>> import argondb
    >>> with argondb.open("memory:") as store:
    ...     main = store.project("shop", create=True).branch("main")
    ...     main["users"].insert_one({"_id": 1, "name": "Ada"}).lsn
    1

    - ``create``: creates the store if it does not exist.
    - ``actor``: who signs what is written; without it, the setting ``actor``, or the user's name.
    - ``hold``: keeps a local store open. Without it, the store is let go after ``idle`` seconds without
      a call, so that the command ``argon`` works beside this process, and opened again at the next
      call.
    - ``lock_timeout``: how many seconds to wait while another process has the store open.
    - ``password``: that of the user in the URL; without it, ``ARGON_STORE_PASSWORD``.
    - ``codec_options``: how documents are encoded and decoded, as pymongo has them.

    An object of a store can't be used in a child that ``os.fork()`` makes: open the store there again.
    """
    check_seconds("idle", idle)
    check_seconds("lock_timeout", lock_timeout)
    native = _argondb.Store(
        url,
        create=create,
        actor=actor,
        idle=None if hold else idle,
        lock_timeout=lock_timeout,
        password=password,
    )
    return Store(native, codec_options)


#: The locks of the stores that a process which forks could not let go, by device and number.
_locks: set[tuple[int, int]] = set()


def _release_all() -> None:
    """Before a fork: a child would keep the lock of a store that is open, even when the parent lets it
    go. A store that something is reading or writing stays open."""
    _locks.clear()
    for directory in _argondb.release_before_fork():
        _locks.update(_locks_of(directory))


def _locks_of(directory: str) -> Iterator[tuple[int, int]]:
    """The directory of a store, and the files in it by which the store and its engine are locked."""
    for path, _, files in os.walk(directory):
        names = [path] if path == directory else []
        names += [os.path.join(path, name) for name in files if name in ("lock", "db")]
        for name in names:
            try:
                found = os.stat(name)
            except OSError:
                continue
            yield found.st_dev, found.st_ino


def _drop_locks() -> None:
    """In the child of a fork: closes its copies of the locks that the parent has, which nothing in the
    child uses, so that the store is free as soon as the parent closes it."""
    if not _locks:
        return
    try:
        descriptors = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return
    for descriptor in descriptors:
        try:
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) in _locks:
                os.close(descriptor)
        except OSError:
            continue
    _locks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_release_all, after_in_parent=_locks.clear, after_in_child=_drop_locks
    )
