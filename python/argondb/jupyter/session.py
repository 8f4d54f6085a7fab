"""What a notebook works on: a store, a project, a branch, and the state that queries read."""

from __future__ import annotations

import json

import argondb
from argondb.branch import Branch, State
from argondb.errors import ArgonError, InvalidError
from argondb.jupyter import executable
from argondb.store import Project, Store

__all__ = ["Session"]

_HINT = "%argon open sled:.argon opens one; with --create, it creates it"


class Session:
    """Each notebook has its own. What it chooses is never the current project or branch of others.

    >>> session = Session()
    >>> _ = session.open("memory:", create=True)
    >>> _ = session.use("shop", create=True)
    >>> session.branch()["boats"].insert_one({"_id": 1}).lsn
    1
    >>> session.switch("try", create=True).name
    'try'
    >>> str(session)
    'memory:, project shop, branch try'
    """

    def __init__(self) -> None:
        self._store: Store | None = None
        self._project: str | None = None
        self._branch = "main"
        self._previous = "main"
        self._state: State | None = None

    def __str__(self) -> str:
        if self._store is None:
            return "no store"
        project = f"project {self._project}" if self._project else "no project"
        at = f", at {self._state.revision}" if self._state else ""
        return f"{self._store.url}, {project}, branch {self._branch}{at}"

    @property
    def has_store(self) -> bool:
        """Whether the session has a store already."""
        return self._store is not None

    @property
    def project_name(self) -> str | None:
        """The name of the project, if one was chosen."""
        return self._project

    @property
    def branch_name(self) -> str:
        """The name of the branch."""
        return self._branch

    @property
    def past(self) -> State | None:
        """The past state that queries read, if one was chosen."""
        return self._state

    def open(self, store: str | Store, *, create: bool = False) -> Store:
        """Begins anew with a store: its URL, its name, or one that is open already."""
        opened = argondb.open(store, create=create) if isinstance(store, str) else store
        self._store, self._project, self._state = opened, None, None
        self._branch = self._previous = "main"
        projects = opened.projects()
        if len(projects) == 1:
            self._project = projects[0].project
        return opened

    def use(self, project: str, *, create: bool = False) -> Project:
        """Chooses a project, and its branch main."""
        chosen = self.store().project(project, create=create)
        self._project, self._state = project, None
        self._branch = self._previous = "main"
        return chosen

    def switch(self, branch: str, *, create: bool = False, at: str | None = None) -> Branch:
        """Chooses a branch; ``-`` is the one before."""
        name = self._previous if branch == "-" else branch
        if create:
            source = self.current() if at is None else self.branch().at(at)
            revision = source.revision if isinstance(source, State) else None
            chosen = self.branch().create(name, at=revision)
        else:
            chosen = self.project().branch(name)
        self._previous, self._branch, self._state = self._branch, name, None
        return chosen

    def at(self, revision: str | None) -> Branch | State:
        """Chooses the state that queries read; without one, the head of the branch."""
        self._state = None if revision is None else self.branch().at(revision)
        return self.current()

    def store(self) -> Store:
        """The store. The first time, without :meth:`open`, that of the command ``argon``."""
        if self._store is None:
            self._adopt()
        assert self._store is not None, "it was adopted"
        return self._store

    def project(self) -> Project:
        """The project."""
        store = self.store()
        if self._project is None:
            known = ", ".join(project.project for project in store.projects()) or "none"
            raise InvalidError(
                f"no project is chosen; known projects: {known}",
                hint="%argon use NAME chooses one, %argon project create NAME makes one",
            )
        return store.project(self._project)

    def branch(self) -> Branch:
        """The branch."""
        return self.project().branch(self._branch)

    def current(self) -> Branch | State:
        """What queries read: the branch, or the state that :meth:`at` chose."""
        return self._state or self.branch()

    def _adopt(self) -> None:
        """Takes the store, project and branch that are current for the command here."""
        try:
            status = json.loads(executable.output(["status", "-o", "json"]))
        except ArgonError as error:
            raise InvalidError("the notebook has no store", hint=_HINT) from error
        self.open(status["store"])
        if status.get("project"):
            self.use(status["project"])
            self._branch = self._previous = status["branch"]
