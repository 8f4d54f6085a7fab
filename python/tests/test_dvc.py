"""Lock files, and pipelines of DVC that depend on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import stories

import argondb
from argondb import InvalidError, NotFoundError, dvc


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"fjall:{tmp_path / 'store'}"
    with argondb.open(url, create=True) as store:
        main = store.project("shop", create=True).branch()
        main["users"].insert_many([{"_id": 1, "age": 36}, {"_id": 2, "age": 9}])
    return url


def change(url: str, collection: str = "users") -> None:
    with argondb.open(url) as store:
        store.project("shop").branch()[collection].update_one(
            {"_id": 1}, {"$inc": {"age": 1}}, upsert=True
        )


@pytest.fixture
def commands(tmp_path: Path, argon: str) -> Mapping[str, str]:
    """An environment with the commands, and nothing of the person who runs the tests."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "argon").symlink_to(argon)
    script = commands / "dvc"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dvc "$@"\n')
    script.chmod(0o755)
    return {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site-cache"),
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "ARGON_STORE": f"sled:{tmp_path / 'page' / '.argon'}",
        "ARGON_PROJECT": "shop",
    }


def test_the_page_is_true(tmp_path: Path, commands: Mapping[str, str]) -> None:
    page = tmp_path / "page"
    page.mkdir()
    stories.run("DVC.md", page, commands)


def test_a_lock_file_changes_with_the_content(url: str, tmp_path: Path) -> None:
    file = tmp_path / "users.argon"
    with argondb.open(url) as store:
        pinned = dvc.pin(store, file, "shop", "main", "users")
        assert (dvc.check(store, file), pinned.lsn) == ((pinned, True), 1)
        text = file.read_text()
        assert url not in text and str(tmp_path) not in text
    change(url, "orders")
    with argondb.open(url) as store:
        assert dvc.update(store, file) == (pinned, False)
        assert file.read_text() == text
        assert dvc.check(store, file) == (pinned, True)
    change(url)
    with argondb.open(url) as store:
        assert dvc.check(store, file) == (pinned, False)
        renewed, changed = dvc.update(store, file)
        assert (changed, renewed.lsn, renewed.digest != pinned.digest) == (True, 3, True)
        assert dvc.update(store, file, at="main@1") == (pinned, True)
        assert file.read_text() == text


def test_a_lock_file_holds_or_not(url: str, tmp_path: Path) -> None:
    file = tmp_path / "users.argon"
    change(url)
    with argondb.open(url) as store:
        main = store.project("shop").branch()
        dvc.pin(store, file, "shop", "main", "users")
        main.reset(1)
        with pytest.raises(NotFoundError):
            dvc.check(store, file)
        main["users"].delete_many({})
        with pytest.raises(InvalidError, match="other content"):
            dvc.check(store, file)
        with pytest.raises(NotFoundError, match="known collections: users"):
            dvc.pin(store, file, "shop", "main", "missing")
        main.create("try")["users"].insert_one({"_id": 5})
        with pytest.raises(argondb.ArgonError):
            dvc.pin(store, file, "shop", "main", "users", at="try")


@pytest.mark.parametrize(
    "line", ["version: 2", "lsn: x", 'lsn: "1"', "digest: 5", "nothing", "branch: null"]
)
def test_a_bad_lock_file_is_refused(url: str, tmp_path: Path, line: str) -> None:
    file = tmp_path / "users.argon"
    with argondb.open(url) as store:
        dvc.pin(store, file, "shop", "main", "users")
    name = line.partition(":")[0]
    kept = [other for other in file.read_text().splitlines() if not other.startswith(f"{name}:")]
    file.write_text("\n".join([*kept, line]))
    with argondb.open(url) as store, pytest.raises(InvalidError, match="not a lock file"):
        dvc.check(store, file)


def test_the_command_tells_by_its_exit_code(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARGON_STORE", url)
    assert dvc.main(["update"]) == 2
    assert "argondb-dvc pin" in capsys.readouterr().err
    assert dvc.main(["pin", "users.argon"]) == 0
    assert dvc.main(["pin", "people.argon", "-c", "users", "--at", "@1"]) == 0
    assert Path("argon.yaml").read_text().count('rev: "main@1"') == 2
    assert dvc.main(["check", "--current"]) == 0
    change(url)
    assert dvc.main(["check"]) == 0
    assert dvc.main(["check", "--current", "users.argon"]) == 1
    assert dvc.main(["update", "users.argon"]) == 0
    assert Path("argon.yaml").read_text().count('rev: "main@2"') == 1
    Path("people.argon").write_text(
        Path("people.argon").read_text().replace('digest: "', 'digest: "f')
    )
    assert dvc.main(["check", "people.argon"]) == 1
    assert dvc.main(["pin", "none.argon"]) == 2
    monkeypatch.delenv("ARGON_STORE")
    assert dvc.main(["check"]) == 2
    assert "ARGON_STORE" in capsys.readouterr().err
    done = subprocess.run(
        [sys.executable, "-m", "argondb.dvc", "--store", url, "check", "users.argon"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("users.argon: ok, main@2"), done.stderr
