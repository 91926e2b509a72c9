"""Rows into scratch: the transposing loads, and asking memory for rows ahead."""

from __future__ import annotations

from fastdrift.kernels.jitting import inline, jit
from fastdrift.kernels.layout import CACHE_LINE, COLUMNS, FLAT, GROUP, LANES, STEP
from fastdrift.kernels.vectors import prefetch, transpose


@inline
def load_flat(rows, first, lane_rows, n_rows, raw, at):
    """Transpose C-contiguous rows of eight blocks, one run of numbers a lane."""
    row_bytes = rows.strides[0]
    byte, lane_bytes = first * row_bytes, lane_rows * row_bytes
    length = n_rows * rows.shape[1]
    for index in range(0, length - LANES + 1, LANES):
        transpose(rows, byte + index * rows.itemsize, lane_bytes, raw, at + index * LANES, LANES)
    if length % LANES:
        index = length - LANES
        transpose(rows, byte + index * rows.itemsize, lane_bytes, raw, at + index * LANES, LANES)


@jit
def load_columns(rows, columns, first, lane_rows, n_rows, raw, at):
    """Transpose Fortran-ordered rows of eight blocks, one run of numbers a lane and column.

    Four columns at a time, eight rows of each in turn. One column after the other, or eight at a time, took 2 to 3 %
    more of the time of a score; of eight at a time the runs lie on more pages than the processor knows its way to.
    """
    lane_bytes, pitch = lane_rows * rows.itemsize, columns.size * LANES
    for low in range(0, columns.size, GROUP):
        high = min(low + GROUP, columns.size)
        for start in range(0, n_rows, LANES):
            row = min(start, n_rows - LANES)
            for slot in range(low, high):
                byte = columns[slot] * rows.strides[1] + (first + row) * rows.itemsize
                transpose(rows, byte, lane_bytes, raw, at + row * pitch + slot * LANES, pitch)


@jit
def load_any(rows, columns, slots, pitch, first, lane_rows, n_rows, raw, at):
    """Copy rows of any layout; rows outside the table become zeros, and their windows are never written back."""
    for lane in range(LANES):
        for row in range(n_rows):
            source, target = first + lane * lane_rows + row, at + row * pitch + lane
            outside = source < 0 or source >= rows.shape[0]
            for column in range(columns.size):
                raw[target + slots[column] * LANES] = 0.0 if outside else rows[source, columns[column]]


@inline
def load_rows(source, pitch, first, lane_rows, n_rows, raw, at):
    """Bring `n_rows` rows of eight blocks to `raw[at]` in the fastest way their layout allows."""
    rows, columns = source.rows, source.columns
    inside = first >= 0 and first + (LANES - 1) * lane_rows + n_rows <= rows.shape[0]
    if inside and source.layout == FLAT and n_rows * rows.shape[1] >= LANES:
        load_flat(rows, first, lane_rows, n_rows, raw, at)
    elif inside and source.layout == COLUMNS and n_rows >= LANES:
        load_columns(rows, columns, first, lane_rows, n_rows, raw, at)
    else:
        load_any(rows, columns, source.slots, pitch, first, lane_rows, n_rows, raw, at)


@jit
def step_of(source):
    """Return how many rows are brought in at once: a group's, where its numbers fill whole vectors, or a step's."""
    return GROUP if source.layout == FLAT and source.rows.shape[1] % 2 == 0 else STEP


@inline
def prefetch_lanes(rows, byte, lane_bytes):
    """Ask for a line a lane."""
    for lane in range(LANES):
        prefetch(rows, byte + lane * lane_bytes)


@inline
def prefetch_rows(source, first, lane_rows, part, n_parts):
    """Ask for one of `n_parts` parts of four rows a lane."""
    rows, columns = source.rows, source.columns
    row_bytes, column_bytes = rows.strides
    lane_bytes = lane_rows * row_bytes
    if source.layout == FLAT:
        line = part * CACHE_LINE
        while line < GROUP * row_bytes:
            prefetch_lanes(rows, first * row_bytes + line, lane_bytes)
            line += n_parts * CACHE_LINE
    elif source.layout == COLUMNS:
        # eight rows of a column share a line: half of the columns are asked for with each group of four, two lines
        # each. One line each, so that none is asked for twice, took 5 % more of the time of a score
        column = 2 * part + (first // GROUP & 1)
        while column < columns.size:
            byte = (first + LANES) * row_bytes + columns[column] * column_bytes
            prefetch_lanes(rows, byte, lane_bytes)
            prefetch_lanes(rows, byte + CACHE_LINE, lane_bytes)
            column += 2 * n_parts


@inline
def prefetch_part(ahead, part, n_parts):
    """Ask for one of `n_parts` parts of the rows ahead, so that memory works while the arithmetic goes on."""
    prefetch_rows(ahead.source, ahead.first, ahead.lane_rows, part, n_parts)
    if ahead.first_behind >= 0:
        prefetch_rows(ahead.source, ahead.first_behind, ahead.lane_rows, part, n_parts)


@jit
def place(ring, origin, row):
    """Return where in the ring a row lies of the block whose row `start` is at `origin`."""
    at = origin + (row - ring.start) * ring.pitch
    return at - ring.size if at >= ring.size else at
