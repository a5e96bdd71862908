"""The suite in a notebook: a real kernel runs the committed example, and survives being interrupted."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import archbench

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_steps.ipynb"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def execute(notebook: Any, folder: Path, interrupt: Callable[[NotebookClient], None] | None = None) -> list[str]:
    """Run a notebook in a folder; the text that each code cell printed or showed."""
    client = NotebookClient(notebook, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    if interrupt is not None:
        threading.Thread(target=interrupt, args=(client,), daemon=True).start()
    client.execute()
    return [text_of(cell) for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell: Any) -> str:
    """Return the text that a cell printed or showed, without colours."""
    texts = (
        output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", "".join(texts))


def test_the_example_runs(tmp_path: Path) -> None:
    """The notebook trains, shows a data frame and a paired comparison, is interrupted, and goes on where it was."""
    run, frame, paired, board, interrupted, resumed = execute(nbformat.read(EXAMPLE, as_version=4), tmp_path)
    records = archbench.read(tmp_path / "notebook-results").records

    assert "[6/6] ok" in run
    assert "6 records in notebook-results: 6 ok" in run
    assert all(word in frame for word in ("architecture", "train_seconds", "lenet-5", "mlp"))
    score = {(r.trial.architecture.name, r.trial.seed): r.scores.test for r in records if r.scores is not None}
    shown = [float(line.split()[-1]) for line in paired.splitlines() if re.match(r"\d", line)]
    assert shown == pytest.approx([score["lenet", seed] - score["mlp", seed] for seed in range(3)], abs=1e-5)
    assert "mean" in board
    kept = int(re.findall(r"interrupted: (\d+) records", interrupted)[0])
    assert 7 <= kept < 12
    assert f"{12 - kept} trained now; 9 records in notebook-results: 9 ok" in resumed
    assert len(records) == 12


def test_the_stop_button(tmp_path: Path) -> None:
    """Interrupting the kernel raises KeyboardInterrupt in the cell; finished trials are kept, and nothing runs on."""
    notebook = nbformat.v4.new_notebook()
    code = "import archbench\narchbench.run('mlp', tasks='digits', protocol='quick', seeds=500, out='out', workers=1)"
    notebook.cells.append(nbformat.v4.new_code_cell(code))

    def press_stop(client: NotebookClient) -> None:
        while len(list(tmp_path.glob("out/records/*/*.json"))) < 2:
            time.sleep(0.05)
        asyncio.run(client.km.interrupt_kernel())

    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        execute(notebook, tmp_path, press_stop)

    kept = archbench.read(tmp_path / "out").records
    assert 2 <= len(kept) < 500
    assert "trials are finished and kept in out; the same call goes on from there" in text_of(notebook.cells[0])
    time.sleep(1)
    assert len(archbench.read(tmp_path / "out").records) == len(kept)
