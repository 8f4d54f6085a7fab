"""The magics of notebooks."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest
from bson import ObjectId, Regex
from IPython.core.interactiveshell import InteractiveShell

import argondb
import argondb.jupyter
from argondb import InvalidError, NotFoundError, UnsupportedError
from argondb.jupyter import cells, completion, executable
from argondb.jupyter.session import Session


class Notebook:
    """A shell with the magics, and a session of its own."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        self.shell, self.session = shell, session

    def __call__(self, line: str, cell: str | None = None) -> Any:
        if cell is None:
            return self.shell.run_line_magic("argon", line)
        return self.shell.run_cell_magic("argon", line, cell)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    session = Session()
    monkeypatch.setattr(argondb.jupyter, "_session", session)
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "argondb.jupyter")
    yield Notebook(shell, session)
    if session.has_store:
        session.store().close()
    InteractiveShell.clear_instance()


@pytest.fixture
def shop(notebook: Notebook) -> Notebook:
    """A notebook on a store in memory, with two branches."""
    notebook("open memory: -p shop --create")
    branch = notebook.session.branch()
    branch["users"].insert_many(
        [{"_id": 1, "name": "Ada", "age": 36}, {"_id": 2, "name": "<b>Tim</b>"}], comment="people"
    )
    notebook("switch -c try")
    with notebook.session.branch().commit(message="a year later") as commit:
        commit["users"].update_one({"_id": 1}, {"$set": {"age": 37}, "$unset": {"name": 1}})
        commit["users"].delete_one({"_id": 2})
        commit["users"].insert_one({"_id": 3, "name": "Eve"})
        commit["boats"].insert_one({"_id": "a"})
    return notebook


def test_the_session_chooses_what_is_read(
    shop: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert str(shop.session) == "memory:, project shop, branch try"
    shop("at main")
    assert capsys.readouterr().out == "memory:, project shop, branch try, at main@1\n"
    assert [document["_id"] for document in shop("query -c users --as list")] == [1, 2]
    shop("at")
    assert [document["_id"] for document in shop("query -c users --as list")] == [1, 3]
    assert shop("query -c users --at main --as list")[0]["age"] == 36
    shop("switch main")
    assert argondb.jupyter.branch() == shop.session.branch()
    assert argondb.jupyter.branch().name == "main"
    shop("switch -")
    assert argondb.jupyter.branch().name == "try"
    shop("project create other")
    assert argondb.jupyter.branch().list_collection_names() == []
    shop("use shop")
    assert str(shop.session) == "memory:, project shop, branch main"
    with pytest.raises(NotFoundError):
        shop("switch missing")
    with pytest.raises(InvalidError, match="unexpected argument"):
        shop("switch main now please")
    assert argondb.jupyter.branch().name == "main", "what fails changes nothing"


def test_a_store_of_the_notebook_is_opened_by_its_name(notebook: Notebook, main: Any) -> None:
    main["users"].insert_one({"_id": 1})
    notebook.shell.user_ns["mine"] = argondb.jupyter.Session().open("memory:", create=True)
    notebook("open mine")
    assert argondb.jupyter.store() is notebook.shell.user_ns["mine"]


def test_results_are_lists_with_a_text_and_html(shop: Notebook) -> None:
    log = shop("log")
    assert [commit.message for commit in log] == ["a year later", "people"]
    lines = repr(log).splitlines()
    assert lines[0].split() == ["LSN", "time", "actor", "changed", "message"]
    assert "boats: 1, users: 3" in lines[1] and lines[2].endswith("people")
    assert "<table>" in log._repr_html_() and "a year later" in log._repr_html_()
    assert len(shop("log -n 1")) == len(shop("log main..")) == len(shop("log --grep year")) == 1
    assert shop("log main~1..main")[0].lsn == 1

    branches = shop("branch")
    assert [info.branch for info in branches] == ["main", "try"]
    assert repr(branches).splitlines()[2].startswith("*  try") and "main@1" in repr(branches)
    shop("branch create third --from main")
    assert [info.branch for info in shop("branch list")] == ["main", "third", "try"]

    assert [(of["collection"], of["documents"]) for of in shop("collections")] == [
        ("boats", 1),
        ("users", 2),
    ]
    assert [version.deleted for version in shop("history -c users 2")] == [True, False]
    assert "deleted" in shop("history -c users 2")._repr_html_()
    assert {of.path: of.commit.lsn for of in shop("blame -c users 1")} == {"_id": 1, "age": 2}
    assert "37" in repr(shop("blame -c users 1"))
    assert dict(shop("status"))["branch"] == "try" == dict(shop(""))["branch"]
    assert [(change.kind, change.id) for change in shop("show main")] == [
        ("collection", None),
        ("document", 1),
        ("document", 2),
    ]
    assert repr(shop("show")).splitlines()[0].endswith(": a year later")


def test_a_diff_shows_fields_and_escapes_them(shop: Notebook) -> None:
    diff = shop("diff main try")
    assert [line.split() for line in repr(diff).splitlines()] == [
        ["main@1", "→", "try@2"],
        ["collection", "_id", "field", "before", "after"],
        ["+", "boats", "collection", "created,", "documents:", "1"],
        ["~", "users", "1", "age", "36", "37"],
        ["name", '"Ada"'],
        ["-", "users", "2", '{"_id":', "2,", '"name":', '"<b>Tim</b>"}'],
        ["+", "users", "3", '{"_id":', "3,", '"name":', '"Eve"}'],
    ]
    html = diff._repr_html_()
    assert "<b>Tim" not in html and "&lt;b&gt;Tim" in html
    assert "<del" in html and "<ins" in html
    for same in ("diff", "diff try", "diff main..try", "diff main..", "diff main...try"):
        assert list(shop(same)) == list(diff), same
    shop("at main")
    with pytest.raises(InvalidError):
        shop("diff")  # main was made from no other branch
    shop("at")
    assert repr(shop("diff try try")) == "try@2 → try@2\nno differences"
    assert {change.collection for change in shop("diff main -c boats try")} == {"boats"}


def test_a_query_has_the_form_that_is_wanted(shop: Notebook) -> None:
    shop("switch main")
    table = shop("query -c users", '{"age": {"$gt": 1}}')
    assert repr(table) == "_id  name  age\n1    Ada   36"
    shown = shop("query -c users")._repr_html_()
    assert "&lt;b&gt;Tim" in shown and "<b>" not in shown
    assert repr(shop("query -c missing")) == "no documents"
    frame = shop("query -c users --as df --sort '{\"_id\": -1}' --limit 1", "{}")
    assert isinstance(frame, pandas.DataFrame) and frame["_id"].to_list() == [2]
    table = shop("query -c users --as arrow --projection '{\"name\": 1}'", "{}")
    assert isinstance(table, pyarrow.Table) and table.column_names == ["_id", "name"]
    count = '[{"$group": {"_id": null, "n": {"$sum": 1}, "m": {"$sum": 0.5}}}]'
    assert shop("query -c users --as list", count) == [{"_id": None, "n": 2, "m": 1.0}]
    frame = shop("query -c users --as polars", count)
    assert isinstance(frame, polars.DataFrame) and frame["n"].to_list() == [2]
    assert shop("query -c users --as arrow", '[{"$match": {"_id": 9}}]').num_rows == 0
    assert shop("query -c users --into people --as list", "{}") is None
    assert len(shop.shell.user_ns["people"]) == 2
    for wrong in ("query", "query -c users --as what", "query -c users --into 1x", "query -x"):
        with pytest.raises(InvalidError):
            shop(wrong, "{}")
    for wrong in ('"text"', '{"a": ', "{} {}"):
        with pytest.raises(InvalidError):
            shop("query -c users", wrong)


def test_a_cell_is_read_as_in_mongodbs_shell(shop: Notebook) -> None:
    found = shop("query -c users --as list", "{name: /^a/i, age: {$gt: 30}}  // people")
    assert found == []
    assert shop("query -c users --as list --at main", "{name: /^a/i}")[0]["_id"] == 1
    assert shop("query -c users --as list", "[\n  {$match: {_id: 3}},\n  {$count: 'n'},\n]") == [
        {"n": 1}
    ]
    read = cells.read('{_id: ObjectId("5f50c31e8a7d4a0001b7a1c2"), $or: [{a: /x/}, {b: 1}]}')
    assert read["_id"] == ObjectId("5f50c31e8a7d4a0001b7a1c2")
    assert read["$or"] == [{"a": Regex("x", 0)}, {"b": 1}]
    with pytest.raises(InvalidError) as wrong:
        cells.read("{a: 1,\n b: }")
    assert str(wrong.value) == "expected a value, found '}' (line 2, column 5)"
    for text in ("1}}, {x: {$literal: 2", "1}}]}, {$documents: [{cell: {$literal: 2"):
        with pytest.raises(InvalidError):
            cells.read(text)


def test_the_command_runs_what_is_not_done_here(
    notebook: Notebook, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    notebook(f"open {url} -p shop --create")
    notebook.session.branch()["users"].insert_one({"_id": 1, "name": "Ada"})
    notebook("switch -c try")
    notebook("""put -c users '{"_id": 2}' -m 'by the command'""")
    notebook("log --oneline")
    assert "2 by the command" in capfd.readouterr().out
    assert notebook("log")[0].message == "by the command"
    assert argondb.jupyter.branch()["users"].count_documents({}) == 2
    notebook("shell", "db.users.insertOne({_id: 3})\ndb.users.countDocuments()")
    assert capfd.readouterr().out.endswith("3\n")
    notebook("at try~1")
    notebook("count -c users")
    assert capfd.readouterr().out.endswith("2\n")
    notebook("find -c users '{name: /^A/}' --projection '{_id: 0}'")
    assert capfd.readouterr().out == '{"name":"Ada"}\n'
    status = executable.output(["--store", url, "status"])
    assert "branch       try" not in status, "the notebook's branch is its own"
    notebook("count -c users -b main --at main")
    assert capfd.readouterr().out == "1\n"
    with pytest.raises(NotFoundError) as missing:
        notebook("show 99 --stat")
    assert missing.value.details == {"exit_code": 3}
    with pytest.raises(InvalidError):
        notebook("no-such-command")
    with pytest.raises(InvalidError):
        notebook("log '")


def test_the_store_of_the_command_is_taken_when_none_is_open(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidError, match="no store") as none:
        notebook("log")
    assert none.value.hint is not None and "%argon open" in none.value.hint
    notebook("init")
    with pytest.raises(InvalidError, match="no project"):
        notebook("branch")
    notebook("project create shop")
    executable.output(["-p", "shop", "switch", "-c", "try"])
    other = Session()
    other.store().release()
    assert other.branch().name in ("main", "try")


def test_a_missing_command_is_a_clear_error(
    shop: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnsupportedError, match="memory"):
        shop("gc")
    monkeypatch.delenv("ARGON")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NotFoundError, match="not installed"):
        executable.find()
    with pytest.raises(InvalidError, match="no JSON"):
        cells.read("{a: 1}")
    assert len(shop("query -c users --as list", "{}")) == 2, "JSON needs no command"
    beside = tmp_path / "argon"
    beside.write_text("#!/bin/sh\n")
    beside.chmod(stat.S_IRWXU)
    assert executable.find() == str(beside)


def test_a_word_is_completed(shop: Notebook) -> None:
    def complete(line: str) -> list[str]:
        return completion.candidates(shop.session, line)

    assert complete("%argon sw") == ["switch"]
    assert {"merge", "open", "query", "status"} <= set(complete("%argon "))
    assert complete("%argon switch t") == ["try"]
    assert complete("%argon diff main..t") == ["main..try"]
    assert complete("%argon branch del") == ["delete"]
    assert "--grep" in complete("%argon log --")
    assert complete("%%argon query -c ") == ["boats", "users"]
    assert complete("%%argon query -c users --as p") == ["pandas", "polars"]
    assert complete("%argon use ") == ["shop"]
    argondb.jupyter.branch().pin("v1")
    assert complete("%argon at v") == ["v1"]
    _, found = shop.shell.complete("", "%argon diff ma", 14)
    assert found == ["main"]
    _, found = shop.shell.complete("", "%argon diff main..tr", 20)
    assert found == ["main..try"]
    _, found = shop.shell.complete("", "%%argon query -c us", 19)
    assert found == ["users"]
    assert Session().has_store is False and completion.candidates(Session(), "%argon use s") == []


def test_braces_and_dollars_are_mongodbs(shop: Notebook) -> None:
    shop.shell.user_ns["name"] = "changed"
    find = """%argon query -c users --as list --projection '{"is": "$name"}'"""
    run = shop.shell.run_cell(find)
    assert run.result[1] == {"_id": 3, "is": "Eve"}


def test_an_error_is_an_exception(shop: Notebook) -> None:
    run = shop.shell.run_cell("%argon switch missing", silent=True)
    assert isinstance(run.error_in_exec, NotFoundError)


def test_importing_argondb_takes_no_notebook() -> None:
    import subprocess

    code = "import sys, argondb; print([m for m in ('IPython', 'fsspec') if m in sys.modules])"
    environment = {**os.environ}
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert run.stdout == "[]\n"
