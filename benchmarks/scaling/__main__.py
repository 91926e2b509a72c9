"""How time and memory grow with rows, window, columns and threads, against what is claimed.

    python -m benchmarks.scaling            # all of it, some minutes, on a quiet machine
    python -m benchmarks.scaling --quick --output-dir /tmp/scaling    # small sizes, to see that it works

Prints tables in Markdown and writes `scaling.png` and `scaling.json`. 1e8 rows are scored as a stream in pieces of 2e6
rows, of which only the scoring is timed. Results are checked before they are timed; minima of interleaved rounds are
compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import ROOT
from benchmarks.scaling.claims import Claim, claims_table, judge, points_table
from benchmarks.scaling.curves import CURVES, FULL, QUICK, Curve, Sizes
from benchmarks.scaling.picture import scaling_figure
from benchmarks.timing import describe_machine
from fastdrift.plots.axes import to_bytes


def measure(sizes: Sizes) -> dict[str, Curve]:
    """Measure every curve, and say which is on its way."""
    curves = {}
    for name, curve_of in CURVES.items():
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        curves[name] = curve_of(sizes)
    return curves


def encode(curves: dict[str, Curve], claims: list[Claim], machine: str, quick: bool) -> str:
    """Return everything measured as JSON."""
    document = {
        "machine": machine,
        "quick": quick,
        "claims": [claim.as_json() for claim in claims],
        "curves": {name: curve._asdict() for name, curve in curves.items()},
    }
    return json.dumps(document, indent=2) + "\n"


def main() -> None:
    """Print the tables, and write the picture and the figures."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: a trial of the command, not a measurement")
    parser.add_argument("--output-dir", type=Path, default=ROOT / "bench_data", help="where the two files are written")
    asked = parser.parse_args()
    asked.output_dir.mkdir(parents=True, exist_ok=True)
    curves = measure(QUICK if asked.quick else FULL)
    claims, machine = judge(curves), describe_machine() + (", quick sizes" if asked.quick else "")
    tables = [claims_table(claims, curves), *(points_table(name, curve) for name, curve in curves.items()), machine]
    print("\n\n".join(tables))
    (asked.output_dir / "scaling.png").write_bytes(to_bytes(scaling_figure(curves, claims, machine), "png"))
    (asked.output_dir / "scaling.json").write_text(encode(curves, claims, machine, asked.quick), encoding="utf-8")


if __name__ == "__main__":
    main()
