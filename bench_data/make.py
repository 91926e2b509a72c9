"""Make the samples, the golden models and the golden scores of this directory, or check them against what is there.

python -m bench_data.make            # write everything
python -m bench_data.make --models   # models and scores only, from the stored samples
python -m bench_data.make --check    # make all in memory, compare, exit 1 on a difference
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fastdrift as fd
from fastdrift.files.read import read_table

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
MANIFEST = "manifest.json"
# what a fit may differ by on another processor or NumPy, whose logarithms and sums differ in the last digit
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Sample:
    """Say how a sample is generated, and how its golden model is fitted."""

    file: str
    rows: int
    columns: int
    seed: int
    drifts: str
    baseline: int
    window: int
    # columns that stand still in the baseline, and move later
    still: tuple[int, ...] = ()
    dtype: str = "float64"

    @property
    def stem(self) -> str:
        """Return the name that the sample's files share."""
        return Path(self.file).stem

    @property
    def model_file(self) -> str:
        """Return the name of the golden model."""
        return f"{self.stem}.fastdrift"

    @property
    def scores_file(self) -> str:
        """Return the name of the golden scores."""
        return f"{self.stem}.scores.npy"


SAMPLES = (
    Sample("mixed.parquet", 6_000, 8, 11, "mixed", 1_800, 50),
    Sample("wide.parquet", 4_000, 24, 12, "correlation-break", 1_200, 12, still=(5, 17), dtype="float32"),
    Sample("plain.csv", 2_400, 5, 13, "mean-shift", 720, 20),
)


def generate_sample(sample: Sample) -> pd.DataFrame:
    """Return a sample with its labels, rounded to a thousandth of each column's spread or finer.

    Rounding hides that sine and logarithm differ in the last digit between processors.
    """
    data = fd.generate(sample.rows, columns=sample.columns, seed=sample.seed, drifts=sample.drifts)
    frame, labels, last = data.frame.copy(), data.labels.copy(), slice(-sample.rows // 8, None)
    for name in frame:
        frame[name] = frame[name].round(4 - math.ceil(math.log10(frame[name].std())))
    for place in sample.still:
        usual = float(frame.iloc[0, place])
        frame.iloc[:, place] = usual
        frame.iloc[last, place] = usual * 1.001
        labels[last] = True
    frame = frame.astype(sample.dtype)
    frame["label"] = labels.astype(np.uint8)
    return frame


def encode_sample(sample: Sample, frame: pd.DataFrame) -> bytes:
    """Return a sample as the content of its file."""
    return (_to_csv if sample.file.endswith(".csv") else _to_parquet)(frame)


def _to_csv(frame: pd.DataFrame) -> bytes:
    """Write the shortest text of every number that reads back to its last bit."""
    lines = [",".join(["timestamp", *frame.columns])]
    for time, *values in frame.itertuples():
        lines.append(",".join([f"{time:%Y-%m-%d %H:%M:%S}", *map(str, values)]))
    return ("\n".join(lines) + "\n").encode()


def _to_parquet(frame: pd.DataFrame) -> bytes:
    """Write plain pages, uncompressed: nothing is left that a version of a compressor could change."""
    import pyarrow as pa
    from pyarrow import parquet

    times = pa.array(frame.index.to_numpy("datetime64[ms]"))
    table = pa.table({"timestamp": times} | {name: frame[name].to_numpy() for name in frame})
    buffer = io.BytesIO()
    parquet.write_table(
        table,
        buffer,
        version="2.6",
        data_page_version="1.0",
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
    )
    return buffer.getvalue()


def read_sample(sample: Sample, directory: Path) -> pd.DataFrame:
    """Return a stored sample without its labels."""
    return read_table(directory / sample.file, drop=["label"])


def fit_sample(sample: Sample, directory: Path) -> fd.Model:
    """Return the model of a stored sample's baseline, without what was said of it: the golden models say nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)  # a sample is small, and so its baseline thin
        model = fd.fit(read_sample(sample, directory)[: sample.baseline], window=sample.window)
    return replace(model, warnings=())


def score_sample(sample: Sample, directory: Path) -> bytes:
    """Return the scores of a stored sample by its stored model, as a file's content."""
    model, frame = fd.load(directory / sample.model_file), read_sample(sample, directory)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)  # gaps are part of the sample
        scores = fd.score(model, frame)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, scores.to_numpy().astype("<f8", copy=False), (1, 0), allow_pickle=False)
    return buffer.getvalue()


def make_samples(directory: Path) -> None:
    """Write the samples."""
    for sample in SAMPLES:
        (directory / sample.file).write_bytes(encode_sample(sample, generate_sample(sample)))


def make_models(directory: Path) -> None:
    """Fit the golden models on the stored samples and write them."""
    for sample in SAMPLES:
        fit_sample(sample, directory).save(directory / sample.model_file)


def make_scores(directory: Path) -> None:
    """Score the stored samples by the stored models, and write the scores and the manifest of all files."""
    for sample in SAMPLES:
        (directory / sample.scores_file).write_bytes(score_sample(sample, directory))
    (directory / MANIFEST).write_bytes(encode_manifest(directory))


def encode_manifest(directory: Path) -> bytes:
    """Return every sample's recipe and the SHA-256 of every file, as JSON."""
    names = [name for sample in SAMPLES for name in (sample.file, sample.model_file, sample.scores_file)]
    digests = {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in names}
    manifest = {"samples": [asdict(sample) for sample in SAMPLES], "sha256": digests}
    return (json.dumps(manifest, indent=2) + "\n").encode()


def find_differences(directory: Path) -> Iterator[str]:
    """Make everything again and say what in the directory is not the same.

    Bytes are compared. Two kinds of file may differ in bytes and pass: Parquet that another version of pyarrow packs
    otherwise, if every value is the same, and a model, whose fit may differ by `TOLERANCE` on another processor. Scores
    are made from the stored samples and models, and must be the same bytes everywhere.
    """
    if (directory / MANIFEST).read_bytes() != encode_manifest(directory):
        yield f"{MANIFEST} does not describe the files that are there"
    with tempfile.TemporaryDirectory() as made:
        make_samples(Path(made))
        for sample in SAMPLES:
            stored, again = directory / sample.file, Path(made) / sample.file
            if stored.read_bytes() != again.read_bytes() and not _same_table(stored, again):
                yield f"{sample.file} is not what seed {sample.seed} generates"
            if not same_model(fd.load(directory / sample.model_file), fit_sample(sample, directory)):
                yield f"{sample.model_file} is not what a fit of {sample.file} gives"
            if (directory / sample.scores_file).read_bytes() != score_sample(sample, directory):
                yield f"{sample.scores_file} is not how {sample.model_file} scores {sample.file}"


def _same_table(stored: Path, again: Path) -> bool:
    return stored.suffix == ".parquet" and read_table(stored).equals(read_table(again))


def same_model(left: fd.Model, right: fd.Model) -> bool:
    """Return whether two models are equal, numbers within `TOLERANCE`."""
    names = [field.name for field in fields(left)]
    return type(left) is type(right) and all(_same_value(getattr(left, name), getattr(right, name)) for name in names)


def _same_value(left: Any, right: Any) -> bool:
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_same_value, left, right))
    if isinstance(left, fd.Promise) and isinstance(right, fd.Promise):
        return _same_value(tuple(left.to_dict().values()), tuple(right.to_dict().values()))
    if isinstance(left, (float, np.ndarray)) and isinstance(right, (float, np.ndarray)):
        # the absolute part is for the factor's small entries, which are differences of numbers near 1
        same_shape = np.shape(left) == np.shape(right)
        return same_shape and bool(np.allclose(left, right, rtol=TOLERANCE, atol=TOLERANCE))
    return bool(left == right)


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench_data.make", description="Make the golden files again.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="compare and exit 1 on a difference; write nothing")
    only.add_argument("--models", action="store_true", help="make models and scores only, from the stored samples")
    parser.add_argument("--directory", type=Path, default=HERE, help="where the files are (by default here)")
    options = parser.parse_args(arguments)
    if options.check:
        try:
            differences = list(find_differences(options.directory))
        except (OSError, ValueError, RuntimeError) as error:  # a file that is gone, or that cannot be read any more
            differences = [str(error)]
        sys.stdout.writelines(f"{line}\n" for line in differences or ["every file is what this script makes"])
        return 1 if differences else 0
    if not options.models:
        make_samples(options.directory)
    make_models(options.directory)
    make_scores(options.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
