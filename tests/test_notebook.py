"""The notebook runs from top to bottom, and is kept without its outputs."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "notebooks" / "exploration.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the cells of the notebook after running it, and the directory in which it ran."""
    folder, settings = tmp_path_factory.mktemp("notebook"), tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # about Jupyter's own insides, whose versions are not ours to choose
        for module in ("jupyter_client", "jupyter_core", "nbclient", "nbformat", "traitlets", "zmq", "tornado"):
            for category in (DeprecationWarning, RuntimeWarning, UserWarning):
                warnings.filterwarnings("ignore", category=category, module=rf"{module}(\.|$)")
        why = "running the notebook needs the `test` extra"
        nbformat, nbclient, _ = (
            pytest.importorskip(name, reason=why) for name in ("nbformat", "nbclient", "ipykernel")
        )
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(settings))  # nobody's own kernels and start-up files
        cells = nbformat.read(NOTEBOOK, as_version=4)
        options = {"timeout": 120, "kernel_name": "python3", "resources": {"metadata": {"path": str(folder)}}}
        nbclient.NotebookClient(cells, **options).execute()
    return cells.cells, folder


def outputs_of(cells):
    return [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]


def texts_of(cells):
    return [output["data"]["text/plain"] for output in outputs_of(cells) if "data" in output]


def test_the_notebook_is_kept_without_outputs(notebook):
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 10
    assert not outputs_of(code)
    assert all(cell["execution_count"] is None for cell in code)
    assert not any(cell["metadata"] for cell in notebook["cells"])


def test_the_notebook_s_cells_are_short_and_have_names_of_their_own(notebook):
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert max(len("".join(cell["source"]).splitlines()) for cell in notebook["cells"]) <= 30


def test_the_notebook_runs_from_top_to_bottom_without_a_warning(executed):
    cells, _ = executed
    assert [output["text"] for output in outputs_of(cells) if output["output_type"] == "stream"] == []


def test_every_picture_of_the_notebook_is_drawn(executed):
    cells, _ = executed
    drawing = [cell for cell in cells if "plt.show()" in cell["source"]]
    assert len(drawing) >= 6
    for cell in drawing:
        (output,) = cell["outputs"]
        assert len(output["data"]["image/png"]) > 10_000


def test_the_notebook_leaves_no_file_behind(executed):
    _, folder = executed
    assert list(folder.iterdir()) == []


def test_the_notebook_s_table_of_false_alarms_says_what_its_prose_says(executed):
    cells, _ = executed
    (table,) = [text for text in texts_of(cells) if "in-sample" in text and "cross-fit" in text]
    shares = {
        int(rows): (float(naive), float(ours))
        for rows, naive, ours in re.findall(r"(\d+) +([\d.]+)% +([\d.]+)%", table)
    }
    assert list(shares) == [1_000, 3_000, 10_000, 30_000]
    assert shares[1_000][0] > 50  # in-sample, where 5 % was asked for
    assert all(ours < 8 for _, ours in shares.values())


def test_the_notebook_s_score_finds_what_its_charts_hide(executed):
    cells, _ = executed
    (figures,) = [text for text in texts_of(cells) if "flagged when healthy" in text]
    assert float(re.search(r"ROC AUC +([\d.]+)", figures)[1]) > 0.8
    assert float(re.search(r"flagged when healthy +([\d.]+) %", figures)[1]) < 8


def test_the_notebook_s_onset_is_that_of_the_break(executed):
    cells, _ = executed
    (table,) = [text for text in texts_of(cells) if "onset, as told" in text]
    told, true = (int(row.replace(",", "")) for row in re.findall(r"row ([\d,]+)", table))
    assert abs(told - true) <= 5


def test_the_notebook_shows_the_report_as_a_page(executed):
    cells, _ = executed
    (page,) = [output["data"]["text/html"] for output in outputs_of(cells) if "srcdoc" in str(output.get("data"))]
    assert "Drift report: two weeks of a server" in page
    assert "2 of 2 labelled incidents found" in page


def test_the_notebook_s_accepted_level_is_drift_no_more(executed):
    cells, _ = executed
    (drifted,) = [text for text in texts_of(cells) if text.startswith("Drifting now")]
    assert "fastdrift accept" in drifted
    (table,) = [text for text in texts_of(cells) if "after accepting" in text]
    assert re.search(r"before +1 +100.0%", table)
    alarms, flagged = re.search(r"after accepting +(\d+) +([\d.]+)%", table).groups()
    assert int(alarms) == 0
    assert float(flagged) < 8


def test_the_notebook_s_comparison_says_what_its_prose_says(executed):
    cells, _ = executed
    (table,) = [text for text in texts_of(cells) if "isolation-forest" in text]
    mahalanobis, forest = (
        [float(area) for area in re.findall(rf"{name} +([\d.]+)", table)]
        for name in ("mahalanobis", "isolation-forest")
    )
    assert len(mahalanobis) == len(forest) == 5
    assert all(ours > theirs for ours, theirs in zip(mahalanobis, forest, strict=True))
    assert mahalanobis[-1] > 0.8  # the correlation break
    assert forest[-1] < 0.65
