"""Plans: the result of a merge before it is committed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from argondb.errors import ConflictError, InvalidError
from argondb.records import time

if TYPE_CHECKING:
    from argondb._session import Session

__all__ = ["Conflict", "Merged", "Plan", "PlanInfo"]

_MISSING: Any = object()


@dataclass(frozen=True)
class Conflict:
    """A conflict that is left: both sides changed ``path`` of a document, or of a collection itself
    (``id`` is ``None`` then). A side that has no value is left out of ``sides``."""

    kind: str
    collection: str
    id: Any
    path: str
    cause: str
    sides: dict[str, Any]
    note: str | None = None

    @property
    def base(self) -> Any:
        """The value before either side changed it."""
        return self.sides.get("base")

    @property
    def ours(self) -> Any:
        """The value on the branch."""
        return self.sides.get("ours")

    @property
    def theirs(self) -> Any:
        """The value in the other state."""
        return self.sides.get("theirs")


@dataclass(frozen=True)
class Merged:
    """A result that was committed; ``lsn`` is ``None`` if there was nothing to change."""

    branch: str
    lsn: int | None
    what: str
    counts: dict[str, int]


@dataclass(frozen=True)
class PlanInfo:
    """A saved plan in a list."""

    id: str
    what: str
    branch: str
    ours: int
    status: str
    applied: int | None
    actor: str
    created: datetime
    message: str
    decisions: int


class Plan:
    """A merge that is computed and saved: it can be looked at, resolved, and applied in one commit.

    >>> import argondb
    >>> with argondb.open("memory:") as store:
    ...     main = store.project("shop", create=True).branch("main")
    ...     _ = main["boats"].insert_one({"_id": 1, "sails": 2})
    ...     other = main.create("try")
    ...     _ = other["boats"].update_one({"_id": 1}, {"$set": {"sails": 5}})
    ...     _ = main["boats"].update_one({"_id": 1}, {"$set": {"sails": 9}})
    ...     plan = main.merge(other)
    ...     [(conflict.path, conflict.ours, conflict.theirs) for conflict in plan.conflicts]
    ...     plan.resolve("theirs", collection="boats", id=1)
    ...     _ = plan.apply()
    ...     main["boats"].find_one(1)
    [('sails', 9, 5)]
    {'_id': 1, 'sails': 5}
    """

    def __init__(self, session: Session, project: str, branch: str, data: dict[str, Any]) -> None:
        self._session = session
        self._project = project
        self._branch = branch
        self._data = data

    def __repr__(self) -> str:
        return f"Plan({self.id!r}, {self.what!r}, conflicts={len(self.conflicts)})"

    @property
    def id(self) -> str | None:
        """The identifier; ``None`` if there is nothing to merge."""
        return self._data.get("id")

    @property
    def what(self) -> str:
        """What the plan does, in words."""
        return str(self._data["what"])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to merge: the branch has all of the other state."""
        return self.id is None

    @property
    def status(self) -> str | None:
        """``"open"``, ``"applied"``, ``"aborted"`` or ``"nothing"``."""
        return self._data.get("status")

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of documents that the branch gets (``added``), that change and that it loses
        (``removed``), and of conflicts."""
        return dict(self._data.get("counts", {}))

    @property
    def conflicts(self) -> list[Conflict]:
        """The conflicts that are left."""
        return [_conflict(data) for data in self._data.get("conflicts", [])]

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """The decisions so far."""
        return list(self._data.get("decisions", []))

    def refresh(self) -> None:
        """Looks at the saved plan again, which others may have changed."""
        request = {"plan": self._saved(), "canonical": True, "detail": "summary"}
        self._data = self._call("plan.show", request)

    def resolve(
        self,
        choice: str,
        *,
        collection: str | None = None,
        id: Any = _MISSING,
        path: str | None = None,
        value: Any = _MISSING,
    ) -> None:
        """Decides about conflicts: ``"ours"``, ``"theirs"``, ``"base"``, ``"absent"``, or ``"value"``
        with a value. Without a collection it is about all that are left."""
        request: dict[str, Any] = {"plan": self._saved(), "choice": choice}
        optional = {"collection": collection, "path": path}
        request.update({name: given for name, given in optional.items() if given is not None})
        if id is not _MISSING:
            request["id"] = id
        if value is not _MISSING:
            request["value"] = value
        self._call("plan.resolve", request)
        self.refresh()

    def apply(
        self,
        *,
        message: str | None = None,
        rebase: bool = False,
        strict: bool = False,
        run_hooks: bool = False,
    ) -> Merged:
        """Commits the result: all of it in one commit, or nothing if conflicts are left.

        With ``rebase``, a plan whose branch has moved on is computed again on the present head.
        """
        if self.is_empty:
            return Merged(self._branch, None, self.what, {})
        request = {
            "plan": self._saved(),
            "message": message,
            "rebase": rebase,
            "strict": strict,
            "run_hooks": run_hooks,
            "canonical": True,
            "detail": "summary",
        }
        merged = merged_of(self._call("plan.apply", request))
        self.refresh()
        return merged

    def abort(self) -> None:
        """Closes the plan; nothing else is changed."""
        if not self.is_empty:
            self._call("plan.abort", {"plan": self._saved()})
            self.refresh()

    def _saved(self) -> str:
        if self.id is None:
            raise InvalidError("there is nothing to merge, so no plan was saved")
        return self.id

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        return self._session.call(operation, request, self._project, self._branch)


def _conflict(data: dict[str, Any]) -> Conflict:
    sides: dict[str, Any] = {
        name: data[name] for name in ("base", "ours", "theirs") if name in data
    }
    return Conflict(
        kind=data["kind"],
        collection=data["collection"],
        id=data.get("id"),
        path=data["path"],
        cause=data["cause"],
        sides=sides,
        note=data.get("note"),
    )


def merged_of(outcome: dict[str, Any]) -> Merged:
    """The commit of an outcome.

    Raises :class:`ConflictError` if conflicts are left; its details have them.
    """
    if "commit" in outcome:
        commit = outcome["commit"]
        return Merged(commit["branch"], commit["lsn"], commit["what"], commit.get("counts", {}))
    conflicts = [_conflict(data) for data in outcome["plan"]["conflicts"]]
    left = f"{len(conflicts)} conflict{'s' if len(conflicts) != 1 else ''}"
    raise ConflictError(
        f"{left} left to decide; nothing was applied",
        {"conflicts": conflicts},
        None,
    )


def plan_info(data: dict[str, Any]) -> PlanInfo:
    """An entry of a list of plans."""
    return PlanInfo(**{**data, "created": time(data["created"])})
