"""Branches, past states, and commits of several writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import date, datetime, timedelta, timezone
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from argondb import _codec
from argondb._codec import CodecOptions
from argondb._session import Session, check_seconds
from argondb.collection import Collection, CollectionView
from argondb.errors import InvalidError, NotFoundError
from argondb.plan import Merged, Plan, merged_of
from argondb.records import (
    Blame,
    BranchInfo,
    Change,
    CommitInfo,
    DocumentVersion,
    FieldChange,
    Pin,
    Reset,
    Restored,
    WatchedChange,
    WatchedCommit,
    record,
)

if TYPE_CHECKING:
    from types import TracebackType

    from argondb import _argondb

__all__ = ["Branch", "Commit", "State", "Watch"]

#: A state of a branch: by name, by position, or by time.
Revision: TypeAlias = str | SupportsIndex | date

_CHANGES = {"canonical": True}


class State:
    """A past state: what it has does not change. Its collections have the reading names of a branch's.

    >>> import argondb
    >>> with argondb.open("memory:") as store:
    ...     main = store.project("shop", create=True).branch("main")
    ...     before = main["boats"].insert_one({"_id": 1, "sails": 2}).lsn
    ...     _ = main["boats"].update_one({"_id": 1}, {"$set": {"sails": 5}})
    ...     main.at(before)["boats"].find_one(1), main["boats"].find_one(1)
    ({'_id': 1, 'sails': 2}, {'_id': 1, 'sails': 5})
    """

    def __init__(self, session: Session, project: str, branch: str, revision: str) -> None:
        self._session = session
        self._project = project
        self._branch = branch
        self._native = session.native.state(project, branch, revision)
        self._named = revision
        self._revision: str | None = None

    def __repr__(self) -> str:
        return f"State({self._project!r}, {self.revision!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        # The digest covers every commit up to the position, whatever the revision is called.
        return self._session.native, self._project, self.lsn, self.digest

    def with_options(self, codec_options: CodecOptions[Any]) -> State:
        """The same state with other codec options; see :meth:`Branch.with_options`."""
        state = copy(self)
        state._session = self._session.with_options(codec_options)
        return state

    @property
    def lsn(self) -> int:
        """The position: that of the last commit of the state; 0 for the empty state."""
        return self._native.lsn()

    @property
    def digest(self) -> str:
        """The digest of the last commit, which covers all before it."""
        return self._native.digest()

    @property
    def revision(self) -> str:
        """The branch and the position, as :meth:`Branch.at` takes them."""
        if self._revision is None:
            self._revision = f"{self._branch_of()}@{self.lsn}"
        return self._revision

    def _branch_of(self) -> str:
        """The branch that the revision names; that of a pin is where it was made."""
        request = {"from": self._named, "to": self._named}
        compared = self._session.call("diff", request, self._project, self._branch)
        name: str = compared[0]["to"]["branch"]
        pins = self._session.call("pin.list", None, self._project)
        branches = self._session.call("branch.list", {"all": True}, self._project)
        if all(branch["branch"] != name for branch in branches):
            name = next((pin["branch"] for pin in pins if pin["pin"] == name), name)
        return name

    def __getitem__(self, name: str) -> CollectionView:
        return self.collection(name)

    def collection(
        self, name: str, codec_options: CodecOptions[Any] | None = None
    ) -> CollectionView:
        """A collection of the state."""
        options = codec_options or self._session.options
        return CollectionView(self._native, name, options)._of(self)

    def list_collection_names(self) -> list[str]:
        """The names of the collections."""
        return self._native.collections()

    def diff(self, other: Branch | State | Revision, **options: Any) -> list[Change]:
        """What differs from this state to another one."""
        return _diff(self._session, self._project, self._branch, self, other, **options)

    def history(self, collection: str, id: Any, limit: int | None = None) -> list[DocumentVersion]:
        """The contents that a document had up to this state, the newest first."""
        return _history(
            self._session, self._project, self._branch, self.revision, collection, id, limit
        )

    def blame(self, collection: str, id: Any, *, first_parent: bool = False) -> list[Blame]:
        """The commit that gave each field of a document its value."""
        return _blame(
            self._session, self._project, self._branch, self.revision, collection, id, first_parent
        )


class Commit:
    """Several writes that become one commit; made by :meth:`Branch.commit`.

    Its collections see what was written so far. Nobody else does before the end.
    """

    def __init__(
        self,
        native: _argondb.Documents,
        message: str | None,
        actor: str | None,
        options: CodecOptions[Any] | None = None,
    ) -> None:
        self._native = native
        self._message = message
        self._actor = actor
        self._options = options
        self._lsn: int | None = None

    @property
    def lsn(self) -> int | None:
        """The position of the commit, after the end; ``None`` if nothing was changed."""
        return self._lsn

    def __getitem__(self, name: str) -> Collection:
        return self.collection(name)

    def collection(self, name: str, codec_options: CodecOptions[Any] | None = None) -> Collection:
        """A collection, whose writes become part of the commit."""
        return Collection(self._native, name, codec_options or self._options)

    def __enter__(self) -> Commit:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception_type is None:
            self._lsn = self._native.commit(self._actor, self._message)
        else:
            self._native.abort()


class Watch(Iterator[WatchedCommit]):
    """The commits of a branch as they are made; made by :meth:`Branch.watch`. The store stays open
    until :meth:`close`."""

    def __init__(self, native: _argondb.Watch, options: CodecOptions[Any] | None = None) -> None:
        self._native = native
        self._options = options or _codec.DEFAULT_CODEC_OPTIONS

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> WatchedCommit:
        commit = self.next()
        if commit is None:
            raise StopIteration
        return commit

    def next(self, timeout: float | None = None) -> WatchedCommit | None:
        """The next commit; ``None`` if there is none within ``timeout`` seconds."""
        check_seconds("timeout", timeout)
        data = self._native.next(timeout)
        return None if data is None else self._watched(data)

    def _watched(self, data: bytes) -> WatchedCommit:
        return _watched(data, self._options)

    def close(self) -> None:
        """Ends the watch. Another thread that waits for a commit gets an error."""
        self._native.close()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Branch:
    """A branch: a line of commits whose head takes writes."""

    def __init__(self, session: Session, project: str, name: str) -> None:
        self._session = session
        self._project = project
        self._name = name
        self._native = session.native.branch(project, name, session.trailers)

    def __repr__(self) -> str:
        return f"Branch({self._project!r}, {self._name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Branch):
            return NotImplemented
        mine = (self._session.native, self._project, self._name)
        return mine == (other._session.native, other._project, other._name)

    def __hash__(self) -> int:
        return hash((self._project, self._name))

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def lsn(self) -> int:
        """The position of the head."""
        return self._native.lsn()

    @property
    def digest(self) -> str:
        """The digest of the last commit, which covers all before it."""
        return self._native.digest()

    @property
    def info(self) -> BranchInfo:
        """What is known of the branch."""
        for data in self._call("branch.list", {"all": True}):
            if data["branch"] == self._name:
                return record(BranchInfo, data)
        raise NotFoundError(f"unknown branch '{self._name}'", {"branch": self._name})

    def with_trailers(self, trailers: Mapping[str, str]) -> Branch:
        """The same branch, for commits with trailers: short facts that programs add, which
        :meth:`log` and ``argon log --trailer`` find. Merges, and branches that are created of it, have
        them too.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     main = store.project("shop", create=True).branch("main")
        ...     _ = main.with_trailers({"ticket": "412"})["boats"].insert_one({"_id": 1})
        ...     [(commit.lsn, commit.trailers) for commit in main.log(trailer="ticket=412")]
        [(1, {'ticket': '412'})]
        """
        texts = [f"{key}={value}" for key, value in trailers.items()]
        return Branch(self._session.with_trailers(texts), self._project, self._name)

    def with_options(self, codec_options: CodecOptions[Any]) -> Branch:
        """The same branch with other codec options: those of its collections and states, and of the
        documents in ``history``, ``show``, ``diff``, ``blame``, plans and watches.

        >>> import argondb, uuid
        >>> from bson.binary import UuidRepresentation
        >>> from bson.codec_options import CodecOptions
        >>> options = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
        >>> with argondb.open("memory:") as store:
        ...     main = store.project("shop", create=True).branch("main").with_options(options)
        ...     key = main["boats"].insert_one({"_id": uuid.UUID(int=7)}).inserted_id
        ...     main.history("boats", key)[0].document
        {'_id': UUID('00000000-0000-0000-0000-000000000007')}
        """
        return Branch(self._session.with_options(codec_options), self._project, self._name)

    # Documents

    def __getitem__(self, name: str) -> Collection:
        return self.collection(name)

    def collection(self, name: str, codec_options: CodecOptions[Any] | None = None) -> Collection:
        """A collection; its first document creates it."""
        options = codec_options or self._session.options
        return Collection(self._native, name, options, self._call)._of(self)

    def list_collection_names(self) -> list[str]:
        """The names of the collections."""
        return self._native.collections()

    def create_collection(self, name: str, *, message: str | None = None) -> Collection:
        """Creates an empty collection."""
        self._call("collection.create", {"collection": name, "message": message})
        return self[name]

    def drop_collection(self, name: str, *, message: str | None = None) -> None:
        """Drops a collection, if it exists; past states keep it."""
        self[name].drop(comment=message)

    def commit(self, message: str | None = None, *, actor: str | None = None) -> Commit:
        """Begins a commit of several writes, to be used in ``with``: all of them are committed at the
        end, or none if an exception leaves the block.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     main = store.project("shop", create=True).branch("main")
        ...     with main.commit(message="first boats") as commit:
        ...         _ = commit["boats"].insert_one({"_id": 1, "sails": 2})
        ...         _ = commit["boats"].update_one({"_id": 1}, {"$inc": {"sails": 1}})
        ...         _ = commit["owners"].insert_one({"_id": "Ada", "boats": [1]})
        ...     commit.lsn, main.log()[0].message, main["boats"].find_one(1)
        (1, 'first boats', {'_id': 1, 'sails': 3})

        At the end, :class:`~argondb.ConflictError` says that others changed one of the documents
        meanwhile, and :class:`~argondb.DuplicateKeyError` that they inserted one of the same ``_id``, or
        with the value of a unique index; nothing is written then.
        """
        native = self._session.native.begin(self._project, self._name, self._session.trailers)
        return Commit(native, message, actor, self._session.options)

    # States

    def at(self, revision: Revision) -> State:
        """A past state: by position (``1234`` or ``"@1234"``), by time (a ``datetime``, a ``date`` for
        its beginning, or ``"@2026-07-07T09:00"``), by the name of a pin or a branch (``"v1"``), or
        relative (``"~3"``). Integers of numpy and times of pandas will do."""
        return State(self._session, self._project, self._name, _revision(revision))

    def head(self) -> State:
        """The present state, which stays as it is when others write."""
        return self.at(self._name)

    def log(
        self,
        limit: int | None = None,
        *,
        since: str | date | None = None,
        until: str | date | None = None,
        actor: str | None = None,
        pattern: str | None = None,
        collections: Sequence[str] | None = None,
        trailer: str | None = None,
        revision: Revision | None = None,
    ) -> list[CommitInfo]:
        """The commits, the newest first."""
        request = {
            "limit": limit,
            "since": _moment(since),
            "until": _moment(until),
            "actor": actor,
            "pattern": pattern,
            "collections": None if collections is None else list(collections),
            "trailer": trailer,
            "revision": None if revision is None else _revision(revision),
        }
        return [_commit(data) for data in self._call("log", request)]

    def show(self, revision: Revision | None = None) -> list[Change]:
        """The changes of one commit: the last one, or the last of a revision."""
        request = {**_CHANGES, "revision": None if revision is None else _revision(revision)}
        return _changes(self._call("show", request))

    def diff(self, other: Branch | State | Revision, **options: Any) -> list[Change]:
        """What differs from this branch to another state: ``main.diff("try")``. ``collections`` names
        the collections to compare, ``merge_base=True`` compares with what both have in common."""
        return _diff(self._session, self._project, self._name, self, other, **options)

    def history(self, collection: str, id: Any, limit: int | None = None) -> list[DocumentVersion]:
        """The contents that a document had, the newest first."""
        return _history(self._session, self._project, self._name, None, collection, id, limit)

    def blame(self, collection: str, id: Any, *, first_parent: bool = False) -> list[Blame]:
        """The commit that gave each field of a document its value. With ``first_parent``, a merged
        value belongs to the merge."""
        return _blame(self._session, self._project, self._name, None, collection, id, first_parent)

    def watch(
        self, *, start_after: str | None = None, start_at: SupportsIndex | None = None
    ) -> Watch:
        """Follows the branch: gives each commit after the head, after the position ``start_at``, or
        after the ``token`` of an earlier commit.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     main = store.project("shop", create=True).branch("main")
        ...     with main.watch() as commits:
        ...         _ = main["boats"].insert_one({"_id": 1}, comment="a boat")
        ...         commit = next(commits)
        ...     commit.message, commit.changes[-1].document
        ('a boat', {'_id': 1})
        """
        position = None if start_at is None else start_at.__index__()
        native = self._session.native.watch(self._project, self._name, position, start_after)
        return Watch(native, self._session.options)

    # Changes of history

    def create(self, name: str, *, at: Revision | None = None) -> Branch:
        """Creates a branch that starts at the head of this one, or at a revision of it. That costs one
        write, whatever the size of the data."""
        request = {"branch": name, "from": None if at is None else _revision(at)}
        self._call("branch.create", request)
        return Branch(self._session, self._project, name)

    def delete(self) -> str | None:
        """Deletes the branch. Returns the name of the backup from which it can be created again."""
        backup: str | None = self._call("branch.delete", {"branch": self._name})["backup"]
        return backup

    def rename(self, new_name: str) -> Branch:
        """Renames the branch. Returns it by its new name."""
        self._call("branch.rename", {"from": self._name, "to": new_name})
        return Branch(self._session, self._project, new_name)

    def merge(
        self,
        source: Branch | State | Revision,
        *,
        strategy: str | None = None,
        policy: Mapping[str, Any] | None = None,
        strict: bool = False,
        message: str | None = None,
    ) -> Plan:
        """Computes the merge of a state into this branch, as a :class:`~argondb.Plan`, which shows the
        conflicts and commits the result: ``main.merge("try").apply()``.

        ``strategy`` settles conflicts (``"ours"``, ``"theirs"``, ``"newest"`` …), ``policy`` does it by
        collection and path, with the keys of docs/merge-policy.toml.
        """
        request = {
            "source": _name_of(source, self._session, self._project),
            "action": "save",
            "strategy": strategy,
            "policy": None if policy is None else dict(policy),
            "strict": strict,
            "message": message,
            "canonical": True,
            "detail": "summary",
        }
        outcome = self._call("merge", request)
        data = outcome.get("plan") or outcome["commit"]
        return Plan(self._session, self._project, self._name, data)

    def undo(
        self,
        commits: Revision,
        *,
        strategy: str | None = None,
        force: bool = False,
        by_actor: str | None = None,
        collections: Sequence[str] = (),
        message: str | None = None,
    ) -> Merged:
        """Takes back what commits changed, by one new commit: the commit of an LSN or a revision, or
        those of a range (``"@5..@9"``). With ``force`` the earlier value counts where it was changed
        again since."""
        request = {
            "range": _revision(commits),
            "strategy": strategy,
            "force": force,
            "by_actor": by_actor,
            "collections": list(collections),
            "message": message,
            "canonical": True,
            "detail": "summary",
        }
        return merged_of(self._call("undo", request))

    def reset(self, revision: Revision) -> Reset:
        """Resets the branch to a past state. What it was is kept as a backup branch."""
        data = self._call("reset", {"revision": _revision(revision)})
        return Reset(data["branch"], data["from"], data["to"], data["backup"])

    def restore(
        self,
        revision: Revision,
        collection: str,
        ids: Sequence[Any] = (),
        *,
        message: str | None = None,
    ) -> Restored:
        """Restores a collection, or some of its documents, as they were in a past state, by a new
        commit."""
        request = {
            "revision": _revision(revision),
            "collection": collection,
            "ids": list(ids),
            "message": message,
        }
        return record(Restored, self._call("restore", request))

    def pin(
        self,
        name: str,
        *,
        at: Revision | None = None,
        note: str = "",
        key: str | None = None,
    ) -> Pin:
        """Names a state for good: the head, or a revision. ``key`` is a file with the key that signs
        it."""
        request = {
            "pin": name,
            "revision": None if at is None else _revision(at),
            "note": note,
            "key": key,
        }
        return record(Pin, self._call("pin.create", request))

    @contextmanager
    def sandbox(
        self,
        ttl: str | timedelta = "1h",
        *,
        name: str | None = None,
        at: Revision | None = None,
    ) -> Iterator[Branch]:
        """A branch that ends by itself, and at the end of ``with``.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     main = store.project("shop", create=True).branch("main")
        ...     with main.sandbox() as sandbox:
        ...         _ = sandbox["boats"].insert_one({"_id": 1})
        ...         sandbox["boats"].count_documents({}), main["boats"].count_documents({})
        (1, 0)

        ``ttl`` is how long it lives if nobody ends it, such as ``"15m"`` or ``"7d"``.
        """
        request = {
            "ttl": ttl if isinstance(ttl, str) else f"{int(ttl.total_seconds())}s",
            "branch": None if name is None or name.startswith("sandbox/") else f"sandbox/{name}",
            "from": None if at is None else _revision(at),
        }
        if name is not None and name.startswith("sandbox/"):
            request["branch"] = name
        created = self._call("sandbox.create", request)["branch"]
        try:
            yield Branch(self._session, self._project, created)
        finally:
            try:
                self._call("sandbox.discard", {"branch": created})
            except NotFoundError:
                pass  # Its time was over, or it was kept or discarded inside.

    def keep(self, new_name: str | None = None) -> Branch:
        """Makes an ordinary branch of a sandbox."""
        kept = self._call("sandbox.keep", {"branch": self._name, "new_name": new_name})["to"]
        return Branch(self._session, self._project, kept)

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        return self._session.call(operation, request, self._project, self._name)


def _revision(revision: Revision) -> str:
    """A revision as a text: an LSN is one of the branch itself."""
    if isinstance(revision, str):
        return revision
    if isinstance(revision, date):
        return f"@{_utc(revision)}"
    try:
        if isinstance(revision, bool):
            raise TypeError
        return f"@{revision.__index__()}"
    except (AttributeError, TypeError):
        problem = f"invalid revision {revision!r}: expected a text, an LSN or a time"
        raise InvalidError(problem) from None


def _moment(moment: str | date | None) -> str | None:
    return _utc(moment) if isinstance(moment, date) else moment


def _utc(moment: date) -> str:
    """A time as text; one without a zone is local, as everywhere in Python. A date is its beginning."""
    if moment != moment:
        raise InvalidError(f"invalid time {moment!r}")  # That of pandas for a missing one.
    if not isinstance(moment, datetime):
        time = datetime.combine(moment, time_of_day())
    elif hasattr(moment, "to_pydatetime"):
        time = moment.to_pydatetime(warn=False)
    else:
        time = moment
    utc: datetime = time.astimezone(timezone.utc)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name_of(state: Branch | State | Revision, session: Session, project: str) -> str:
    """The revision of a state, which must be one of this project if it is given as an object."""
    if isinstance(state, (Branch, State)):
        if state._session.native is not session.native or state._project != project:
            raise InvalidError(f"{state!r} is of another project or store")
        return state.name if isinstance(state, Branch) else state.revision
    return _revision(state)


def _diff(
    session: Session,
    project: str,
    branch: str,
    before: Branch | State | Revision,
    after: Branch | State | Revision,
    *,
    collections: Sequence[str] | None = None,
    merge_base: bool = False,
    detail: str = "documents",
) -> list[Change]:
    request = {
        **_CHANGES,
        "from": _name_of(before, session, project),
        "to": _name_of(after, session, project),
        "collections": None if collections is None else list(collections),
        "merge_base": merge_base,
        "detail": detail,
    }
    return _changes(session.call("diff", request, project, branch))


def _history(
    session: Session,
    project: str,
    branch: str,
    revision: str | None,
    collection: str,
    id: Any,
    limit: int | None,
) -> list[DocumentVersion]:
    request = {
        "collection": collection,
        "id": id,
        "limit": limit,
        "revision": revision,
        "canonical": True,
    }
    versions = session.call("history", request, project, branch)
    return [record(DocumentVersion, data) for data in versions]


def _blame(
    session: Session,
    project: str,
    branch: str,
    revision: str | None,
    collection: str,
    id: Any,
    first_parent: bool,
) -> list[Blame]:
    request = {
        "collection": collection,
        "id": id,
        "first_parent": first_parent,
        "revision": revision,
        "canonical": True,
    }
    return [
        Blame(
            path=data["path"],
            value=data["value"],
            commit=_commit(data) if "lsn" in data else None,
            at_or_before=data.get("at_or_before"),
            branch=data.get("branch"),
            brought_by=[_commit(commit) for commit in data["brought_by"]],
        )
        for data in session.call("blame", request, project, branch)
    ]


def _commit(data: dict[str, Any]) -> CommitInfo:
    collections = {
        changed["collection"]: changed["documents"] for changed in data.get("collections", [])
    }
    return record(CommitInfo, data, collections=collections)


def _changes(items: list[dict[str, Any]]) -> list[Change]:
    changed = []
    for item in items:
        if item["kind"] not in ("document", "collection"):
            continue
        fields = [
            FieldChange(field["path"], field.get("before"), field.get("after"), field)
            for field in item.get("fields") or []
        ]
        changed.append(record(Change, item, fields=fields))
    return changed


def _watched(data: bytes, options: CodecOptions[Any]) -> WatchedCommit:
    commit = _codec.decode(data, _codec.DEFAULT_CODEC_OPTIONS)[0]
    if options != _codec.DEFAULT_CODEC_OPTIONS:
        documents = _codec.decode(data, options)[0]["changes"]
        for change, decoded in zip(commit["changes"], documents, strict=True):
            change.update({name: decoded[name] for name in ("id", "document") if name in change})
    changes = [
        WatchedChange(
            change["collection"],
            change.get("id"),
            change.get("document"),
            "dropped" in change,
            change.get("dropped", False),
        )
        for change in commit["changes"]
    ]
    time = commit["time"].replace(tzinfo=timezone.utc)
    return record(WatchedCommit, commit, lsn=int(commit["lsn"]), time=time, changes=changes)
