"""The native part of argondb. It is not public: use the package."""

from typing import Any, final

@final
class Store:
    def __new__(
        cls,
        url: str,
        *,
        create: bool,
        actor: str | None,
        idle: float | None,
        lock_timeout: float | None,
        password: str | None,
    ) -> Store: ...
    @property
    def url(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def is_held(self) -> bool: ...
    def release(self) -> bool: ...
    def close(self) -> None: ...
    def call(
        self,
        operation: str,
        request: str,
        project: str | None = None,
        branch: str | None = None,
        trailers: list[str] | None = None,
    ) -> str: ...
    def branch(self, project: str, branch: str, trailers: list[str] | None = None) -> Documents: ...
    def state(self, project: str, branch: str, revision: str) -> Documents: ...
    def begin(self, project: str, branch: str, trailers: list[str] | None = None) -> Documents: ...
    def watch(
        self,
        project: str,
        branch: str,
        from_lsn: int | None = None,
        token: str | None = None,
    ) -> Watch: ...

@final
class Documents:
    def lsn(self) -> int: ...
    def digest(self) -> str: ...
    def collections(self) -> list[str]: ...
    def indexes(self, collection: str) -> bytes: ...
    def find(self, collection: str, command: bytes) -> Cursor: ...
    def columns(self, collection: str, command: bytes) -> tuple[Any, ...]: ...
    def find_one(self, collection: str, command: bytes) -> bytes | None: ...
    def aggregate(
        self,
        collection: str,
        command: bytes,
        actor: str | None = None,
        message: str | None = None,
    ) -> Cursor: ...
    def count(self, collection: str, command: bytes) -> int: ...
    def distinct(self, collection: str, field: str, command: bytes) -> bytes: ...
    def insert(
        self,
        collection: str,
        documents: bytes,
        actor: str | None = None,
        message: str | None = None,
    ) -> int | None: ...
    def update(
        self,
        collection: str,
        command: bytes,
        actor: str | None = None,
        message: str | None = None,
    ) -> tuple[int, int, bytes | None, int | None]: ...
    def delete(
        self,
        collection: str,
        command: bytes,
        actor: str | None = None,
        message: str | None = None,
    ) -> tuple[int, int | None]: ...
    def bulk(
        self,
        collection: str,
        command: bytes,
        actor: str | None = None,
        message: str | None = None,
    ) -> bytes: ...
    def find_and_modify(
        self,
        collection: str,
        command: bytes,
        actor: str | None = None,
        message: str | None = None,
    ) -> tuple[bytes | None, int | None]: ...
    def commit(self, actor: str | None = None, message: str | None = None) -> int | None: ...
    def abort(self) -> None: ...

@final
class Cursor:
    def next_batch(self) -> bytes | None: ...
    @property
    def ended(self) -> bool: ...
    def close(self) -> None: ...

@final
class Watch:
    def next(self, seconds: float | None = None) -> bytes | None: ...
    def close(self) -> None: ...
