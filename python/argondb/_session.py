"""What the objects of a store share: the native store, and operations of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argondb.errors import InvalidError

if TYPE_CHECKING:
    from argondb import _argondb
    from argondb._codec import CodecOptions

__all__ = ["Session", "check_seconds"]


class Session:
    """The native store of a :class:`~argondb.Store`. Requests and results are BSON."""

    def __init__(
        self,
        native: _argondb.Store,
        trailers: list[str] | None = None,
        options: CodecOptions[Any] | None = None,
    ) -> None:
        self.native = native
        #: The trailers of all commits that are made through this, each as ``KEY=VALUE``.
        self.trailers = trailers
        self._options = options

    @property
    def options(self) -> CodecOptions[Any]:
        """How the documents are encoded and decoded."""
        if self._options is None:
            from argondb import _codec

            self._options = _codec.DEFAULT_CODEC_OPTIONS
        return self._options

    def with_trailers(self, trailers: list[str]) -> Session:
        """The same store, for commits with trailers."""
        return Session(self.native, trailers, self._options)

    def with_options(self, options: CodecOptions[Any]) -> Session:
        """The same store with other codec options."""
        return Session(self.native, self.trailers, options)

    def call(
        self,
        operation: str,
        request: dict[str, Any] | None = None,
        project: str | None = None,
        branch: str | None = None,
    ) -> Any:
        """Runs an operation. Fields that are ``None`` are left out, except for values of documents."""
        from argondb import _codec

        given = {
            name: self._given(name, value)
            for name, value in (request or {}).items()
            if value is not None or name in _VALUES
        }
        data = _codec.encode(given, _codec.DEFAULT_CODEC_OPTIONS)
        result = self.native.call(operation, data, project, branch, self.trailers)
        return _codec.decode_result(result, self.options)

    def _given(self, name: str, value: Any) -> Any:
        from argondb import _codec

        if name in _VALUES:
            return _codec.encode_value(value, self.options)
        if name in _LISTS_OF_VALUES:
            return [_codec.encode_value(one, self.options) for one in value]
        # The integers of numpy are no integers for BSON.
        if hasattr(value, "__index__") and not isinstance(value, int):
            return value.__index__()
        return value


#: The fields of requests that are values of documents, and those that are lists of them.
_VALUES = frozenset({"id", "value", "definition"})
_LISTS_OF_VALUES = frozenset({"ids"})


def check_seconds(name: str, seconds: float | None) -> None:
    """Refuses a time that is negative, or no number at all."""
    if seconds is not None and not seconds >= 0:
        raise InvalidError(f"{name} is a time in seconds and must not be negative: {seconds}")
