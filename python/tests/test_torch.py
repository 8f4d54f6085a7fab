"""Datasets of PyTorch.

torch is too large to be installed for the tests. Where it is installed, its DataLoader runs the workers;
elsewhere, processes of multiprocessing stand in for them, started in the same ways.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stories
from bson import ObjectId

import argondb
import argondb.torch
from argondb import InvalidError
from argondb.torch import StateDataset

HAS_TORCH = importlib.util.find_spec("torch") is not None


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    # The script of the page needs torch itself.
    stories.run("TORCH.md", tmp_path, commands, only=None if HAS_TORCH else "pycon")


def age_of(document: dict[str, Any]) -> int:
    return int(document["age"])


def _list_as_worker(dataset: StateDataset, number: int, workers: int) -> list[Any]:
    info = SimpleNamespace(id=number, num_workers=workers)
    argondb.torch.get_worker_info = lambda: info  # type: ignore[assignment]
    return list(dataset)


def wait_until_closed(dataset: StateDataset) -> None:
    """Waits until this process has no file of a store open: a child that is forked while a store is
    still being closed would keep its lock."""
    directory = dataset.reference.store.partition(":")[2]
    files = Path("/proc/self/fd")
    for _ in range(200):
        opened = [os.path.realpath(file) for file in files.iterdir()] if files.exists() else []
        if not any(file.startswith(directory) for file in opened):
            return
        time.sleep(0.05)
    pytest.fail("the store is still open after 10 seconds")


def read(dataset: StateDataset, workers: int, method: str) -> list[Any]:
    """All that the workers read."""
    if workers:
        wait_until_closed(dataset)
    if HAS_TORCH:
        from torch.utils.data import DataLoader

        loader = DataLoader(
            dataset,
            batch_size=None,
            num_workers=workers,
            multiprocessing_context=method if workers else None,
        )
        return list(loader)
    if not workers:
        return list(dataset)
    with multiprocessing.get_context(method).Pool(workers) as pool:
        parts = [
            pool.apply_async(_list_as_worker, (dataset, number, workers))
            for number in range(workers)
        ]
        return [value for part in parts for value in part.get(timeout=120)]


def filled(url: str) -> Iterator[argondb.Branch]:
    with argondb.open(url, create=True) as store:
        main = store.project("shop", create=True).branch()
        main["users"].insert_many([{"_id": i, "age": i % 90} for i in range(1001)])
        yield main


@pytest.fixture
def users(tmp_path: Path) -> Iterator[argondb.Branch]:
    yield from filled(f"fjall:{tmp_path / '.argon'}")


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_read_all_documents_once(users: argondb.Branch, method: str, workers: int) -> None:
    dataset = StateDataset(users["users"], chunk_size=100)
    users["users"].delete_many({"_id": {"$lt": 500}})
    for _ in range(2):
        ids = [document["_id"] for document in read(dataset, workers, method)]
        assert sorted(ids) == list(range(1001))
    assert users["users"].count_documents({}) == 501, "the parent goes on"
    assert len(dataset) == 1001


def test_sled_is_read_by_workers_that_are_spawned(tmp_path: Path) -> None:
    for main in filled(f"sled:{tmp_path / '.argon'}"):
        dataset = StateDataset(main["users"])
        assert len(read(dataset, 2, "spawn")) == 1001
        with pytest.raises(Exception, match="spawn"):
            read(dataset, 2, "fork")


def test_a_dataset_is_filtered_and_transformed(users: argondb.Branch) -> None:
    dataset = StateDataset(
        users["users"], {"_id": {"$gte": 990}}, projection=["age"], transform=age_of, chunk_size=3
    )
    assert list(dataset) == [i % 90 for i in range(990, 1001)] == read(dataset, 0, "spawn")
    assert len(dataset) == 11
    without_id = StateDataset(users["users"], projection={"_id": 0, "age": 1}, chunk_size=300)
    assert [document["age"] for document in without_id] == [i % 90 for i in range(1001)]
    assert list(StateDataset(users["none"])) == []


def test_documents_of_any_id_are_read(users: argondb.Branch) -> None:
    ids = [None, 1, 2.5, "a", "b", {"k": 1}, ObjectId(), True]
    users["mixed"].insert_many([{"_id": id} for id in ids])
    expected = [document["_id"] for document in users["mixed"].find(sort=[("_id", 1)])]
    for chunk_size in range(1, 10):
        dataset = StateDataset(users["mixed"], chunk_size=chunk_size)
        assert [document["_id"] for document in dataset] == expected
    parts = [_list_as_worker(dataset, number, 3) for number in range(3)]
    argondb.torch.get_worker_info = lambda: None
    assert [document["_id"] for part in parts for document in part] == expected


def test_a_dataset_is_data_without_a_store(users: argondb.Branch) -> None:
    dataset = pickle.loads(pickle.dumps(StateDataset(users.at(1)["users"], transform=age_of)))
    assert dataset.reference.digest == users.digest
    assert sum(dataset) == sum(i % 90 for i in range(1001))
    with pytest.raises(InvalidError):
        StateDataset(users["users"], chunk_size=0)
    with users.commit() as commit, pytest.raises(InvalidError):
        StateDataset(commit["users"])
