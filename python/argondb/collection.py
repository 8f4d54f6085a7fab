"""Collections: pymongo's names over any state of a branch."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument

from argondb import _codec
from argondb._codec import CodecOptions, Order
from argondb.cursor import CommandCursor, Cursor, as_document
from argondb.errors import InvalidError, NotFoundError
from argondb.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)

if TYPE_CHECKING:
    import pyarrow
    from typing_extensions import Self

    from argondb import _argondb
    from argondb.branch import Branch, State

__all__ = ["Collection", "CollectionView"]

Document = Mapping[str, Any]
Fields = Mapping[str, Any] | Sequence[str] | None
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class CollectionView:
    """A collection in a state that does not change by this object: the reading half of
    :class:`Collection`. One that does not exist is an empty one."""

    #: The branch or the state that has it; ``None`` inside a commit.
    _owner: Branch | State | None = None

    def __init__(
        self,
        native: _argondb.Documents,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
    ) -> None:
        self._native = native
        self._name = name
        self._options = codec_options or _codec.DEFAULT_CODEC_OPTIONS

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def codec_options(self) -> CodecOptions[Any]:
        """How documents are encoded and decoded."""
        return self._options

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CollectionView):
            return NotImplemented
        return self._place() == other._place() and self._name == other._name

    def __hash__(self) -> int:
        return hash((self._place(), self._name))

    def _place(self) -> Any:
        """What has the collection: two of one name in it are the same."""
        return self._native if self._owner is None else self._owner

    def _command(self, **fields: Any) -> bytes:
        return _codec.command(self._options, **fields)

    def find(
        self,
        filter: Document | None = None,
        projection: Fields = None,
        skip: SupportsIndex = 0,
        limit: SupportsIndex = 0,
        *,
        sort: Order | None = None,
        hint: Any = None,
        collation: Any = None,
        batch_size: int = 0,
        max_time_ms: SupportsIndex | None = None,
    ) -> Cursor:
        """The documents that match. ``batch_size`` does nothing: batches have about a megabyte.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     boats = store.project("shop", create=True).branch("main")["boats"]
        ...     _ = boats.insert_many([{"_id": 1, "sails": 2}, {"_id": 2, "sails": 3}])
        ...     [boat["_id"] for boat in boats.find({"sails": {"$gt": 2}})]
        [2]
        """
        query = _query(filter, projection, sort, hint, collation, skip, limit)
        cursor = Cursor(self._native, self._name, self._options, query)
        return cursor if max_time_ms is None else cursor.max_time_ms(max_time_ms)

    def find_one(
        self,
        filter: Any = None,
        projection: Fields = None,
        *,
        sort: Order | None = None,
        skip: SupportsIndex = 0,
        hint: Any = None,
        collation: Any = None,
    ) -> Any:
        """The first document that matches, or ``None``. A filter that is no mapping is an ``_id``."""
        if filter is not None and not isinstance(filter, Mapping):
            filter = {"_id": filter}
        query = _query(filter, projection, sort, hint, collation, skip)
        data = self._native.find_one(self._name, self._command(**query))
        return None if data is None else _codec.decode(data, self._options)[0]

    def find_raw_batches(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        """As :meth:`find`, but the documents are BSON, one after the other, in batches."""
        return self.find(*args, **kwargs).raw_batches()

    def aggregate(
        self,
        pipeline: Sequence[Document],
        *,
        let: Document | None = None,
        collation: Any = None,
        hint: Any = None,
    ) -> CommandCursor:
        """Runs a pipeline."""
        return CommandCursor(self._aggregate(pipeline, let, collation, hint, None), self._options)

    def _aggregate(
        self,
        pipeline: Sequence[Document],
        let: Document | None,
        collation: Any,
        hint: Any,
        message: str | None,
    ) -> _argondb.Cursor:
        command = self._command(
            pipeline=list(pipeline), let=let, collation=as_document(collation), hint=_hint(hint)
        )
        return self._native.aggregate(self._name, command, None, message)

    def count_documents(
        self,
        filter: Document | None = None,
        *,
        skip: SupportsIndex = 0,
        limit: SupportsIndex = 0,
        hint: Any = None,
        collation: Any = None,
    ) -> int:
        """The number of documents that match."""
        query = _query(filter, None, None, hint, collation, skip, limit)
        return self._native.count(self._name, self._command(**query))

    def estimated_document_count(self) -> int:
        """The number of documents; it is exact."""
        return self._native.count(self._name, self._command())

    def distinct(
        self, key: str, filter: Document | None = None, *, collation: Any = None
    ) -> list[Any]:
        """The different values of a field, in MongoDB's order. Each element of an array is a value."""
        filter = None if filter is None else _filter(filter)
        command = self._command(filter=filter, collation=as_document(collation))
        data = self._native.distinct(self._name, key, command)
        values: list[Any] = _codec.decode(data, self._options)[0]["values"]
        return values

    def list_indexes(self) -> list[dict[str, Any]]:
        """The definitions of the indexes, in the order of their creation."""
        return _codec.decode(self._native.indexes(self._name), _codec.DEFAULT_CODEC_OPTIONS)

    def index_information(self) -> dict[str, dict[str, Any]]:
        """The indexes by name, as pymongo has them."""
        information = {}
        for definition in self.list_indexes():
            name = definition.pop("name")
            definition["key"] = list(definition["key"].items())
            information[name] = definition
        return information

    def to_arrow(
        self,
        filter: Document | None = None,
        *,
        schema: pyarrow.Schema | None = None,
        projection: Fields = None,
        sort: Order | None = None,
        skip: SupportsIndex = 0,
        limit: SupportsIndex = 0,
    ) -> pyarrow.Table:
        """The documents that match as an Arrow table; see :mod:`argondb.arrow` for its types. A
        ``schema`` chooses the columns and their types; a value that does not fit is an error, and so is
        one that is missing in a field with ``nullable=False``.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     boats = store.project("shop", create=True).branch("main")["boats"]
        ...     _ = boats.insert_many([{"_id": 1, "length": 7}, {"_id": 2, "length": 7.5}])
        ...     boats.to_arrow().column("length").to_pylist()
        [7.0, 7.5]
        """
        from argondb import arrow

        query = _query(filter, projection, sort, None, None, skip, limit)
        return arrow.table(self._native.columns(self._name, self._command(**query)), schema)

    def to_pandas(self, /, filter: Document | None = None, **options: Any) -> Any:
        """The documents that match as a DataFrame of pandas; options as for :meth:`to_arrow`."""
        return self.to_arrow(filter, **options).to_pandas()

    def to_polars(self, /, filter: Document | None = None, **options: Any) -> Any:
        """The documents that match as a DataFrame of polars; options as for :meth:`to_arrow`."""
        import polars

        return polars.from_arrow(self.to_arrow(filter, **options))

    def write_parquet(self, /, path: Any, filter: Document | None = None, **options: Any) -> None:
        """Writes the documents that match to a Parquet file; options as for :meth:`to_arrow`."""
        from pyarrow import parquet

        parquet.write_table(self.to_arrow(filter, **options), path)

    def with_options(self, codec_options: CodecOptions[Any] | None = None) -> CollectionView:
        """The same collection with other options."""
        view = CollectionView(self._native, self._name, codec_options or self._options)
        return view._of(self._owner)

    def _of(self, owner: Branch | State | None) -> Self:
        self._owner = owner
        return self


class Collection(CollectionView):
    """A collection of a branch, or of a commit of several writes, with pymongo's names.

    Each write is one commit with all of its changes, or none. ``comment`` is the message of the commit.
    """

    def __init__(
        self,
        native: _argondb.Documents,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        call: _Call | None = None,
    ) -> None:
        super().__init__(native, name, codec_options)
        self._call = call

    def with_options(self, codec_options: CodecOptions[Any] | None = None) -> Collection:
        """The same collection with other options."""
        options = codec_options or self._options
        return Collection(self._native, self._name, options, self._call)._of(self._owner)

    def aggregate(
        self,
        pipeline: Sequence[Document],
        *,
        let: Document | None = None,
        collation: Any = None,
        hint: Any = None,
        comment: str | None = None,
    ) -> CommandCursor:
        """Runs a pipeline. One that ends in ``$out`` or ``$merge`` writes in one commit."""
        native = self._aggregate(pipeline, let, collation, hint, comment)
        return CommandCursor(native, self._options)

    def insert_one(
        self, document: MutableMapping[str, Any] | RawBSONDocument, *, comment: str | None = None
    ) -> InsertOneResult:
        """Inserts a document. One without an ``_id`` gets an ``ObjectId``, as in pymongo."""
        identifier = _with_id(document)
        data = _codec.encode(document, self._options)
        lsn = self._native.insert(self._name, data, None, comment)
        return InsertOneResult(identifier, lsn)

    def insert_many(
        self,
        documents: Iterable[MutableMapping[str, Any] | RawBSONDocument],
        ordered: bool = True,
        *,
        comment: str | None = None,
    ) -> InsertManyResult:
        """Inserts documents in one commit: all of them, or none."""
        identifiers, encoded, options = [], [], self._options
        for document in documents:
            identifiers.append(_with_id(document))
            encoded.append(_codec.encode(document, options))
        lsn = self._native.insert(self._name, b"".join(encoded), None, comment)
        return InsertManyResult(identifiers, lsn)

    def insert_table(
        self, table: Any, *, schema: pyarrow.Schema | None = None, comment: str | None = None
    ) -> InsertManyResult:
        """Inserts the rows of an Arrow table, or of a DataFrame of pandas or polars, in one commit.

        A table of :meth:`to_arrow` gives the same documents, except that nulls are left out. A DataFrame
        has no metadata of its columns, so ObjectIds and decimals stay text, unless ``schema`` is that of
        the table that it was made of. The index of pandas is left out, unless its name is ``_id``.
        :class:`~argondb.InvalidError` names a column of a type that BSON has no value for.

        >>> import argondb
        >>> with argondb.open("memory:") as store:
        ...     boats = store.project("shop", create=True).branch("main")["boats"]
        ...     built = boats.insert_one({"sails": 2}).inserted_id
        ...     table = boats.to_arrow()
        ...     _ = boats.delete_many({})
        ...     frame = table.to_pandas().assign(sails=3)
        ...     boats.insert_table(frame, schema=table.schema).inserted_ids == [built]
        True
        """
        from argondb import arrow

        return self.insert_many(arrow.documents(table, schema), comment=comment)

    def update_one(
        self,
        filter: Document,
        update: Update,
        upsert: bool = False,
        *,
        collation: Any = None,
        array_filters: Sequence[Document] | None = None,
        hint: Any = None,
        comment: str | None = None,
    ) -> UpdateResult:
        """Updates the first document that matches: by ``_id``, or by the index of ``hint``."""
        _check_update(update)
        return self._update(filter, update, False, upsert, collation, array_filters, hint, comment)

    def update_many(
        self,
        filter: Document,
        update: Update,
        upsert: bool = False,
        *,
        collation: Any = None,
        array_filters: Sequence[Document] | None = None,
        hint: Any = None,
        comment: str | None = None,
    ) -> UpdateResult:
        """Updates all documents that match, in one commit."""
        _check_update(update)
        return self._update(filter, update, True, upsert, collation, array_filters, hint, comment)

    def replace_one(
        self,
        filter: Document,
        replacement: Document,
        upsert: bool = False,
        *,
        collation: Any = None,
        hint: Any = None,
        comment: str | None = None,
    ) -> UpdateResult:
        """Replaces the first document that matches: by ``_id``, or by the index of ``hint``."""
        _check_replacement(replacement)
        return self._update(filter, replacement, False, upsert, collation, None, hint, comment)

    def _update(
        self,
        filter: Document,
        update: Update,
        many: bool,
        upsert: bool,
        collation: Any,
        array_filters: Sequence[Document] | None,
        hint: Any,
        comment: str | None,
    ) -> UpdateResult:
        fields = _update_fields(filter, update, many, upsert, collation, array_filters)
        command = self._command(**fields, hint=_hint(hint))
        matched, modified, upserted, lsn = self._native.update(self._name, command, None, comment)
        identifier = None
        if upserted is not None:
            identifier = _codec.decode(upserted, self._options)[0]["_id"]
        return UpdateResult(matched, modified, identifier, lsn)

    def delete_one(
        self,
        filter: Document,
        *,
        collation: Any = None,
        hint: Any = None,
        comment: str | None = None,
    ) -> DeleteResult:
        """Deletes the first document that matches: by ``_id``, or by the index of ``hint``."""
        return self._delete(filter, False, collation, hint, comment)

    def delete_many(
        self,
        filter: Document,
        *,
        collation: Any = None,
        hint: Any = None,
        comment: str | None = None,
    ) -> DeleteResult:
        """Deletes all documents that match, in one commit."""
        return self._delete(filter, True, collation, hint, comment)

    def _delete(
        self, filter: Document, many: bool, collation: Any, hint: Any, comment: str | None
    ) -> DeleteResult:
        collation = as_document(collation)
        command = self._command(
            filter=_filter(filter), many=many, collation=collation, hint=_hint(hint)
        )
        return DeleteResult(*self._native.delete(self._name, command, None, comment))

    def find_one_and_update(
        self,
        filter: Document,
        update: Update,
        projection: Fields = None,
        sort: Order | None = None,
        upsert: bool = False,
        return_document: bool = False,
        *,
        array_filters: Sequence[Document] | None = None,
        hint: Any = None,
        collation: Any = None,
        comment: str | None = None,
    ) -> Any:
        """Updates a document, and gives it as it was before; with
        ``return_document=ReturnDocument.AFTER``, as it is then."""
        _check_update(update)
        fields = _update_fields(filter, update, False, upsert, collation, array_filters)
        return self._find_and_modify(
            fields, projection, sort, hint, comment, new=bool(return_document)
        )

    def find_one_and_replace(
        self,
        filter: Document,
        replacement: Document,
        projection: Fields = None,
        sort: Order | None = None,
        upsert: bool = False,
        return_document: bool = False,
        *,
        hint: Any = None,
        collation: Any = None,
        comment: str | None = None,
    ) -> Any:
        """Replaces a document, and gives it as it was before or is then."""
        _check_replacement(replacement)
        fields = _update_fields(filter, replacement, False, upsert, collation, None)
        return self._find_and_modify(
            fields, projection, sort, hint, comment, new=bool(return_document)
        )

    def find_one_and_delete(
        self,
        filter: Document,
        projection: Fields = None,
        sort: Order | None = None,
        *,
        hint: Any = None,
        collation: Any = None,
        comment: str | None = None,
    ) -> Any:
        """Deletes a document, and gives it."""
        collation = as_document(collation)
        fields = {"filter": _filter(filter), "collation": collation, "remove": True}
        return self._find_and_modify(fields, projection, sort, hint, comment, new=False)

    def _find_and_modify(
        self,
        fields: dict[str, Any],
        projection: Fields,
        sort: Order | None,
        hint: Any,
        comment: str | None,
        new: bool,
    ) -> Any:
        command = self._command(
            **fields,
            projection=_codec.projection(projection),
            sort=None if sort is None else _codec.order(sort),
            hint=_hint(hint),
            new=new,
        )
        data, _ = self._native.find_and_modify(self._name, command, None, comment)
        return None if data is None else _codec.decode(data, self._options)[0]

    def bulk_write(
        self, requests: Sequence[Any], ordered: bool = True, *, comment: str | None = None
    ) -> BulkWriteResult:
        """Runs pymongo's operations (``InsertOne``, ``UpdateOne`` and so on) in their order, in one
        commit: all of them, or none."""
        writes = [_write(request) for request in requests]
        data = self._native.bulk(self._name, self._command(writes=writes), None, comment)
        counts = _codec.decode(data, self._options)[0]
        return BulkWriteResult(
            inserted_count=int(counts["inserted"]),
            matched_count=int(counts["matched"]),
            modified_count=int(counts["modified"]),
            deleted_count=int(counts["deleted"]),
            upserted_ids={int(entry["index"]): entry["_id"] for entry in counts["upserted"]},
            lsn=None if counts["lsn"] is None else int(counts["lsn"]),
        )

    def create_index(
        self, /, keys: Order, *, name: str | None = None, comment: str | None = None, **options: Any
    ) -> str:
        """Creates an index and the entries of all documents. Returns its name."""
        definition = {"key": _codec.order(keys), **options}
        if name is not None:
            definition["name"] = name
        if "collation" in definition:
            definition["collation"] = as_document(definition["collation"])
        request = {"collection": self._name, "definition": definition, "message": comment}
        created: str = self._operation("index.create", request)["index"]
        return created

    def create_indexes(self, indexes: Iterable[Any], *, comment: str | None = None) -> list[str]:
        """Creates the indexes of pymongo's ``IndexModel``, or of definitions such as
        ``{"key": {"age": 1}, "unique": True}``, one commit each. Returns their names."""
        names = []
        for index in indexes:
            options = dict(as_document(index))
            keys = options.pop("key")
            names.append(self.create_index(keys, comment=comment, **options))
        return names

    def drop_indexes(self, *, comment: str | None = None) -> None:
        """Drops all indexes except that of ``_id``, one commit each; past states keep them."""
        for name in self.index_information():
            if name != "_id_":
                self.drop_index(name, comment=comment)

    def drop_index(self, index_or_name: Any, *, comment: str | None = None) -> None:
        """Drops an index, by its name or its key; past states keep it."""
        name = index_or_name
        if not isinstance(name, str):
            key = _codec.order(index_or_name)
            indexes = self.list_indexes()
            names = [index["name"] for index in indexes if dict(index["key"]) == key]
            if not names:
                details = {"collection": self._name, "code": 27, "code_name": "IndexNotFound"}
                raise NotFoundError(f"collection '{self._name}' has no index of {key}", details)
            name = names[0]
        request = {"collection": self._name, "index": name, "message": comment}
        self._operation("index.drop", request)

    def drop(self, *, comment: str | None = None) -> None:
        """Drops the collection, if it exists; past states keep it."""
        try:
            request = {"collection": self._name, "message": comment}
            self._operation("collection.drop", request)
        except NotFoundError:
            return

    def rename(self, new_name: str, *, comment: str | None = None) -> Collection:
        """Renames the collection. Returns it by its new name."""
        request = {"from": self._name, "to": new_name, "message": comment}
        self._operation("collection.rename", request)
        return Collection(self._native, new_name, self._options, self._call)._of(self._owner)

    def _operation(self, name: str, request: dict[str, Any]) -> Any:
        if self._call is None:
            raise InvalidError("a commit of several writes has documents only")
        return self._call(name, request)


if TYPE_CHECKING:
    from typing import Protocol

    class _Call(Protocol):
        """Runs an operation of the branch."""

        def __call__(self, operation: str, request: dict[str, Any]) -> Any: ...


def _with_id(document: Mapping[str, Any]) -> Any:
    """The ``_id`` of a document; a document that can be changed gets one."""
    identifier = document.get("_id")
    if identifier is None and "_id" not in document:
        if not isinstance(document, MutableMapping):
            raise InvalidError("a raw document must have an _id")
        identifier = document["_id"] = ObjectId()
    return identifier


def _hint(hint: Any) -> Any:
    return hint if hint is None or isinstance(hint, str) else _codec.order(hint)


def _query(
    filter: Document | None,
    projection: Fields,
    sort: Order | None,
    hint: Any,
    collation: Any,
    skip: SupportsIndex = 0,
    limit: SupportsIndex = 0,
) -> dict[str, Any]:
    """The fields of a query that are given."""
    # The integers of numpy are no integers for BSON.
    numbers = {"skip": operator.index(skip), "limit": abs(operator.index(limit))}
    query: dict[str, Any] = {name: number for name, number in numbers.items() if number}
    if filter is not None:
        query["filter"] = _filter(filter)
    if projection is not None:
        query["projection"] = _codec.projection(projection)
    if sort:
        query["sort"] = _codec.order(sort)
    if hint is not None:
        query["hint"] = _hint(hint)
    if collation is not None:
        query["collation"] = as_document(collation)
    return query


def _update_fields(
    filter: Document,
    update: Update,
    many: bool,
    upsert: bool,
    collation: Any,
    array_filters: Sequence[Document] | None,
) -> dict[str, Any]:
    return {
        "filter": _filter(filter),
        "update": update if isinstance(update, Mapping) else list(update),
        "many": many,
        "upsert": upsert,
        "collation": as_document(collation),
        "array_filters": None if array_filters is None else list(array_filters),
    }


def _filter(filter: Document) -> Document:
    """A filter. Only a document is one: what is left out of a write by mistake must not match all."""
    if not isinstance(filter, Mapping):
        raise InvalidError(f"invalid filter {filter!r}: expected a document, {{}} for all")
    return filter


def _check_update(update: Update) -> None:
    if isinstance(update, Mapping):
        first = next(iter(update), None)
        if first is None or not first.startswith("$"):
            raise InvalidError("an update must have operators such as $set; see replace_one")


def _check_replacement(replacement: Document) -> None:
    first = next(iter(replacement), None)
    if first is not None and first.startswith("$"):
        raise InvalidError("a replacement must not have operators; see update_one")


def _write(request: Any) -> dict[str, Any]:
    """One of pymongo's operations as a write of a bulk. pymongo itself is not imported for it."""
    kind = type(request).__name__
    if kind == "InsertOne":
        _with_id(request._doc)
        return {"insert": request._doc}
    if getattr(request, "_sort", None):
        raise InvalidError(f"{kind} with a sort is not supported: see find_one_and_update")
    collation = as_document(getattr(request, "_collation", None))
    hint = _hint(getattr(request, "_hint", None))
    if kind in ("DeleteOne", "DeleteMany"):
        filter, many = _filter(request._filter), kind == "DeleteMany"
        fields = {"filter": filter, "many": many, "collation": collation, "hint": hint}
        return {"delete": fields}
    if kind in ("UpdateOne", "UpdateMany", "ReplaceOne"):
        if kind == "ReplaceOne":
            _check_replacement(request._doc)
        else:
            _check_update(request._doc)
        fields = _update_fields(
            request._filter,
            request._doc,
            kind == "UpdateMany",
            bool(request._upsert),
            collation,
            getattr(request, "_array_filters", None),
        )
        return {"update": {**fields, "hint": hint}}
    raise InvalidError(f"{request!r} is not one of pymongo's operations")
