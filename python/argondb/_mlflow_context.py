"""The tags that Argon gives to the runs of MLflow.

MLflow loads this while it is itself loaded, so it needs nothing of it but the base class.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING

from mlflow.tracking.context.abstract_context import RunContextProvider

if TYPE_CHECKING:
    from argondb.branch import Branch, State
    from argondb.reference import StateReference

__all__ = ["ArgonRunContext", "Tracking", "tags_of", "track", "tracked"]

_current: Branch | State | None = None


class Tracking:
    """What :func:`track` began; at the end of ``with``, the one before is tracked again."""

    def __init__(self, before: Branch | State | None) -> None:
        self._before = before

    def __enter__(self) -> Tracking:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _current
        _current = self._before


def track(place: Branch | State | None) -> Tracking:
    """Makes every run that begins from now on tell from which state it began: that of a branch at that
    moment, or a past one. In ``with``, only until the end of the block; ``None`` ends it."""
    global _current
    tracking = Tracking(_current)
    _current = place
    return tracking


def tracked() -> Branch | State | None:
    """What :func:`track` was given last."""
    return _current


def tags_of(reference: StateReference) -> dict[str, str]:
    """The tags of a state."""
    return {f"argon.{name}": str(value) for name, value in reference.to_dict().items()}


class ArgonRunContext(RunContextProvider):  # type: ignore[misc]
    """Gives each run the tags ``argon.store``, ``argon.project``, ``argon.branch``, ``argon.lsn`` and
    ``argon.digest``: of what is tracked, or else of the branch that ``ARGON_STORE``, ``ARGON_PROJECT``
    and ``ARGON_BRANCH`` name."""

    def in_context(self) -> bool:
        """Whether a branch is known."""
        named = "ARGON_STORE" in os.environ and "ARGON_PROJECT" in os.environ
        return _current is not None or named

    def tags(self) -> dict[str, str]:
        """The tags."""
        from argondb.reference import StateReference, _open_shared

        place = _current
        if place is None:
            store = _open_shared(os.environ["ARGON_STORE"])
            project = store.project(os.environ["ARGON_PROJECT"])
            place = project.branch(os.environ.get("ARGON_BRANCH") or "main")
        return tags_of(StateReference.of(place))
