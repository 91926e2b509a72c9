"""Times of events are told in the zone of the data, whatever kind of table they come from."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kinds import pa, polars

import fastdrift as fd
from fastdrift.cli.main import cli

WINDOW = 20
ZONES = (None, "UTC", "Europe/Berlin", "+05:30")


@pytest.fixture(scope="module")
def rows():
    """Return rows with a drift that lasts over the night in which Berlin's clocks go forward."""
    rows = fd.generate(16_000, columns=4, seed=3, drifts=()).frame.reset_index(drop=True)
    rows.iloc[14_000:14_150, 1] += 8 * rows.iloc[:, 1].std()
    return rows


@pytest.fixture(scope="module")
def model(rows):
    return fd.fit(rows[:12_000].set_index(times_of(None)[:12_000]), window=WINDOW)


def times_of(zone):
    utc = pd.date_range("2024-03-31 00:30", periods=16_000, freq="min", tz="UTC") - pd.Timedelta(minutes=14_000)
    return utc.tz_convert(None) if zone is None else utc.tz_convert(zone)


def stored(kind, rows, zone):
    """Return rows with their times in a zone, and the option that names them."""
    times = times_of(zone)
    if kind == "index":
        return rows.set_index(times), {}
    frame = rows.assign(ts=times)
    if kind == "pandas":
        return frame, {"time": "ts"}
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return (polars().from_arrow(table) if kind == "polars" else table), {"time": "ts"}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", ["index", "pandas", "polars", "arrow"])
def test_an_event_tells_the_time_that_the_data_tell(model, rows, kind, zone):
    if kind == "polars" and zone == "+05:30":
        pytest.skip("polars has no zones without a name")
    data, options = stored(kind, rows, zone)
    found = fd.detect(model, data, **options)
    (event,) = [event for event in found.alarms if 13_980 <= event.start < 14_150]
    times = times_of(zone)
    ends = (event.onset, event.start, event.stop - 1)
    told = (event.onset_time, event.start_time, event.end_time)
    assert told == tuple(times[row] for row in ends)
    assert [str(time) for time in told] == [str(times[row]) for row in ends]
    if zone == "Europe/Berlin":
        assert (str(event.onset_time)[-6:], str(event.end_time)[-6:]) == ("+01:00", "+02:00")
    frame = found.to_frame()
    offsets = [str(time)[19:] for time in frame["onset_time"]]
    assert offsets == [str(times[row])[19:] for row in frame["onset"]]
    assert f"{event.onset_time} (row {event.onset:,})" in found.answer()
    assert json.loads(json.dumps(found.to_dict()))["events"][list(found).index(event)]["onset_time"] == str(told[0])


def test_a_hole_and_missing_data_are_told_in_the_zone_too(model, rows):
    data = rows.set_index(times_of("Europe/Berlin"))[12_000:]
    data.iloc[500:600, 0] = np.nan
    cut = pd.concat([data[:3_000], data[3_100:]])
    by_start = {event.start: event for event in fd.detect(model, cut) if event.kind == "missing data"}
    hole = by_start[3_000]
    assert (hole.onset_time, hole.start_time, hole.end_time) == (cut.index[2_999], cut.index[3_000], cut.index[3_000])
    silence = next(event for start, event in by_start.items() if 500 <= start < 530)
    assert str(silence.onset_time) == str(cut.index[500])


def test_the_command_line_tells_local_times_with_their_offset(model, rows, tmp_path):
    data = rows.set_index(times_of("Europe/Berlin").rename("timestamp"))[12_000:]
    data.to_csv(tmp_path / "rows.csv")
    data.to_parquet(tmp_path / "rows.parquet")
    model.save(tmp_path / "model")
    event = next(event for event in fd.detect(model, data).alarms if 1_980 <= event.start < 2_150)
    for events in ("events.csv", "events.parquet"):
        command = ["detect", str(tmp_path / "model"), str(tmp_path / "rows.parquet"), "--output"]
        result = CliRunner().invoke(cli, [*command, str(tmp_path / events)])
        assert result.exit_code == 0, result.output
        assert event.onset_time.isoformat(sep=" ", timespec="minutes") in result.output
        assert event.end_time.isoformat(sep=" ", timespec="minutes") in result.output
    # a text file whose offsets change is read in UTC, and told so
    result = CliRunner().invoke(cli, ["detect", str(tmp_path / "model"), str(tmp_path / "rows.csv")])
    assert event.onset_time.tz_convert("UTC").isoformat(sep=" ", timespec="minutes") in result.output
    table = pd.read_parquet(tmp_path / "events.parquet")
    assert str(table["onset_time"].dt.tz) == "Europe/Berlin"
    assert event.onset_time in table["onset_time"].tolist()
    assert f"{event.onset_time:%Y-%m-%d %H:%M:%S%z}" in (tmp_path / "events.csv").read_text()
