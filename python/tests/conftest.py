"""What the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import argondb


@pytest.fixture
def store() -> Iterator[argondb.Store]:
    with argondb.open("memory:") as store:
        yield store


@pytest.fixture
def project(store: argondb.Store) -> argondb.Project:
    return store.project("shop", create=True)


@pytest.fixture
def main(project: argondb.Project) -> argondb.Branch:
    return project.branch("main")


@pytest.fixture(params=["sled", "fjall"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a local store that does not exist yet."""
    return f"{request.param}:{tmp_path / '.argon'}"


@pytest.fixture
def argon() -> str:
    """The command."""
    return os.environ["ARGON"]
