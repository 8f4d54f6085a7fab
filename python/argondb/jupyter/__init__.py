"""Argon in notebooks: ``%load_ext argondb.jupyter``, then ``%argon`` and ``%%argon query``.

>>> from IPython.core.interactiveshell import InteractiveShell
>>> shell = InteractiveShell.instance()
>>> load_ipython_extension(shell)
>>> _ = shell.run_line_magic("argon", "open memory: -p shop --create")
memory:, project shop, branch main
>>> branch()["boats"].insert_one({"_id": 1, "sails": 2}).lsn
1
>>> shell.run_cell_magic("argon", "query -c boats", '{"sails": {"$gt": 1}}')
_id  sails
1    2
>>> store().close()

docs/PYTHON.md lists the commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from argondb.jupyter.session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from argondb.branch import Branch
    from argondb.store import Store

__all__ = ["Session", "branch", "load_ipython_extension", "session", "store"]

_session = Session()


def session() -> Session:
    """The session of this notebook: its store, project, branch and state."""
    return _session


def store() -> Store:
    """The store of the session."""
    return _session.store()


def branch() -> Branch:
    """The branch of the session, which takes writes."""
    return _session.branch()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Adds the magics and their completion; ``%load_ext`` calls it."""
    from argondb.jupyter.completion import completer
    from argondb.jupyter.magics import ArgonMagics

    shell.register_magics(ArgonMagics(shell, _session))
    hook = completer(_session)
    for name in ("%argon", "%%argon"):
        shell.set_hook("complete_command", hook, str_key=name)  # type: ignore[no-untyped-call]
