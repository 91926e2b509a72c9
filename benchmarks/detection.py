"""Detection on real labelled telemetry: how much of it is found, and what clean rows cost.

    FASTDRIFT_DATA=… python -m benchmarks.detection

Each entity's model is fitted on its train file and judged on its test file; the false alarms of clean rows are those on
the last 30 % of the train file by a model of the first 70 %. Never point-adjusted; the trivial line is the share of
anomalous rows, which is what flagging everything, or a random score, has for a precision.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import fastdrift as fd

SETS = ("smd", "asd", "jumpstarter", "tep")
FIGURES = ["trivial", "auc_pr", "auc_roc", "healthy_flagged", "recall", "f1", "clean_flagged", "never_moved"]


def entities(root: Path, name: str) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the name, train and test frame of each entity of a set."""
    folder = root / name
    for path in sorted(folder.glob("*_test.parquet")):
        entity = path.name.removesuffix("_test.parquet")
        train = folder / f"{'d00' if name == 'tep' else entity}_train.parquet"
        yield entity, pd.read_parquet(train).drop(columns="label", errors="ignore"), pd.read_parquet(path)


def judge(train: pd.DataFrame, test: pd.DataFrame, window: int) -> dict[str, float | None]:
    """Return the figures of one entity."""
    model = fd.fit(train, window=window)
    scores = fd.score(model, test.drop(columns="label"))
    found = fd.evaluate(scores, model.threshold, labels=test["label"], false_alarm_rate=model.false_alarm_rate)
    return {
        "trivial": found.prevalence,
        "auc_pr": found.average_precision,
        "auc_roc": found.roc_auc,
        "healthy_flagged": found.healthy_flagged_ratio,
        "recall": found.recall,
        "f1": found.f1,
        "clean_flagged": clean_flagged(train, window),
        "never_moved": len(model.constant_columns),
    }


def clean_flagged(train: pd.DataFrame, window: int) -> float | None:
    """Return the share of the last 30 % of clean rows that a model of the first 70 % flags; None if they are few."""
    cut = len(train) * 7 // 10
    if cut < 1000:
        return None
    model = fd.fit(train[:cut], window=window)
    later = fd.score(model, train)[cut:]
    return float(np.mean(later > model.threshold))


def main() -> int:
    """Print a table of the entities and one of the sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--window", type=int, default=50)
    window = parser.parse_args().window
    root = os.environ.get("FASTDRIFT_DATA")
    if not root:
        print("set FASTDRIFT_DATA to the folder of the data sets", file=sys.stderr)
        return 1
    warnings.simplefilter("ignore", fd.DriftWarning)
    rows = [
        {"set": name, "entity": entity, **judge(train, test, window)}
        for name in SETS
        for entity, train, test in entities(Path(root), name)
    ]
    table = pd.DataFrame(rows).astype(dict.fromkeys(FIGURES, float))
    print(table.to_string(index=False, float_format="%.3f"))
    means = table.groupby("set", sort=False)[FIGURES].mean()
    means["clean_flagged"] = table.groupby("set", sort=False)["clean_flagged"].median()
    print("\nmeans (clean_flagged: median)")
    print(means.to_string(float_format="%.3f"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
