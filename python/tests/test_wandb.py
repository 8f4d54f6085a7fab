"""Weights & Biases in offline mode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stories
import wandb

import argondb
import argondb.wandb
from argondb import ConflictError, InvalidError
from argondb.reference import StateReference


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    # What W&B keeps belongs to the test, and nothing leaves the machine.
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "of-wandb"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


@pytest.fixture
def main(tmp_path: Path) -> Iterator[argondb.Branch]:
    with argondb.open(f"fjall:{tmp_path / '.argon'}", create=True) as store:
        main = store.project("shop", create=True).branch()
        main["users"].insert_many([{"_id": i} for i in range(3)])
        yield main


def inspect(directory: Path, *options: str) -> str:
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", *options]
    return subprocess.run(
        [*command, str(directory / "wandb" / "latest-run")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def begin(directory: Path) -> Any:
    """A run. W&B reads the environment once in a process, so this says what counts."""
    settings = wandb.Settings(silent=True)
    return wandb.init(project="p", mode="offline", dir=str(directory), settings=settings)


def test_the_page_is_true(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    stories.run("WANDB.md", tmp_path, {"PATH": path})


def test_a_run_says_which_state_it_used(main: argondb.Branch, tmp_path: Path) -> None:
    with begin(tmp_path) as run:
        first = argondb.wandb.log_state(run, main)
        main["users"].insert_one({"_id": 3})
        second = argondb.wandb.log_state(run, main)
        past = argondb.wandb.log_state(run, main.at(1), name="past", type="data")
    assert first.name.startswith("shop-main")
    assert first.digest != second.digest, "each state is a version of its own"
    assert past.metadata == first.metadata == StateReference.of(main.at(1)).to_dict()
    assert argondb.wandb.load_state(first)["users"].count_documents({}) == 3
    assert argondb.wandb.load_state(second)["users"].count_documents({}) == 4
    summary = json.loads(inspect(tmp_path, "--summary"))
    config: Any = summary["config"]["argon"]
    config = config.get("value", config)
    assert config["shop-main"]["lsn"] == 2
    assert config["past"]["digest"] == main.at(1).digest
    records = inspect(tmp_path)
    assert StateReference.of(main.at(1)).uri in records
    assert StateReference.of(main).uri in records


def test_a_state_is_the_recorded_one_or_an_error(main: argondb.Branch, tmp_path: Path) -> None:
    with begin(tmp_path) as run:
        main["users"].insert_one({"_id": 3})
        artifact = argondb.wandb.log_state(run, main)
        empty = run.log_artifact(wandb.Artifact("empty", type="dataset"))
    uri = artifact.manifest.entries["state"].ref
    assert argondb.wandb.load_state(uri).digest == artifact.metadata["digest"]
    backup = main.reset(1).backup
    main["users"].insert_one({"_id": 4})
    assert argondb.wandb.load_state(artifact)["users"].find_one(3) == {"_id": 3}
    project = argondb.Project(main._session, "shop")
    project.branch(backup).delete()
    for info in project.branches(all=True):
        if info.branch != "main":
            project.branch(info.branch).delete()
    with pytest.raises(ConflictError):
        argondb.wandb.load_state(artifact)
    with pytest.raises(InvalidError):
        argondb.wandb.load_state(empty)
    with pytest.raises(InvalidError):
        argondb.wandb.load_state("s3://bucket/file")


def test_wandb_itself_refuses_use_artifact_offline(main: argondb.Branch, tmp_path: Path) -> None:
    with begin(tmp_path) as run:
        argondb.wandb.log_state(run, main, name="users")
        with pytest.raises(TypeError, match="offline"):
            run.use_artifact("users:latest")
