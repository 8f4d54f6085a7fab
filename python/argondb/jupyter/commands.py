"""The commands that run in this process, so that their results are objects. Each takes the options of
the command of that name; with others, and all other commands, the command ``argon`` runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from argondb.branch import Branch, State, _changes, _commit
from argondb.jupyter.display import (
    BlameList,
    BranchList,
    Diff,
    Documents,
    History,
    Log,
    Status,
    plain,
)
from argondb.jupyter.session import Session

__all__ = ["COMMANDS", "SESSION", "Elsewhere", "Options"]


class Elsewhere(Exception):
    """The command ``argon`` has to run: there are options that are not known here."""


class Options(argparse.ArgumentParser):
    """The options of a command; with others, :class:`Elsewhere` is raised."""

    def __init__(self) -> None:
        super().__init__(add_help=False, allow_abbrev=False)

    def read(self, arguments: Sequence[str]) -> Any:
        """The options. Negative numbers and ``~3`` are values."""
        found, rest = self.parse_known_intermixed_args(arguments)
        if rest:
            self.error(f"unexpected argument {rest[0]!r}")
        return found

    def error(self, message: str) -> NoReturn:
        raise Elsewhere(message)


def _status(session: Session, arguments: Sequence[str]) -> Status:
    Options().read(arguments)
    store, name = session.store(), session.project_name
    shown = Status([("store", store.url), ("project", name or "none is chosen")])
    if name is None:
        return shown
    branch = session.branch()
    info = branch.info
    shown.append(("branch", branch.name))
    if info.parent:
        shown.append(("made of", f"{info.parent}@{info.forked_at}"))
    time = f", {plain(info.time)}" if info.time else ""
    shown.append(("head", f"LSN {info.lsn}{time}, digest {info.digest[:12]}"))
    if session.past is not None:
        shown.append(("queries read", session.past.revision))
    names = session.current().list_collection_names()
    shown.append(("collections", ", ".join(names) or "none"))
    return shown


def _range(text: str | None) -> tuple[str | None, str | None, bool]:
    """The two sides of ``A..B`` or ``A...B``, and whether it is the latter."""
    if text is None or ".." not in text:
        return None, text, False
    before, dots, after = text.partition("..." if "..." in text else "..")
    return before or None, after or None, dots == "..."


def _of(session: Session) -> str:
    current = session.current()
    return current.revision if isinstance(current, State) else current.name


def _log(session: Session, arguments: Sequence[str]) -> Log:
    options = Options()
    options.add_argument("revision", nargs="?")
    options.add_argument("-n", "--number", type=int)
    options.add_argument("--since", "--after")
    options.add_argument("--until", "--before")
    options.add_argument("--grep")
    options.add_argument("--actor", "--author")
    options.add_argument("--trailer")
    options.add_argument("-c", "--collection", action="append")
    given = options.read(arguments)
    above, revision, is_merge_base = _range(given.revision)
    if is_merge_base:
        raise Elsewhere
    if above is None and given.revision and ".." in given.revision:
        above = _of(session)
    request = {
        "revision": revision or _of(session),
        "above": above,
        "limit": given.number,
        "since": given.since,
        "until": given.until,
        "pattern": given.grep,
        "actor": given.actor,
        "trailer": given.trailer,
        "collections": given.collection,
    }
    return Log(_commit(data) for data in session.branch()._call("log", request))


def _diff(session: Session, arguments: Sequence[str]) -> Diff:
    options = Options()
    options.add_argument("revisions", nargs="*")
    options.add_argument("-c", "--collection", action="append")
    options.add_argument("--merge-base", action="store_true")
    given = options.read(arguments)
    if len(given.revisions) > 2:
        raise Elsewhere
    before, after, is_merge_base = _range(given.revisions[-1] if given.revisions else None)
    if len(given.revisions) == 2:
        before = given.revisions[0]
    elif given.revisions and ".." in given.revisions[0]:
        before = before or _of(session)
    request = {
        "from": before,
        "to": after or _of(session),
        "merge_base": given.merge_base or is_merge_base,
        "collections": given.collection,
        "canonical": True,
        "detail": "changes",
    }
    items = session.branch()._call("diff", request)
    sides = [f"{side['branch']}@{side['lsn']}" for side in (items[0]["from"], items[0]["to"])]
    return Diff(_changes(items), " → ".join(sides))


def _show(session: Session, arguments: Sequence[str]) -> Diff:
    options = Options()
    options.add_argument("revision", nargs="?")
    options.add_argument("-c", "--collection", action="append")
    given = options.read(arguments)
    request = {
        "revision": given.revision or _of(session),
        "collections": given.collection,
        "canonical": True,
    }
    items = session.branch()._call("show", request)
    commit = _commit(items[0])
    said = f"LSN {commit.lsn}, {plain(commit.time)}, {commit.actor}"
    return Diff(_changes(items), ": ".join(text for text in (said, commit.message) if text))


def _of_document(session: Session, arguments: Sequence[str], *more: str) -> tuple[Any, Any, Any]:
    """What a command on a document reads, its options, and the ``_id``."""
    options = Options()
    options.add_argument("id")
    options.add_argument("-c", "--collection", required=True)
    options.add_argument("--at")
    options.add_argument("-n", "--number", type=int)
    options.add_argument("--first-parent", action="store_true")
    given = options.read(arguments)
    state = session.current() if given.at is None else session.branch().at(given.at)
    return state, given, _identifier(given.id)


def _identifier(text: str) -> Any:
    """An ``_id`` as the command takes it."""
    from bson import ObjectId, json_util

    if len(text) == 24 and ObjectId.is_valid(text):
        return ObjectId(text)
    try:
        return json_util.loads(text)
    except ValueError:
        return text


def _history(session: Session, arguments: Sequence[str]) -> History:
    state, given, identifier = _of_document(session, arguments)
    return History(state.history(given.collection, identifier, given.number))


def _blame(session: Session, arguments: Sequence[str]) -> BlameList:
    state, given, identifier = _of_document(session, arguments)
    blame = state.blame(given.collection, identifier, first_parent=given.first_parent)
    return BlameList(blame)


def _collections(session: Session, arguments: Sequence[str]) -> Documents:
    options = Options()
    options.add_argument("--at")
    given = options.read(arguments)
    state: Branch | State = session.current()
    if given.at is not None:
        state = session.branch().at(given.at)
    return Documents(
        {"collection": name, "documents": state[name].estimated_document_count()}
        for name in state.list_collection_names()
    )


def _branch(session: Session, arguments: Sequence[str]) -> BranchList | None:
    if arguments and arguments[0] == "create":
        options = Options()
        options.add_argument("name")
        options.add_argument("--from", dest="revision")
        given = options.read(arguments[1:])
        at = given.revision or _of(session)
        made = session.branch().create(given.name, at=at).info
        print(f"made branch {made.branch} of {made.parent} at LSN {made.forked_at}")
        return None
    options = Options()
    options.add_argument("command", nargs="?", choices=["list"])
    options.add_argument("-a", "--all", action="store_true")
    given = options.read(arguments)
    return BranchList(session.project().branches(given.all), session.branch_name)


def _project(session: Session, arguments: Sequence[str]) -> Documents | None:
    if arguments and arguments[0] == "create":
        options = Options()
        options.add_argument("name")
        given = options.read(arguments[1:])
        session.store()._session.call("project.create", {"project": given.name})
        session.use(given.name)
        print(f"made project {given.name}; this notebook uses it")
        return None
    options = Options()
    options.add_argument("command", nargs="?", choices=["list"])
    options.read(arguments)
    projects = session.store().projects()
    return Documents({"project": of.project, "created": of.created} for of in projects)


def _open(session: Session, arguments: Sequence[str]) -> None:
    options = Options()
    options.add_argument("store")
    options.add_argument("-p", "--project")
    options.add_argument("-b", "--branch")
    options.add_argument("--create", action="store_true")
    given = options.read(arguments)
    session.open(given.store, create=given.create)
    if given.project:
        session.use(given.project, create=given.create)
    if given.branch:
        session.switch(given.branch)
    print(session)


def _use(session: Session, arguments: Sequence[str]) -> None:
    options = Options()
    options.add_argument("project")
    session.use(options.read(arguments).project)
    print(session)


def _switch(session: Session, arguments: Sequence[str]) -> None:
    options = Options()
    options.add_argument("branch")
    options.add_argument("revision", nargs="?")
    options.add_argument("-c", "--create", action="store_true")
    given = options.read(arguments)
    if given.revision and not given.create:
        raise Elsewhere("a revision goes with --create")
    session.switch(given.branch, create=given.create, at=given.revision)
    print(session)


def _at(session: Session, arguments: Sequence[str]) -> None:
    options = Options()
    options.add_argument("revision", nargs="?")
    session.at(options.read(arguments).revision)
    print(session)


#: What changes the session; the command has no such thing, or means another by it.
SESSION: dict[str, Callable[[Session, Sequence[str]], None]] = {
    "open": _open,
    "use": _use,
    "switch": _switch,
    "at": _at,
}

COMMANDS: dict[str, Callable[[Session, Sequence[str]], Any]] = {
    "status": _status,
    "log": _log,
    "diff": _diff,
    "show": _show,
    "history": _history,
    "blame": _blame,
    "collections": _collections,
    "branch": _branch,
    "project": _project,
}
