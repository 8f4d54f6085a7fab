"""What Tab completes after ``%argon``: commands and options by the command ``argon`` itself; branches,
collections, pins and projects from the session's store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from argondb.errors import ArgonError
from argondb.jupyter import executable, query
from argondb.jupyter.commands import COMMANDS, SESSION
from argondb.jupyter.session import Session

__all__ = ["candidates", "completer"]


def completer(session: Session) -> Callable[[Any, Any], list[str]]:
    """The hook for IPython."""

    def complete(_shell: Any, event: Any) -> list[str]:
        found = candidates(session, event.text_until_cursor)
        # IPython's word may be a part of ours: in main@12 it is 12.
        symbol, word = event.symbol, event.text_until_cursor.split(" ")[-1]
        before = word[: len(word) - len(symbol)] if word.endswith(symbol) else ""
        return [name[len(before) :] for name in found if name.startswith(before)]

    return complete


def candidates(session: Session, text: str) -> list[str]:
    """The words that can stand at the end of a line."""
    *words, last = text.split(" ")
    words = [word for word in words if word][1:]
    try:
        found = list(_candidates(session, words, last))
    except ArgonError:
        return []
    return sorted({word for word in found if word.startswith(last)})


def _candidates(session: Session, words: list[str], last: str) -> Iterable[str]:
    if not words:
        yield from [*SESSION, *COMMANDS, "query"]
        yield from _by_command([], last)
        return
    command, before = words[0], words[-1]
    if before in ("-c", "--collection"):
        yield from _collections(session)
    elif before in ("-p", "--project") or command == "use":
        yield from _projects(session)
    elif before in ("-b", "--branch", "--at"):
        yield from _revisions(session, last)
    elif command == "query":
        options = query.options()
        yield from query.FORMS if before == "--as" else options._option_string_actions
    else:
        if not last.startswith("-") and command != "open":
            yield from _revisions(session, last)
        if command not in SESSION:
            yield from _by_command(words, last)


def _collections(session: Session) -> list[str]:
    return session.current().list_collection_names() if session.has_store else []


def _projects(session: Session) -> list[str]:
    if not session.has_store:
        return []
    return [project.project for project in session.store().projects()]


def _revisions(session: Session, last: str) -> list[str]:
    """The branches and pins; after ``main..`` too."""
    if not session.has_store or session.project_name is None:
        return []
    project = session.project()
    names = [info.branch for info in project.branches()] + [pin.pin for pin in project.pins()]
    before, dots, _ = last.rpartition("..")
    return [f"{before}{dots}{name}" for name in names]


def _by_command(words: list[str], last: str) -> list[str]:
    """What the command completes, without a store: commands, options and their values."""
    line = ["argon", "--store", "memory:", *words, last]
    environment = {
        "ARGON_COMPLETE": "bash",
        "_CLAP_IFS": "\n",
        "_CLAP_COMPLETE_INDEX": str(len(line) - 1),
    }
    try:
        return executable.output(["--", *line], environment).split("\n")
    except (ArgonError, OSError):
        return []
