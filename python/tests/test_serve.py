"""A driver connects to `argon serve`, as the README says."""

from __future__ import annotations

import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

README = pathlib.Path(__file__).parents[2] / "README.md"


@pytest.fixture
def uri(argon: str, tmp_path: pathlib.Path) -> Iterator[str]:
    """A server on a free port."""
    store = ["--store", f"sled:{tmp_path / 'store'}"]
    subprocess.run([argon, *store, "init"], check=True, capture_output=True)
    command = [argon, *store, "serve", "--listen", "127.0.0.1:0", "--print-uri"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def test_the_example_of_the_readme_runs(uri: str) -> None:
    section = README.read_text().split("## Connect your driver")[1].split("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    printed = re.findall(r"# (\{.*\})$", example, re.MULTILINE)
    assert "mongodb://127.0.0.1:27017/?directConnection=true" in example
    example = example.replace("mongodb://127.0.0.1:27017/?directConnection=true", uri)
    run = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[: len(printed)] == printed
    assert lines[len(printed) :] == ["{'_id': 1, 'name': 'Ada'}"]
