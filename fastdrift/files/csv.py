"""CSV files: what separates their columns, what their gaps and decimals are written as, and their numbers."""

from __future__ import annotations

import contextlib
import csv
import io
from itertools import islice, zip_longest
from typing import Any

from fastdrift.errors import DataError, FileError
from fastdrift.files.decimals import has_commas, with_points
from fastdrift.files.disk import first_line, reading
from fastdrift.files.parse import is_time, may_be_time
from fastdrift.files.source import MAGICS, Layout, Source

# the words of pandas, in any usual case, and what databases write
GAPS = (
    *("", "NA", "N/A", "n/a", "na", "#N/A", "#N/A N/A", "#NA", "<NA>"),
    *("NaN", "nan", "NAN", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    *("NULL", "Null", "null", "None", "none", "NONE", "\\N"),
)
SEPARATORS = ",;\t|"
# rows that show what separates columns
_SHOWN_ROWS = 20
_PIECE_BYTES = 1 << 16
# of 8,000 columns with names of 2,000 letters
_LONGEST_LINE = 1 << 24


def csv_layout(source: Source) -> Layout:
    """Return the names of the columns of a CSV file and what separates them; a nameless first one may be the time."""
    with reading(source, source.packing):
        lines = _first_lines(source)
        marks = sorted(SEPARATORS, key=lambda mark: source.ending.startswith(".tsv") and mark != "\t")
        separator = max(marks, key=lambda mark: _fit(lines, mark))
        names, *rows = _rows(lines, separator)
    if all(_is_number(name, separator) for name in names) and names != [str(place) for place in range(len(names))]:
        raise DataError(f"{source}: the first line holds numbers ({names[0]}, …): put the columns' names there")
    is_marked = names[0] == "" and is_time([row[0] for row in rows])
    shown = zip_longest(names, *rows, fillvalue="")  # a row may be short, and that is said once all are read
    may_be_times = [name for name, *values in islice(shown, len(names)) if may_be_time(name, values)]
    return Layout(names, "" if is_marked else None, may_be_times, separator)


def _first_lines(source: Source) -> str:
    """Return the first lines of a file, one at least; nobody reads on for the end of a line that never comes."""
    content = b""
    with source.unpacked() as file:
        while piece := file.read(_PIECE_BYTES):
            content += piece
            _check_is_text(source, content)
            end = 1 + max(content.rfind(b"\n"), content.rfind(b"\r"))
            if content[:end].strip():
                return content[:end].decode("utf-8-sig")
            if len(content) > _LONGEST_LINE:
                raise FileError(
                    f"{source}: it is not a CSV: its first line does not end within {_LONGEST_LINE:,} bytes"
                )
    if not content.strip():
        raise FileError(f"{source}: it is empty")
    return content.decode("utf-8-sig")


def _check_is_text(source: Source, content: bytes) -> None:
    kind = next((ending for ending, magic in MAGICS.items() if content.startswith(magic)), None)
    if kind is not None:
        ending = kind if kind == ".parquet" else f"{source.ending}{kind}"
        raise FileError(f"{source}: it is not a CSV but what ends in {ending}: name it so")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{source}: it is not a CSV, which is text in UTF-8, but UTF-16: save it as UTF-8")
    if b"\0" in content:
        raise FileError(f"{source}: it is not a CSV, which is text in UTF-8, but binary: check the file, or its ending")


def _rows(lines: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=separator)
    return list(islice(filter(None, reader), _SHOWN_ROWS))


def _fit(lines: str, separator: str) -> tuple[bool, int]:
    """Return whether all rows have as many values as the first, more than one, and how many that is."""
    try:
        width, *others = map(len, _rows(lines, separator))
    except csv.Error:  # without its separators a line is one value, which may be too long for one
        return False, 0
    return width > 1 and all(other == width for other in others), width


def _is_number(text: str, separator: str) -> bool:
    try:
        float(text if separator == "," else text.replace(",", "."))
    except ValueError:
        return False
    return True


def read_csv(source: Source, layout: Layout, names: list[str], as_text: list[str]) -> tuple[Any, tuple[str, ...]]:
    """Return columns as numbers, or all as text where some are none, and notes on what was taken for what.

    Numbers are right to the last bit, which those of pandas' own parser are not.
    """
    import pyarrow as pa

    texts = dict.fromkeys(as_text, pa.string())
    may_have_commas = layout.separator != ","
    with reading(source, source.packing):
        with contextlib.suppress(pa.ArrowInvalid):
            table = _parse(source, layout, dict.fromkeys(names, pa.float64()) | texts)
            if not (may_have_commas and has_commas(table.select(as_text))):
                return table, ()
        try:
            table = _parse(source, layout, dict.fromkeys(names, pa.string()) | texts)
        except pa.ArrowInvalid as error:
            _check_rows(source, layout)
            raise FileError(f"{source}: it is not a CSV ({first_line(error)})") from error
    return with_points(source, table) if may_have_commas else (table, ())


def _parse(source: Source, layout: Layout, types: dict[str, Any]) -> Any:
    from pyarrow import csv as arrow_csv

    wanted = arrow_csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=GAPS, strings_can_be_null=True
    )
    with source.unpacked() as file:
        return arrow_csv.read_csv(
            file, parse_options=arrow_csv.ParseOptions(delimiter=layout.separator), convert_options=wanted
        )


def _check_rows(source: Source, layout: Layout) -> None:
    """Raise DataError for the first line that has more or fewer values than the header has names."""
    with io.TextIOWrapper(source.unpacked(), encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter=layout.separator)
        for row in filter(None, reader):
            if len(row) != len(layout.names):
                raise DataError(
                    f"{source}: line {reader.line_num} has {len(row)} values for {len(layout.names)} columns"
                )
