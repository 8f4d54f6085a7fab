"""``%argon`` and ``%%argon``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from argondb.errors import InvalidError, UnavailableError, UnsupportedError
from argondb.jupyter import executable, query
from argondb.jupyter.commands import COMMANDS, SESSION, Elsewhere
from argondb.store import Store

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from argondb.jupyter.session import Session

__all__ = ["ArgonMagics"]

#: The commands that read the state that ``--at`` names.
_READ_A_STATE = frozenset(
    {
        "aggregate",
        "blame",
        "collections",
        "count",
        "distinct",
        "explain",
        "export",
        "find",
        "get",
        "history",
    }
)


@magics_class
class ArgonMagics(Magics):
    """The magics of a notebook."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    # Braces and dollars are MongoDB's here.
    @no_var_expand
    @line_cell_magic
    def argon(self, line: str, cell: str | None = None) -> Any:
        """Runs a command of Argon: ``%argon log -n 5``. ``%argon help`` lists them.

        ``%argon open STORE``, ``use PROJECT``, ``switch BRANCH`` and ``at REV`` choose what this notebook
        works on. ``%%argon query -c COLLECTION`` runs the filter or pipeline in the cell; to other
        commands the cell is standard input.
        """
        try:
            arguments = shlex.split(line)
        except ValueError as error:
            raise InvalidError(f"the line can't be read: {error}") from None
        command, rest = (arguments[0], arguments[1:]) if arguments else ("status", [])
        if command == "query":
            return self._query(rest, cell)
        if command in SESSION:
            return self._choose(command, rest)
        if command in COMMANDS and cell is None:
            try:
                return COMMANDS[command](self._session, rest)
            except Elsewhere:
                pass
        return _run(self._session, [command, *rest], cell)

    def _query(self, arguments: Sequence[str], cell: str | None) -> Any:
        try:
            result, into = query.run(self._session, arguments, cell or "")
        except Elsewhere as error:
            raise InvalidError(f"%argon query: {error}") from None
        if into is None:
            return result
        self.shell.user_ns[into] = result  # type: ignore[union-attr]
        return None

    def _choose(self, command: str, arguments: Sequence[str]) -> None:
        try:
            if command == "open" and len(arguments) == 1:
                variable = self.shell.user_ns.get(arguments[0])  # type: ignore[union-attr]
                if isinstance(variable, Store):
                    self._session.open(variable)
                    print(self._session)
                    return
            SESSION[command](self._session, arguments)
        except Elsewhere as error:
            raise InvalidError(f"%argon {command}: {error}") from None


def _run(session: Session, arguments: list[str], stdin: str | None) -> None:
    """Runs the command on the store, project and branch of the session."""
    if not session.has_store:
        executable.run(arguments, stdin)
        return
    store = session.store()
    if store.url.startswith("memory:"):
        raise UnsupportedError(
            f"'argon {arguments[0]}' can't see a store in memory, which is that of this process alone",
            hint="argondb.jupyter.branch() is the branch in Python",
        )
    is_released = store.release()
    try:
        executable.run([*_place(session, arguments), *arguments, *_at(session, arguments)], stdin)
    except UnavailableError as error:
        if is_released or error.hint:
            raise
        hint = "an open cursor, commit or watch of this notebook may have the store open"
        raise UnavailableError(error.args[0], error.details, hint) from None


def _place(session: Session, arguments: Sequence[str]) -> list[str]:
    """The options for the store, project and branch, unless they are given."""
    place = []
    for short, long, value in (
        ("--store-file", "--store", session.store().url),
        ("-p", "--project", session.project_name),
        ("-b", "--branch", session.branch_name),
    ):
        if value is not None and not _has(arguments, short, long):
            place += [long, value]
    return place


def _at(session: Session, arguments: Sequence[str]) -> list[str]:
    if session.past is None or arguments[0] not in _READ_A_STATE or _has(arguments, "--at"):
        return []
    return ["--at", session.past.revision]


def _has(arguments: Sequence[str], *options: str) -> bool:
    given = {argument.partition("=")[0] for argument in arguments}
    return not given.isdisjoint(options)
