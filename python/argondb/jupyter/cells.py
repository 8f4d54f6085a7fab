"""The filter or pipeline of a cell.

JSON (plain or Extended) is read here. All else, such as ``{age: {$gt: 30}}`` or ``{name: /^A/i}``, is
read by the command ``argon``, which knows the syntax of MongoDB's shell.
"""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import argondb
from argondb.errors import InvalidError, NotFoundError
from argondb.jupyter import executable

__all__ = ["read"]

_BEFORE, _AFTER = "[{$documents: [{cell: {$literal:\n", "\n}}]}]"


def read(text: str) -> Any:
    """The value of a text.

    >>> read('{"_id": {"$oid": "5f50c31e8a7d4a0001b7a1c2"}}')
    {'_id': ObjectId('5f50c31e8a7d4a0001b7a1c2')}
    """
    try:
        json.loads(text)
    except ValueError:
        return _read_by_command(text)
    return _values(text)


def _values(text: str) -> Any:
    from bson import json_util

    return json_util.loads(text, json_options=json_util.JSONOptions(tz_aware=False, tzinfo=None))


def _read_by_command(text: str) -> Any:
    pipeline = _BEFORE + text + _AFTER
    arguments = ["-p", "cells", "aggregate", "-c", "cells", "--canonical", "-o", "json", pipeline]
    try:
        url = _empty_store()
        found = _values(executable.output(["--store", url, *arguments]))
    except NotFoundError as error:
        message = f"the text is no JSON, and reading MongoDB's syntax fails: {error.args[0]}"
        raise InvalidError(message, error.details, error.hint) from None
    except InvalidError as error:
        raise InvalidError(_of_cell(error.args[0]), error.details) from None
    if len(found) != 1 or list(found[0]) != ["cell"]:
        raise InvalidError("the text is not one value")
    return found[0]["cell"]


def _of_cell(message: str) -> str:
    """A message with the line of the cell, instead of the pipeline around it."""
    reason = message.partition("for '<PIPELINE>': ")[2].partition("\n")[0] or message
    return re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) - 1}", reason)


@cache
def _empty_store() -> str:
    """A store for the command to read cells by, whatever that of the notebook is."""
    directory = Path(tempfile.mkdtemp(prefix="argon-cells-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    url = f"fjall:{directory / 'store'}"
    with argondb.open(url, create=True) as store:
        store.project("cells", create=True)
    return url
