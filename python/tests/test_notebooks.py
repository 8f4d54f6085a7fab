"""The notebooks of the examples run, and show the outputs that they are kept with."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

EXAMPLES = Path(__file__).parent.parent / "examples"


def execute(notebook: Any, tmp_path: Path) -> list[Any]:
    """The outputs of all cells."""
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts(outputs: list[Any], kind: str = "text/plain") -> str:
    found = [output["data"].get(kind, "") for output in outputs if "data" in output]
    streams = [output["text"] for output in outputs if output["output_type"] == "stream"]
    return "\n".join(found + streams)


def shown(cell: Any) -> str:
    """What a cell shows, without what differs between two runs."""
    outputs = cell.get("outputs", [])
    streams = {"stdout": "", "stderr": ""}
    for output in outputs:
        if output["output_type"] == "stream":
            streams[output["name"]] += output["text"]
    results = [output["data"] for output in outputs if "data" in output]
    data = [of.get(kind, "") for of in results for kind in ("text/plain", "text/html")]
    text = "\n".join([*streams.values(), *data])
    text = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{12,64}\b", "DIGEST", text)
    text = re.sub(r"sled:[^\s<]+", "sled:.argon", text)
    return " ".join(text.split())


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_an_example_runs_and_shows_what_is_kept(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    kept = [shown(cell) for cell in notebook.cells]
    outputs = execute(notebook, tmp_path)
    assert [output for output in outputs if output["output_type"] == "error"] == []
    if os.environ.get("UPDATE_EXAMPLES"):
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)
        return
    now = [shown(cell) for cell in notebook.cells]
    assert now == kept, "UPDATE_EXAMPLES=1 keeps the new outputs"


def test_there_are_examples_and_the_guide_links_them() -> None:
    guide = (EXAMPLES / "../../docs/PYTHON.md").read_text()
    names = {path.name for path in EXAMPLES.glob("*.ipynb")}
    assert len(names) == 3
    assert set(re.findall(r"\.\./python/examples/(\w+\.ipynb)", guide)) == names


def test_the_tour_shows_what_it_tells(tmp_path: Path) -> None:
    outputs = execute(nbformat.read(EXAMPLES / "tour.ipynb", as_version=4), tmp_path)
    html, text = texts(outputs, "text/html"), texts(outputs)
    assert "<del" in html and "<ins" in html, "the fields of a diff have colours"
    assert "Rome is true" in text and "or not" in text


def test_an_error_of_a_magic_is_an_output_of_its_cell(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("%load_ext argondb.jupyter\n%argon open fjall:missing")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with pytest.raises(CellExecutionError, match="NotFoundError"):
        execute(notebook, tmp_path)
    [error] = [o for o in notebook.cells[0].outputs if o["output_type"] == "error"]
    assert error["ename"] == "NotFoundError" and "missing" in error["evalue"]
