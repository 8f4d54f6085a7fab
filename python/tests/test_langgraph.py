"""Checkpointer and store of LangGraph: its conformance suite, its own implementations in memory as the
model, and what Argon adds."""

from __future__ import annotations

import asyncio
import json
import operator
import random
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from itertools import chain, pairwise
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt

import argondb
import argondb.aio
from argondb import InvalidError, UnsupportedError
from argondb.langgraph import ArgonSaver, ArgonStore

CONFIG: Any = {"configurable": {"thread_id": "1", "checkpoint_ns": ""}}


def put(saver: ArgonSaver, config: Any = CONFIG, **values: Any) -> Any:
    """Puts a checkpoint with values of channels."""
    checkpoint = {**empty_checkpoint(), "channel_values": values}
    checkpoint["channel_versions"] = dict.fromkeys(values, 1)
    return saver.put(config, checkpoint, {"source": "loop", "step": 1}, dict.fromkeys(values, 1))


# The checkpointer


@pytest.mark.parametrize("engine", ["memory", "sled", "fjall"])
def test_the_saver_passes_the_conformance_suite(engine: str, tmp_path: Path) -> None:
    places = (f"{engine}:{'' if engine == 'memory' else tmp_path / str(i)}" for i in range(100))

    @checkpointer_test(name=f"ArgonSaver on {engine}")
    async def savers() -> AsyncGenerator[ArgonSaver, None]:
        with argondb.open(next(places), create=True) as store:
            saver = ArgonSaver(store.project("agents", create=True).branch())
            saver.setup()
            yield saver

    results = asyncio.run(validate(savers)).results
    # A suite that is not run passes, too.
    assert {name for name, result in results.items() if result.detected} == set(Capability)
    assert [failure for result in results.values() for failure in result.failures] == []
    assert all(result.tests_passed > 0 and not result.tests_skipped for result in results.values())


class Trip(TypedDict):
    city: str
    nights: int
    items: Annotated[list[str], operator.add]


def agent(saver: BaseCheckpointSaver[Any]) -> Any:
    """An agent that plans, and asks before it books."""

    def plan(trip: Trip) -> dict[str, Any]:
        return {"nights": 3, "items": ["plan"]}

    def book(trip: Trip) -> dict[str, Any]:
        nights = interrupt(f"{trip['nights']} nights in {trip['city']}?")
        return {"nights": nights, "items": ["book"]}

    builder = StateGraph(Trip).add_sequence([plan, book]).add_edge(START, "plan")
    return builder.compile(checkpointer=saver)


def seen(graph: Any, config: Any = CONFIG) -> list[Any]:
    """What a graph says of its states."""
    return [
        (state.values, state.next, state.metadata, [task.interrupts for task in state.tasks])
        for state in graph.get_state_history(config)
    ]


def test_a_run_goes_on_where_it_was_interrupted(main: argondb.Branch) -> None:
    memory = InMemorySaver()
    asked = agent(ArgonSaver(main)).invoke({"city": "Lisbon"}, CONFIG)
    assert asked["__interrupt__"][0].value == "3 nights in Lisbon?"
    agent(memory).invoke({"city": "Lisbon"}, CONFIG)
    done = agent(ArgonSaver(main)).invoke(Command(resume=5), CONFIG)
    assert done == agent(memory).invoke(Command(resume=5), CONFIG)
    assert done == {"city": "Lisbon", "nights": 5, "items": ["plan", "book"]}
    assert [state[:3] for state in seen(agent(ArgonSaver(main)))] == [
        state[:3] for state in seen(agent(memory))
    ]


def test_a_run_is_the_same_async(main: argondb.Branch) -> None:
    async def run() -> list[Any]:
        graph = agent(ArgonSaver(argondb.aio.Branch(main)))
        await graph.ainvoke({"city": "Lisbon"}, CONFIG)
        await graph.ainvoke(Command(resume=5), CONFIG)
        async for state in graph.aget_state_history(CONFIG):
            newest = state.values
            break  # The rest is not read.
        assert newest == (await graph.aget_state(CONFIG)).values
        return [state.values async for state in graph.aget_state_history(CONFIG)]

    states = asyncio.run(run())
    assert states[0] == {"city": "Lisbon", "nights": 5, "items": ["plan", "book"]}
    assert states == [state[0] for state in seen(agent(ArgonSaver(main)))]


def test_a_run_is_forked_compared_and_read_in_the_past(main: argondb.Branch) -> None:
    agent(ArgonSaver(main)).invoke({"city": "Lisbon"}, CONFIG)
    asked = main.head()
    longer = main.create("longer")
    agent(ArgonSaver(longer)).invoke(Command(resume=7), CONFIG)
    assert agent(ArgonSaver(main)).get_state(CONFIG).next == ("book",)
    agent(ArgonSaver(main)).invoke(Command(resume=5), CONFIG)
    nights = [
        agent(ArgonSaver(place)).get_state(CONFIG).values["nights"]
        for place in (main, longer, asked)
    ]
    assert nights == [5, 7, 3]
    added = {change.collection for change in asked.diff(longer) if change.change == "added"}
    assert added == {"checkpoints", "checkpoint_writes"}
    # Both answered the same question; what they did then is another branch of the thread.
    plan = main.merge(longer)
    assert {conflict.collection for conflict in plan.conflicts} == {"checkpoint_writes"}
    main.merge(longer, strategy="ours").apply()
    values = [state[0]["nights"] for state in seen(agent(ArgonSaver(main))) if not state[1]]
    assert sorted(values) == [5, 7]


def test_a_past_state_takes_no_writes(main: argondb.Branch) -> None:
    config = put(ArgonSaver(main), count=1)
    past = ArgonSaver(main.head())
    put(ArgonSaver(main), count=2)
    [only] = past.list(CONFIG)
    assert (only.config, only.checkpoint["channel_values"]) == (config, {"count": 1})
    for write in (
        lambda: put(past),
        lambda: past.put_writes(config, [("count", 2)], "task"),
        lambda: past.delete_thread("1"),
        past.setup,
    ):
        with pytest.raises(InvalidError, match="takes no writes"):
            write()
    with pytest.raises(InvalidError, match="expected a branch"):
        ArgonSaver("main")  # type: ignore[arg-type]


def test_a_write_is_one_commit_that_says_who_and_which_thread(main: argondb.Branch) -> None:
    saver = ArgonSaver(main, actor="agent")
    config = put(saver, a=1, b=2)
    saver.put_writes(config, [("a", 2), ("b", 3)], "task", "path")
    saver.put_writes(config, [("a", 2), ("b", 3)], "task", "path")
    assert [
        (commit.lsn, commit.actor, commit.message, commit.collections, commit.trailers)
        for commit in main.log()
    ] == [
        (2, "agent", "writes to a, b", {"checkpoint_writes": 2}, {"langgraph-thread": "1"}),
        (1, "agent", "checkpoint of step 1 (loop)", {"checkpoints": 1}, {"langgraph-thread": "1"}),
    ]
    saver.copy_thread("1", "2")
    saver.prune(["1", "2"])
    saver.delete_thread("1")
    saver.delete_for_runs(["none"])
    assert main.lsn == 4, "what changes nothing is no commit"
    ticket = {"ticket": "412"}
    put(ArgonSaver(main.create("other").with_trailers(ticket)))
    [commit] = argondb.Project(main._session, "shop").branch("other").log(limit=1)
    assert commit.trailers == {**ticket, "langgraph-thread": "1"}
    assert [commit.trailers["langgraph-thread"] for commit in main.log(limit=2)] == ["1", "2"]
    assert [one.pending_writes for one in saver.list(None)] == [
        [("task", "a", 2), ("task", "b", 3)]
    ]


def test_a_write_that_fails_writes_nothing(main: argondb.Branch) -> None:
    saver = ArgonSaver(main)
    config = put(saver)
    for value in (lambda: None, {object()}):
        with pytest.raises(TypeError):
            saver.put_writes(config, [("good", 1), ("bad", value)], "task")
        with pytest.raises(TypeError):
            put(saver, good=1, bad=value)
    with pytest.raises(InvalidError, match="langgraph-thread"):
        put(saver, {"configurable": {"thread_id": "t" * 1025, "checkpoint_ns": ""}})
    assert main.lsn == 1


def test_what_agents_did_is_undone_by_their_name(tmp_path: Path, argon: str) -> None:
    url = f"sled:{tmp_path / '.argon'}"
    with argondb.open(url, create=True) as store:
        main = store.project("shop", create=True).branch()
        agent(ArgonSaver(main, actor="agent")).invoke({"city": "Lisbon"}, CONFIG)
        asked = main.lsn
        agent(ArgonSaver(main, actor="agent")).invoke(Command(resume=5), CONFIG)
        with main.commit(actor="Ada") as commit:
            commit["notes"].insert_one({"_id": 1})
    command = [argon, "--store", url, "-p", "shop", "-b", "main", "undo", f"main@{asked}..main"]
    subprocess.run([*command, "--actor", "agent"], check=True, capture_output=True)
    with argondb.open(url) as store:
        main = store.project("shop").branch()
        graph = agent(ArgonSaver(main, actor="agent"))
        assert graph.get_state(CONFIG).next == ("book",)
        assert graph.get_state(CONFIG).tasks[0].interrupts[0].value == "3 nights in Lisbon?"
        assert main["notes"].count_documents({}) == 1
        assert graph.invoke(Command(resume=6), CONFIG)["nights"] == 6


def test_threads_that_write_for_one_task_do_not_mix(main: argondb.Branch) -> None:
    saver = ArgonSaver(main)
    config = put(saver)
    barrier = threading.Barrier(8)

    def write(name: int) -> None:
        barrier.wait()
        saver.put_writes(config, [("a", name), ("b", name), ("c", name)], "task")

    together(write)
    stored = saver.get_tuple(config)
    assert stored is not None and stored.pending_writes is not None
    assert [channel for _, channel, _ in stored.pending_writes] == ["a", "b", "c"]
    assert len({value for _, _, value in stored.pending_writes}) == 1


def test_writes_of_errors_and_interrupts_are_replaced(main: argondb.Branch) -> None:
    saver = ArgonSaver(main)
    config = put(saver)
    for value in (1, 2):
        saver.put_writes(config, [("__resume__", value), ("a", value)], "task")
    # The list of the null task grows, and is stored again.
    saver.put_writes(config, [("x", 1)], "0")
    saver.put_writes(config, [("x", 2), ("y", 2)], "0")
    stored = saver.get_tuple(config)
    assert stored is not None and stored.pending_writes == [
        ("0", "x", 1),
        ("0", "y", 2),
        ("task", "__resume__", 2),
        ("task", "a", 1),
    ]


WRITER = """
import sys
import argondb
from argondb.langgraph import ArgonSaver
from langgraph.checkpoint.base import empty_checkpoint
url, name = sys.argv[1:]
store = argondb.open(url, idle=0, lock_timeout=120)
saver = ArgonSaver(store.project("agents").branch())
config = {"configurable": {"thread_id": "1", "checkpoint_ns": ""}}
shared = {"configurable": {**config["configurable"], "checkpoint_id": "shared"}}
for step in range(10):
    metadata = {"source": "loop", "step": step, "by": name}
    config = saver.put(config, empty_checkpoint(), metadata, {})
    saver.put_writes(config, [("a", step), ("b", step)], name)
    saver.put_writes(shared, [("a", name), ("b", name)], str(step))
store.close()
"""


@pytest.mark.parametrize("is_served", [False, True])
def test_processes_that_write_one_thread_lose_nothing(
    is_served: bool, tmp_path: Path, argon: str
) -> None:
    url = f"sled:{tmp_path / '.argon'}"
    with argondb.open(url, create=True) as store:
        store.project("agents", create=True)
    with ExitStack() as stack:
        if is_served:  # Then both have the store open at the same time.
            command = [argon, "--store", url, "serve", "--listen", "127.0.0.1:0", "--print-uri"]
            server = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(server.terminate)
            assert server.stdout is not None and server.stdout.readline()
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, name]) for name in "xy"]
        assert [writer.wait() for writer in writers] == [0, 0]
    with argondb.open(url, lock_timeout=120) as store:
        branch = store.project("agents").branch()
        for name in "xy":
            tuples = list(ArgonSaver(branch).list(CONFIG, filter={"by": name}))
            assert [one.metadata["step"] for one in tuples] == list(reversed(range(10)))
            for child, parent in pairwise(tuples):
                assert child.parent_config == parent.config
            for one in tuples:
                step = one.metadata["step"]
                assert one.pending_writes == [(name, "a", step), (name, "b", step)]
        assert branch.lsn == 50, "each write is a commit, except the second of a task"
        shared = branch["checkpoint_writes"].find({"_id.checkpoint_id": "shared"}).to_list()
        by_task: dict[str, set[bytes]] = {}
        for one in shared:
            by_task.setdefault(one["_id"]["task_id"], set()).add(one["value"])
        assert len(shared) == 20 and [len(values) for values in by_task.values()] == [1] * 10


def test_the_index_changes_only_how_the_latest_is_found(main: argondb.Branch) -> None:
    saver = ArgonSaver(main)
    configs = [put(saver, {"configurable": {"thread_id": str(i % 7)}}, i=i) for i in range(70)]

    def latest() -> list[Any]:
        return [
            saver.get_tuple({"configurable": {"thread_id": str(thread)}}) for thread in range(7)
        ]

    before = latest()
    assert [one.config for one in before] == configs[-7:]
    lsn = main.lsn
    saver.setup()
    saver.setup()
    assert main.lsn == lsn + 1
    assert latest() == before
    query = {"_id.thread_id": "3", "_id.checkpoint_ns": ""}
    cursor = main["checkpoints"].find(query).sort("_id.checkpoint_id", -1).limit(1)
    assert cursor.explain()["queryPlanner"]["winningPlan"]["stage"] == "LIMIT", "nothing is sorted"


def test_metadata_and_names_of_channels_can_be_anything(main: argondb.Branch) -> None:
    saver = ArgonSaver(main)
    moment = datetime(2026, 7, 7, tzinfo=timezone.utc)
    metadata: Any = {
        "source": "loop",
        "step": 2**40,
        "a.b": 1,
        "$set": {"$x": [1, {"y": None}]},
        "large": 2**63,
        "moment": moment,
        "bytes": b"\0",
        "numbers": {1: 2, "z": float("inf")},
        "nul": {"a\0b": 1},
        "": True,
    }
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"] = {"a.b": 1, "$x": [b"\0"], "": {1: moment}}
    config = saver.put(CONFIG, checkpoint, metadata, {})
    stored = saver.get_tuple(config)
    assert stored is not None
    assert (stored.metadata, stored.checkpoint) == (metadata, checkpoint)
    assert type(stored.metadata["step"]) is int
    for name in ("a.b", "step", "moment", "$set", ""):
        assert len(list(saver.list(None, filter={name: metadata[name]}))) == 1
        assert list(saver.list(None, filter={name: "other"})) == []
    assert len(list(saver.list(None, filter={"missing": None}))) == 1
    saver.copy_thread("1", "2")
    copied = saver.get_tuple({"configurable": {"thread_id": 2}})
    assert copied is not None
    assert (copied.metadata, copied.checkpoint) == (metadata, checkpoint)


class Reversing:
    """A serializer as one that encrypts: its bytes say nothing."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return "reversed", json.dumps(obj).encode()[::-1]

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        assert data[0] == "reversed"
        return json.loads(data[1][::-1])


def test_state_is_stored_as_the_serializer_has_it(main: argondb.Branch) -> None:
    saver = ArgonSaver(main, serde=Reversing())
    config = put(saver, word="secret")
    saver.put_writes(config, [("word", "secret")], "task")
    stored = saver.get_tuple(config)
    assert stored is not None
    assert stored.checkpoint["channel_values"] == {"word": "secret"}
    assert stored.pending_writes == [("task", "word", "secret")]
    for collection in main.list_collection_names():
        for data in main[collection].find_raw_batches():
            assert b"secret" not in data and b"terces" in data
    assert main["checkpoints"].find_one()["metadata"] == {"source": "loop", "step": 1}


def extend(state: list[int], writes: Sequence[list[int]]) -> list[int]:
    return [*state, *chain.from_iterable(writes)]


class Counted(TypedDict):
    n: int
    items: Annotated[list[int], DeltaChannel(extend, list, snapshot_frequency=3)]


def counter(saver: BaseCheckpointSaver[Any]) -> Any:
    """A graph whose list is stored as what each step added, and whole at every third step."""

    def step(state: Counted) -> dict[str, Any]:
        return {"n": state["n"] + 1, "items": [state["n"]]}

    builder = StateGraph(Counted).add_node("step", step).add_edge(START, "step")
    builder.add_conditional_edges("step", lambda state: END if state["n"] >= 10 else "step")
    return builder.compile(checkpointer=saver)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("start", range(1, 10))
def test_what_a_delta_channel_needs_is_not_pruned(
    durability: str, start: int, main: argondb.Branch
) -> None:
    saver, memory = ArgonSaver(main), InMemorySaver()
    for run in ({"n": start, "items": [0]}, {"n": 8}):
        states = [
            counter(one).invoke(run, CONFIG, durability=durability) for one in (saver, memory)
        ]
        assert states[0] == states[1]
        assert seen(counter(saver))[0] == seen(counter(memory))[0]
        saver.prune(["1"])
        assert counter(saver).get_state(CONFIG).values == states[0]
        *later, first = main["checkpoints"].find().sort("_id", -1)
        assert not any("items" in one["channel_values"] for one in later)
        assert "items" in first["channel_values"] or first["parent_checkpoint_id"] is None
    saver.prune(["1"], strategy="delete")
    assert list(saver.list(None)) == []
    with pytest.raises(InvalidError, match="invalid strategy"):
        saver.prune(["1"], strategy="none")


# The store


def random_value(of: random.Random) -> dict[str, Any]:
    return {
        "n": of.randrange(4),
        "kind": of.choice(["a", "b", None]),
        "tags": of.choice([[], ["a"], ["a", "b"], [1]]),
        "at": {"x": of.randrange(2), "y": of.choice(["", "a"])},
    }


FILTERS: list[Any] = [
    None,
    {"n": 1},
    {"n": {"$gt": 1}, "kind": "a"},
    {"n": {"$gte": 1, "$lt": 3}},
    {"n": {"$lte": 2, "$ne": 0}},
    {"kind": None},
    {"kind": {"$ne": "a"}},
    {"missing": None},
    {"tags": "a"},
    {"tags": ["a"]},
    {"tags": {"$eq": ["a", "b"]}},
    {"tags": {"$ne": ["a"]}},
    {"at": {"x": 1}},
    {"at": {"x": {"$gt": 0}, "y": "a"}},
    {"at": {"$eq": {"x": 1, "y": ""}}},
    {"n": {"x": 1}},
]
NAMESPACES = [("a",), ("a", "b"), ("a", "b", "c"), ("ab",), ("b", "a"), ("b", "c")]
PATHS: list[Any] = [("a",), ("a", "b"), ("*", "b"), ("a", "*"), ("*", "*", "c"), ("b", "*", "x")]


def random_op(of: random.Random) -> Any:
    namespace, key = of.choice(NAMESPACES), str(of.randrange(3))
    return of.choice(
        [
            PutOp(namespace, key, random_value(of)),
            PutOp(namespace, key, random_value(of)),
            PutOp(namespace, key, None),
            GetOp(namespace, key),
            SearchOp(of.choice([(), ("a",), ("a", "b"), ("z",)]), of.choice(FILTERS), limit=100),
            ListNamespacesOp(
                tuple(
                    MatchCondition(of.choice(["prefix", "suffix"]), of.choice(PATHS))
                    for _ in range(of.randrange(3))
                ),
                max_depth=of.choice([None, 1, 2]),
                limit=of.choice([2, 100]),
                offset=of.choice([0, 1]),
            ),
        ]
    )


def plain(result: Any) -> Any:
    """A result without times, and without an order that nobody promises."""
    if isinstance(result, Item):
        return result.namespace, result.key, result.value
    if isinstance(result, list) and result and isinstance(result[0], Item):
        return sorted((plain(item) for item in result), key=lambda item: item[:2])
    return result


@pytest.mark.parametrize("seed", range(10))
def test_the_store_does_what_that_in_memory_does(seed: int, main: argondb.Branch) -> None:
    of, store, model = random.Random(seed), ArgonStore(main), InMemoryStore()
    for _ in range(60):
        ops = [random_op(of) for _ in range(of.randrange(1, 6))]
        found = store.batch(ops)
        # The model lists namespaces that have no items, such as those that were only read.
        for namespace in [one for one, items in model._data.items() if not items]:
            del model._data[namespace]
        for op, mine, expected in zip(ops, found, separately(model, ops), strict=True):
            assert plain(mine) == plain(expected), op
        assert plain(store.search((), limit=100)) == plain(model.search((), limit=100))


def separately(model: InMemoryStore, ops: list[Any]) -> list[Any]:
    """Runs operations: those that read one by one, as the model adds a namespace that it reads."""
    results = []
    for op in ops:
        if not isinstance(op, PutOp):
            results += model.batch([op])
            for namespace in [one for one, items in model._data.items() if not items]:
                del model._data[namespace]
        else:
            results.append(None)
    model.batch([op for op in ops if isinstance(op, PutOp)])
    return results


def test_a_batch_is_one_commit(main: argondb.Branch) -> None:
    store = ArgonStore(main, actor="agent")
    results = store.batch(
        [
            PutOp(("a",), "x", {"n": 1}),
            PutOp(("a",), "y", {"n": 1}),
            PutOp(("a",), "x", {"n": 2}),
            GetOp(("a",), "x"),
        ]
    )
    assert results == [None, None, None, None], "reads are before writes"
    store.put(("a",), "x", {"n": 3})
    store.delete(("a",), "y")
    store.delete(("a",), "z")
    assert [
        (commit.actor, commit.message, commit.collections["store_items"]) for commit in main.log()
    ] == [("agent", "delete a/y", 1), ("agent", "put a/x", 1), ("agent", "write 2 items", 2)]
    with pytest.raises(OverflowError):
        store.batch([PutOp(("a",), "y", {"n": 1}), PutOp(("a",), "z", {"n": 2**64})])
    assert main.lsn == 3
    assert main["store_items"].find_one()["value"] == {"n": 3}


def test_an_item_keeps_when_it_was_created(main: argondb.Branch) -> None:
    store = ArgonStore(main)
    store.put(("a",), "x", {"n": 1})
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    main["store_items"].update_many({}, {"$set": {"created_at": past, "updated_at": past}})
    store.put(("a",), "x", {"n": 2})
    item = store.get(("a",), "x")
    assert item is not None
    assert item.created_at == past < item.updated_at
    assert item.updated_at.tzinfo is not None


def test_the_item_that_was_stored_last_is_found_first(main: argondb.Branch) -> None:
    store = ArgonStore(main)
    for i in range(5):
        store.put(("a",), str(i), {"n": i})
        moment = datetime(2020, 1, 1 + i, tzinfo=timezone.utc)
        main["store_items"].update_one({"value.n": i}, {"$set": {"updated_at": moment}})
    pages = [store.search(("a",), limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    keys = [[item.key for item in page] for page in pages]
    assert keys == [["4", "3"], ["2", "1"], ["0"], []]
    assert store.search((), limit=0) == []


def test_memory_is_forked_compared_merged_and_read_in_the_past(main: argondb.Branch) -> None:
    store = ArgonStore(main)
    store.put(("users",), "ada", {"likes": "tea", "city": "Paris"})
    other = main.create("other")
    ArgonStore(other).put(("users",), "ada", {"likes": "tea", "city": "Lisbon"})
    store.put(("users",), "ada", {"likes": "mate", "city": "Paris"})
    [change] = main.diff(other, detail="changes")
    assert {"value.likes", "value.city"} <= {field.path for field in change.fields}
    main.merge(other, strategy="newest").apply()
    merged = store.get(("users",), "ada")
    assert merged is not None and merged.value == {"likes": "mate", "city": "Lisbon"}
    past = ArgonStore(main.at(1))
    found = past.get(("users",), "ada")
    assert found is not None and found.value == {"likes": "tea", "city": "Paris"}
    with pytest.raises(InvalidError, match="takes no writes"):
        past.put(("users",), "ada", {})


def test_an_item_expires(main: argondb.Branch) -> None:
    store = ArgonStore(main, ttl={"default_ttl": 60, "refresh_on_read": False})
    items = main["store_items"]
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    store.put(("a",), "lives", {})
    store.put(("a",), "for good", {}, ttl=None)
    store.put(("a",), "ends", {}, ttl=5)
    minutes = {one["_id"]["key"]: one.get("ttl_minutes") for one in items.find()}
    assert minutes == {"lives": 60, "for good": None, "ends": 5}
    items.update_one({"_id.key": "ends"}, {"$set": {"expires_at": past}})
    lsn = main.lsn
    assert store.get(("a",), "ends") is not None, "until it is swept"
    assert main.lsn == lsn, "a read is no commit"
    omitting = ArgonStore(main, ttl={"omit_expired": True, "refresh_on_read": False})
    assert omitting.get(("a",), "ends") is None
    assert {item.key for item in omitting.search(())} == {"lives", "for good"}
    assert omitting.list_namespaces() == [("a",)]
    # A read says that it is used.
    assert store.get(("a",), "ends", refresh_ttl=True) is not None
    assert main.lsn == lsn + 1
    assert omitting.get(("a",), "ends") is not None
    assert ArgonStore(main.head()).search(()) != [] and main.lsn == lsn + 1
    items.update_one({"_id.key": "ends"}, {"$set": {"expires_at": past}})
    assert (store.sweep_ttl(), store.sweep_ttl()) == (1, 0)
    store.put(("a",), "lives", {}, ttl=None)
    assert items.count_documents({"expires_at": {"$exists": True}}) == 0
    with pytest.raises(InvalidError, match="sweep_ttl"):
        ArgonStore(main, ttl={"sweep_interval_minutes": 5})


def test_the_command_deletes_what_has_expired(tmp_path: Path, argon: str) -> None:
    url = f"sled:{tmp_path / '.argon'}"
    with argondb.open(url, create=True) as opened:
        main = opened.project("shop", create=True).branch()
        store = ArgonStore(main)
        store.setup()
        store.put(("a",), "ends", {}, ttl=-1)
        store.put(("a",), "lives", {}, ttl=60)
    command = [argon, "--store", url, "-p", "shop", "-b", "main", "index", "expire"]
    subprocess.run(command, check=True, capture_output=True)
    with argondb.open(url) as opened:
        found = ArgonStore(opened.project("shop").branch()).search(())
        assert [item.key for item in found] == ["lives"]


def test_what_the_store_does_not_have_is_said(main: argondb.Branch) -> None:
    with pytest.raises(UnsupportedError, match="by meaning"):
        ArgonStore(main, index={"dims": 2, "embed": lambda texts: [[0.0, 0.0] for _ in texts]})
    store = ArgonStore(main)
    store.put(("a",), "x", {"text": "boats"}, index=["text"])  # As LangGraph says.
    with pytest.raises(UnsupportedError, match="by meaning"):
        store.search(("a",), query="ships")
    for filter in ({"n": {"$in": [1]}}, {"a.b": 1}, {"at": {"x.y": 1}}):
        with pytest.raises(InvalidError, match="filter"):
            store.search(("a",), filter=filter)
    for namespace in ((), ("a.b",), ("",), ("langgraph",)):
        with pytest.raises(InvalidNamespaceError):
            store.put(namespace, "x", {})
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp(("a.b",), "x", {})])
    assert main.lsn == 1


def test_threads_that_write_one_item_lose_nothing(main: argondb.Branch) -> None:
    barrier = threading.Barrier(8)

    def write(name: int) -> None:
        store = ArgonStore(main)
        barrier.wait()
        for i in range(5):
            own = PutOp(("a",), f"{name}/{i}", {"by": name})
            store.batch([own, PutOp(("a",), "x", {"by": name, "i": i})])

    together(write)
    store = ArgonStore(main)
    assert len(store.search(("a",), limit=100)) == 41
    assert main.lsn == 40
    last = store.get(("a",), "x")
    assert last is not None and last.value["i"] == 4


def test_nodes_use_the_store_of_their_graph(main: argondb.Branch) -> None:
    class Said(TypedDict):
        word: str

    async def remember(said: Said, *, store: BaseStore) -> dict[str, Any]:
        await store.aput(("words",), said["word"], {"length": len(said["word"])})
        found = await store.asearch(("words",), filter={"length": {"$gt": 2}})
        return {"word": ",".join(sorted(item.key for item in found))}

    builder = StateGraph(Said).add_node("remember", remember).add_edge(START, "remember")
    graph = builder.compile(checkpointer=ArgonSaver(main), store=ArgonStore(main, actor="agent"))

    async def run() -> list[str]:
        return [(await graph.ainvoke({"word": word}, CONFIG))["word"] for word in ("to", "sail")]

    assert asyncio.run(run()) == ["", "sail"]
    assert ArgonStore(main).list_namespaces() == [("words",)]


def together(write: Callable[[int], None]) -> None:
    """Runs a function in eight threads at once."""
    failures: list[BaseException] = []

    def guarded(name: int) -> None:
        try:
            write(name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is reported to anybody."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    yield
