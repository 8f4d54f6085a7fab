"""Branches, past states, commits, merges."""

from __future__ import annotations

import math
import pickle
from datetime import date, datetime, timedelta, timezone

import pytest
from pymongo import InsertOne

import argondb
from argondb import ConflictError, DeniedError, DuplicateKeyError, InvalidError, NotFoundError


@pytest.fixture
def boats(main: argondb.Branch) -> argondb.Collection:
    main["boats"].insert_many([{"_id": 1, "sails": 2}, {"_id": 2, "sails": 3}], comment="boats")
    return main["boats"]


def test_a_branch_is_a_fork_of_another(
    project: argondb.Project, main: argondb.Branch, boats: argondb.Collection
) -> None:
    other = main.create("try")
    other["boats"].delete_many({})
    assert (other["boats"].count_documents({}), boats.count_documents({})) == (0, 2)
    assert [info.branch for info in project.branches()] == ["main", "try"]
    assert (other.info.parent, other.info.forked_at, other.lsn) == ("main", 1, 2)
    assert main.create("old", at=0)["boats"].count_documents({}) == 0
    renamed = other.rename("renamed")
    assert renamed.lsn == 2
    assert renamed.delete() is not None
    with pytest.raises(NotFoundError) as missing:
        project.branch("renamed")
    assert missing.value.hint is not None and "create" in missing.value.hint
    with pytest.raises(argondb.AlreadyExistsError):
        main.create("old")


def test_a_state_is_named_in_every_way(main: argondb.Branch, boats: argondb.Collection) -> None:
    made = main.log()[0].time
    boats.update_many({}, {"$set": {"sails": 9}})
    main.pin("v1", at=1, note="the first")
    for revision in (1, "@1", "main@1", "v1", "~1", "pin:v1"):
        state = main.at(revision)
        assert state.lsn == 1
        assert state["boats"].find_one(1) == {"_id": 1, "sails": 2}
    with pytest.raises(NotFoundError):
        main.at(made - timedelta(hours=1))
    assert main.at(datetime.now(timezone.utc) + timedelta(hours=1)).lsn == 2
    assert main.at(0).list_collection_names() == []
    head = main.head()
    boats.delete_many({})
    assert head["boats"].count_documents({"sails": 9}) == 2
    assert head["boats"].distinct("sails") == [9]
    assert list(head["boats"].aggregate([{"$count": "n"}])) == [{"n": 2}]
    assert head.digest != main.digest
    for bad in (True, 1.5, "@x", "a b"):
        with pytest.raises(InvalidError):
            main.at(bad)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        main.at(99)


def test_a_past_state_can_only_be_read(main: argondb.Branch, boats: argondb.Collection) -> None:
    view = main.at(1)["boats"]
    assert not hasattr(view, "insert_one")
    with pytest.raises(InvalidError):
        view.aggregate([{"$out": "copy"}])


def test_several_writes_are_one_commit(main: argondb.Branch, boats: argondb.Collection) -> None:
    with main.commit(message="both", actor="ada") as commit:
        commit["boats"].update_one({"_id": 1}, {"$inc": {"sails": 1}})
        commit["owners"].insert_one({"_id": "Ada", "boats": [1]})
        assert commit["boats"].find_one(1) == {"_id": 1, "sails": 3}
        assert commit["boats"].find_one_and_update({"_id": 1}, {"$inc": {"sails": 1}})
        assert commit["boats"].count_documents({"sails": {"$gte": 3}}) == 2
        assert [boat["_id"] for boat in commit["boats"].find(sort=[("sails", -1)])] == [1, 2]
        assert list(commit["boats"].aggregate([{"$count": "n"}])) == [{"n": 2}]
        assert commit["boats"].delete_one({"_id": 2}).deleted_count == 1
        with pytest.raises(DuplicateKeyError):
            commit["boats"].insert_many([{"_id": 5}, {"_id": 1}])
        with pytest.raises(InvalidError):
            commit["boats"].create_index("sails")
        assert boats.find_one(1) == {"_id": 1, "sails": 2}, "nobody else sees it before"
    assert commit.lsn == 2
    assert boats.find().to_list() == [{"_id": 1, "sails": 4}]
    [made, _] = main.log()
    assert (made.message, made.actor, made.collections) == (
        "both",
        "ada",
        {"boats": 2, "owners": 1},
    )
    with pytest.raises(InvalidError):
        commit["boats"].find_one(1)


def test_an_exception_leaves_a_commit_without_a_trace(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    with pytest.raises(RuntimeError), main.commit() as commit:
        commit["boats"].delete_many({})
        raise RuntimeError
    assert (main.lsn, boats.count_documents({})) == (1, 2)
    with main.commit() as nothing:
        pass
    assert (nothing.lsn, main.lsn) == (None, 1)


def test_the_first_commit_wins(main: argondb.Branch, boats: argondb.Collection) -> None:
    with pytest.raises(ConflictError) as lost, main.commit() as commit:
        commit["boats"].update_one({"_id": 1}, {"$inc": {"sails": 1}})
        boats.update_one({"_id": 1}, {"$inc": {"sails": 10}})
    assert lost.value.details["collection"] == "boats"
    assert boats.find_one(1) == {"_id": 1, "sails": 12}


def test_a_duplicate_key_at_the_end_of_a_commit_is_one(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    boats.create_index("name", unique=True, sparse=True)
    with pytest.raises(DuplicateKeyError) as taken, main.commit() as commit:
        commit["boats"].insert_one({"_id": 3})
        boats.insert_one({"_id": 3, "mine": True})
    assert taken.value.code == 11000
    assert taken.value.details["keyPattern"] == {"_id": 1}
    assert taken.value.details["keyValue"] == {"_id": 3}
    with pytest.raises(DuplicateKeyError) as same, main.commit() as commit:
        commit["boats"].insert_one({"_id": 4, "name": "Albatross"})
        boats.insert_one({"_id": 5, "name": "Albatross"})
    assert same.value.details["keyPattern"] == {"name": 1}
    assert same.value.details["keyValue"] == {"name": "Albatross"}
    assert sorted(boats.distinct("_id")) == [1, 2, 3, 5]
    for write in (
        lambda: boats.insert_one({"_id": 3}),
        lambda: boats.insert_many([{"_id": 9}, {"_id": 3}]),
        lambda: boats.bulk_write([InsertOne({"_id": 3})]),
        lambda: boats.update_one({"_id": 3, "mine": False}, {"$set": {"x": 1}}, upsert=True),
        lambda: boats.replace_one({"_id": 3, "mine": False}, {"x": 1}, upsert=True),
        lambda: boats.find_one_and_update({"_id": 3, "x": 7}, {"$set": {"y": 1}}, upsert=True),
        lambda: boats.aggregate([{"$set": {"_id": 3}}, {"$out": "copy"}]),
    ):
        with pytest.raises(DuplicateKeyError) as again:
            write()
        details = again.value.details
        assert (details["code"], details["keyValue"]) == (11000, {"_id": 3}), details
        assert "E11000" in details["errmsg"]
    copy = pickle.loads(pickle.dumps(again.value))
    assert copy.details == again.value.details


def test_a_state_is_named_by_values_of_other_libraries(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    made = main.log()[0].time
    boats.insert_one({"_id": 3})
    after, before = made + timedelta(seconds=30), made - timedelta(days=1)
    for lsn in (numpy.int64(1), numpy.uint8(1), numpy.array(1)):
        assert main.at(lsn).lsn == 1
        assert main.show(lsn)[-1].id == 2
        assert [commit.lsn for commit in main.log(limit=lsn)] == [2]
        assert boats.find(limit=lsn).to_list() == boats.find().limit(lsn).to_list()
        assert boats.find_one(skip=lsn)["_id"] == 2
        assert boats.count_documents(limit=lsn) == 1
        with main.watch(start_at=lsn) as commits:
            assert next(commits).lsn == 2
    naive = pandas.Timestamp(after.astimezone().replace(tzinfo=None))
    for moment in (pandas.Timestamp(after), naive, naive.tz_localize(made.astimezone().tzinfo)):
        assert main.at(moment).lsn == 2
        assert len(main.log(since=moment)) == 0
    assert main.at(date.today() + timedelta(days=2)).lsn == 2
    assert len(main.log(since=date.today() - timedelta(days=2))) == 2
    for wrong in (date.today() - timedelta(days=2), pandas.Timestamp(before)):
        with pytest.raises(NotFoundError):
            main.at(wrong)
    for wrong in (pandas.NaT, numpy.float64(1), numpy.bool_(True), numpy.array([1, 2]), None):
        with pytest.raises(InvalidError):
            main.at(wrong)


def test_the_log_is_searched(main: argondb.Branch, boats: argondb.Collection) -> None:
    boats.insert_one({"_id": 3}, comment="a third boat")
    main["owners"].insert_one({"_id": 1})
    assert [commit.lsn for commit in main.log()] == [3, 2, 1]
    assert [commit.lsn for commit in main.log(pattern="third")] == [2]
    assert [commit.lsn for commit in main.log(collections=["boats"], limit=1)] == [2]
    assert main.log(actor="nobody") == []
    assert [commit.lsn for commit in main.log(revision=1)] == [1]
    assert main.log(since=datetime.now(timezone.utc) + timedelta(days=1)) == []
    [collection, document] = main.show("@3")
    assert (collection.change, document.change, document.after) == ("created", "added", {"_id": 1})


def test_commits_have_trailers(main: argondb.Branch, boats: argondb.Collection) -> None:
    noting = main.with_trailers({"ticket": "412", "by": "ada"})
    noting["boats"].insert_one({"_id": 3})
    with noting.commit() as commit:
        commit["boats"].insert_one({"_id": 4})
    other = noting.create("try")
    other["boats"].insert_one({"_id": 5})
    boats.insert_one({"_id": 6})
    noting.merge(other).apply()
    boats.insert_one({"_id": 7})
    assert [found.lsn for found in main.log(trailer="ticket=412")] == [5, 3, 2]
    assert main.log(1, trailer="by")[0].trailers == {"ticket": "412", "by": "ada"}
    assert [found.lsn for found in other.log(trailer="ticket")] == [4, 3, 2]
    assert main.log(trailer="ticket=413") == []
    with pytest.raises(InvalidError):
        main.with_trailers({"a b": "c"})


def test_states_are_compared(main: argondb.Branch, boats: argondb.Collection) -> None:
    other = main.create("try")
    other["boats"].update_one({"_id": 1}, {"$set": {"sails": 5, "new": True}})
    other["boats"].delete_one({"_id": 2})
    [changed, removed] = main.diff("try")
    assert (changed.change, changed.id, changed.before) == ("changed", 1, {"_id": 1, "sails": 2})
    assert (removed.change, removed.before, removed.after) == (
        "removed",
        {"_id": 2, "sails": 3},
        None,
    )
    [changed, _] = main.diff(other, detail="changes")
    assert [(field.path, field.before, field.after) for field in changed.fields] == [
        ("sails", 2, 5),
        ("new", None, True),
    ]
    assert main.diff(other.at(1)) == []
    assert len(main.at(0).diff(main)) == 3
    with pytest.raises(NotFoundError):
        main.diff("try", collections=["missing"])


def test_a_merge_is_a_plan(
    project: argondb.Project, main: argondb.Branch, boats: argondb.Collection
) -> None:
    other = main.create("try")
    other["boats"].update_many({}, {"$set": {"sails": 5}})
    other["boats"].insert_one({"_id": 3})
    boats.update_one({"_id": 1}, {"$set": {"sails": 9}})
    plan = main.merge(other, message="merge it")
    assert (len(plan.conflicts), plan.status, plan.counts["added"]) == (1, "open", 1)
    [conflict] = plan.conflicts
    assert (conflict.id, conflict.path, conflict.base, conflict.ours, conflict.theirs) == (
        1,
        "sails",
        2,
        9,
        5,
    )
    with pytest.raises(ConflictError) as left:
        plan.apply()
    assert left.value.details["conflicts"] == [conflict]
    assert [info.id for info in project.plans()] == [plan.id]
    plan.resolve("value", collection="boats", id=1, path="sails", value=7)
    assert plan.conflicts == [] and len(plan.decisions) == 1
    merged = plan.apply()
    assert (merged.lsn, plan.status) == (main.lsn, "applied")
    assert main.log(1)[0].message == "merge it"
    assert boats.find({}, {"sails": 1}).to_list() == [
        {"_id": 1, "sails": 7},
        {"_id": 2, "sails": 5},
        {"_id": 3},
    ]
    again = main.merge("try")
    assert again.is_empty and again.apply().lsn is None
    with pytest.raises(ConflictError):
        plan.apply()


def test_a_merge_has_strategies_and_can_be_given_up(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    other = main.create("try")
    other["boats"].update_many({}, {"$set": {"sails": 5}})
    boats.update_many({}, {"$set": {"sails": 9}})
    plan = main.merge("try")
    plan.abort()
    assert plan.status == "aborted"
    with pytest.raises(InvalidError):
        plan.apply()
    plan = main.merge("try")
    plan.resolve("theirs")
    plan.abort()
    assert main.merge("try", strategy="theirs").conflicts == []
    assert main.merge("try", strategy="theirs").apply().counts["changed"] == 2
    assert boats.distinct("sails") == [5]


def test_commits_are_taken_back(main: argondb.Branch, boats: argondb.Collection) -> None:
    boats.update_one({"_id": 1}, {"$set": {"sails": 9}})
    boats.insert_one({"_id": 3})
    assert main.undo(2, message="no").lsn == 4
    assert boats.find_one(1) == {"_id": 1, "sails": 2}
    assert main.log(1)[0].message == "no"
    assert main.undo("@1..@3").counts["removed"] == 1
    boats.update_one({"_id": 2}, {"$set": {"sails": 4}})
    boats.update_one({"_id": 2}, {"$set": {"sails": 5}})
    with pytest.raises(ConflictError) as left:
        main.undo("~1")
    assert len(left.value.details["conflicts"]) == 1
    main.undo("~1", force=True)
    assert boats.find_one(2) == {"_id": 2, "sails": 3}


def test_a_branch_is_reset_and_a_part_restored(
    project: argondb.Project, main: argondb.Branch, boats: argondb.Collection
) -> None:
    boats.delete_many({})
    restored = main.restore(1, "boats", [2])
    assert (restored.added, restored.lsn) == (1, 3)
    assert main.restore(1, "boats").added == 1
    reset = main.reset(1)
    assert (reset.before, reset.lsn, main.lsn) == (4, 1, 1)
    assert project.branch(reset.backup).lsn == 4
    assert reset.backup in [info.branch for info in project.branches(all=True)]


def test_a_state_that_was_replaced_is_not_another_one(
    store: argondb.Store, main: argondb.Branch, boats: argondb.Collection
) -> None:
    boats.insert_one({"_id": 3})
    state = main.at(2)
    main.reset(1)
    boats.insert_one({"_id": 4})
    assert state["boats"].find_one(3) == {"_id": 3}


def test_pins_name_states(
    project: argondb.Project, main: argondb.Branch, boats: argondb.Collection
) -> None:
    pin = main.pin("v1", note="first")
    assert (pin.lsn, pin.branch, pin.note) == (1, "main", "first")
    assert project.pins() == [pin]
    with pytest.raises(argondb.AlreadyExistsError):
        main.pin("v1")
    assert project.delete_pin("v1") == pin
    assert project.pins() == []


def test_a_sandbox_ends_with_its_block(
    project: argondb.Project, main: argondb.Branch, boats: argondb.Collection
) -> None:
    with main.sandbox(timedelta(minutes=5), name="mine") as sandbox:
        assert sandbox.name == "sandbox/mine"
        assert sandbox.info.ends is not None
        sandbox["boats"].delete_many({})
    assert [info.branch for info in project.branches()] == ["main"]
    with pytest.raises(ZeroDivisionError), main.sandbox():
        raise ZeroDivisionError
    with main.sandbox("1h") as sandbox:
        kept = sandbox.keep("kept")
    assert kept.info.ends is None
    assert boats.count_documents({}) == 2


def test_a_document_has_a_history(main: argondb.Branch, boats: argondb.Collection) -> None:
    boats.update_one({"_id": 1}, {"$set": {"name": "Ada"}}, comment="named")
    boats.delete_one({"_id": 1})
    versions = main.history("boats", 1)
    assert [(version.lsn, version.deleted) for version in versions] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert versions[0].document is None
    assert versions[1].document == {"_id": 1, "sails": 2, "name": "Ada"}
    assert len(main.history("boats", 1, limit=1)) == 1
    assert len(main.at(1).history("boats", 1)) == 1
    blamed = {blame.path: blame.commit for blame in main.at(2).blame("boats", 1)}
    assert blamed["name"] is not None and blamed["name"].message == "named"
    assert blamed["sails"] is not None and blamed["sails"].lsn == 1
    with pytest.raises(NotFoundError):
        main.blame("boats", 1)


def test_a_watch_gives_commits_as_they_are_made(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    with main.watch() as commits:
        assert commits.next(timeout=0.05) is None
        boats.update_one({"_id": 1}, {"$set": {"sails": 5}}, comment="five")
        boats.delete_one({"_id": 2})
        first, second = next(commits), next(commits)
    assert (first.lsn, first.message) == (2, "five")
    [change] = first.changes
    assert (change.id, change.document) == (1, {"_id": 1, "sails": 5})
    assert second.changes[0].document is None
    with main.watch(start_after=first.token) as commits:
        assert next(commits) == second
    with main.watch(start_at=0) as commits:
        created = next(commits)
    assert created.lsn == 1 and created.changes[0].is_collection
    with pytest.raises(InvalidError):
        commits.next()


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan])
def test_a_time_must_not_be_negative(main: argondb.Branch, seconds: float) -> None:
    with main.watch() as commits, pytest.raises(InvalidError):
        commits.next(seconds)
    with pytest.raises(InvalidError):
        argondb.open("memory:", idle=seconds)
    with pytest.raises(InvalidError):
        argondb.open("memory:", lock_timeout=seconds)


def test_errors_have_a_kind_and_details(main: argondb.Branch) -> None:
    main["boats"].insert_one({"_id": 1})
    with pytest.raises(DeniedError) as denied:
        main.delete()
    assert denied.value.kind == "denied"
    with pytest.raises(argondb.ArgonError) as refused:
        main["boats"].find({"$unknown": 1}).to_list()
    assert refused.value.kind == "invalid"
    assert isinstance(refused.value, ValueError)
    assert refused.value.code == 2
    assert refused.value.details["code_name"] == "BadValue"
    with pytest.raises(argondb.ArgonError):
        main["$bad\0"].insert_one({})


def test_a_state_of_another_branch_is_named_by_that_branch(
    main: argondb.Branch, boats: argondb.Collection
) -> None:
    other = main.create("try")
    for sails in (7, 8):
        boats.update_one({"_id": 1}, {"$set": {"sails": sails}})
    main.pin("v1", at=2)
    other["boats"].insert_many([{"_id": 3}])
    other["boats"].insert_many([{"_id": 4}])
    state = other.at("main")
    assert state.revision == "main@3"
    assert [version.lsn for version in state.history("boats", 1)] == [3, 2, 1]
    assert {blame.path: blame.value for blame in state.blame("boats", 1)} == {"_id": 1, "sails": 8}
    assert [change.id for change in state.diff(other)] == [1, 3, 4]
    assert [other.at(name).revision for name in ("v1", "pin:v1", "main~1")] == ["main@2"] * 3
    assert [other.at(name).revision for name in ("@1", "~1", "try")] == ["try@1", "try@2", "try@3"]


def test_a_branch_of_another_project_is_refused(main: argondb.Branch) -> None:
    main.create("try")
    with argondb.open("memory:") as other:
        theirs = other.project("shop", create=True).branch("main").create("try")
        theirs["boats"].insert_one({"_id": "theirs"})
        for state in (theirs, theirs.at(1)):
            with pytest.raises(InvalidError, match="another project or store"):
                main.diff(state)
        with pytest.raises(InvalidError, match="another project or store"):
            main.merge(theirs)
