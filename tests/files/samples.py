"""What the tests of files share: the times of a small table, and how tables are packed and named."""

from __future__ import annotations

import gzip

import pandas as pd
import pyarrow as pa

TIMES = pd.date_range("2024-01-01", periods=3, freq="min", name="timestamp")


def zstd(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


PACKED = {".csv": bytes, ".csv.gz": gzip.compress, ".csv.zst": zstd}
WRITTEN = ["t.csv", "t.csv.gz", "t.csv.zst", "t.tsv", "t.tsv.gz", "t.tsv.zst", "t.parquet"]
