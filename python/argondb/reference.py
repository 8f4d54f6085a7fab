"""References to states: what another program writes down to read the very same documents later."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from argondb import store as _store
from argondb.branch import Branch, State
from argondb.errors import ConflictError, InvalidError, NotFoundError
from argondb.store import Project, Store

__all__ = ["StateReference"]

_SCHEME = "argon"
#: Stores on this machine, whose URL may have a relative path.
_LOCAL = ("sled:", "fjall:")
_MEMORY = "memory:"

#: The stores that references have opened, by process and URL: a child of a fork opens its own.
_shared: dict[tuple[int, str], Store] = {}


@dataclass(frozen=True)
class StateReference:
    """A state by its store, project, branch and position, with its digest.

    It is plain data without secrets, which can be pickled, logged and written into a file.
    :meth:`open` gives the state, or an error if it is not the same any more: the digest covers every
    commit up to the position.
    """

    #: The URL of the store, without a password. A path in it is absolute.
    store: str
    project: str
    branch: str
    lsn: int
    digest: str

    @classmethod
    def of(cls, place: Branch | State) -> StateReference:
        """The reference to a state, or to the present state of a branch.

        A branch that has not moved since it was created has the states of its parent: they are named
        by the parent, which often exists longer.
        """
        state = place.head() if isinstance(place, Branch) else place
        project = Project(state._session, state._project)
        lsn, digest = state.lsn, state.digest
        branch = _branch_with(project, state._branch, lsn, digest)
        if branch is None:
            raise NotFoundError(
                f"no branch or pin of project '{project.name}' has the state at LSN {lsn}",
                {"project": project.name, "lsn": lsn},
            )
        return cls(_absolute(state._session.native.url), project.name, branch, lsn, digest)

    def open(self, store: Store | None = None, *, lock_timeout: float | None = None) -> State:
        """The state. ``store`` is where to look, if the store has moved since.

        If the branch was reset, renamed or deleted, the state is found in a backup, a pin or another
        branch, as long as one of them has it.

        - :class:`~argondb.NotFoundError`: nothing in the project has the state.
        - :class:`~argondb.ConflictError`: another state is at this position now.
        """
        store = store or _open_shared(self.store, lock_timeout)
        project = store.project(self.project)
        branch = _branch_with(project, self.branch, self.lsn, self.digest)
        if branch is not None:
            return State(project._session, project.name, branch, f"{branch}@{self.lsn}")
        for pin in project.pins():
            if pin.digest == self.digest:
                first = project.branches()[0].branch
                return State(project._session, project.name, first, f"pin:{pin.pin}")
        details = {"project": self.project, "branch": self.branch, "lsn": self.lsn}
        if any(info.branch == self.branch for info in project.branches()):
            raise ConflictError(
                f"the history of '{self.branch}' was replaced: LSN {self.lsn} has not the digest "
                f"{self.digest} any more",
                details,
            )
        raise NotFoundError(
            f"no branch or pin of project '{self.project}' has the state {self.branch}@{self.lsn} "
            f"with the digest {self.digest}",
            details,
        )

    @property
    def revision(self) -> str:
        """The branch and the position, as the command and :meth:`Branch.at` take them."""
        return f"{self.branch}@{self.lsn}"

    @property
    def uri(self) -> str:
        """The reference as one URI, which differs for each state:
        ``argon://STORE/PROJECT@BRANCH@LSN?digest=DIGEST``."""
        parts = [quote(part, safe="") for part in (self.store, self.project, self.branch)]
        return f"{_SCHEME}://{parts[0]}/{parts[1]}@{parts[2]}@{self.lsn}?digest={self.digest}"

    @classmethod
    def parse(cls, uri: str) -> StateReference:
        """Reads a URI of :attr:`uri`."""
        parts = urlsplit(uri)
        names = parts.path.removeprefix("/").split("@")
        digests = parse_qs(parts.query).get("digest", [])
        if parts.scheme != _SCHEME or len(names) != 3 or not names[2].isdigit() or not digests:
            raise InvalidError(
                f"invalid reference '{uri}': expected "
                f"{_SCHEME}://STORE/PROJECT@BRANCH@LSN?digest=DIGEST"
            )
        project, branch = unquote(names[0]), unquote(names[1])
        return cls(unquote(parts.netloc), project, branch, int(names[2]), digests[0])

    def to_dict(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> StateReference:
        """A reference of its fields; others are left out."""
        try:
            return cls(
                str(fields["store"]),
                str(fields["project"]),
                str(fields["branch"]),
                int(fields["lsn"]),
                str(fields["digest"]),
            )
        except KeyError as missing:
            raise InvalidError(f"missing required field {missing.args[0]} of a reference") from None


def _branch_with(project: Project, first: str, lsn: int, digest: str) -> str | None:
    """The branch that has a state: the first one, its parent if it only inherited the state, or any
    other, backups too. ``None`` if only a pin has it, or nothing."""
    branches = {info.branch: info for info in project.branches(all=True)}
    name = first
    while (info := branches.get(name)) and info.parent in branches and lsn <= info.forked_at:
        name = info.parent
    others = [info.branch for info in branches.values() if info.lsn >= lsn]
    for branch in dict.fromkeys([name, first, *others]):
        if branch not in branches or branches[branch].lsn < lsn:
            continue
        try:
            state = State(project._session, project.name, branch, f"{branch}@{lsn}")
            if state.digest == digest:
                return branch
        except NotFoundError:
            continue  # Its log begins later.
    return None


def _absolute(url: str) -> str:
    for scheme in _LOCAL:
        if url.startswith(scheme):
            return scheme + os.path.abspath(url.removeprefix(scheme).removeprefix("//"))
    return url


def _open_shared(url: str, lock_timeout: float | None = None) -> Store:
    """A store of this process with the URL; it is opened if there is none."""
    process, wanted = os.getpid(), _absolute(url)
    if url.startswith(_MEMORY):
        raise InvalidError(
            "a memory store ends with its process; nothing of it can be opened again"
        )
    for store in list(_store._opened):
        if store._process == process and _absolute(store.url) == wanted:
            return store
    store = _shared[process, wanted] = _store.open(url, lock_timeout=lock_timeout)
    return store
