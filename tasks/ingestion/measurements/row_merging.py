"""Rows that are told more than once become one, in a way that does not depend on luck."""

from collections.abc import Sequence

import polars as pl

_FLAG, _FILE = "is_suspect", "source_file"


def later_counts(frame: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Return one row a key, each value from the last row that has it, and values replaced.

    Rows are given in order of delivery. A row is suspect when any of its sources is, and names
    all of them. A replaced value is one that a later row says differently.
    """
    is_twice = frame.select(pl.struct(key).is_duplicated()).to_series()
    if not is_twice.any():
        return frame, 0
    twice = frame.filter(is_twice)
    values = [name for name in frame.columns if name not in (*key, _FLAG, _FILE)]
    whole = [pl.col(values).drop_nulls().last()]
    if _FLAG in frame.columns:
        whole.append(pl.col(_FLAG).any())
    if _FILE in frame.columns:
        whole.append(pl.col(_FILE).unique(maintain_order=True).str.join(", "))
    once = twice.group_by(key, maintain_order=True).agg(whole)
    numbers = [name for name in values if frame.schema[name].is_numeric()]
    replaced = 0
    if numbers:
        differing = twice.group_by(key).agg(pl.col(numbers).drop_nulls().n_unique())
        beyond_one = (pl.col(numbers).clip(1) - 1).sum()
        replaced = int(differing.select(pl.sum_horizontal(beyond_one)).item())
    return pl.concat([frame.filter(~is_twice), once.select(frame.columns)]), replaced
