"""Scores, fits and files of today against those stored in bench_data."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastdrift as fd
from bench_data import make
from fastdrift.files.read import read_table

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "bench_data"
MANIFEST = json.loads((GOLDEN / "manifest.json").read_text(encoding="utf-8"))
SAMPLES = {Path(sample["file"]).stem: sample for sample in MANIFEST["samples"]}

LAYOUTS = {
    "c": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "strided": lambda values: np.repeat(values, 2, axis=0)[::2],
    "float64": lambda values: np.asarray(values, np.float64),
}


@pytest.fixture(params=SAMPLES)
def sample(request):
    return SAMPLES[request.param] | {"stem": request.param}


@pytest.fixture
def frame(sample):
    return read_table(GOLDEN / sample["file"], drop=["label"])


@pytest.fixture
def golden(sample):
    return np.load(GOLDEN / f"{sample['stem']}.scores.npy")


@pytest.fixture
def golden_model(sample):
    return fd.load(GOLDEN / f"{sample['stem']}.fastdrift")


def quiet_score(model, data, **options):
    """Score without the warning about gaps, which are part of a sample."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        return np.asarray(fd.score(model, data, **options))


@pytest.fixture
def check(capsys):
    """Return a function that compares a directory as the script does, and returns its exit code and what it says."""

    def run(directory):
        return make.main(["--check", "--directory", str(directory)]), capsys.readouterr().out.splitlines()

    return run


def copy_golden(to: Path) -> Path:
    for name in [*MANIFEST["sha256"], "manifest.json"]:
        shutil.copy(GOLDEN / name, to)
    return to


def test_every_golden_file_is_the_one_the_manifest_names():
    for name, digest in MANIFEST["sha256"].items():
        assert hashlib.sha256((GOLDEN / name).read_bytes()).hexdigest() == digest, name


def test_the_golden_files_are_small():
    sizes = [path.stat().st_size for path in GOLDEN.iterdir() if path.is_file()]
    assert max(sizes) < 500_000
    assert sum(sizes) < 3_000_000


def test_the_samples_hold_what_the_tests_are_about():
    mixed, wide = (fd.load(GOLDEN / f"{stem}.fastdrift") for stem in ("mixed", "wide"))
    scores = np.load(GOLDEN / "mixed.scores.npy")
    assert np.isnan(scores[mixed.window :]).any()  # gaps
    assert len(wide.constant_columns) == 2
    assert read_table(GOLDEN / "wide.parquet").dtypes.iloc[0] == np.float32


def test_a_golden_model_file_of_version_1_loads(sample, golden_model, frame):
    assert golden_model.window == sample["window"]
    assert golden_model.columns == tuple(frame.columns)
    assert golden_model.baseline_rows == sample["baseline"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_golden_models_give_the_golden_scores_byte_for_byte_in_any_layout(golden_model, frame, golden, layout):
    values = LAYOUTS[layout](frame.to_numpy())
    rows = pd.DataFrame(values, columns=frame.columns, copy=False)
    assert quiet_score(golden_model, rows).tobytes() == golden.tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_golden_models_give_the_golden_scores_byte_for_byte_with_any_threads(
    golden_model, frame, golden, threads, monkeypatch
):
    monkeypatch.setattr("fastdrift.engine.threads.INLINE_NUMBERS", 0)  # else so few rows stay on one thread
    assert quiet_score(golden_model, frame, threads=threads).tobytes() == golden.tobytes()


def test_golden_models_give_the_first_rows_their_golden_scores_without_the_rest(golden_model, frame, golden):
    some = len(frame) // 3 + 7
    assert quiet_score(golden_model, frame[:some]).tobytes() == golden[:some].tobytes()


def test_one_changed_value_changes_the_golden_scores_of_its_windows_only(golden_model, frame, golden):
    row, window = len(frame) // 4, golden_model.window
    frame.iloc[row, 0] *= 1.0001
    changed = np.flatnonzero(quiet_score(golden_model, frame).view(np.int64) != golden.view(np.int64))
    assert changed[0] == row
    assert changed[-1] == row + window - 1


def test_a_golden_model_saved_again_scores_the_same_bytes(golden_model, frame, golden, tmp_path):
    golden_model.save(tmp_path / "again.fastdrift")
    again = fd.load(tmp_path / "again.fastdrift")
    assert quiet_score(again, frame).tobytes() == golden.tobytes()


def test_a_fit_of_today_gives_the_golden_model_and_scores_to_1e_12(fit, sample, golden_model, frame, golden):
    model = fit(frame[: sample["baseline"]], window=sample["window"])
    assert model.threshold == pytest.approx(golden_model.threshold, rel=1e-12)
    np.testing.assert_allclose(model.centre, golden_model.centre, rtol=1e-12)
    np.testing.assert_allclose(model.cholesky, golden_model.cholesky, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(quiet_score(model, frame), golden, rtol=1e-12)


def test_the_golden_scores_find_the_drift(sample, golden_model, golden):
    labels = read_table(GOLDEN / sample["file"])["label"].to_numpy() == 1
    after = slice(sample["baseline"], None)
    found = fd.evaluate(golden, golden_model.threshold, labels=labels, monitored=after)
    assert found.recall > 0.5
    assert found.roc_auc > 0.8


def test_the_script_makes_the_golden_files_again():
    command = [sys.executable, "-m", "bench_data.make", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_script_writes_all_of_them_or_models_and_scores_alone(tmp_path, check):
    assert make.main(["--directory", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {*MANIFEST["sha256"], "manifest.json"}
    assert check(tmp_path) == (0, ["every file is what this script makes"])
    sample = tmp_path / "plain.csv"
    before = sample.stat().st_mtime_ns
    for path in tmp_path.glob("*.fastdrift"):
        path.unlink()
    assert make.main(["--models", "--directory", str(tmp_path)]) == 0
    assert check(tmp_path)[0] == 0
    assert sample.stat().st_mtime_ns == before


def test_the_script_names_a_score_that_differs_in_its_last_bit(tmp_path, check):
    path = copy_golden(tmp_path) / "plain.scores.npy"
    scores = np.load(path)
    scores[-1] = np.nextafter(scores[-1], np.inf)
    np.save(path, scores)
    assert check(tmp_path) == (
        1,
        [
            "manifest.json does not describe the files that are there",
            "plain.scores.npy is not how plain.fastdrift scores plain.csv",
        ],
    )


def test_the_script_names_a_sample_that_differs_in_one_value(tmp_path, check):
    path = copy_golden(tmp_path) / "plain.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",41.284,", ",41.285,", 1), encoding="utf-8")
    assert text != path.read_text(encoding="utf-8")
    code, said = check(tmp_path)
    assert code == 1
    assert "plain.csv is not what seed 13 generates" in said


def test_the_script_names_a_model_that_cannot_be_read_any_more(tmp_path, check):
    path = copy_golden(tmp_path) / "plain.fastdrift"
    path.write_bytes(path.read_bytes()[:-1])
    code, said = check(tmp_path)
    assert code == 1
    assert said[0].startswith(f"{path}: ")


def test_a_file_of_scores_is_numpy_s_own_format():
    content = (GOLDEN / "plain.scores.npy").read_bytes()
    assert np.lib.format.read_magic(io.BytesIO(content)) == (1, 0)


@pytest.mark.parametrize("stem", SAMPLES)
def test_a_model_file_of_the_first_version_scores_as_ever_and_is_saved_as_it_was(stem, tmp_path):
    old = GOLDEN / f"{stem}.v1.fastdrift"
    model = fd.load(old)
    frame = read_table(GOLDEN / SAMPLES[stem]["file"], drop=["label"])
    assert model.promise is None
    assert quiet_score(model, frame).tobytes() == np.load(GOLDEN / f"{stem}.scores.npy").tobytes()
    model.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == old.read_bytes()
