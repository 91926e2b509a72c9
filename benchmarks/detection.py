"""Detection on real labelled telemetry: how much of it is found, and what healthy rows cost.

    FASTDRIFT_DATA=… python -m benchmarks.detection
    FASTDRIFT_DATA=… python -m benchmarks.detection --window 10,20,50,100    # by a model of several windows

Each entity's model is fitted on its train file and judged on its test file; `later_flagged` is the share of the last
30 % of the train file that a model of the first 70 % flags. Never point-adjusted; `trivial` is the share of anomalous
rows, which is what flagging everything, or a random score, has for a precision.
"""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

import fastdrift as fd
from benchmarks.command import Parser, windows

SETS = ("smd", "asd", "jumpstarter", "tep")
# what is printed, and what it is called in an evaluation
FIGURES = {"trivial": "prevalence", "auc_pr": "average_precision", "auc_roc": "roc_auc"}
FIGURES |= {"healthy_flagged": "healthy_flagged_ratio", "recall": "recall", "f1": "f1"}


def entities(root: Path, name: str) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the name, train and test frame of each entity of a set."""
    for path in sorted((root / name).glob("*_test.parquet")):
        entity = path.name.removesuffix("_test.parquet")
        train = path.with_name(f"{'d00' if name == 'tep' else entity}_train.parquet")
        yield entity, pd.read_parquet(train).drop(columns="label", errors="ignore"), pd.read_parquet(path)


def judge(train: pd.DataFrame, test: pd.DataFrame, window: Sequence[int]) -> dict[str, float | None]:
    """Return the figures of one entity; None for those of too few healthy rows."""
    model = fd.fit(train, window=window)
    scores = fd.score(model, test.drop(columns="label"))
    found = fd.evaluate(scores, model.threshold, labels=test["label"], false_alarm_rate=model.false_alarm_rate)
    figures = {name: getattr(found, known) for name, known in FIGURES.items()}
    cut = len(train) * 7 // 10
    early = fd.fit(train[:cut], window=window) if cut >= 1000 else None
    flagged = (fd.score(early, train)[cut:] > early.threshold).mean() if early else None
    return figures | {"later_flagged": flagged, "constant": len(model.constant_columns)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser("benchmarks.detection", __doc__)
    parser.add_argument("--window", type=windows, default=(50,), help="as in 50, or 10,20,50,100")
    window = parser.parse_args(arguments).window
    root = os.environ.get("FASTDRIFT_DATA")
    if not root:
        sys.exit("set FASTDRIFT_DATA to the folder of the data sets")
    warnings.simplefilter("ignore", fd.DriftWarning)
    table = pd.DataFrame(
        {"set": name, "entity": entity, **judge(train, test, window)}
        for name in SETS
        for entity, train, test in entities(Path(root), name)
    )
    print(table.to_string(index=False, float_format="%.3f"))
    sets = table.drop(columns="entity").groupby("set", sort=False)
    print("\nmeans (later_flagged: median)")
    print(sets.mean().assign(later_flagged=sets["later_flagged"].median()).to_string(float_format="%.3f"))


if __name__ == "__main__":
    main()
