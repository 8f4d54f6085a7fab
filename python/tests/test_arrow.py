"""Documents as tables, and back."""

from __future__ import annotations

import datetime
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex

import argondb
from argondb.arrow import MixedTypesWarning, mixed_columns

DOCUMENTS: list[dict[str, Any]] = [
    {
        "_id": ObjectId("5f50c31e8a7d4a0001b7a1c2"),
        "i": 1,
        "l": Int64(2**60),
        "d": 1.5,
        "t": "Grüße",
        "b": True,
        "when": datetime.datetime(2026, 7, 7, 9, 0, 0, 123000),
        "bytes": b"\x00\xff",
        "money": Decimal128("1.10"),
        "place": {"city": "Rom", "at": [12.5, 41.9]},
        "tags": ["a", "b"],
        "people": [{"name": "Ada"}, {"name": "Tim", "age": 9}],
        "none": None,
    },
    {"_id": ObjectId("5f50c31e8a7d4a0001b7a1c3"), "i": 2, "place": {"zip": 7}, "tags": []},
]


def table(main: argondb.Branch, values: list[Any]) -> pyarrow.Table:
    """A table of documents with one value each; a missing one is an ellipsis."""
    documents = [
        {"_id": i} if value is ... else {"_id": i, "v": value} for i, value in enumerate(values)
    ]
    name = f"c{len(main.list_collection_names())}"
    main[name].insert_many(documents)
    return main[name].to_arrow(projection={"_id": 0, "v": 1})


def column(main: argondb.Branch, values: list[Any]) -> tuple[str, list[Any]]:
    found = table(main, values).column("v")
    return str(found.type), found.to_pylist()


def test_documents_become_a_table_and_documents_again(main: argondb.Branch) -> None:
    main["a"].insert_many([dict(document) for document in DOCUMENTS])
    found = main["a"].to_arrow()
    found.validate(full=True)
    assert found.column("d").to_pylist() == [1.5, None]
    assert found.column("place").to_pylist()[0] == {"city": "Rom", "at": [12.5, 41.9], "zip": None}
    assert str(found.schema.field("when").type) == "timestamp[ms, tz=UTC]"
    assert mixed_columns(found) == {}
    main["b"].insert_table(found)
    expected = [{key: value for key, value in DOCUMENTS[0].items() if value is not None}]
    [first, second] = main["b"].find().to_list()
    when = first.pop("when")
    assert when == expected[0].pop("when")
    assert (first, second) == (expected[0], DOCUMENTS[1])
    assert type(first["l"]) is Int64 and type(first["i"]) is int


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3.75], ("double", [1.0, 2.0, 3.75])),
        ([1, Int64(2**60)], ("int64", [1, 2**60])),
        ([Int64(7), 1e300], ("double", [7.0, 1e300])),
        ([None, ..., 1], ("int32", [None, None, 1])),
        ([None, ...], ("null", [None, None])),
        ([[1], [1.5], [], None], ("large_list<item: double>", [[1.0], [1.5], [], None])),
        ([True, None, False], ("bool", [True, None, False])),
        (["", "x", None], ("large_string", ["", "x", None])),
        ([b"", b"\x01"], ("large_binary", [b"", b"\x01"])),
    ],
)
def test_the_type_of_a_column_holds_all_of_its_values(
    main: argondb.Branch, values: list[Any], expected: tuple[str, list[Any]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert column(main, values) == expected


@pytest.mark.parametrize(
    ("values", "texts", "types"),
    [
        ([1, True], ['{"$numberInt":"1"}', "true"], ["bool", "int"]),
        ([1, "one", None], ['{"$numberInt":"1"}', "one", None], ["int", "string"]),
        (
            [Int64(2**60), 1.5],
            ['{"$numberLong":"1152921504606846976"}', '{"$numberDouble":"1.5"}'],
            ["double", "long"],
        ),
        ([{"a": 1}, "x"], ['{"a":{"$numberInt":"1"}}', "x"], ["object", "string"]),
        ([Regex("a")], ['{"$regularExpression":{"pattern":"a","options":""}}'], ["regex"]),
    ],
)
def test_a_column_of_several_types_becomes_text_and_is_reported(
    main: argondb.Branch, values: list[Any], texts: list[Any], types: list[str]
) -> None:
    with pytest.warns(MixedTypesWarning, match="column v"):
        found = table(main, values)
    assert found.column("v").to_pylist() == texts
    assert mixed_columns(found) == {"v": types}


def test_a_late_value_counts_as_much_as_an_early_one(main: argondb.Branch) -> None:
    main["late"].insert_many([{"_id": i, "v": i} for i in range(30_000)])
    main["late"].update_one({"_id": 29_999}, {"$set": {"v": 0.5, "new": "x"}})
    found = main["late"].to_arrow()
    assert str(found.schema.field("v").type) == "double"
    assert found.column("v").to_pylist()[-1] == 0.5
    assert found.column("new").to_pylist()[-1] == "x"
    assert found.num_rows == 30_000


def test_a_schema_chooses_columns_and_types(main: argondb.Branch) -> None:
    main["a"].insert_many([{"_id": 1, "n": 1, "t": "x"}, {"_id": 2, "n": 2}])
    schema = pyarrow.schema([("n", pyarrow.int8()), ("missing", pyarrow.string())])
    found = main["a"].to_arrow(schema=schema)
    assert found.schema == schema
    assert found.to_pylist() == [{"n": 1, "missing": None}, {"n": 2, "missing": None}]
    main["a"].insert_one({"_id": 3, "n": 1000})
    with pytest.raises(pyarrow.ArrowInvalid):
        main["a"].to_arrow(schema=schema)
    assert main.at(1)["a"].to_arrow(schema=schema).num_rows == 2


def test_a_missing_value_does_not_fit_a_field_without_nulls(main: argondb.Branch) -> None:
    main["a"].insert_many(
        [
            {"_id": 1, "n": 1, "place": {"city": "Rom"}, "tags": ["a"]},
            {"_id": 2, "n": None, "place": {"zip": 7}, "tags": ["b", None]},
            {"_id": 3, "n": 3},
        ]
    )

    def read(field: pyarrow.Field, filter: Any = None) -> list[Any]:
        found = main["a"].to_arrow(filter, schema=pyarrow.schema([field]))
        found.validate(full=True)
        return list(found.column(0).to_pylist())

    number = pyarrow.field("n", pyarrow.int64(), nullable=False)
    city = pyarrow.field("city", pyarrow.string(), nullable=False)
    tag = pyarrow.field("item", pyarrow.string(), nullable=False)
    fields = [
        number,
        pyarrow.field("place", pyarrow.struct([city])),
        pyarrow.field("tags", pyarrow.list_(tag)),
        pyarrow.field("missing", pyarrow.string(), nullable=False),
    ]
    for field in fields:
        with pytest.raises((argondb.InvalidError, pyarrow.ArrowInvalid, TypeError)):
            read(field)
    with pytest.raises(argondb.InvalidError, match="column n must not have nulls, and 1 value"):
        read(number)
    assert read(number, {"_id": {"$ne": 2}}) == [1, 3]
    assert read(number, {"_id": 9}) == []
    assert read(fields[2], {"_id": {"$ne": 2}}) == [["a"], None]
    assert read(fields[3], {"_id": 9}) == []


def test_tables_of_others(main: argondb.Branch, tmp_path: Path) -> None:
    main["a"].insert_many([{"_id": i, "n": i / 2, "t": str(i)} for i in range(10)])
    frame = main["a"].to_pandas({"n": {"$gte": 4}}, sort={"_id": -1})
    assert isinstance(frame, pandas.DataFrame) and list(frame["_id"]) == [9, 8]
    assert main["a"].to_polars(limit=3)["t"].to_list() == ["0", "1", "2"]
    main["a"].write_parquet(tmp_path / "a.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").num_rows == 10
    assert polars.read_parquet(tmp_path / "a.parquet").height == 10
    with main.commit() as commit:
        commit["a"].delete_many({"_id": {"$lt": 9}})
        assert commit["a"].to_arrow().num_rows == 1
    result = main["b"].insert_table(pandas.DataFrame({"_id": [1, 2], "x": ["a", None]}))
    assert result.inserted_ids == [1, 2]
    assert main["b"].find().to_list() == [{"_id": 1, "x": "a"}, {"_id": 2}]
    main["c"].insert_table(polars.DataFrame({"_id": [1], "l": [[1.5]]}))
    assert main["c"].find_one(1) == {"_id": 1, "l": [1.5]}
    assert main["missing"].to_arrow().num_columns == 0


def test_the_index_of_pandas_is_no_field(main: argondb.Branch) -> None:
    # Not one that pandas keeps as a range.
    frame = pandas.DataFrame({"_id": [1, 2, 3], "n": [5, 6, 7]}, index=[4, 9, 2])
    main["a"].insert_table(frame[frame["n"] > 5])
    assert main["a"].find().to_list() == [{"_id": 2, "n": 6}, {"_id": 3, "n": 7}]
    named = frame.assign(n=["x", "y", "z"]).set_index("n")
    main["b"].insert_table(named)
    assert main["b"].find().to_list() == [{"_id": 1}, {"_id": 2}, {"_id": 3}]
    main["c"].insert_table(named.reset_index())
    assert main["c"].find_one(1) == {"n": "x", "_id": 1}


def test_an_index_of_pandas_with_the_name_id_is_the_id(main: argondb.Branch) -> None:
    frame = pandas.DataFrame({"_id": [1, 2], "n": [5, 6]}).set_index("_id")
    main["a"].insert_table(frame)
    assert main["a"].find().to_list() == [{"_id": 1, "n": 5}, {"_id": 2, "n": 6}]
    levels = pandas.DataFrame({"_id": [3], "m": [4], "n": [5]}).set_index(["m", "_id"])
    main["b"].insert_table(levels)
    assert main["b"].find().to_list() == [{"_id": 3, "n": 5}]


def test_a_schema_gives_frames_their_types_again(main: argondb.Branch) -> None:
    document = {
        "_id": ObjectId("5f50c31e8a7d4a0001b7a1c2"),
        "money": Decimal128("1.10"),
        "n": Int64(1),
        "sub": {"of": [ObjectId("5f50c31e8a7d4a0001b7a1c2")]},
    }
    main["a"].insert_one(document)
    schema = main["a"].to_arrow().schema
    for number, frame in enumerate([main["a"].to_pandas(), main["a"].to_polars()]):
        main[f"c{number}"].insert_table(frame, schema=schema)
        found = main[f"c{number}"].find_one()
        assert found == document and type(found["n"]) is Int64
    with pytest.raises((argondb.InvalidError, pyarrow.ArrowInvalid)):
        main["d"].insert_table(pandas.DataFrame({"n": ["x"]}), schema=schema)


def test_types_of_others_are_mapped(main: argondb.Branch) -> None:
    moment = datetime.datetime(2026, 7, 7, 9, 0, 0, 123456)
    days = [datetime.date(2026, 7, 7), None]
    columns = {
        "_id": pyarrow.array([1, 2]),
        "decimal": pyarrow.array([Decimal("1.10"), None], pyarrow.decimal128(12, 2)),
        "wide": pyarrow.array([Decimal("1.10"), None], pyarrow.decimal256(60, 2)),
        "date32": pyarrow.array(days, pyarrow.date32()),
        "date64": pyarrow.array(days, pyarrow.date64()),
        "us": pyarrow.array([moment, None], pyarrow.timestamp("us")),
        "ns": pyarrow.array([1_783_414_800_123_456_789, None], pyarrow.timestamp("ns", "UTC")),
        "uint64": pyarrow.array([7, None], pyarrow.uint64()),
        "float16": pyarrow.array([1.5, None]).cast(pyarrow.float16()),
        "category": pyarrow.array(["x", None]).dictionary_encode(),
        "map": pyarrow.array([[("a", 1)], None], pyarrow.map_(pyarrow.string(), pyarrow.int32())),
        "fixed": pyarrow.array([[1, None], None], pyarrow.list_(pyarrow.int32(), 2)),
        "nested": pyarrow.array([{"d": [Decimal("2.5")], "t": days[0]}, None]),
    }
    main["a"].insert_table(pyarrow.table(columns))
    day, millis = datetime.datetime(2026, 7, 7), moment.replace(microsecond=123000)
    assert main["a"].find().to_list() == [
        {
            "_id": 1,
            "decimal": Decimal128("1.10"),
            "wide": Decimal128("1.10"),
            "date32": day,
            "date64": day,
            "us": millis,
            "ns": millis,
            "uint64": 7,
            "float16": 1.5,
            "category": "x",
            "map": {"a": 1},
            "fixed": [1, None],
            "nested": {"d": [Decimal128("2.5")], "t": day},
        },
        {"_id": 2},
    ]


def test_a_type_without_a_value_in_bson_is_named(main: argondb.Branch) -> None:
    seconds = datetime.timedelta(seconds=1)
    inside = pyarrow.array([{"in": [seconds]}])
    for column, path, of in (
        (pyarrow.array([seconds]), "x", "duration"),
        (pyarrow.array([datetime.time(9)]), "x", "time64"),
        (pyarrow.array([pyarrow.MonthDayNano([1, 2, 3])]), "x", "month_day_nano"),
        (inside, "x.in", "duration"),
        (pyarrow.array([[(1, "a")]], pyarrow.map_(pyarrow.int32(), pyarrow.string())), "x", "map"),
    ):
        with pytest.raises(argondb.InvalidError, match=f"column {path} has the type {of}") as error:
            main["a"].insert_table(pyarrow.table({"_id": [1], "x": column}))
        assert error.value.details == {"path": path}
    for column, problem in (
        (pyarrow.array([1 << 63], pyarrow.uint64()), "column x has 9223372036854775808"),
        (pyarrow.array([Decimal("1" * 40)], pyarrow.decimal256(60, 0)), "column x has 1111"),
    ):
        with pytest.raises(argondb.InvalidError, match=problem):
            main["a"].insert_table(pyarrow.table({"_id": [1], "x": column}))
    frame = pandas.DataFrame({"_id": [1], "x": [pandas.Timedelta(1)]})
    with pytest.raises(argondb.InvalidError, match="column x has the type duration"):
        main["a"].insert_table(frame)
    for wrong in ([{"_id": 1}], pandas.DataFrame({"x": [1, "a"]})):
        with pytest.raises(argondb.InvalidError):
            main["a"].insert_table(wrong)
    assert main["a"].count_documents({}) == 0


def test_binary_values_keep_their_subtype(main: argondb.Branch) -> None:
    document = {"_id": 1, "uuid": Binary(b"0123456789abcdef", 4), "bytes": b"x"}
    main["a"].insert_one(dict(document))
    main["b"].insert_table(main["a"].to_arrow())
    assert main["b"].find_one(1) == document


def test_object_ids_and_decimals_are_text_after_a_trip_through_frames(main: argondb.Branch) -> None:
    document = {"_id": ObjectId("5f50c31e8a7d4a0001b7a1c2"), "money": Decimal128("1.10")}
    main["a"].insert_one(dict(document))
    text = {"_id": "5f50c31e8a7d4a0001b7a1c2", "money": "1.10"}
    main["b"].insert_table(main["a"].to_pandas())
    main["c"].insert_table(main["a"].to_polars())
    main["d"].insert_table(main["a"].to_arrow())
    assert [main[name].find_one() for name in "bcd"] == [text, text, document]
