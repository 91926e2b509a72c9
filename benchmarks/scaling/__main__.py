"""How time and memory grow with rows, window, columns and threads, against what is claimed.

    python -m benchmarks.scaling            # all of it, some minutes, on a quiet machine
    python -m benchmarks.scaling --quick --output-dir /tmp/scaling    # small sizes, to see that it works

Prints tables in Markdown and writes `scaling.png` and `scaling.json`. 1e8 rows are scored as a stream in pieces of 2e6
rows, of which only the scoring is timed. Results are checked before they are timed; minima of interleaved rounds are
compared.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import ROOT
from benchmarks.command import Parser, describe_machine, table
from benchmarks.scaling.claims import TARGETS, Claim, judge, scaling_figure
from benchmarks.scaling.curves import QUICK, Curve, Sizes, measure
from fastdrift.plots.axes import to_bytes


def claims_table(claims: Sequence[Claim], curves: Mapping[str, Curve]) -> str:
    """Return the claims as a table in Markdown, with the range that was measured over."""
    rows = []
    for name, series, what, measured, _, _, share, verdict in map(dict.values, claims):
        places = curves[name].places
        extent = f"{places[0]:,} … {places[-1]:,} {curves[name].x_name}" if places else "–"
        figures = ("–", "–") if measured is None else (f"{measured:.2f}", f"{share:.0%}")
        rows.append([name, series, extent, what, figures[0], TARGETS[name], figures[1], verdict])
    return table(["curve", "", "from … to", "what", "measured", "target", "share of target", "verdict"], rows)


def points_table(name: str, curve: Curve) -> str:
    rows = ([series, *(f"{points[place]:.1f}" for place in curve.places)] for series, points in curve.series.items())
    return table([f"{name}: {curve.y_name}, by {curve.x_name}", *(f"{place:,}" for place in curve.places)], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser("benchmarks.scaling", __doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: a trial of the command, not a measurement")
    parser.add_argument("--output-dir", type=Path, default=ROOT / "bench_data", help="where the two files are written")
    asked = parser.parse_args(arguments)
    asked.output_dir.mkdir(parents=True, exist_ok=True)
    curves = measure(QUICK if asked.quick else Sizes())
    claims, machine = judge(curves), describe_machine() + (", quick sizes" if asked.quick else "")
    tables = [claims_table(claims, curves), *(points_table(name, curve) for name, curve in curves.items()), machine]
    print("\n\n".join(tables))
    document = {"machine": machine, "quick": asked.quick, "claims": claims}
    document["curves"] = {name: curve._asdict() for name, curve in curves.items()}
    (asked.output_dir / "scaling.png").write_bytes(to_bytes(scaling_figure(curves, claims, machine), "png"))
    (asked.output_dir / "scaling.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
