"""How windows are worked on: scratch, tiles, spans."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fastdrift.arrays import Floats, Indices, Rows, freeze
from fastdrift.kernels.layout import ANY, COLUMNS, EXTREMES, FLAT, GROUP, LANES, STEP, Span

# numbers of scratch below which a block stays in a second-level cache; of a longer one only a tile is held at a time
CACHED_NUMBERS = 131_072
# rows of the longest window whose suffixes are made in one piece, and of the tiles of longer ones. The arithmetic, and
# so every bit, depends on them, which is why they depend on nothing but the window
WHOLE_ROWS, TILE_ROWS, MAX_TILES = 128, 64, 1024
# numbers of input in a range: small enough to share out and to convert in pieces, large enough to forget the overhead
RANGE_NUMBERS = 1 << 19
# ranges a short stream is cut into, so that several threads have something to do
MIN_RANGES = 16
# the first of a lane's blocks is read only for the suffixes of the next, which long windows make dear: ranges of theirs
# have this many blocks a lane at least, as far as that leaves numbers, and ranges, to this extent
LONG_STEPS, LONG_NUMBERS, LONG_RANGES = 6, 1 << 22, 4


@dataclass(frozen=True)
class Plan:
    """How windows of `window` rows over `n_columns` columns are worked on."""

    window: int
    n_columns: int
    n_slots: int
    tile: int
    held: int
    sizes: Indices
    shares: Floats

    @functools.cached_property
    def scratch_size(self) -> int:
        """Number of doubles a sweep needs beside its input and output."""
        return int(self.sizes.sum())


@functools.lru_cache(maxsize=64)
def make_plan(window: int, n_columns: int, n_slots: int, width: int) -> Plan:
    """Plan a sweep whose results are `width` numbers a window."""
    tile = tile_rows(window)
    is_held = window <= tile + 1 or window * n_slots * 12 <= CACHED_NUMBERS
    held = -(-(window if is_held else tile + 1) // STEP) * STEP + STEP
    n_tiles = max(1, (window - 2 + tile) // tile)
    padded = -(-2 * n_columns // 4) * 4
    sizes = (
        held * n_slots * LANES,  # the ring of rows
        ((window if is_held else tile) // GROUP + 1) * n_columns * 2 * LANES,  # quads, or suffixes behind them
        (n_tiles + 1) * n_columns * 3 * LANES,  # suffixes behind the tiles, or the tiles' totals
        n_columns * LANES,  # the suffixes' anchors
        n_columns * 3 * LANES,  # the prefixes and their anchors
        padded * 4 * LANES,  # features of a group
        (tile + 8 if width <= 1 else 4 * width) * LANES,  # results of a tile, or of a group of four rows
        2 * LANES,  # the bounds of what is wanted
        n_columns * EXTREMES,  # what is known of numbers whose squares leave the range of doubles
    )
    return Plan(window, n_columns, n_slots, tile, held, freeze(np.array(sizes, np.int64)), freeze(_shares(window)))


def tile_rows(window: int) -> int:
    """Return the rows of a tile: of the whole block, rounded up to a multiple of four, if the window is short."""
    rows = window - 1 if window <= WHOLE_ROWS else max(TILE_ROWS, window // MAX_TILES)
    return -(-rows // 4) * 4


def distance_sizes(n_columns: int) -> Indices:
    """Return the sizes of the scratch that distances of plain rows need."""
    padded = -(-n_columns // 4) * 4
    sizes = (16 * 2 * n_columns * LANES, 0, 0, 0, 0, padded * 4 * LANES, 24 * LANES, 2 * LANES, 0)
    return np.array(sizes, np.int64)


def _shares(window: int) -> Floats:
    """Return what merges want of every quad: each side's share of the rows, and the product of both over their sum.

    Of the rows before it beside those behind; of its own beside those before, beside those behind, and, the product
    alone, beside all others; then minus one over its rows, and their share of the window.
    """
    before = GROUP * np.arange(-(-window // GROUP), dtype=np.float64)
    own = np.minimum(GROUP, window - before)
    after = window - own - before
    common = np.maximum(before + after, 1)
    columns = [
        np.where(after > 0, before / common, 1.0),
        before * (after / common),
        own / (before + own),
        own * (before / (before + own)),
        own / (after + own),
        own * (after / (after + own)),
        own * ((window - own) / window),
        -1 / own,
        own / window,
    ]
    return np.stack(columns, 1).ravel()


def rows_before(window: int, first_row: int) -> int:
    """Return how many rows before absolute row `first_row` a chunk must hold to score the rows from there on.

    A window's bits depend on where it lies among the blocks of `window` rows, but only on rows of its own.
    """
    return min(window - 1, first_row)


def cut_spans(row: int, end_row: int, window: int, n_columns: int, n_ranges: int = MIN_RANGES) -> Iterator[Span]:
    """Cut the windows that end in absolute rows `row` … `end_row` - 1 into spans.

    There will be `n_ranges` or more if that leaves a block a lane.
    """
    if row >= end_row:
        return
    first_block, end_block = row // window, -(-end_row // window)
    if end_block - first_block <= LANES:
        yield Span(first_block, end_block, row, end_row)
        return
    step_numbers, n_steps = LANES * window * n_columns, (end_block - first_block) // LANES
    by_size = max(RANGE_NUMBERS // step_numbers, min(LONG_STEPS, LONG_NUMBERS // step_numbers))
    by_share = max(n_steps // n_ranges, min(LONG_STEPS, n_steps // LONG_RANGES))
    blocks = LANES * max(1, min(by_size, by_share))
    for block in range(first_block, end_block, blocks):
        end = min(block + blocks, end_block)
        yield Span(block, end, max(row, block * window), min(end_row, end * window))


def layout_of(rows: Rows, columns: Indices) -> tuple[int, Indices]:
    """Return how a kernel may read `rows`, and the slots that its columns get in scratch."""
    n_columns, itemsize = rows.shape[1], rows.itemsize
    if rows.strides == (itemsize * n_columns, itemsize) and n_columns <= 2 * columns.size:
        return FLAT, columns
    return (COLUMNS if rows.strides[0] == itemsize else ANY), np.arange(columns.size)
