"""scikit-learn on the rows of a state."""

from __future__ import annotations

from pathlib import Path

import pytest
import stories


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stories.run("SKLEARN.md", tmp_path, {})
