"""``%%argon query``: a filter or a pipeline, and its documents in the form that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argondb.branch import Branch, State
from argondb.errors import InvalidError
from argondb.jupyter import cells
from argondb.jupyter.commands import Options
from argondb.jupyter.display import Documents
from argondb.jupyter.session import Session

__all__ = ["FORMS", "options", "run"]

#: What ``--as`` takes.
FORMS = ("table", "list", "df", "pandas", "arrow", "polars")


def options() -> Options:
    """The options of ``query``."""
    options = Options()
    options.add_argument("-c", "--collection", required=True)
    options.add_argument("--as", dest="form", choices=FORMS, default="table")
    options.add_argument("--into", metavar="NAME")
    options.add_argument("--at", metavar="REV")
    options.add_argument("--projection")
    options.add_argument("--sort")
    options.add_argument("--limit", type=int, default=0)
    options.add_argument("--skip", type=int, default=0)
    return options


def run(session: Session, arguments: Sequence[str], text: str) -> tuple[Any, str | None]:
    """The result, and the name of the variable for it."""
    given = options().read(arguments)
    if given.into is not None and not given.into.isidentifier():
        raise InvalidError(f"invalid name {given.into!r}: expected one of a variable")
    state: Branch | State = session.current()
    if given.at is not None:
        state = session.branch().at(given.at)
    return _result(state, given, cells.read(text) if text.strip() else {}), given.into


def _result(state: Branch | State, given: Any, asked: Any) -> Any:
    of_find = {
        "projection": None if given.projection is None else cells.read(given.projection),
        "sort": None if given.sort is None else cells.read(given.sort),
        "skip": given.skip,
        "limit": given.limit,
    }
    collection = state[given.collection]
    if isinstance(asked, list):
        if any(of_find.values()):
            raise InvalidError("a pipeline has its own stages for the order and the fields")
        return _documents_as(given.form, collection.aggregate(asked).to_list())
    if not isinstance(asked, dict):
        raise InvalidError("a query is a filter {…} or a pipeline […]")
    if given.form in ("table", "list"):
        return _documents_as(given.form, collection.find(asked, **of_find).to_list())
    return _table_as(given.form, collection.to_arrow(asked, **of_find))


def _documents_as(form: str, documents: list[dict[str, Any]]) -> Any:
    if form == "table":
        return Documents(documents)
    if form == "list":
        return documents
    from argondb import arrow

    return _table_as(form, arrow.of_documents(documents))


def _table_as(form: str, table: Any) -> Any:
    if form in ("df", "pandas"):
        return table.to_pandas()
    if form == "polars":
        import polars

        return polars.from_arrow(table)
    return table
