"""Collections as files of fsspec."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pandas
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest
import tomllib

import argondb
from argondb import InvalidError
from argondb import fsspec as files
from argondb.fsspec import ArgonFileSystem


@pytest.fixture
def shop(store: argondb.Store, main: argondb.Branch) -> argondb.Branch:
    """The first commit has whole numbers only, the second one a double."""
    main["users"].insert_many([{"_id": i, "age": i} for i in range(10)])
    main["users"].insert_one({"_id": 100, "age": 0.5, "zip": "01001"})
    return main


@pytest.fixture
def filesystem(store: argondb.Store, shop: argondb.Branch) -> ArgonFileSystem:
    return fsspec.filesystem("argon", store=store)


def test_a_file_is_a_collection_of_a_state(
    filesystem: ArgonFileSystem, shop: argondb.Branch
) -> None:
    url = "argon://any/shop@1/users.jsonl"
    assert filesystem.cat(url) == b"".join(b'{"_id": %d, "age": %d}\n' % (i, i) for i in range(10))
    assert filesystem.info(url) == filesystem.info("any/shop@1/users.jsonl")
    assert filesystem.info(url)["size"] == filesystem.size(url) == len(filesystem.cat(url))
    assert filesystem.info("argon://any/shop@1") == {
        "name": "any/shop@1",
        "size": 0,
        "type": "directory",
    }
    table = pyarrow.parquet.read_table(filesystem.open("argon://any/shop/users.parquet"))
    assert table.num_rows == 11
    shop.create("feature/login")["a/b.c"].insert_one({"_id": 1})
    assert filesystem.cat("argon:///shop@feature/login/a%2Fb.c.jsonl") == b'{"_id": 1}\n'
    assert filesystem.ls("argon:///shop@feature/login", detail=False) == [
        "/shop@feature/login/a%2Fb.c.parquet",
        "/shop@feature/login/a%2Fb.c.jsonl",
        "/shop@feature/login/users.parquet",
        "/shop@feature/login/users.jsonl",
    ]
    assert filesystem.ls("argon:///", detail=False) == ["/shop"]
    assert filesystem.exists(url) and filesystem.isfile(url) and filesystem.isdir("argon:///shop@1")
    assert filesystem.modified("argon:///shop@1/users.parquet") == shop.log()[1].time
    for missing in (
        "argon:///shop@99/users.jsonl",
        "argon:///shop@0/users.jsonl",
        "argon:///shop/boats.parquet",
        "argon:///missing/users.jsonl",
        "argon:///shop@1/users.csv",
    ):
        assert not filesystem.exists(missing), missing
        with pytest.raises(FileNotFoundError):
            filesystem.open(missing)
    with pytest.raises(NotImplementedError):
        filesystem.open(url, "wb")
    with pytest.raises(IsADirectoryError):
        filesystem.open("argon:///shop@1")
    assert not filesystem.exists("argon:///shop@0/users.jsonl")
    assert filesystem.modified("argon:///shop@0").year == 1970


def test_an_open_file_stays_as_it_is(filesystem: ArgonFileSystem, shop: argondb.Branch) -> None:
    url = "argon:///shop@main/users.jsonl"
    [fixed] = filesystem.glob(url)
    assert fixed == "/shop@main@2/users.jsonl"
    before, key, file = filesystem.cat(url), filesystem.ukey(url), filesystem.open(url)
    shop["users"].insert_one({"_id": 101})
    assert file.read() == before == filesystem.cat(fixed) and file.size == len(before)
    assert filesystem.size(url) > len(before) and filesystem.ukey(url) != key
    assert filesystem.glob("argon:///shop/*.jsonl") == ["/shop@main@3/users.jsonl"]
    detailed = filesystem.glob(url, detail=True)
    assert [entry["name"] for entry in detailed.values()] == ["/shop@main@3/users.jsonl"]


def test_files_are_kept_up_to_a_size(
    filesystem: ArgonFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    kept = files._Kept()
    monkeypatch.setattr(files, "KEPT", 10)
    for key, size in [
        ("a", 4),
        ("b", 4),
        ("a", 4),
        ("c", 4),
        ("a", 4),
        ("b", 4),
        ("d", 40),
        ("d", 40),
    ]:

        def make(key: str = key, size: int = size) -> bytes:
            made.append(key)
            return bytes(size)

        assert len(kept.get(key, make)) == size
    assert made == ["a", "b", "c", "b", "d"]


def test_pandas_reads_it(store: argondb.Store, shop: argondb.Branch) -> None:
    options = {"store": store}
    frame = pandas.read_parquet("argon:///shop@main/users.parquet", storage_options=options)
    assert frame["age"].sum() == 45.5
    frame = pandas.read_json(
        "argon:///shop@1/users.jsonl", lines=True, dtype=False, storage_options=options
    )
    assert len(frame) == 10


def test_duckdb_reads_it(filesystem: ArgonFileSystem, shop: argondb.Branch) -> None:
    connection = duckdb.connect()
    connection.register_filesystem(filesystem)

    def ask(of: str) -> Any:
        return connection.sql(f"SELECT count(*), sum(age) FROM {of}").fetchall()[0]

    assert ask("read_parquet('argon:///shop@main/users.parquet')") == (11, 45.5)
    assert ask("read_parquet('argon:///shop@1/users.parquet')") == (10, 45)
    assert ask("read_json('argon:///shop/users.jsonl', sample_size=-1)") == (11, 45.5)
    shop["users"].delete_many({"_id": {"$gt": 0}})
    assert ask("read_parquet('argon:///shop@main/users.parquet')") == (1, 0.0)
    connection.close()


def test_pyarrow_reads_it(filesystem: ArgonFileSystem) -> None:
    handler = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(filesystem))
    assert pyarrow.parquet.read_table("/shop@1/users.parquet", filesystem=handler).num_rows == 10
    dataset = pyarrow.dataset.dataset("/shop@main/users.parquet", filesystem=handler)
    assert dataset.to_table(filter=pyarrow.dataset.field("age") > 8).num_rows == 1
    selector = pyarrow.fs.FileSelector("/shop@1")
    assert {info.base_name for info in handler.get_file_info(selector)} == {
        "users.jsonl",
        "users.parquet",
    }


def test_stores_are_found_by_name_url_and_variable(
    url: str, argon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with argondb.open(url, create=True) as store:
        store.project("shop", create=True).branch()["users"].insert_one({"_id": 1})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    subprocess.run([argon, "store", "add", "named", url], check=True, capture_output=True)
    path = "/shop@main/users.jsonl"
    code = "import fsspec, sys; print(fsspec.open(sys.argv[1], 'rt').open().read(), end='')"
    run = subprocess.run(
        [sys.executable, "-c", code, f"argon://named{path}"], capture_output=True, text=True
    )
    assert run.stdout == '{"_id": 1}\n', run.stderr
    assert fsspec.open(f"argon://{path}", "rt", store=url).open().read() == '{"_id": 1}\n'
    with pytest.raises(InvalidError, match="names no store"):
        fsspec.open(f"argon://{path}").open()
    monkeypatch.setenv("ARGON_STORE", url)
    assert fsspec.open(f"argon://{path}", "rt").open().read() == '{"_id": 1}\n'
    files._stores.popitem()[1].close()


def test_a_store_that_was_closed_is_opened_again(url: str) -> None:
    with argondb.open(url, create=True) as store:
        store.project("shop", create=True).branch()["users"].insert_one({"_id": 1})
    filesystem = ArgonFileSystem(store=url)
    made = filesystem.modified("argon:///shop")
    assert isinstance(made, datetime) and filesystem.exists("argon:///shop/users.jsonl")
    files._stores.popitem()[1].close()


def test_the_entry_points_of_the_tests_are_those_of_the_package() -> None:
    project = Path(__file__).parent.parent / "pyproject.toml"
    package = tomllib.loads(project.read_text())["project"]
    declared = {"console_scripts": package["scripts"], **package["entry-points"]}
    found: dict[str, dict[str, str]] = {}
    for point in importlib.metadata.distribution("argondb").entry_points:
        found.setdefault(point.group, {})[point.name] = point.value
    assert found == declared
