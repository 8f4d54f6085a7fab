"""The command ``argon``, for what is not done in the process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from argondb.errors import (
    AlreadyExistsError,
    ArgonError,
    ConflictError,
    CorruptError,
    DeniedError,
    IndeterminateError,
    InternalError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)

__all__ = ["find", "output", "run"]

#: The exit codes of ``argon help exit-codes``.
_BY_CODE: dict[int, type[ArgonError]] = {
    1: InternalError,
    2: InvalidError,
    3: NotFoundError,
    4: AlreadyExistsError,
    5: ConflictError,
    6: UnavailableError,
    7: IndeterminateError,
    8: CorruptError,
    9: UnsupportedError,
    10: DeniedError,
}


def find() -> str:
    """The path of the command: that of the variable ``ARGON``, the one beside Python, or that of
    ``PATH``."""
    name = "argon.exe" if os.name == "nt" else "argon"
    beside = Path(sys.executable).parent / name
    found = os.environ.get("ARGON") or (str(beside) if beside.is_file() else shutil.which(name))
    if found is None:
        raise NotFoundError(
            "the command 'argon' is not installed here",
            hint="put it on PATH, or its path in the variable ARGON",
        )
    return found


def run(arguments: Sequence[str], stdin: str | None = None) -> None:
    """Runs the command and prints what it prints, as it comes; raises its error."""
    command = [find(), *arguments]
    # Input and errors are files, so that neither process waits for the other to read.
    with _file() as given, _file() as errors:
        given.write(stdin or "")
        given.seek(0)
        with subprocess.Popen(
            command, stdin=given, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        ) as process:
            try:
                assert process.stdout is not None, "it is a pipe"
                for line in process.stdout:
                    sys.stdout.write(line)
            except BaseException:
                process.terminate()
                raise
        errors.seek(0)
        said = errors.read()
    if process.returncode:
        raise _error(process.returncode, said)
    sys.stderr.write(said)


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


def output(arguments: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """What the command prints."""
    process = subprocess.run(
        [find(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **(environment or {})},
    )
    if process.returncode:
        raise _error(process.returncode, process.stderr)
    return process.stdout


def _error(code: int, errors: str) -> ArgonError:
    """The exception for an exit code, with what the command said: a JSON object, or text."""
    try:
        said = json.loads(errors)["error"]
        details = {**said["details"], "exit_code": code}
        return _BY_CODE.get(code, ArgonError)(said["message"], details, said["hint"])
    except (ValueError, KeyError, TypeError):
        pass
    # A kernel asks for colours.
    lines = re.sub(r"\x1b\[[0-9;]*m", "", errors).strip().splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("error:")]
    lines = lines[starts[0] :] if starts else lines
    hints = [line.removeprefix("hint:").strip() for line in lines if line.startswith("hint:")]
    rest = [line for line in lines if not line.startswith("hint:")]
    message = "\n".join(rest).removeprefix("error:").strip()
    message = message or f"argon ended with exit code {code}"
    return _BY_CODE.get(code, ArgonError)(message, {"exit_code": code}, "; ".join(hints) or None)
