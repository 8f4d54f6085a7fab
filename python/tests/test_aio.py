"""The async names."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Coroutine
from typing import Any, TypeVar

import bson
import pytest
from test_stores import in_child

import argondb
import argondb.aio
import argondb.records
import argondb.results

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


async def opened() -> tuple[argondb.aio.Store, argondb.aio.Branch]:
    store = await argondb.aio.open("memory:")
    project = await store.project("shop", create=True)
    branch = await project.branch("main")
    await branch["boats"].insert_many([{"_id": i, "sails": i % 3} for i in range(1000)])
    return store, branch


def test_documents_are_read_and_written() -> None:
    async def main() -> None:
        store, branch = await opened()
        boats = branch["boats"]
        assert await boats.find_one(7) == {"_id": 7, "sails": 1}
        assert len(await boats.find({"sails": 0}).to_list()) == 334
        found = [boat["_id"] async for boat in boats.find().sort("_id", -1).skip(1).limit(2)]
        assert found == [998, 997]
        cursor = await boats.aggregate([{"$count": "n"}])
        assert await cursor.to_list() == [{"n": 1000}]
        assert (await boats.update_many({}, {"$inc": {"sails": 1}})).modified_count == 1000
        assert (await boats.delete_many({"sails": 1})).deleted_count == 334
        assert await boats.count_documents({}) == 666
        assert await boats.create_index("sails") == "sails_1"
        assert await branch.lsn == 4
        state = await branch.at(1)
        assert await state["boats"].count_documents({}) == 1000
        assert (await branch.log(1))[0].lsn == 4
        with pytest.raises(argondb.DuplicateKeyError):
            await boats.insert_one({"_id": 1})
        await store.close()

    run(main())


def test_calls_run_side_by_side() -> None:
    async def main() -> None:
        store, branch = await opened()
        counters = branch["counters"]
        await counters.insert_one({"_id": 1, "n": 0})
        one = counters.update_one
        await asyncio.gather(*(one({"_id": 1}, {"$inc": {"n": 1}}) for _ in range(30)))
        assert (await counters.find_one(1))["n"] == 30
        await store.close()

    run(main())


def test_branches_commits_plans_and_watches() -> None:
    async def main() -> None:
        store, branch = await opened()
        watch = await branch.watch()
        other = await branch.create("try")
        async with branch.commit(message="two") as commit:
            await commit["boats"].insert_one({"_id": "a"})
            await commit["boats"].insert_one({"_id": "b"})
        assert commit.lsn == 2
        async for made in watch:
            assert (made.message, len(made.changes)) == ("two", 2)
            break
        await watch.close()
        await other["boats"].delete_one({"_id": 5})
        assert len(await branch.diff(other)) == 3
        plan = await branch.merge(other)
        assert plan.conflicts == [] and (await plan.apply()).lsn == 3
        async with branch.sandbox() as sandbox:
            await sandbox["boats"].drop()
        assert await branch["boats"].count_documents({}) == 1001
        await store.close()

    run(main())


def test_a_cancelled_wait_for_a_commit_takes_none() -> None:
    async def main() -> None:
        store, branch = await opened()
        watch = await branch.watch()
        for n, pause in enumerate((0.0, 0.01, 0.1, 0.3)):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(watch.next(), pause)
            await branch["boats"].insert_one({"_id": f"a{n}"}, comment=str(n))
            made = await asyncio.wait_for(watch.next(), 10)
            assert made is not None and made.message == str(n)
        assert await watch.next(0) is None and await watch.next(0.3) is None
        with pytest.raises(argondb.InvalidError):
            await watch.next(-1)
        await watch.close()
        await store.close()

    run(main())


def test_waits_for_commits_hold_no_threads_and_end_with_the_watch() -> None:
    async def main() -> None:
        store, branch = await opened()
        watches = [await branch.watch() for _ in range(argondb.aio.THREADS + 4)]
        waits = [asyncio.create_task(watch.next()) for watch in watches]
        for wait in waits[:4]:
            await asyncio.sleep(0.02)
            wait.cancel()
        assert await asyncio.wait_for(branch["boats"].count_documents({}), 10) == 1000
        for watch in watches:
            await asyncio.wait_for(watch.close(), 10)
        results = await asyncio.wait_for(asyncio.gather(*waits, return_exceptions=True), 10)
        assert all(isinstance(result, asyncio.CancelledError) for result in results[:4])
        assert all(isinstance(result, argondb.InvalidError) for result in results[4:])
        with pytest.raises(argondb.InvalidError):
            await watches[0].next()
        await store.close()

    run(main())


def test_a_watch_that_failed_ends() -> None:
    async def main() -> None:
        store, branch = await opened()
        other = await branch.create("try")
        watch = await other.watch()
        await other.delete()
        with pytest.raises(argondb.NotFoundError):
            await asyncio.wait_for(watch.next(), 10)
        assert await asyncio.wait_for(watch.next(), 10) is None
        await watch.close()
        await store.close()

    run(main())


def test_a_cancelled_commit_writes_nothing() -> None:
    async def main() -> None:
        store, branch = await opened()
        begun = asyncio.Event()

        async def write() -> None:
            async with branch.commit() as commit:
                await commit["boats"].delete_many({})
                begun.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(write())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await branch.lsn == 1
        assert await branch["boats"].count_documents({}) == 1000
        await store.close()

    run(main())


def test_a_cancelled_write_is_whole_or_absent() -> None:
    async def main() -> None:
        store, branch = await opened()
        for pause in (0.0, 0.001, 0.005, 0.02):
            before = await branch["new"].count_documents({})
            documents: list[dict[str, Any]] = [{"n": i} for i in range(2000)]
            task = asyncio.create_task(branch["new"].insert_many(documents))
            await asyncio.sleep(pause)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for _ in range(50):
                await asyncio.sleep(0.02)
                assert await branch["new"].count_documents({}) in (before, before + 2000)
        await store.close()

    run(main())


def test_after_a_fork_there_is_a_clear_error() -> None:
    async def setup() -> argondb.aio.Branch:
        return (await opened())[1]

    branch = run(setup())
    said = in_child(lambda: run(branch["boats"].find_one(1)))
    assert said.startswith("InvalidError"), said
    assert run(branch["boats"].find_one(1)) == {"_id": 1, "sails": 1}


def test_watches_wait_without_threads() -> None:
    async def main() -> None:
        store, branch = await opened()
        watches = [await branch.watch() for _ in range(3 * argondb.aio.THREADS)]
        waits = [asyncio.create_task(watch.next()) for watch in watches]
        await asyncio.sleep(0.3)
        # Calls are as fast as without them.
        for _ in range(20):
            assert await asyncio.wait_for(branch["boats"].count_documents({}), 0.5) == 1000
        await branch["boats"].insert_one({"_id": "last"})
        commits = await asyncio.wait_for(asyncio.gather(*waits), 10)
        assert [commit.lsn for commit in commits if commit is not None] == [2] * len(watches)
        await store.close()
        with pytest.raises(argondb.InvalidError, match="the store is closed"):
            await watches[0].next()

    run(main())


def test_cursors_have_the_names_of_the_sync_ones() -> None:
    async def main() -> None:
        store, branch = await opened()
        boats = branch["boats"]
        cursor = boats.find({}, batch_size=7).sort("_id", 1).max_time_ms(60_000)
        assert (await anext_of(cursor))["_id"] == 0
        assert (await cursor.next())["_id"] == 1
        assert [boat["_id"] for boat in await cursor.clone()[3:5].to_list()] == [3, 4]
        assert (await (await cursor.rewind()).try_next())["_id"] == 0
        assert (await boats.find()[9])["_id"] == 9
        batches = [batch async for batch in boats.find_raw_batches({"_id": {"$lt": 2}})]
        assert len(bson.decode_all(b"".join(batches))) == 2
        assert (await boats.find().explain())["executionStats"]["nReturned"] == 1000
        assert await boats.create_indexes([{"key": {"sails": 1}}]) == ["sails_1"]
        await boats.drop_indexes()
        assert [index["name"] for index in await boats.list_indexes()] == ["_id_"]
        created = await branch.create_collection("empty")
        assert created == branch["empty"] and created.name == "empty"
        await store.close()

    async def anext_of(cursor: argondb.aio.Cursor) -> Any:
        return await cursor.__anext__()

    run(main())


#: Names that mean something else in async code.
RENAMED = {
    "__iter__": "__aiter__",
    "__next__": "__anext__",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
}
CLASSES = [name for name in argondb.aio.__all__ if name[0].isupper()]


@pytest.mark.parametrize("name", CLASSES)
def test_the_names_and_parameters_are_the_same(name: str) -> None:
    sync, later = getattr(argondb, name), getattr(argondb.aio, name)

    def is_named(member: str) -> bool:
        own = any(member in vars(of) for of in sync.__mro__ if of.__module__.startswith("argondb"))
        special = member in RENAMED or member in ("__getitem__", "__eq__", "__hash__", "__repr__")
        return own and (special or not member.startswith("_"))

    members = {member for member in dir(sync) if is_named(member)}
    no_text = {"__repr__"} if not issubclass(later, argondb.aio._OfSync) else set()
    expected = {RENAMED.get(member, member) for member in members} - no_text
    missing = {member for member in expected if member not in dir(later)}
    assert not missing
    for member in members - set(RENAMED) - {"__eq__", "__hash__", "__repr__", "sandbox"}:
        one, other = getattr(sync, member), getattr(later, member)
        if inspect.isfunction(one):
            parameters = list(inspect.signature(one).parameters)
            assert list(inspect.signature(other).parameters) == parameters, member


def test_the_classes_are_the_same() -> None:
    data = {of for of in vars(argondb.records).values() if inspect.isclass(of)}
    data |= {of for of in vars(argondb.results).values() if inspect.isclass(of)}
    data |= {argondb.Conflict, argondb.Merged, argondb.PlanInfo}
    classes = {
        name
        for name in argondb.__all__
        if inspect.isclass(of := getattr(argondb, name))
        and of not in data
        and not issubclass(of, BaseException)
    }
    assert classes == set(CLASSES)
