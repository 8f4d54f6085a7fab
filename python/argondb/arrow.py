"""Documents as Arrow tables, and back.

The type of a column is inferred over all documents, never from the first ones: integers widen to 64
bits, and to doubles where all of them stay exact. A column with values of several types becomes text,
and is reported by a :class:`MixedTypesWarning` and by :func:`mixed_columns`: strings as they are, other
values as canonical Extended JSON. ObjectIds and decimals are text too; the metadata of their fields says
so, and a table that comes back has them again, as well as the subtype of binary values.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from argondb.errors import InvalidError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["MixedTypesWarning", "documents", "mixed_columns", "of_documents", "table"]

_BSON = b"bson"
_MIXED = "mixed:"
_BINARY = "binData:"


class MixedTypesWarning(UserWarning):
    """A column has values of several types, and became text."""


def table(column: tuple[Any, ...], schema: pyarrow.Schema | None) -> pyarrow.Table:
    """A table of the columns that the native module gives; cast to a schema, if there is one."""
    import pyarrow

    _, length, _, _, children, _ = column
    names = [name for name, _ in children]
    fields, arrays = [], []
    for name, child in children:
        field, array = _field(pyarrow, name, child)
        fields.append(field)
        arrays.append(array)
    found = pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))
    if not names:
        found = pyarrow.table({"": pyarrow.nulls(length)}).select([])
    if schema is not None:
        return _cast(pyarrow, found, schema)
    for path, types in mixed_columns(found).items():
        message = f"column {path} has values of several types ({', '.join(types)}) and became text"
        warnings.warn(MixedTypesWarning(message), stacklevel=4)
    return found


def of_documents(documents: Iterable[Mapping[str, Any]]) -> pyarrow.Table:
    """A table of documents, such as those of a pipeline, by the same rules.

    >>> of_documents([{"n": 1}, {"n": 2.5}]).column("n").to_pylist()
    [1.0, 2.5]
    """
    from argondb import _codec
    from argondb.store import open

    # They become fields of other documents, because their `_id`s may be missing, or the same.
    numbered = [{"_id": i, "document": document} for i, document in enumerate(documents)]
    if not numbered:
        return table(("struct", 0, 0, [], [], None), None)
    with open("memory:") as store:
        branch = store.project("p", create=True).branch()
        branch["c"].insert_many(numbered)
        query = _codec.command(_codec.DEFAULT_CODEC_OPTIONS, projection={"_id": 0})
        _, _, _, _, children, _ = branch._native.columns("c", query)
    return table(children[0][1], None)


def mixed_columns(table: pyarrow.Table) -> dict[str, list[str]]:
    """The columns of a table that became text, by path, with the types of their values."""
    return {path: types for field in table.schema for path, types in _mixed(field, field.name)}


def _mixed(field: pyarrow.Field, path: str) -> Iterator[tuple[str, list[str]]]:
    note = (field.metadata or {}).get(_BSON, b"").decode()
    if note.startswith(_MIXED):
        yield path, note.removeprefix(_MIXED).split(",")
    for position in range(field.type.num_fields):
        child = field.type.field(position)
        yield from _mixed(child, f"{path}.{child.name}")


def _field(pyarrow: Any, name: str, column: tuple[Any, ...]) -> tuple[pyarrow.Field, pyarrow.Array]:
    kind, length, nulls, buffers, children, note = column
    made = [_field(pyarrow, child_name, child) for child_name, child in children]
    metadata = None if note is None else {_BSON: note.encode()}
    types = {
        "null": pyarrow.null,
        "bool": pyarrow.bool_,
        "int32": pyarrow.int32,
        "int64": pyarrow.int64,
        "float64": pyarrow.float64,
        "timestamp": lambda: pyarrow.timestamp("ms", tz="UTC"),
        "string": pyarrow.large_string,
        "binary": pyarrow.large_binary,
        "list": lambda: pyarrow.large_list(made[0][0]),
        "struct": lambda: pyarrow.struct([field for field, _ in made]),
    }
    of = types[kind]()
    if kind == "null":
        array = pyarrow.nulls(length)
    else:
        array = pyarrow.Array.from_buffers(
            of,
            length,
            [None if data is None else pyarrow.py_buffer(data) for data in buffers],
            null_count=nulls,
            children=[child for _, child in made] or None,
        )
    return pyarrow.field(name, of, metadata=metadata), array


def _cast(pyarrow: Any, found: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
    """The columns of a schema; one that no document has is null. A value that does not fit is an error,
    and so is one that is missing where the schema has no nulls."""
    columns = []
    for field in schema:
        if field.name in found.column_names:
            column = found.column(field.name).cast(field.type)
        else:
            column = pyarrow.chunked_array([pyarrow.nulls(len(found), field.type)])
        _check_nulls(field, column, field.name)
        columns.append(column)
    return pyarrow.Table.from_arrays(columns, schema=schema)


def _check_nulls(field: pyarrow.Field, column: Any, path: str) -> None:
    """Refuses a null where a field, or one inside of it, has none."""
    import pyarrow
    from pyarrow import compute

    if not field.nullable and column.null_count:
        message = f"column {path} must not have nulls, and {column.null_count} values are missing"
        raise InvalidError(message, {"path": path})
    of = field.type
    if pyarrow.types.is_struct(of):
        present = column.drop_null()
        for position in range(of.num_fields):
            child = of.field(position)
            inside = compute.struct_field(present, [position])
            _check_nulls(child, inside, f"{path}.{child.name}")
    elif pyarrow.types.is_list(of) or pyarrow.types.is_large_list(of):
        _check_nulls(of.value_field, compute.list_flatten(column), f"{path}.{of.value_field.name}")


def documents(table: Any, schema: pyarrow.Schema | None = None) -> Iterator[dict[str, Any]]:
    """The documents of a table, or of what has Arrow's interface (a DataFrame of polars, say) or pandas'.

    The index of a DataFrame of pandas is left out, unless its name is ``_id``: ``reset_index()`` makes a
    column of it. Nulls are left out too: in a table, a field that is null and one that is missing are
    the same. ``schema``, such as that of a table of :func:`table`, has the types and the metadata of the
    columns.

    | Arrow | BSON |
    | --- | --- |
    | integers | an int, 64 bits for int64 and uint64 |
    | date | the beginning of the day in UTC |
    | timestamp | its milliseconds |
    | decimal | ``Decimal128``, if it has at most 34 digits |
    | dictionary, run-end encoded | their values |
    | map with texts as keys | a document |
    | time, duration, interval, union, other extension types | an :class:`~argondb.InvalidError` |
    """
    found = _table(table)
    if schema is not None:
        found = found.select([name for name in schema.names if name in found.column_names])
        wanted = [schema.field(name) for name in found.column_names]
        found = found.cast(_schema(wanted))
    fields = [(field, _restorer(field, field.name)) for field in found.schema]
    return _documents(found, fields)


def _schema(fields: list[pyarrow.Field]) -> pyarrow.Schema:
    import pyarrow

    return pyarrow.schema(fields)


def _documents(
    table: pyarrow.Table, fields: list[tuple[pyarrow.Field, Any]]
) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches():
        columns = [
            (field.name, restore, _values(column, field.name))
            for (field, restore), column in zip(fields, batch.columns, strict=True)
        ]
        for row in range(batch.num_rows):
            yield {
                name: restore(column[row])
                for name, restore, column in columns
                if column[row] is not None
            }


def _values(column: pyarrow.Array, path: str) -> list[Any]:
    """The values of a column. Times of other units than BSON's become those first."""
    import pyarrow

    if pyarrow.types.is_timestamp(column.type) and column.type.unit in ("us", "ns"):
        column = column.cast(pyarrow.timestamp("ms", tz=column.type.tz), safe=False)
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError) as error:
        raise InvalidError(f"column {path} has a value that BSON does not have: {error}") from error
    return values


def _table(table: Any) -> pyarrow.Table:
    import pyarrow

    if isinstance(table, pyarrow.Table):
        return table
    if isinstance(table, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([table])
    if not _is_pandas(table):
        # Arrow's interface of pandas makes a field of the index.
        if hasattr(table, "__arrow_c_stream__"):
            return pyarrow.table(table)
        raise InvalidError(f"invalid table: expected Arrow's or a DataFrame, not {type(table)}")
    if "_id" in table.index.names and "_id" not in table.columns:
        table = table.reset_index("_id")
    try:
        return pyarrow.Table.from_pandas(table, preserve_index=False)
    except pyarrow.ArrowException as error:
        raise InvalidError(f"the DataFrame can't become an Arrow table: {error}") from error


def _is_pandas(table: Any) -> bool:
    """Whether it is a DataFrame of pandas, which is not imported for the question."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def _restorer(field: pyarrow.Field, path: str) -> Any:
    """What makes the value of BSON of a value of a column."""
    from bson import Binary, Decimal128, Int64, ObjectId
    from pyarrow import types

    note = (field.metadata or {}).get(_BSON, b"").decode()
    of = field.type
    if types.is_dictionary(of) or types.is_run_end_encoded(of):
        of = of.value_type
    if note == "objectId":
        return ObjectId
    if note == "decimal":
        return Decimal128
    if note.startswith(_BINARY):
        subtype = int(note.removeprefix(_BINARY))
        return lambda value: Binary(value, subtype)
    if types.is_struct(of):
        parts = {child.name: _restorer(child, f"{path}.{child.name}") for child in of}
        return lambda value: {
            name: parts[name](part) for name, part in value.items() if part is not None
        }
    if types.is_map(of) and _is_text(of.key_type):
        restore = _restorer(of.item_field, path)
        return lambda value: {name: None if part is None else restore(part) for name, part in value}
    if _is_list(of):
        restore = _restorer(of.value_field, path)
        return lambda value: [None if part is None else restore(part) for part in value]
    if types.is_int64(of) or types.is_uint64(of):
        return lambda value: _int64(value, path, Int64)
    if types.is_decimal(of):
        return lambda value: _decimal128(value, path)
    if types.is_date(of):
        return lambda value: datetime.combine(value, time())
    if types.is_floating(of):
        return float
    if types.is_timestamp(of):
        return _milliseconds
    if types.is_null(of) or types.is_boolean(of) or types.is_integer(of) or _is_bytes(of):
        return lambda value: value
    raise InvalidError(
        f"column {path} has the type {of}, for which BSON has no value; cast it, or leave it out",
        {"path": path},
    )


def _is_list(of: pyarrow.DataType) -> bool:
    from pyarrow import types

    kinds = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view")
    return any(getattr(types, kind)(of) for kind in kinds if hasattr(types, kind))


def _is_text(of: pyarrow.DataType) -> bool:
    from pyarrow import types

    kinds = ("is_string", "is_large_string", "is_string_view")
    return any(getattr(types, kind)(of) for kind in kinds if hasattr(types, kind))


def _is_bytes(of: pyarrow.DataType) -> bool:
    from pyarrow import types

    kinds = ("is_binary", "is_large_binary", "is_fixed_size_binary", "is_binary_view")
    is_binary = any(getattr(types, kind)(of) for kind in kinds if hasattr(types, kind))
    return is_binary or _is_text(of)


def _int64(value: int, path: str, int64: Any) -> Any:
    if value >= 1 << 63:
        raise InvalidError(f"column {path} has {value}, which needs more than 64 bits in BSON")
    return int64(value)


def _decimal128(value: Any, path: str) -> Any:
    from bson.decimal128 import Decimal128, create_decimal128_context

    context = create_decimal128_context()
    rounded = context.create_decimal(value)
    if rounded != value:
        raise InvalidError(f"column {path} has {value}, which has more digits than a Decimal128")
    return Decimal128(rounded)


def _milliseconds(value: datetime) -> datetime:
    """A time in BSON's milliseconds, of whatever class."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime(warn=False)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)
