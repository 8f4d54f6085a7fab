"""Exceptions, by what the caller does about them.

Every exception of Argon is an :class:`ArgonError`. It has its ``kind``, such as ``"not_found"``,
``details`` for programs (``collection``, ``id``, ``lsn``, ``code`` and so on), and often a ``hint``:
what can be done, as a sentence.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AlreadyExistsError",
    "ArgonError",
    "ConflictError",
    "CorruptError",
    "DeniedError",
    "DuplicateKeyError",
    "IndeterminateError",
    "InternalError",
    "InvalidError",
    "NotFoundError",
    "UnavailableError",
    "UnsupportedError",
]

_DUPLICATE_KEY = 11000


class ArgonError(Exception):
    """An error of Argon."""

    kind: ClassVar[str] = "internal"
    details: dict[str, Any]
    hint: str | None

    def __init__(
        self, message: str, details: dict[str, Any] | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.details = details or {}
        self.hint = hint

    @property
    def code(self) -> int | None:
        """MongoDB's code of the error, if it has one."""
        code = self.details.get("code")
        return code if isinstance(code, int) else None

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} ({self.hint})" if self.hint else message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.details, self.hint)


class NotFoundError(ArgonError):
    """The named object does not exist: check the name."""

    kind = "not_found"


class AlreadyExistsError(ArgonError):
    """The object to create already exists: choose another name, or use the existing object."""

    kind = "already_exists"


class DuplicateKeyError(AlreadyExistsError):
    """A document with this ``_id``, or with this value of a unique index, exists.

    Its ``details`` have pymongo's names: ``code``, ``errmsg``, ``keyPattern``, and ``keyValue``, which is
    absent if a value is too long for an entry of the index.

    >>> import argondb
    >>> with argondb.open("memory:") as store:
    ...     boats = store.project("shop", create=True).branch("main")["boats"]
    ...     _ = boats.insert_one({"_id": 1})
    ...     try:
    ...         boats.insert_one({"_id": 1})
    ...     except argondb.DuplicateKeyError as error:
    ...         error.code, error.details["keyPattern"], error.details["keyValue"]
    (11000, {'_id': 1}, {'_id': 1})
    """


class ConflictError(ArgonError):
    """Another writer changed the same object: read again, and decide again."""

    kind = "conflict"


class InvalidError(ArgonError, ValueError):
    """The input can never succeed: correct it."""

    kind = "invalid"


class UnavailableError(ArgonError):
    """The store can't answer now, and nothing was changed: retry later."""

    kind = "unavailable"


class IndeterminateError(ArgonError):
    """The write may or may not have happened: check before you retry."""

    kind = "indeterminate"


class CorruptError(ArgonError):
    """Stored bytes differ from the bytes that were written: check the store; don't write."""

    kind = "corrupt"


class UnsupportedError(ArgonError):
    """This store, or this version of Argon, does not support the operation."""

    kind = "unsupported"


class DeniedError(ArgonError):
    """Protection or permissions forbid it."""

    kind = "denied"


class InternalError(ArgonError):
    """A defect in Argon."""

    kind = "internal"


_BY_KIND: dict[str, type[ArgonError]] = {
    error.kind: error
    for error in (
        NotFoundError,
        AlreadyExistsError,
        ConflictError,
        InvalidError,
        UnavailableError,
        IndeterminateError,
        CorruptError,
        UnsupportedError,
        DeniedError,
        InternalError,
    )
}


def _from_native(kind: str, message: str, details: dict[str, Any], hint: str | None) -> ArgonError:
    """Makes the exception of a native error, whose details may have documents as BSON."""
    if any(isinstance(value, bytes) for value in details.values()):
        import bson

        details = {
            name: bson.decode(value) if isinstance(value, bytes) else value
            for name, value in details.items()
        }
    if details.get("code") == _DUPLICATE_KEY:
        names = {"key_pattern": "keyPattern", "key_value": "keyValue"}
        details = {names.get(name, name): value for name, value in details.items()}
        return DuplicateKeyError(message, {**details, "errmsg": message}, hint)
    return _BY_KIND.get(kind, InternalError)(message, details, hint)
