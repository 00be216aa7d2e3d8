"""Sums of many columns over the same groups: groups are found once, then added up by place.

Adding a hundred columns of a million rows over a hundred thousand groups takes a tenth of what
grouping each column does. Rows that belong to no group stay where they are: nothing is copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_DENSE = 4
"""Numbers that combined keys may take, a row: beyond that they are sorted instead of counted."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows in groups.

    Attributes:
        places: the group of each row; `height` for a row of none.
        first: the first row of each group.
        counts: rows of each group.
    """

    places: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def height(self) -> int:
        """The number of groups."""
        return len(self.first)

    def sums(self, values: pl.Series) -> pl.Series:
        """Return the sum of a column within each group, in order; null counts nothing."""
        numbers = values.cast(pl.Float64).fill_null(0.0).to_numpy()
        added = np.bincount(self.places, weights=numbers, minlength=self.height + 1)
        return pl.Series(values.name, added[: self.height])


def grouped(keys: Sequence[pl.Series], is_in: pl.Series) -> Groups:
    """Return groups of rows with equal keys, in order of the keys.

    Args:
        keys: times or whole numbers that name a group, such as `numbered` ones; none is null
            where `is_in`.
        is_in: whether a row belongs to a group at all.
    """
    codes: NDArray[np.int64] = np.zeros(len(is_in), dtype=np.int64)
    span = 1
    for key in keys:
        numbers, height = _places_of(key)
        codes = codes * height + numbers
        span *= height
    inside = is_in.to_numpy()
    if not inside.all():
        codes = np.where(inside, codes, span)
    if span > _DENSE * len(codes) + 1024:
        known, codes = np.unique(np.append(codes, span), return_inverse=True)
        codes, span = codes[:-1], len(known) - 1
    counts = np.bincount(codes, minlength=span + 1)[:span]
    is_told = counts > 0
    place_of = np.append(np.cumsum(is_told) - 1, int(is_told.sum()))
    places = place_of[codes]
    height = int(is_told.sum())
    first = np.zeros(height + 1, dtype=np.int64)
    first[places[::-1]] = np.arange(len(places) - 1, -1, -1)
    return Groups(places, first[:height], counts[is_told])


def numbered(texts: pl.Series) -> pl.Series:
    """Return a number for each text, from 0 in order of appearance: groups by it are found soon."""
    known = texts.unique(maintain_order=True).alias("text").to_frame().with_row_index("number")
    told = texts.alias("text").to_frame()
    found = told.join(known, on="text", how="left", nulls_equal=True, maintain_order="left")
    return found["number"]


def _places_of(key: pl.Series) -> tuple[NDArray[np.int64], int]:
    """Return the place of each value among the sorted ones, and how many places there are."""
    numbers = key.to_physical().cast(pl.Int64).fill_null(0)
    known = numbers.unique().sort().to_numpy()
    height = max(len(known), 1)
    if len(known) and known[0] == 0 and known[-1] == height - 1:
        return numbers.to_numpy(), height
    return np.searchsorted(known, numbers.to_numpy()), height
