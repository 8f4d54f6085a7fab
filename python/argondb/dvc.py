"""DVC: lock files that make a collection a dependency of a pipeline.

``argondb-dvc`` (or ``python -m argondb.dvc``) writes, renews and checks them::

    argondb-dvc pin users.argon --branch main
    argondb-dvc update
    argondb-dvc check

A lock file such as ``users.argon`` has the project, branch, position (LSN) and the digest of the
collection's content. It changes only when that content changes, so ``dvc repro`` runs a stage again
only then. ``argon.yaml`` beside it has the positions as parameters: ``${users.rev}`` in ``dvc.yaml``.

Neither names a store: that is ``--store``, ``ARGON_STORE``, or the nearest ``.argon`` upwards.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from argondb import store as _store
from argondb.branch import State
from argondb.errors import ArgonError, InvalidError, NotFoundError
from argondb.store import Store

__all__ = ["Lock", "check", "main", "pin", "update"]

SUFFIX = ".argon"
PARAMETERS = "argon.yaml"

_VERSION = 1
_LOCK_COMMENT = "# The state of a collection; `argondb-dvc update` renews it. Do not edit."
_PARAMETERS_COMMENT = "# Written by `argondb-dvc` from the lock files beside it. Do not edit."


@dataclass(frozen=True)
class Lock:
    """What a lock file says."""

    project: str
    branch: str
    collection: str
    lsn: int
    #: Of the name, options, indexes and documents of the collection.
    digest: str

    @property
    def revision(self) -> str:
        """The state, as the command takes it."""
        return f"{self.branch}@{self.lsn}"

    @classmethod
    def read(cls, file: Path) -> Lock:
        """Reads a lock file."""
        values = {}
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, value = line.partition(":")
                try:
                    values[name.strip()] = json.loads(value)
                except ValueError:
                    raise InvalidError(f"invalid line in {file}: {line}") from None
        if values.pop("version", None) != _VERSION:
            raise InvalidError(f"{file} is no lock file of version {_VERSION}")
        types = {"lsn": int}
        for field in fields(cls):
            if not isinstance(values.get(field.name), types.get(field.name, str)):
                raise InvalidError(f"missing or invalid field {field.name} in {file}")
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def write(self, file: Path) -> None:
        """Writes the lock file, and the parameters of its directory."""
        # A scalar of JSON is one of YAML, too.
        lines = [f"{name}: {json.dumps(value)}" for name, value in asdict(self).items()]
        _replace(file, [_LOCK_COMMENT, f"version: {_VERSION}", *lines])
        _write_parameters(file.parent)


def pin(
    store: Store, file: Path, project: str, branch: str, collection: str, at: str | None = None
) -> Lock:
    """Writes a lock file for a collection at the head of a branch, or at a revision of it."""
    state = _state(store, project, branch, at)
    lock = Lock(project, branch, collection, state.lsn, _digest(state, collection))
    _check_revision(state, lock)
    lock.write(file)
    return lock


def update(store: Store, file: Path, at: str | None = None) -> tuple[Lock, bool]:
    """Renews a lock file from the head of its branch, or from a revision of it. Returns what it says
    now, and whether it changed: it stays as it is if the content of the collection is the same."""
    old = Lock.read(file)
    state = _state(store, old.project, old.branch, at)
    digest = _digest(state, old.collection)
    if digest == old.digest and _is_there(store, old):
        _write_parameters(file.parent)
        return old, False
    lock = Lock(old.project, old.branch, old.collection, state.lsn, digest)
    _check_revision(state, lock)
    lock.write(file)
    return lock, True


def check(store: Store, file: Path) -> tuple[Lock, bool]:
    """Checks that the store still has what a lock file says: the same content at the same position.
    Returns what it says, and whether the head of the branch has that content too.

    - :class:`~argondb.InvalidError`: the content differs.
    - :class:`~argondb.NotFoundError`: the state does not exist any more.
    """
    lock = Lock.read(file)
    digest = _digest(_state(store, lock.project, lock.branch, f"@{lock.lsn}"), lock.collection)
    if digest != lock.digest:
        raise InvalidError(
            f"{lock.revision} has other content in '{lock.collection}' than {file.name} says: digest "
            f"{digest} instead of {lock.digest}"
        )
    head = _state(store, lock.project, lock.branch, None)
    return lock, _digest_or_none(head, lock.collection) == lock.digest


def _state(store: Store, project: str, branch: str, at: str | None) -> State:
    of = store.project(project).branch(branch)
    return of.head() if at is None else of.at(at)


def _digest(state: State, collection: str) -> str:
    digest = _digest_or_none(state, collection)
    if digest is None:
        names = ", ".join(state.list_collection_names()) or "none"
        raise NotFoundError(
            f"unknown collection '{collection}' in {state.revision}; known collections: {names}"
        )
    return digest


def _digest_or_none(state: State, collection: str) -> str | None:
    request = {"digest": True, "revision": state.revision}
    for listed in state._session.call("collection.list", request, state._project, state._branch):
        if listed["collection"] == collection:
            return str(listed["digest"])
    return None


def _is_there(store: Store, lock: Lock) -> bool:
    try:
        state = _state(store, lock.project, lock.branch, f"@{lock.lsn}")
        return _digest_or_none(state, lock.collection) == lock.digest
    except NotFoundError:
        return False


def _check_revision(state: State, lock: Lock) -> None:
    """Refuses a revision that is of another branch: the lock file would name another state."""
    named = State(state._session, lock.project, lock.branch, f"{lock.branch}@{lock.lsn}")
    if named.digest != state.digest:
        raise InvalidError(f"this revision is not of the branch '{lock.branch}'; give its --branch")


def _write_parameters(directory: Path) -> None:
    lines = []
    for file in sorted(directory.glob(f"*{SUFFIX}")):
        if file.is_file():
            lock = Lock.read(file)
            lines.append(f"{file.stem}:")
            lines.append(f"  rev: {json.dumps(lock.revision)}")
            lines.append(f"  project: {json.dumps(lock.project)}")
            lines.append(f"  collection: {json.dumps(lock.collection)}")
    _replace(directory / PARAMETERS, [_PARAMETERS_COMMENT, *lines])


def _replace(file: Path, lines: Sequence[str]) -> None:
    """Writes a file at once, unless it has these lines already."""
    text = "\n".join(lines) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code: 0, 1 if a lock file does not hold, or 2 for other errors."""
    given = _parser().parse_args(arguments)
    try:
        with _store.open(given.store or _nearest()) as store:
            code: int = given.run(store, given)
            return code
    except (ArgonError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _nearest() -> str:
    for directory in (Path.cwd(), *Path.cwd().parents):
        if (directory / SUFFIX).is_dir():
            return str(directory / SUFFIX)
    raise NotFoundError("no store here", None, "give --store, or set ARGON_STORE")


def _pin(store: Store, given: argparse.Namespace) -> int:
    project = given.project
    if project is None:
        projects = [known.project for known in store.projects()]
        if len(projects) != 1:
            raise InvalidError("the store has several projects; give --project")
        project = projects[0]
    collection = given.collection or given.file.stem
    lock = pin(store, given.file, project, given.branch, collection, given.at)
    print(f"{given.file}: {lock.revision} {lock.digest[:12]}")
    return 0


def _update(store: Store, given: argparse.Namespace) -> int:
    for file in _files(given.files):
        lock, changed = update(store, file, given.at)
        said = "updated" if changed else "unchanged"
        print(f"{file}: {said}, {lock.revision} {lock.digest[:12]}")
    return 0


def _check(store: Store, given: argparse.Namespace) -> int:
    code = 0
    for file in _files(given.files):
        try:
            lock, current = check(store, file)
        except (InvalidError, NotFoundError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            code = 1
            continue
        news = "" if current else f"; {lock.branch} has other content now"
        print(f"{file}: ok, {lock.revision} {lock.digest[:12]}{news}")
        if given.current and not current:
            code = 1
    return code


def _files(files: list[Path]) -> list[Path]:
    found = files or sorted(file for file in Path().glob(f"*{SUFFIX}") if file.is_file())
    if not found:
        raise NotFoundError("no lock file here", None, "`argondb-dvc pin NAME.argon` writes one")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="argondb-dvc", description="Lock files that make collections dependencies of DVC."
    )
    parser.add_argument(
        "--store",
        default=os.environ.get("ARGON_STORE"),
        help="URL or name of the store [default: ARGON_STORE, or the nearest .argon upwards]",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("pin", help="write a lock file")
    command.add_argument("file", type=Path, help="the lock file, such as users.argon")
    command.add_argument(
        "-p", "--project", default=os.environ.get("ARGON_PROJECT"), help="[default: the only one]"
    )
    command.add_argument(
        "-b", "--branch", default=os.environ.get("ARGON_BRANCH") or "main", help="[default: main]"
    )
    command.add_argument("-c", "--collection", help="[default: by the name of the file]")
    command.add_argument("--at", metavar="REV", help="a state of the branch [default: its head]")
    command.set_defaults(run=_pin)

    command = commands.add_parser("update", help="renew lock files whose collection has changed")
    command.add_argument("files", type=Path, nargs="*", help="[default: all of this directory]")
    command.add_argument("--at", metavar="REV", help="a state of the branch [default: its head]")
    command.set_defaults(run=_update)

    command = commands.add_parser("check", help="check that the store still has what they say")
    command.add_argument("files", type=Path, nargs="*", help="[default: all of this directory]")
    command.add_argument(
        "--current", action="store_true", help="fail if the branch has other content now"
    )
    command.set_defaults(run=_check)
    return parser


if __name__ == "__main__":
    sys.exit(main())
