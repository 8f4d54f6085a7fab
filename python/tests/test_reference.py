"""References to states."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import argondb
from argondb import InvalidError, NotFoundError
from argondb.reference import StateReference


def test_a_reference_becomes_text_and_back() -> None:
    url = "mongodb://ada@h1:27017,h2/shop?replicaSet=rs0"
    reference = StateReference(url, "my@shop", "mlflow/a@b?&", 12, "ab" * 32)
    assert StateReference.parse(reference.uri) == reference
    assert StateReference.from_dict({**reference.to_dict(), "more": 1}) == reference
    assert pickle.loads(pickle.dumps(reference)) == reference
    other = StateReference(url, "my@shop", "mlflow/a@b?&", 13, "ab" * 32)
    assert other.uri != reference.uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://a/b@c@1?digest=d",
        "argon://a/b@c?digest=d",
        "argon://a/b@c@x?digest=d",
        "argon://a/b@c@1",
    ],
)
def test_another_text_is_refused(uri: str) -> None:
    with pytest.raises(InvalidError):
        StateReference.parse(uri)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidError, match="missing required field lsn"):
        StateReference.from_dict({"store": "s", "project": "p", "branch": "b", "digest": "d"})


def test_a_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with argondb.open("fjall:.argon", create=True) as store:
        main = store.project("shop", create=True).branch()
        reference = StateReference.of(main)
        assert reference.store == f"fjall:{tmp_path / '.argon'}"
        monkeypatch.chdir("/")
        assert reference.open().lsn == 0
        with argondb.open("memory:") as moved, pytest.raises(NotFoundError):
            reference.open(moved)


def test_a_state_is_named_by_the_branch_that_has_it(main: argondb.Branch) -> None:
    main["boats"].insert_one({"_id": 1})
    other = main.create("try")
    other["boats"].insert_one({"_id": 2})
    main["boats"].insert_one({"_id": 3})
    assert StateReference.of(other.at(1)).revision == "main@1", "inherited"
    assert StateReference.of(other).revision == "try@2"
    assert StateReference.of(main).revision == "main@2"
    assert StateReference.of(main.at("try")).revision == "try@2", "whatever it was asked of"
    main.pin("v1", at="try")
    assert StateReference.of(main.at("v1")).revision == "try@2"


def test_a_state_of_another_store_is_not_taken_for_it(tmp_path: Path) -> None:
    references = []
    for name in ("one", "two"):
        with argondb.open(f"fjall:{tmp_path / name}", create=True) as store:
            main = store.project("shop", create=True).branch()
            main["boats"].insert_one({"_id": name})
            references.append(StateReference.of(main))
    one, two = references
    assert one.open()["boats"].find_one() == {"_id": "one"}
    with argondb.open(two.store) as store, pytest.raises(argondb.ConflictError):
        one.open(store)
