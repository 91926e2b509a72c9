"""Detection on labelled telemetry, by fastdrift and by others: what is found, and what healthy rows cost.

    FASTDRIFT_DATA=… python -m benchmarks.detection                       # all of it, some minutes
    FASTDRIFT_DATA=… python -m benchmarks.detection --only asd --detectors fastdrift all random
    python -m benchmarks.detection --only generated --detectors fastdrift forest --json figures.json --picture out.png
    python -m benchmarks.detection --from a.json b.json --picture out.png # tables and picture of what was measured
    python -m benchmarks.detection --detectors fastdrift --hold bench_data/detection.json    # exit 1 if it fell behind

Each detector learns from an entity's train rows and is judged on its test rows, one setting for all sets, at its own
threshold, with no label seen and no point adjustment. `trivial` is the share of anomalous rows, which is what flagging
everything, or a random score, has for a precision; those two are always shown. VUS-PR takes buffers of 0 to 100 rows.
`later flagged` is the share of the last 30 % of the train rows that a detector of the first 70 % flags, a median over
entities; the other shares and areas are means, counts of events are pooled. Rows are flagged at a nominal 5 %, of
others the top 5 % of their own train scores, but for 3 sigma. Events of others are runs of flagged rows; ours are those
too, and notices and alarms. All are judged alike: an event is due to an incident up to 49 rows after its end.

MCD learns from 2,000 rows all over the baseline (with noise of a thousandth of a spread), neighbours are sought among
5,000, k-means learns from 4,000 windows of 50, River's trees from the last 5,000 rows and then as they go. ECOD and
COPOD rank the rows of one call among each other, so they see the whole test file at once.
"""

import json
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fastdrift as fd
from benchmarks.command import Parser, describe_machine, windows
from benchmarks.detection.fitted import TRIVIAL, Detector, ours_with
from benchmarks.detection.judging import judge
from benchmarks.detection.others import OTHERS
from benchmarks.detection.picture import detection_figure
from benchmarks.detection.sets import PUBLIC, Entity, chosen
from benchmarks.detection.tables import Figures, event_table, rank_tables, summarise
from fastdrift.plots.axes import to_bytes

GROUPS = (*PUBLIC, "generated")
# figures of ours that --hold compares, which way is better, and what they may lose
HELD, SLACK = {"auc_pr": 1, "vus_pr": 1, "later_flagged": -1}, 0.01
PACKAGES = ("numpy", "numba", "scikit-learn", "pyod", "river")


def contest(entities: Iterable[Entity], detectors: dict[str, Detector]) -> Iterable[dict[str, Any]]:
    """Yield a record for each entity and detector."""
    for entity in entities:
        print(f"{entity.group} {entity.name} …", file=sys.stderr)
        for name, detector in detectors.items():
            known = {"set": entity.group, "entity": entity.name, "detector": name, "title": detector.title}
            yield known | judge(entity, detector)


def picked(names: Sequence[str], window: Sequence[int]) -> dict[str, Detector]:
    """Return the detectors that are asked for and installed, the trivial ones with them, and say which are not."""
    known = ours_with(window) | OTHERS
    asked = {name: known[name] for name in known if not names or name in names}
    absent = {name for name, detector in asked.items() if find_spec(detector.needs) is None}
    for name in sorted(absent):
        print(f"{asked[name].title}: not installed ({asked[name].needs})")
    return {name: detector for name, detector in asked.items() if name not in absent} | TRIVIAL


def measure(asked: Any, error: Any) -> list[dict[str, Any]]:
    root = os.environ.get("FASTDRIFT_DATA")
    if not root and set(asked.only) - {"generated"}:
        error("set FASTDRIFT_DATA to the folder of the data sets, or give --only generated")
    detectors = picked(asked.detectors, asked.window)
    entities = chosen(Path(root) if root else None, asked.only)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fd.DriftWarning)
        for detector in detectors.values():  # whatever is compiled or imported at a first call is not timed
            first = next(chosen(None, ["generated"]))
            detector.fit(first.train[:2_000]).score(first.test[:200])
        return list(contest(entities, detectors))


def worse(figures: Figures, before: Figures) -> list[str]:
    """Return where ours rank worse than before, or flag more of later healthy rows, or nothing is known of before."""
    found = []
    for group, detectors in figures.items():
        for title, now in detectors.items():
            was = before.get(group, {}).get(title)
            if "fastdrift" not in title:
                continue
            if was is None:
                found.append(f"{group}, {title}: there are no figures of before")
                continue
            for name, sign in HELD.items():
                if None not in (now[name], was[name]) and sign * (now[name] - was[name]) < -SLACK:
                    found.append(f"{group}, {title}: {name} is {now[name]:.3f}, was {was[name]:.3f}")
    return found


def stored(paths: Sequence[Path]) -> tuple[list[dict[str, Any]], str]:
    """Return the records of files that were written with --json, none twice, and the machine of the first file."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    records = [record for document in documents for record in document["records"]]
    once = {(record["set"], record["entity"], record["detector"]): record for record in records}
    order = [*GROUPS, *ours_with((50,)), *OTHERS, *TRIVIAL]
    places = {place: (order.index(place[0]), order.index(place[2])) for place in once}
    return [once[place] for place in sorted(once, key=places.__getitem__)], documents[0]["machine"]


def rounded(value: Any) -> Any:
    """Return figures to six digits, which keeps the file small."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser("benchmarks.detection", __doc__)
    known = sorted(ours_with((50,)) | OTHERS | TRIVIAL)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="SET", help=", ".join(GROUPS))
    parser.add_argument("--detectors", nargs="+", choices=known, default=(), metavar="NAME", help=", ".join(known))
    parser.add_argument("--window", type=windows, default=(50,), help="of ours, as in 50, or 10,20,50,100")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where every figure is written")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where a picture is written, a PNG")
    parser.add_argument("--from", type=Path, nargs="+", metavar="FILE", dest="stored", help="read these, measure none")
    parser.add_argument("--hold", type=Path, metavar="FILE", help="fail where ours fell behind these figures")
    asked = parser.parse_args(arguments)
    if asked.stored:
        records, machine = stored(asked.stored)
    else:
        records, machine = measure(asked, parser.error), describe_machine(PACKAGES)
    figures = summarise(records)
    print("\n\n".join([*rank_tables(figures), event_table(figures), machine]))
    if asked.json:
        lines = ",\n".join(json.dumps(rounded(record)) for record in records)
        head = f'{{"machine": {json.dumps(machine)}, "records": [\n'
        asked.json.write_text(f"{head}{lines}\n]}}\n", encoding="utf-8")
    if asked.picture:
        asked.picture.write_bytes(to_bytes(detection_figure(figures, machine), "png"))
    lost = worse(figures, summarise(stored([asked.hold])[0])) if asked.hold else []
    if lost:
        sys.exit("\n".join(["fell behind:", *lost]))


if __name__ == "__main__":
    main()
