"""Results of writes, with pymongo's names. Each has ``lsn``, the commit: ``None`` if nothing was
changed, or inside of a commit of several writes, which ends later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BulkWriteResult",
    "DeleteResult",
    "InsertManyResult",
    "InsertOneResult",
    "UpdateResult",
]


@dataclass(frozen=True)
class InsertOneResult:
    """The result of ``insert_one``."""

    inserted_id: Any
    lsn: int | None
    acknowledged: bool = True


@dataclass(frozen=True)
class InsertManyResult:
    """The result of ``insert_many``."""

    inserted_ids: list[Any]
    lsn: int | None
    acknowledged: bool = True


@dataclass(frozen=True)
class UpdateResult:
    """The result of ``update_one``, ``update_many`` and ``replace_one``."""

    matched_count: int
    modified_count: int
    upserted_id: Any
    lsn: int | None
    acknowledged: bool = True

    @property
    def did_upsert(self) -> bool:
        """Whether a document was inserted because none matched."""
        return self.upserted_id is not None


@dataclass(frozen=True)
class DeleteResult:
    """The result of ``delete_one`` and ``delete_many``."""

    deleted_count: int
    lsn: int | None
    acknowledged: bool = True


@dataclass(frozen=True)
class BulkWriteResult:
    """The result of ``bulk_write``."""

    inserted_count: int
    matched_count: int
    modified_count: int
    deleted_count: int
    upserted_ids: dict[int, Any] = field(default_factory=dict)
    lsn: int | None = None
    acknowledged: bool = True

    @property
    def upserted_count(self) -> int:
        """The number of documents that were inserted because none matched."""
        return len(self.upserted_ids)
