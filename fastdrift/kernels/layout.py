"""How rows, scratch and results lie in memory, and what a sweep covers.

No jitted code and no Numba here, so that `engine` can name these without loading it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

LANES = 8  # doubles in a vector, and blocks worked on at once
GROUP = 4  # rows whose windows are solved together
GROUP_SIZE = GROUP * LANES
PAIR = 2 * LANES
TRIPLE = 3 * LANES
VECTOR_BYTES = 8 * LANES
CACHE_LINE = 64
STEP = LANES  # rows by which a block lies before the one behind it in the ring: as many as are brought in at once
FLAT, COLUMNS, ANY = 0, 1, 2
# what parts of a squared distance are told as: sums with signs, sums of absolute values, or shares of those
SIGNED, ABSOLUTE, RELATIVE = 0, 1, 2
# numbers by which the reason of an event tells what a column does
CHANGES = 6


SCALES = 4  # numbers a column in `Work.scales`
SHARES_A_GROUP = 9  # numbers a group in `Work.shares`
# what `Scratch.extremes` holds of a column: a group's sums of squares, the last row with an extreme number in each
# lane, the row before which all are looked at, and whether the group has sums that are out of range
LAST, LOOKED, IS_RARE, EXTREMES = GROUP_SIZE, GROUP_SIZE + LANES, GROUP_SIZE + LANES + 1, GROUP_SIZE + PAIR

# where NumPy's arrays and dtypes have their fields, in bytes behind what every object begins with: NumPy's extensions,
# of which many are older than it, read them there
ARRAY_FIELDS = {"data": 0, "ndim": 8, "shape": 16, "strides": 24, "dtype": 40, "flags": 48}
DTYPE_FIELDS = {"byteorder": 10, "num": 12}
ADDRESS_LETTER = "Q"  # what `struct` calls the address of an array, and of nothing else here


# numbers in front of what streams need of a model, and of each of its windows, of a stream's state, of what is kept of
# it for each window, and of its history: see `streams.packing`
HEAD, MEMBER_HEAD, STATE_HEAD, KEPT_HEAD, HISTORY_HEAD = 4, 6, 1, 3, 2
# what is returned of a row that is not taken in; no score is that
REFUSED = -float("inf")


class Member(NamedTuple):
    """What streams need of the model of one window, and room to work in."""

    window: Any
    tile: Any
    n_varying: Any
    n_constant: Any
    n_groups: Any  # of four rows in a block
    pitch: Any  # numbers a row of the ring: columns that vary, then those that were constant, whole vectors
    width: Any  # numbers a vector of columns that vary takes
    shares: Any
    scales: Any  # centres, gains of means, gains and shifts of stds, each a `width`
    factor: Any  # of the solve, column by column
    penalties: Any
    values: Any  # of the columns that were constant
    features: Any
    squares: Any
    column: Any


class Kept(NamedTuple):
    """What is kept of a stream for the model of one window."""

    counts: Any  # offset of the next row in its block, numbers that are NaN or inf, the last row with an extreme number
    moved: Any  # rows in which each of the columns that were constant has moved
    ring: Any  # the rows of the window, by their offset in their block
    pairs: Any  # a mean and m2 for every group of a block but its last


class Source(NamedTuple):
    """Rows of a table and how to read them."""

    rows: Any  # (n_rows, n_columns) float32 or float64
    first_row: Any  # absolute number of the first of them
    columns: Any  # indices of the columns wanted
    slots: Any  # their columns in scratch: the same as in `rows` for FLAT, 0, 1, … otherwise
    layout: Any  # FLAT, COLUMNS or ANY


class Work(NamedTuple):
    """What a sweep needs beside the rows."""

    window: Any
    tile: Any  # rows of a block worked on at once, a multiple of four
    held: Any  # rows in the ring: those of a block and a step more, or of a tile and a little more
    shares: Any  # of quads, see `sweep`
    scales: Any
    scratch: Any
    sizes: Any  # of the pieces that `split_scratch` cuts scratch into


class Ring(NamedTuple):
    """Rows of two blocks, or of a tile of them, in one ring: this block's take the place of those no longer wanted."""

    raw: Any
    size: Any  # numbers in the ring
    here: Any  # place of row `start` of this block
    behind: Any  # place of row `start` of the block before
    start: Any
    pitch: Any  # numbers a row
    slots: Any
    step: Any  # rows brought in at once


class Scratch(NamedTuple):
    """The pieces of a thread's scratch, in the order of `Work.sizes`."""

    raw: Any  # the ring of rows
    groups: Any  # the quads of every group, or the suffixes behind them
    ends: Any  # suffixes behind the tiles, or the totals of the tiles' quads
    anchors: Any  # of the suffixes of the block before
    state: Any  # the prefixes and their anchors
    features: Any  # of a group
    results: Any  # of a tile, or of a group
    bounds: Any  # of what is wanted
    extremes: Any  # what is known of numbers whose squares leave the range of doubles


class Prefetch(NamedTuple):
    """Rows that will be wanted soon: four a lane, and four a lane of the block before where that is read again."""

    source: Any
    first: Any
    first_behind: Any  # or a negative number
    lane_rows: Any


class Tile(NamedTuple):
    """Rows `start` … `stop` - 1 of eight blocks, which are worked on at once."""

    ring: Any
    first: Any  # the row of the table that the first lane's block starts at
    start: Any
    stop: Any
    n_groups: Any  # groups of four rows in it
    group: Any  # where `Scratch.groups` has the first
    end: Any  # where `Scratch.ends` has what is behind the tile, or its totals
    ahead: Any


class Output(NamedTuple):
    """Where results go: flat, the results of one row after those of the other."""

    out: Any
    first_row: Any  # the absolute row that the first of them is of


class Target(NamedTuple):
    """Where the results of eight blocks go."""

    out: Any  # flat, `width` numbers a row
    width: Any
    first: Any  # the row of `out` that the first lane's block starts at
    lane_rows: Any
    bounds: Any  # offsets, from and to, at which each lane's block holds rows that are wanted
    results: Any  # room for the results of a tile, or of a group where each fills lines of its own


class Span(NamedTuple):
    """What a sweep covers: whole blocks, and the windows in them that are wanted, by the absolute row of their end."""

    block: Any
    end_block: Any
    row: Any
    end_row: Any
