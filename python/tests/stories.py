"""Runs the pages of docs/python: their blocks, in order, in an empty directory.

- ``pycon`` is Python at its prompt, with the output that it must have;
- ``console`` is a shell: what follows ``$`` is run, and the lines below are its output, if there are any.
  ``...`` stands for any text;
- a block with a file name, such as ``yaml dvc.yaml``, is written into that file.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[2] / "docs" / "python"

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run(
    page: str, directory: Path, environment: Mapping[str, str], only: str | None = None
) -> None:
    """Runs a page, or only its blocks of one kind."""
    text = (PAGES / page).read_text()
    variables: dict[str, Any] = {}
    blocks = 0
    for kind, file, block in _BLOCK.findall(text):
        blocks += 1
        if only is not None and kind != only:
            continue
        if file:
            (directory / file).write_text(block)
        elif kind == "pycon":
            _run_python(f"{page}, block {blocks}", block, variables)
        elif kind == "console":
            for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                _run_command(step, directory, environment)
    assert blocks, f"{page} has no blocks"


def _run_python(name: str, block: str, variables: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(block, variables, name, None, None)
    runner = doctest.DocTestRunner(optionflags=_OPTIONS, verbose=False)
    report: list[str] = []
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    variables.update(test.globs)


def _run_command(step: str, directory: Path, environment: Mapping[str, str]) -> None:
    lines = step.rstrip("\n").split("\n")
    last = 0
    while lines[last].endswith("\\"):
        last += 1
    command, expected = "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}"
    if expected.strip():
        matches = doctest.OutputChecker().check_output(expected + "\n", done.stdout, _OPTIONS)
        assert matches, f"$ {command}\nexpected:\n{expected}\nfound:\n{done.stdout}"
