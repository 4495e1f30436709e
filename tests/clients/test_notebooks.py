"""The example notebooks, executed as a reader would: two on a real server, one without any."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from learnda import Client
from learnda.v1 import assimilation_pb2 as pb

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "examples" / "notebooks"
MOST_BYTES = 20_000
NOBODY = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the kernel's is kept, and figures are drawn as in a notebook."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("LEARNDA_CACHE_DIR", str(ROOT / ".cache" / "jax"))
    monkeypatch.delenv("MPLBACKEND", raising=False)


def executed(name: str) -> list[Any]:
    """The outputs of all cells; an error in one of them is raised."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=400, kernel_name="python3").execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def figures(outputs: list[Any]) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


def said(outputs: list[Any], stream: str) -> str:
    return "".join(o["text"] for o in outputs if o.get("name") == stream)


def results(outputs: list[Any]) -> str:
    return "\n".join(
        o["data"]["text/plain"] for o in outputs if o["output_type"] == "execute_result"
    )


def cycles_computed(client: Client) -> int:
    info = client._one("GetServerInfo", pb.GetServerInfoRequest())
    return int(info.activity.cycle_count)


def test_three_lines(server: Client, compute_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNDA_COMPUTE_ADDRESS", compute_address)
    before = cycles_computed(server)
    outputs = executed("1-three-lines")
    assert cycles_computed(server) - before == 3 * 4 * 401
    assert figures(outputs) == 2
    assert "1203/1203" in said(outputs, "stderr")
    assert "Warning" not in said(outputs, "stderr")
    assert "xarray.Dataset" in results(outputs)


def test_your_own_model(compute_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNDA_COMPUTE_ADDRESS", compute_address)
    outputs = executed("2-your-own-model")
    assert figures(outputs) == 1
    told = re.search(r"RMSE ([\d.]+), spread ([\d.]+), observations 1.41", said(outputs, "stdout"))
    assert told is not None
    assert float(told[1]) < 1.0


def test_a_sweep_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNDA_COMPUTE_ADDRESS", NOBODY)
    outputs = executed("3-sweep")
    assert figures(outputs) == 1
    assert "14424/14424" in said(outputs, "stderr")
    best = {
        float(row[0]): float(row[1])
        for row in re.findall(r"^([\d.]+) +([\d.]+)$", results(outputs), re.MULTILINE)
    }
    assert best[7.0] > best[8.0]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < MOST_BYTES
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
