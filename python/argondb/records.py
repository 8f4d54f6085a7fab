"""What Argon tells about branches, commits and changes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

__all__ = [
    "Blame",
    "BranchInfo",
    "Change",
    "CommitInfo",
    "DocumentVersion",
    "FieldChange",
    "Pin",
    "ProjectInfo",
    "Reset",
    "Restored",
    "WatchedChange",
    "WatchedCommit",
]

_T = TypeVar("_T")

_TIMES = frozenset({"time", "created", "ends", "ended", "deleted_at"})


def time(text: str) -> datetime:
    """A time of a result."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def record(cls: type[_T], data: dict[str, Any], **more: Any) -> _T:
    """Makes a record of a result; what the record has no field for is left out."""
    known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    values = {name: value for name, value in data.items() if name in known}
    for name in _TIMES & values.keys():
        if isinstance(values[name], str):
            values[name] = time(values[name])
    return cls(**{**values, **more})


@dataclass(frozen=True)
class ProjectInfo:
    """A project of a store."""

    project: str
    created: datetime


@dataclass(frozen=True)
class BranchInfo:
    """A branch of a project."""

    branch: str
    lsn: int
    digest: str
    time: datetime | None
    parent: str | None
    forked_at: int
    created: datetime
    protected: bool
    read_only: bool
    ends: datetime | None
    masked: bool


@dataclass(frozen=True)
class CommitInfo:
    """A commit: its position (``lsn``), when and by whom it was made, and what it changed."""

    lsn: int
    time: datetime
    actor: str
    message: str
    digest: str = ""
    origin: dict[str, Any] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    #: How many documents changed, by collection.
    collections: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldChange:
    """A field that differs. A side that does not have it is ``None``; see ``data``."""

    path: str
    before: Any = None
    after: Any = None
    data: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Change:
    """A document or a collection that differs.

    ``kind`` is ``"document"`` or ``"collection"``; ``change`` says how: ``"added"``, ``"changed"``,
    ``"removed"``, or for a collection ``"created"``, ``"dropped"``, ``"changed"``.
    """

    kind: str
    collection: str
    change: str
    id: Any = None
    before: Any = None
    after: Any = None
    fields: list[FieldChange] = field(default_factory=list)
    #: The number of documents of a collection that was created or dropped, if they are not listed.
    documents: int | None = None


@dataclass(frozen=True)
class Pin:
    """A permanent name of a state."""

    pin: str
    branch: str
    lsn: int
    digest: str
    created: datetime
    actor: str
    note: str
    key: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class DocumentVersion:
    """A content that a document had, and the commit that gave it. ``document`` is ``None`` if the
    commit deleted it."""

    lsn: int
    time: datetime
    actor: str
    message: str
    deleted: bool
    document: Any


@dataclass(frozen=True)
class Blame:
    """A field of a document, and the commit that gave it its value; ``None`` if that was collected."""

    path: str
    value: Any
    commit: CommitInfo | None
    #: The position of the oldest commit in the log, if the field had its value before.
    at_or_before: int | None
    #: The merged branch of which the commit is, if it is known.
    branch: str | None
    #: The commits that brought the value here, the last one first.
    brought_by: list[CommitInfo]


@dataclass(frozen=True)
class Reset:
    """A branch that was reset: its positions before and now, and the branch that keeps what it was."""

    branch: str
    before: int
    lsn: int
    backup: str


@dataclass(frozen=True)
class Restored:
    """A part of a past state that was restored by a new commit; ``lsn`` is ``None`` if the branch had
    it already."""

    collection: str
    lsn: int | None
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class WatchedChange:
    """A change of a commit. ``document`` is ``None`` if it was deleted. A change of a collection itself
    has no ``id``, and ``is_collection`` is true."""

    collection: str
    id: Any = None
    document: Any = None
    is_collection: bool = False
    dropped: bool = False


@dataclass(frozen=True)
class WatchedCommit:
    """A commit of a watch. From its ``token`` another watch continues after it."""

    token: str
    lsn: int
    time: datetime
    actor: str
    message: str
    changes: list[WatchedChange]
