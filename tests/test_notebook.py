"""The notebook of the examples runs, and shows what it is saved with."""
from __future__ import annotations

import os
import pathlib
import re
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
for needed in ("ipykernel", "sklearn", "matplotlib", "pygments", "pygraphviz"):
    pytest.importorskip(needed)

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOK = ROOT / "examples" / "circuits.ipynb"


@pytest.mark.filterwarnings("default")  # those of the kernel's client are not ours
def test_the_notebook_shows_what_it_is_saved_with(update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    saved = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(run, timeout=120, kernel_name="python3", record_timing=False).execute()
    if update_golden:
        save(run)
        return
    for before, after in zip(saved.cells, run.cells):
        if before.cell_type == "code":
            assert shown(after) == shown(before), before.source


def save(notebook: Any) -> None:
    """Write the notebook anew, without what only says where it was run."""
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    nbformat.write(notebook, NOTEBOOK)


def shown(cell: Any) -> list[str]:
    """The texts of a cell's outputs, pictures and colours apart."""
    texts = [out.text if "text" in out else out.data.get("text/html", out.data.get("text/plain", "")) for out in cell.outputs if out.get("name") != "stderr"]
    return [re.sub(r"<[^>]*>", "", text) for text in texts]


def test_the_notebook_shows_sources_and_pictures() -> None:
    outputs = [out.get("data", {}) for cell in nbformat.read(NOTEBOOK, as_version=4).cells for out in cell.get("outputs", [])]
    assert sum("text/html" in data for data in outputs) >= 6 and sum("image/svg+xml" in data for data in outputs) >= 3
    assert NOTEBOOK.stat().st_size < 500_000
