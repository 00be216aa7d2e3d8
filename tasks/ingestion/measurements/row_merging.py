"""Rows that are told more than once become one, in a way that does not depend on luck."""

from collections.abc import Sequence

import polars as pl

_FLAG, _FILE = "is_suspect", "source_file"


def are_distinct(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    """Tell whether no two rows have one key; False may err, for two keys may share a hash.

    Distinct hashes are proof of distinct keys, at a fifth of the cost of comparing the keys.
    """
    mixed = pl.lit(0, dtype=pl.UInt64)
    for place, name in enumerate(key):
        mixed = mixed ^ pl.col(name).hash(place)
    return frame.is_empty() or frame.select(mixed.n_unique()).item() == frame.height


def stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return frames one below the other, with nulls where a column is told by others only.

    Every column is in the same pieces, one a frame: beside one in other pieces, each would be
    copied by whoever adds a column.
    """
    kinds = {name: kind for frame in frames for name, kind in frame.schema.items()}
    whole = [
        frame.rechunk().select(
            frame[name]
            if name in frame.columns
            else pl.repeat(None, frame.height, dtype=kind, eager=True).alias(name)
            for name, kind in kinds.items()
        )
        for frame in frames
        if frame.height
    ]
    return pl.concat(whole, rechunk=False) if whole else pl.DataFrame(schema=kinds)


def later_counts(frame: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Return one row a key, each value from the last row that has it, and values replaced.

    Rows are given in order of delivery. A row is suspect when any of its sources is, and names
    all of them. A replaced value is one that a later row says differently.
    """
    if are_distinct(frame, key):
        return frame, 0
    is_twice = frame.select(pl.struct(key).is_duplicated()).to_series()
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
