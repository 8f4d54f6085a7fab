"""MLflow on a SQLite tracking store."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import stories

import argondb
from argondb import ConflictError, InvalidError, NotFoundError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow

    import argondb.mlflow


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(autouse=True)
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(database)
    yield
    argondb.mlflow.track(None)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def users(tmp_path: Path) -> Iterator[argondb.Branch]:
    """A branch with users, on disk."""
    with argondb.open(f"fjall:{tmp_path / '.argon'}", create=True) as store:
        main = store.project("shop", create=True).branch()
        main["users"].insert_many([{"_id": i, "age": 20 + i, "buys": i % 2} for i in range(10)])
        yield main


def tags_of(run_id: str) -> dict[str, str]:
    return dict(mlflow.get_run(run_id).data.tags)


def test_the_page_is_true(tmp_path: Path) -> None:
    stories.run("MLFLOW.md", tmp_path, {})


def test_mlflow_finds_the_plugins_by_their_entry_points() -> None:
    code = """
import warnings
warnings.simplefilter("error")
from mlflow.tracking.context.registry import _run_context_provider_registry as providers
from mlflow.data.dataset_source_registry import get_registered_sources
print([type(one).__name__ for one in providers if type(one).__module__.startswith("argondb")])
print([one.__name__ for one in get_registered_sources() if one._get_source_type() == "argon"])
"""
    for first in ("import mlflow", "import mlflow.data", "import argondb.mlflow"):
        code_of = f"import warnings\n{first}\n{code}"
        done = subprocess.run([sys.executable, "-c", code_of], capture_output=True, text=True)
        assert done.stdout.split("\n")[:2] == ["['ArgonRunContext']", "['ArgonDatasetSource']"], (
            done.stderr
        )
        assert "Failure" not in done.stderr


def test_what_is_tracked_becomes_tags(users: argondb.Branch) -> None:
    with mlflow.start_run() as run:
        pass
    assert not any(tag.startswith("argon.") for tag in tags_of(run.info.run_id))
    past = users.head()
    users["users"].delete_one({"_id": 0})
    with argondb.mlflow.track(users):
        with argondb.mlflow.track(past), mlflow.start_run() as run:
            pass
        assert tags_of(run.info.run_id)["argon.lsn"] == "1"
        with mlflow.start_run() as run:
            pass
        tags = tags_of(run.info.run_id)
    assert argondb.mlflow.tracked() is None
    assert tags["argon.lsn"] == "2"
    assert tags["argon.digest"] == users.digest
    assert tags["argon.project"] == "shop"


def test_the_environment_names_a_branch(
    users: argondb.Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.create("try")["users"].delete_many({})
    monkeypatch.setenv("ARGON_STORE", users._session.native.url)
    monkeypatch.setenv("ARGON_PROJECT", "shop")
    with mlflow.start_run() as run:
        pass
    assert tags_of(run.info.run_id)["argon.branch"] == "main"
    monkeypatch.setenv("ARGON_BRANCH", "try")
    with mlflow.start_run() as run:
        pass
    assert tags_of(run.info.run_id)["argon.lsn"] == "2"
    monkeypatch.setenv("ARGON_BRANCH", "missing")
    with mlflow.start_run() as run:
        pass  # MLflow warns, and the run goes on.
    assert "argon.lsn" not in tags_of(run.info.run_id)


def test_a_dataset_loads_the_same_rows_in_another_process(users: argondb.Branch) -> None:
    with mlflow.start_run() as run:
        dataset = argondb.mlflow.from_collection(
            users["users"],
            name="adults",
            targets="buys",
            filter={"age": {"$gte": 25}},
            projection={"age": 1, "buys": 1},
            sort=[("age", -1)],
        )
        assert len(dataset.digest) <= 36
        argondb.mlflow.log_input(dataset, context="training", tags={"by": "test"})
    assert dataset.to_pyfunc().inputs.columns.tolist() == ["_id", "age"]
    users["users"].update_many({}, {"$set": {"age": 0}})
    [logged] = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    tags = {tag.key: tag.value for tag in logged.tags}
    assert tags["argon.digest"] == users.at(1).digest
    assert (tags["by"], tags["mlflow.data.context"]) == ("test", "training")
    assert mlflow.data.get_source(logged).load().equals(dataset.df), "while the store is open here"
    users._session.native.release()
    code = f"""
import mlflow
mlflow.set_tracking_uri({mlflow.get_tracking_uri()!r})
logged = mlflow.get_run({run.info.run_id!r}).inputs.dataset_inputs[0]
source = mlflow.data.get_source(logged)
print(source.load()["age"].tolist(), source.state().digest, source.reference.digest)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    digest = users.at(1).digest
    assert done.stdout == f"[29, 28, 27, 26, 25] {digest} {digest}\n", done.stderr


def test_a_dataset_is_found_again_or_not_at_all(users: argondb.Branch) -> None:
    project = argondb.Project(users._session, "shop")
    users["users"].insert_one({"_id": 10})
    dataset = argondb.mlflow.from_collection(users["users"])
    rows = dataset.source.load()
    backup = users.reset(1).backup
    users["users"].insert_one({"_id": 11})
    assert dataset.source.load().equals(rows), "a backup has it"
    project.branch(backup).pin("kept")
    project.branch(backup).delete()
    assert dataset.source.load().equals(rows), "a pin has it"
    project.delete_pin("kept")
    for info in project.branches(all=True):
        if info.branch != "main":
            project.branch(info.branch).delete()
    with pytest.raises((ConflictError, NotFoundError)):
        dataset.source.load()


def test_a_dataset_is_of_a_state(users: argondb.Branch, main: argondb.Branch) -> None:
    with users.commit() as commit, pytest.raises(InvalidError):
        argondb.mlflow.from_collection(commit["users"])
    with pytest.raises(InvalidError):
        argondb.mlflow.from_collection(users["users"], hint="x")
    main["users"].insert_one({"_id": 1})
    of_memory = argondb.mlflow.from_collection(main["users"])
    with pytest.raises(InvalidError, match="memory store"):
        of_memory.source.load()


def test_a_run_that_succeeds_is_merged(users: argondb.Branch) -> None:
    with argondb.mlflow.start_run(users, run_name="one") as run:
        assert run.branch.name == f"mlflow/{run.run_id}"
        run.branch["users"].delete_one({"_id": 0})
        with mlflow.start_run(nested=True) as nested:
            pass
    assert tags_of(nested.info.run_id)["argon.branch"] == run.branch.name
    tags = tags_of(run.run_id)
    assert (tags["argon.branch"], tags["argon.lsn"]) == ("main", "1")
    assert (tags["argon.outcome"], tags["argon.merged_lsn"]) == ("merged", str(users.lsn))
    assert users["users"].count_documents({}) == 9
    assert mlflow.get_run(run.run_id).info.status == "FINISHED"
    [merge] = users.log(trailer=f"mlflow-run={run.run_id}")
    assert (merge.lsn, merge.trailers) == (users.lsn, {"mlflow-run": run.run_id})
    branches = argondb.Project(users._session, "shop").branches()
    assert [info.branch for info in branches] == ["main"]


def test_the_command_finds_the_commits_of_a_run(users: argondb.Branch, argon: str) -> None:
    with argondb.mlflow.start_run(users, keep=True) as run:
        run.branch["users"].delete_one({"_id": 0})
        with run.branch.commit("more") as commit:
            commit["users"].delete_one({"_id": 1})
    users["users"].delete_one({"_id": 2})
    url = users._session.native.url
    users._session.native.release()
    found = {}
    for branch in ("main", run.branch.name):
        command = [argon, "--store", url, "-p", "shop", "-b", branch, "-o", "jsonl", "log"]
        done = subprocess.run(
            [*command, "--trailer", f"mlflow-run={run.run_id}"], capture_output=True, check=True
        )
        found[branch] = [json.loads(line)["lsn"] for line in done.stdout.splitlines()]
    assert found == {"main": [2], run.branch.name: [3, 2]}


def test_a_run_that_fails_leaves_no_trace_in_the_base(users: argondb.Branch) -> None:
    with pytest.raises(ZeroDivisionError), argondb.mlflow.start_run(users) as run:
        run.branch["users"].delete_many({})
        raise ZeroDivisionError
    assert (users.lsn, users["users"].count_documents({})) == (1, 10)
    assert tags_of(run.run_id)["argon.outcome"] == "discarded"
    assert mlflow.get_run(run.run_id).info.status == "FAILED"
    with argondb.mlflow.start_run(users) as run:
        run.branch["users"].delete_many({})
        mlflow.end_run("FAILED")
    assert (users.lsn, tags_of(run.run_id)["argon.outcome"]) == (1, "discarded")


def test_a_run_with_conflicts_keeps_its_branch(users: argondb.Branch) -> None:
    with pytest.raises(ConflictError), argondb.mlflow.start_run(users) as run:
        run.branch["users"].update_one({"_id": 1}, {"$set": {"age": 1}})
        users["users"].update_one({"_id": 1}, {"$set": {"age": 2}})
    assert tags_of(run.run_id)["argon.outcome"] == "conflict"
    assert mlflow.get_run(run.run_id).info.status == "FAILED"
    assert run.branch["users"].find_one(1)["age"] == 1
    assert users["users"].find_one(1)["age"] == 2
    with argondb.mlflow.start_run(users, "mine", strategy="theirs", keep=True) as run:
        run.branch["users"].update_one({"_id": 1}, {"$set": {"age": 3}})
        users["users"].update_one({"_id": 1}, {"$set": {"age": 4}})
    assert (users["users"].find_one(1)["age"], run.branch.lsn) == (3, 3)
    with argondb.mlflow.start_run(users, "mine-too", merge=False) as run:
        run.branch["users"].delete_many({})
    assert tags_of(run.run_id)["argon.outcome"] == "kept"
    assert users["users"].count_documents({}) == 10


def test_a_run_needs_a_branch(users: argondb.Branch) -> None:
    with pytest.raises(InvalidError), argondb.mlflow.start_run():
        pass
    past = users.head()
    with argondb.mlflow.track(past), pytest.raises(InvalidError), argondb.mlflow.start_run():
        pass
