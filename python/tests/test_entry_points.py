"""What others find in an installed package."""

from __future__ import annotations

from importlib.metadata import EntryPoint, distribution

import pytest

GROUPS = {
    "console_scripts",
    "fsspec.specs",
    "mlflow.dataset_source",
    "mlflow.run_context_provider",
}
ENTRY_POINTS = distribution("argondb").entry_points


def test_every_group_has_an_entry_point() -> None:
    assert {entry_point.group for entry_point in ENTRY_POINTS} == GROUPS


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda entry_point: entry_point.group)
def test_an_entry_point_is_there(entry_point: EntryPoint) -> None:
    if entry_point.group.startswith("mlflow."):
        pytest.importorskip("mlflow")  # It loads them itself.
    assert callable(entry_point.load())
