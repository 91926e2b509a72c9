"""Single-line breaks that no other test noticed, each in its place: ties, boundaries, alignment, what is judged."""

from __future__ import annotations

import errno
import io
import json
import tempfile

import numpy as np
import pytest
from click.testing import CliRunner

import fastdrift as fd
from fastdrift.cli.main import cli
from fastdrift.files.read import read_table
from fastdrift.files.source import spooled
from fastdrift.tables.convert import as_table
from fastdrift.tables.roles import find_growing


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(command):
        result = CliRunner().invoke(cli, command.split())
        assert result.exit_code == 0, result.output
        return result

    return run


def test_a_baseline_of_which_half_the_windows_are_left_out_is_refused(fit):
    for n_rows in (29, 30):  # a NaN spoils 10 windows of 20, or of 21
        rows = np.random.default_rng(1).normal(size=(n_rows, 2))
        rows[14, 0] = np.nan
        if n_rows == 30:
            assert fit(rows, window=10, threshold="in-sample").windows_left_out == 10
        else:
            with pytest.raises(fd.DataError, match="10 of 20 windows of the baseline hold a NaN"):
                fit(rows, window=10, threshold="in-sample")


def test_compare_judges_what_comes_after_the_baseline_alone(call, fit):
    data = fd.generate(6_000, columns=3, seed=2, drifts=["mean-shift"])
    labels = data.labels.copy()
    labels[500:600] = True  # an incident of the baseline, which is none of those to be found
    data.frame.assign(label=labels.astype("uint8")).to_parquet("t.parquet")
    document = json.loads(call("compare t.parquet --labels label --window 20 --json").stdout)["detectors"]
    model = fit(data.frame[:1_800], window=20)
    scores = fd.score(model, data.frame)
    judged = fd.evaluate(
        scores, model.threshold, labels=labels, false_alarm_rate=0.05, monitored=slice(1_800, None), events=True,
        tolerance=19,
    )  # fmt: skip
    ours = document["mahalanobis"]
    assert {name: ours[name] for name in judged.to_dict()} == judged.to_dict()
    found = fd.detect(model, data.frame, since=1_800)
    assert ours["events"] == found.to_dict()
    for one in document.values():
        assert one["rows"] == one["events"]["scored_rows"] == 4_200
        assert one["event_metrics"]["alarm"]["incidents"] == len(data.drifts)


@pytest.mark.parametrize(
    ("duplicates", "rows", "labels"),
    [("first", [1, 3, 4], [0, 0, 1]), ("last", [2, 3, 5], [1, 0, 0]), ("keep", [1, 2, 3, 4, 5], [0, 1, 0, 1, 0])],
)
def test_labels_stay_with_the_rows_that_duplicates_leave(call, tmp_path, duplicates, rows, labels):
    text = "time,a,label\n2024-01-01,1,0\n2024-01-01,2,1\n2024-01-02,3,0\n2024-01-03,4,1\n2024-01-03,5,0\n"
    (tmp_path / "t.csv").write_text(text)
    call(f"prepare t.csv --output o.csv --duplicates {duplicates}")
    prepared = read_table("o.csv")
    assert (prepared["a"].tolist(), prepared["label"].tolist()) == (rows, labels)


def test_a_byte_order_mark_is_no_part_of_what_is_counted_in_a_row(tmp_path):
    (tmp_path / "t.csv").write_text('\ufeff"a,b",c\n1,2\n1\n', encoding="utf-8")
    with pytest.raises(fd.DataError, match="line 3 has 1 values for 2 columns"):
        read_table(tmp_path / "t.csv")


def test_a_counter_may_start_again_once_in_a_hundred_steps_and_no_more_often():
    for n_ups, found in ((100, [0]), (99, [])):
        counter = np.r_[np.arange(n_ups), 0.0, 1.0][:, None]  # n_ups - 1 steps up, one down, one up
        assert find_growing(as_table(counter)).columns.tolist() == found


def test_of_a_stream_that_somebody_has_read_from_the_rest_is_the_table(tmp_path):
    (tmp_path / "t.csv").write_text("# logged by hand\na,b\n1,2\n3,4\n")
    with (tmp_path / "t.csv").open("rb") as stream:
        stream.readline()
        with spooled(stream) as source:
            assert read_table(source)["b"].tolist() == [2, 4]


class FullAtLast(io.BytesIO):
    """A temporary file for whose last bytes there is no room."""

    def flush(self):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_stream_for_whose_end_there_is_no_room_is_an_error(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FullAtLast())
    message = r"standard input: it cannot be kept in a temporary file \(No space left on device\): set TMPDIR"
    with pytest.raises(fd.FileError, match=message), spooled(io.BytesIO(b"a\n1\n")):
        pass
