"""DVC: lock files that make a collection a dependency of a pipeline.

The command ``argon dvc`` writes, renews and checks them; this module does the same in Python, and as
``argondb-dvc`` (or ``python -m argondb.dvc``) where there is no command::

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
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argondb import store as _store
from argondb.errors import ArgonError, InvalidError, NotFoundError
from argondb.store import Store

__all__ = ["Lock", "check", "main", "pin", "update"]

SUFFIX = ".argon"


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
    def _of(cls, result: Mapping[str, Any]) -> Lock:
        names = ("project", "branch", "collection", "lsn", "digest")
        return cls(**{name: result[name] for name in names})


def pin(
    store: Store, file: Path, project: str, branch: str, collection: str, at: str | None = None
) -> Lock:
    """Writes a lock file for a collection at the head of a branch, or at a revision of it."""
    request = {"file": str(file), "collection": collection, "revision": at}
    return Lock._of(store._session.call("dvc.pin", request, project, branch))


def update(store: Store, file: Path, at: str | None = None) -> tuple[Lock, bool]:
    """Renews a lock file from the head of its branch, or from a revision of it. Returns what it says
    now, and whether it changed: it stays as it is if the content of the collection is the same."""
    result = store._session.call("dvc.update", {"file": str(file), "revision": at})
    return Lock._of(result), result["changed"]


def check(store: Store, file: Path) -> tuple[Lock, bool]:
    """Checks that the store still has what a lock file says: the same content at the same position.
    Returns what it says, and whether the head of the branch has that content too.

    - :class:`~argondb.InvalidError`: the content differs.
    - :class:`~argondb.NotFoundError`: the state does not exist any more.
    """
    result = store._session.call("dvc.check", {"file": str(file)})
    if result["status"] == "changed":
        raise InvalidError(result["problem"])
    if result["status"] == "missing":
        raise NotFoundError(result["problem"])
    return Lock._of(result), result["status"] == "current"


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
