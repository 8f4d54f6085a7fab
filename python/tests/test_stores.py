"""Stores: opening, letting go, forks, interrupts."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import argondb
from argondb import InvalidError, NotFoundError, UnavailableError


def wait_until_released(store: argondb.Store) -> None:
    for _ in range(200):
        if not store.is_open:
            return
        time.sleep(0.05)
    pytest.fail("the store is still open after 10 seconds")


def test_a_store_is_created_and_opened(url: str) -> None:
    with pytest.raises(NotFoundError) as missing:
        argondb.open(url)
    assert missing.value.hint == "argondb.open(url, create=True) creates it"
    with argondb.open(url, create=True, actor="ada") as store:
        assert store.url == url and store.projects() == []
        main = store.project("shop", create=True).branch()
        main["users"].insert_one({"_id": 1})
        assert main.log()[0].actor == "ada"
        with pytest.raises(NotFoundError):
            store.project("missing")
    with pytest.raises(InvalidError):
        store.projects()
    with argondb.open(url, create=True) as store:
        assert [project.project for project in store.projects()] == ["shop"]
        assert store.project("shop", create=True).branch()["users"].find_one(1) == {"_id": 1}
    for wrong in ("no url:", "unknown:x", "sled:"):
        with pytest.raises(argondb.ArgonError):
            argondb.open(wrong)


def test_the_command_works_beside_a_store_that_is_idle(url: str, argon: str) -> None:
    def run(*arguments: str) -> str:
        command = [argon, "--store", url, "-p", "shop", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    store = argondb.open(url, create=True, idle=0.2)
    main = store.project("shop", create=True).branch()
    main["users"].insert_one({"_id": 1})
    state = main.at(1)
    wait_until_released(store)
    assert run("get", "-c", "users", "1") == '{"_id":1}\n'
    run("put", "-c", "users", '{"_id": 2}')
    assert main["users"].count_documents({}) == 2, "it is opened again at the next call"
    assert state["users"].count_documents({}) == 1
    wait_until_released(store)
    assert len(run("log", "-o", "jsonl").splitlines()) == 2
    store.close()


def test_a_cursor_a_commit_and_a_watch_keep_the_store(url: str) -> None:
    store = argondb.open(url, create=True, idle=0.1)
    main = store.project("shop", create=True).branch()
    main["users"].insert_many([{"_id": i, "text": "x" * 1000} for i in range(5000)])
    cursor = main["users"].find()
    next(cursor)
    assert not store.release()
    cursor.close()
    with main.commit() as commit:
        commit["users"].insert_one({})
        time.sleep(0.5)
        assert store.is_open and not store.release()
    with main.watch():
        assert not store.release()
    wait_until_released(store)
    assert main["users"].count_documents({}) == 5001
    assert store.release() and not store.is_open
    store.close()


def test_a_store_can_be_held(url: str) -> None:
    with argondb.open(url, create=True, hold=True) as store:
        time.sleep(1.5)
        assert store.is_open
        code = f"import argondb; argondb.open({url!r}, lock_timeout=0.1)"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "UnavailableError" in other.stderr
    with argondb.open("memory:", idle=0.1) as memory:
        time.sleep(0.5)
        assert memory.is_open, "its data would be lost"


def test_a_store_that_is_closed_ends_its_cursors_commits_and_watches(url: str) -> None:
    store = argondb.open(url, create=True, hold=True)
    main = store.project("shop", create=True).branch()
    main["users"].insert_many([{"_id": i, "text": "x" * 1000} for i in range(5000)])
    unread, read, begun = (main["users"].find() for _ in range(3))
    unread._open()
    assert len(read.to_list()) == 5000
    next(begun)
    pipeline = main["users"].aggregate([])
    watch = main.watch()
    commit = main.commit()
    written = commit["users"].insert_one({"_id": "new"})
    assert written.lsn is None
    store.close()
    assert not store.is_open
    argondb.open(url, lock_timeout=0).close()
    assert list(read) == []
    for ended in (
        lambda: list(unread),
        lambda: list(begun),
        lambda: list(pipeline),
        lambda: watch.next(),
        lambda: commit["users"].find_one(1),
        lambda: commit["users"].insert_one({}),
        lambda: commit.__exit__(None, None, None),
        lambda: main["users"].find_one(1),
    ):
        with pytest.raises(InvalidError, match="the store is closed"):
            ended()
    commit.__exit__(ValueError, ValueError(), None)
    for cursor in (unread, begun, pipeline, watch):
        cursor.close()
    with argondb.open(url) as again:
        users = again.project("shop").branch()["users"]
        assert users.count_documents({}) == 5000, "the commit wrote nothing"


def test_a_fork_does_not_pass_the_lock_of_a_store_on(url: str) -> None:
    store = argondb.open(url, create=True)
    main = store.project("shop", create=True).branch()
    main["users"].insert_many([{"_id": i, "text": "x" * 1000} for i in range(5000)])
    cursor = main["users"].find()
    next(cursor)
    commit = main.commit()
    commit["users"].insert_one({})
    end, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(begin)
        os.read(end, 1)
        os._exit(0)
    try:
        assert len(list(cursor)) == 4999, "the parent's are not disturbed"
        commit.__exit__(None, None, None)
        assert main["users"].count_documents({}) == 5001
        store.close()
        code = f"import argondb; argondb.open({url!r}, lock_timeout=5).close()"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert other.returncode == 0, other.stderr
    finally:
        os.close(end)
        os.close(begin)
        os.waitpid(pid, 0)


def test_a_store_whose_object_is_gone_is_let_go_before_a_fork(url: str) -> None:
    main = argondb.open(url, create=True).project("shop", create=True).branch()
    main["users"].insert_one({"_id": 1})

    def again() -> int:
        with argondb.open(url, lock_timeout=0) as other:
            return other.project("shop").branch()["users"].count_documents({})

    said = in_child(again)
    assert said == "1" or "spawn" in said
    main._session.native.close()


def test_another_thread_ends_a_watch_that_waits(main: argondb.Branch) -> None:
    watch = main.watch()
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            watch.next()
        except InvalidError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    begun = time.monotonic()
    watch.close()
    thread.join(timeout=10)
    assert time.monotonic() - begun < 5
    assert [str(error) for error in ended] == ["the watch is closed"]


def test_a_store_in_use_says_how_to_wait_in_python(url: str) -> None:
    with argondb.open(url, create=True, hold=True):
        code = f"import argondb; argondb.open({url!r}, lock_timeout=0.1)"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "lock_timeout=SECONDS" in other.stderr and "--lock" not in other.stderr


def test_threads_share_a_store(url: str) -> None:
    with argondb.open(url, create=True, idle=0.05) as store:
        main = store.project("shop", create=True).branch()
        main["counters"].insert_one({"_id": 1, "n": 0})

        def count() -> None:
            for _ in range(10):
                main["counters"].update_one({"_id": 1}, {"$inc": {"n": 1}})
                time.sleep(0.02)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert main["counters"].find_one(1) == {"_id": 1, "n": 40}


def in_child(child: object) -> str:
    """What a function says in a child of a fork, which must end within a minute."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = str(child())  # type: ignore[operator]
        except BaseException as error:
            said = repr(error)
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    for _ in range(600):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert status == 0
            with os.fdopen(read) as pipe:
                return pipe.read()
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child hangs")


def test_after_a_fork_there_is_a_clear_error(url: str) -> None:
    store = argondb.open(url, create=True)
    main = store.project("shop", create=True).branch()
    main["users"].insert_many([{"_id": i} for i in range(5000)])
    for use in (
        lambda: main["users"].find_one(1),
        lambda: list(main["users"].find()),
        lambda: main["users"].insert_one({}),
        lambda: store.project("shop"),
        lambda: main.at(1),
        lambda: store.close(),
    ):
        said = in_child(use)
        assert said.startswith("InvalidError") and "open it again in this process" in said, said
    assert main["users"].count_documents({}) == 5000
    assert in_child(lambda: store.url) == url

    cursor = main["users"].find()
    next(cursor)
    in_child(cursor.close)
    assert len(list(cursor)) == 4999, "the parent's cursor is not disturbed"

    def forget() -> str:
        nonlocal store, main, cursor
        del store, main, cursor
        return "forgotten"

    assert in_child(forget) == "forgotten"
    store.close()


def test_a_child_can_open_a_store_again_unless_the_engine_forbids_it(url: str) -> None:
    store = argondb.open(url, create=True)
    main = store.project("shop", create=True).branch()
    main["users"].insert_many([{"_id": i} for i in range(10)])

    def again() -> int:
        with argondb.open(url) as other:
            return other.project("shop").branch()["users"].count_documents({})

    said = [in_child(again), in_child(again)]
    store.close()
    said.append(in_child(again))
    if url.startswith("sled"):
        assert all("UnsupportedError" in each and "spawn" in each for each in said), said
    else:
        assert said == ["10"] * 3


def _count(url: str) -> int:
    with argondb.open(url) as store:
        return store.project("shop").branch()["users"].count_documents({})


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_of_processes_works(url: str, method: str) -> None:
    with argondb.open(url, create=True, idle=0.1) as store:
        store.project("shop", create=True).branch()["users"].insert_one({"_id": 1})
        assert store.release() and not store.is_open
        with multiprocessing.get_context(method).Pool(1) as pool:
            counted = pool.apply_async(_count, (url,))
            if method == "fork" and url.startswith("sled"):
                with pytest.raises(argondb.UnsupportedError):
                    counted.get(timeout=60)
            else:
                assert counted.get(timeout=60) == 1


def test_a_signal_interrupts_a_call(url: str) -> None:
    code = f"""
import argondb, os, signal, threading, time
store = argondb.open({url!r}, create=True)
main = store.project("shop", create=True).branch()
main["n"].insert_many([{{"_id": i}} for i in range(9000)])
print(main["n"].count_documents({{}}), flush=True)
def interrupt():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
began = time.monotonic()
later = [{{"$match": {{"$expr": {{"$gt": ["$_id", "$$id"]}}}}}}, {{"$count": "n"}}]
lookup = {{"from": "n", "let": {{"id": "$_id"}}, "pipeline": later, "as": "later"}}
joins = [{{"$lookup": lookup}}]
try:
    list(main["n"].aggregate(joins))
    print("ended before the signal")
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - began < 3)
try:
    threading.Thread(target=interrupt).start()
    main.watch().next()
except KeyboardInterrupt:
    print("interrupted again")
print(main["n"].count_documents({{}}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    expected = ["9000", "interrupted True", "interrupted again", "9000"]
    assert run.stdout.splitlines() == expected, run.stderr
    assert run.returncode == 0, run.stderr


def test_other_threads_run_while_a_call_waits(main: argondb.Branch) -> None:
    steps = 0
    done = threading.Event()

    def wait() -> None:
        with main.watch() as watch:
            watch.next(timeout=0.5)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not done.is_set():
        steps += 1
        time.sleep(0.01)
    thread.join()
    assert steps > 10


def test_a_process_that_ends_closes_its_stores(url: str) -> None:
    code = f"""
import argondb
store = argondb.open({url!r}, create=True)
store.project("shop", create=True).branch()["users"].insert_one({{"_id": 1}})
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with argondb.open(url) as store:
        assert store.project("shop").branch()["users"].find_one(1) == {"_id": 1}


def test_importing_takes_nothing_that_is_slow() -> None:
    code = "import sys, argondb; print([m for m in ('pymongo', 'asyncio', 'json') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pymongo" not in run.stdout and "asyncio" not in run.stdout


def test_errors_can_be_pickled() -> None:
    error = UnavailableError("no", {"lsn": 1}, "wait")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.details, copy.hint) == ("no (wait)", {"lsn": 1}, "wait")


def test_a_directory_names_its_store(tmp_path: Path) -> None:
    argondb.open(f"sled:{tmp_path / '.argon'}", create=True).close()
    with argondb.open(str(tmp_path / ".argon")) as store:
        assert store.url.startswith("sled:")


def test_objects_of_the_same_are_equal(store: argondb.Store, project: argondb.Project) -> None:
    main, again = project.branch(), store.project("shop").branch("main")
    main["users"].insert_one({"_id": 1})
    main.pin("v1")
    other = main.create("other")
    assert project == store.project("shop") and main == again != other
    assert main["users"] == again["users"] != other["users"]
    assert main["users"] != main["boats"] and main["users"] == again.collection("users")
    assert main.at(1) == again.head() == main.at("v1") != main.at(0)
    assert main.at(1)["users"] == again.at("v1")["users"] != main["users"]
    assert len({main, again, other}) == 2
    assert len({main["users"], again["users"], other["users"]}) == 2
    assert len({main.at(1), again.at("v1"), main.at(0)}) == 2
    assert main.at(1) == other.at(1), "it is the same history"
    assert main != "main" and main["users"] != "users" and main.at(1) != 1 and project != "shop"
    with argondb.open("memory:") as another:
        assert another.project("shop", create=True) != project


def test_the_version_is_known() -> None:
    assert argondb.__version__ == importlib.metadata.version("argondb")
