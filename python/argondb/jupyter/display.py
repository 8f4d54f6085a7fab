"""Results that notebooks show as tables: lists with a text and an HTML form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from typing import Any, TypeVar

from argondb.records import Blame, BranchInfo, Change, CommitInfo, DocumentVersion

__all__ = [
    "BlameList",
    "BranchList",
    "Diff",
    "Documents",
    "History",
    "Log",
    "Status",
    "Table",
    "compact",
]

#: How many rows are shown.
ROWS = 100
#: How many characters of a value are shown in a table.
WIDTH = 120

_T = TypeVar("_T")

_ADDED = "color: #1a7f37"
_REMOVED = "color: #cf222e"
_CHANGED = "color: #9a6700"
_QUIET = "color: #818b98"
_LEFT = "text-align: left; vertical-align: top"


def compact(value: Any) -> str:
    """A value in one line: an identifier as its digits, a time as text, all else as Extended JSON.

    >>> compact({"name": "Ada", "at": [1, 2.5]})
    '{"name": "Ada", "at": [1, 2.5]}'
    >>> compact(datetime(2026, 7, 7, 9, 0))
    '2026-07-07T09:00:00Z'
    """
    if isinstance(value, datetime):
        parts = "milliseconds" if value.microsecond else "seconds"
        moment = value.astimezone(timezone.utc) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat(timespec=parts) + "Z"
    from bson import Decimal128, ObjectId, json_util

    if isinstance(value, ObjectId | Decimal128):
        return str(value)
    options = json_util.RELAXED_JSON_OPTIONS
    return json_util.dumps(value, json_options=options, ensure_ascii=False)


def plain(value: Any) -> str:
    """As :func:`compact`, but a text without quotes, as it stands in a table."""
    return value if isinstance(value, str) else compact(value)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


@dataclass(frozen=True)
class Cell:
    """A cell: its text, and how it is marked."""

    text: str
    style: str = ""
    tag: str = "span"

    def html(self) -> str:
        text = escape(_cut(self.text))
        if not self.style and self.tag == "span":
            return text
        return f'<{self.tag} style="{self.style}">{text}</{self.tag}>'


Row = Sequence["Cell | str"]


def _cell(of: Cell | str) -> Cell:
    return of if isinstance(of, Cell) else Cell(of)


def text_table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Rows as aligned text."""
    lines = [list(columns), *([_cut(_cell(cell).text) for cell in row] for row in rows)]
    lines = [[" ".join(text.split("\n")) for text in line] for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    padded = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "\n".join(line for line in padded if line)


def html_table(columns: Sequence[str], rows: Iterable[Row], caption: str = "") -> str:
    """Rows as a table of HTML, with all texts escaped."""
    parts = ["<table>"]
    if caption:
        parts.append(f'<caption style="{_LEFT}">{escape(caption)}</caption>')
    heads = "".join(f'<th style="{_LEFT}">{escape(column)}</th>' for column in columns)
    if any(columns):
        parts.append(f"<thead><tr>{heads}</tr></thead>")
    parts.append("<tbody>")
    for row in rows:
        cells = "".join(f'<td style="{_LEFT}">{_cell(cell).html()}</td>' for cell in row)
        parts.append(f"<tr>{cells}</tr>")
    parts.append("</tbody></table>")
    return "".join(parts)


class Table(list[_T]):
    """A list that shows itself as a table; a subclass says what its columns are."""

    #: What is said of an empty list.
    empty = "nothing"

    def columns(self) -> list[str]:
        """The heads of the columns."""
        raise NotImplementedError

    def rows(self) -> Iterable[Row]:
        """The rows that are shown."""
        raise NotImplementedError

    def caption(self) -> str:
        """What stands above."""
        return ""

    def more(self) -> str:
        """What stands below, if not all is shown."""
        return f"… and {len(self) - ROWS} more" if len(self) > ROWS else ""

    def __repr__(self) -> str:
        body = text_table(self.columns(), self.rows()) if self else self.empty
        return "\n".join(part for part in (self.caption(), body, self.more()) if part)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _repr_html_(self) -> str:
        if not self:
            lines = [line for line in (self.caption(), self.empty) if line]
            return "".join(f"<p>{escape(line)}</p>" for line in lines)
        table = html_table(self.columns(), self.rows(), self.caption())
        more = self.more()
        return table + (f'<p style="{_QUIET}">{escape(more)}</p>' if more else "")


class Documents(Table[dict[str, Any]]):
    """Documents, a column for each field."""

    empty = "no documents"

    def columns(self) -> list[str]:
        names: dict[str, None] = {}
        for document in self[:ROWS]:
            names.update(dict.fromkeys(document))
        return list(names)

    def rows(self) -> Iterable[Row]:
        columns = self.columns()
        for document in self[:ROWS]:
            yield [plain(document[name]) if name in document else "" for name in columns]


class Status(Table[tuple[str, str]]):
    """Names and values."""

    def columns(self) -> list[str]:
        return ["", ""]

    def rows(self) -> Iterable[Row]:
        return [[Cell(name, _QUIET), value] for name, value in self]


class Log(Table[CommitInfo]):
    """Commits, the newest first."""

    empty = "no commits"

    def columns(self) -> list[str]:
        return ["LSN", "time", "actor", "changed", "message"]

    def rows(self) -> Iterable[Row]:
        for commit in self[:ROWS]:
            changed = ", ".join(f"{name}: {n}" for name, n in commit.collections.items())
            trailers = "".join(f"\n{key}: {value}" for key, value in commit.trailers.items())
            message = commit.message + trailers
            yield [
                Cell(str(commit.lsn), _CHANGED),
                Cell(plain(commit.time), _QUIET),
                commit.actor,
                Cell(changed, _QUIET),
                message,
            ]


class BranchList(Table[BranchInfo]):
    """Branches by name; the session's has a star."""

    empty = "no branches"

    def __init__(self, branches: Iterable[BranchInfo], current: str) -> None:
        super().__init__(branches)
        self._current = current

    def columns(self) -> list[str]:
        return ["", "branch", "LSN", "made of", "last commit"]

    def rows(self) -> Iterable[Row]:
        for info in self[:ROWS]:
            is_current = info.branch == self._current
            notes = {"protected": info.protected, "read-only": info.read_only}
            name = ", ".join([info.branch, *(note for note, holds in notes.items() if holds)])
            made_of = f"{info.parent}@{info.forked_at}" if info.parent else ""
            yield [
                "*" if is_current else "",
                Cell(name, _ADDED, "b") if is_current else name,
                str(info.lsn),
                Cell(made_of, _QUIET),
                Cell(plain(info.time) if info.time else "", _QUIET),
            ]


class History(Table[DocumentVersion]):
    """The contents of a document, the newest first."""

    empty = "no versions"

    def columns(self) -> list[str]:
        return ["LSN", "time", "actor", "message", "document"]

    def rows(self) -> Iterable[Row]:
        for version in self[:ROWS]:
            deleted = Cell("deleted", _REMOVED)
            document = deleted if version.deleted else Cell(compact(version.document))
            yield [
                Cell(str(version.lsn), _CHANGED),
                Cell(plain(version.time), _QUIET),
                version.actor,
                version.message,
                document,
            ]


class BlameList(Table[Blame]):
    """The fields of a document, each with the commit that gave it its value."""

    empty = "no fields"

    def columns(self) -> list[str]:
        return ["field", "value", "LSN", "time", "actor", "message"]

    def rows(self) -> Iterable[Row]:
        for blame in self[:ROWS]:
            commit = blame.commit
            lsn = f"≤ {blame.at_or_before}" if commit is None else str(commit.lsn)
            if blame.branch:
                lsn = f"{blame.branch}@{lsn}"
            yield [
                Cell(blame.path, tag="b"),
                compact(blame.value),
                Cell(lsn, _CHANGED),
                Cell(plain(commit.time) if commit else "", _QUIET),
                commit.actor if commit else "",
                commit.message if commit else "",
            ]


_SIGNS = {
    "added": ("+", _ADDED),
    "created": ("+", _ADDED),
    "removed": ("-", _REMOVED),
    "dropped": ("-", _REMOVED),
}


class Diff(Table[Change]):
    """What differs: the fields of documents that were changed, and the documents that were added or
    removed."""

    empty = "no differences"

    def __init__(self, changes: Iterable[Change], caption: str = "") -> None:
        super().__init__(changes)
        self._caption = caption

    def caption(self) -> str:
        return self._caption

    def columns(self) -> list[str]:
        return ["", "collection", "_id", "field", "before", "after"]

    def rows(self) -> Iterable[Row]:
        for change in self[:ROWS]:
            sign, style = _SIGNS.get(change.change, ("~", _CHANGED))
            start: list[Cell | str] = [Cell(sign, style), change.collection]
            if change.kind == "collection":
                count = "" if change.documents is None else f", documents: {change.documents}"
                said = Cell(f"collection {change.change}{count}", style)
                yield [*start, "", said, "", ""]
                continue
            start.append(plain(change.id))
            if change.change == "added":
                yield [*start, "", "", _after(change.after)]
            elif change.change == "removed":
                yield [*start, "", _before(change.before), ""]
            else:
                yield from self._fields(start, change)

    def _fields(self, start: list[Cell | str], change: Change) -> Iterable[Row]:
        for field in change.fields:
            before = _before(field.before) if "before" in field.data else ""
            after = _after(field.after) if "after" in field.data else ""
            yield [*start, Cell(field.path, tag="b"), before, after]
            start = ["", "", ""]


def _before(value: Any) -> Cell:
    return Cell(compact(value), f"{_REMOVED}; background: #cf222e1a", "del")


def _after(value: Any) -> Cell:
    style = f"{_ADDED}; background: #1a7f371a; text-decoration: none"
    return Cell(compact(value), style, "ins")
