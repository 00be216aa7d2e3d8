"""What snapshots of a state add to the history of its changes; in order, late, or twice.

A history has a row only where something became otherwise. It stays exact when a snapshot comes
late because the times of all snapshots are kept beside it: what a later snapshot had seen is
rebuilt, and stands as a change there if it differs from what the late one says.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

_TOLD = "\ttold"
_AGAIN = "\tagain"
_NUMBER = "\tnumber"
_PAST, _NEW = 0, 1


@dataclass(frozen=True, slots=True)
class StateShape:
    """How a history is laid out.

    Attributes:
        key: columns that name what has a state.
        values: columns that are the state; a difference in any of them is a change.
    """

    key: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of a row, in order."""
        return (*self.key, "valid_from", *self.values, "is_removed")


@dataclass(frozen=True)
class Snapshots:
    """What was seen, and what of the world each look covered.

    Attributes:
        rows: the shape's columns without `is_removed`; `valid_from` is when the look was taken.
        times: `scope`, `taken_at`: each look at a scope.
        scopes: `scope` and `within` columns: which keys belong to which scope; `within` are the
            first columns of the key, and a key may belong to several scopes.
    """

    rows: pl.DataFrame
    times: pl.DataFrame
    scopes: pl.DataFrame


def revised_history(
    standing: pl.DataFrame, standing_times: pl.DataFrame, seen: Snapshots, shape: StateShape
) -> pl.DataFrame:
    """Return the whole history once the snapshots are taken into account.

    Args:
        standing: the history so far, in the shape's columns.
        standing_times: `scope`, `taken_at` of the looks that it came from.
        seen: the new looks; one at a time and scope that was looked at before replaces it.
        shape: columns.

    Returns:
        The shape's columns, each key's rows in order of time; applying the same looks again, in
        whatever order, gives the same rows.
    """
    within = [name for name in seen.scopes.columns if name != "scope"]
    looks = (
        seen.scopes.join(seen.times.unique(), on="scope")
        .select(*within, pl.col("taken_at").alias("valid_from"))
        .unique()
    )
    keys = pl.concat(
        [standing.select(shape.key), seen.rows.select(shape.key)], how="vertical_relaxed"
    ).unique()
    due = keys.join(looks, on=within)
    new = due.join(
        seen.rows.unique([*shape.key, "valid_from"], keep="last", maintain_order=True).with_columns(
            pl.lit(value=False).alias("is_removed")
        ),
        on=[*shape.key, "valid_from"],
        how="left",
    ).with_columns(pl.col("is_removed").fill_null(value=True))
    kept = standing.join(looks, on=[*within, "valid_from"], how="anti")
    guards = _guards(standing, standing_times, seen, due, shape)
    told = pl.concat(
        [
            guards.select(shape.columns).with_columns(pl.lit(_PAST).alias(_TOLD)),
            kept.select(shape.columns).with_columns(pl.lit(_PAST).alias(_TOLD)),
            new.select(shape.columns).with_columns(pl.lit(_NEW).alias(_TOLD)),
        ],
        how="vertical_relaxed",
    )
    return _changes(told, keys, shape)


def state_at(history: pl.DataFrame, shape: StateShape, moment: datetime) -> pl.DataFrame:
    """Return the rows that hold at a moment: each key's last one, unless it was removed."""
    due = history.filter(pl.col("valid_from") <= moment).sort("valid_from", maintain_order=True)
    return due.unique(list(shape.key), keep="last", maintain_order=True).filter(
        ~pl.col("is_removed")
    )


def _guards(
    standing: pl.DataFrame,
    standing_times: pl.DataFrame,
    seen: Snapshots,
    due: pl.DataFrame,
    shape: StateShape,
) -> pl.DataFrame:
    """Return what stood at the first earlier-known look after each new look, key by key."""
    nothing = standing.select(shape.columns).clear()
    if standing_times.is_empty() or seen.times.is_empty():
        return nothing
    within = [name for name in seen.scopes.columns if name != "scope"]
    first = seen.times["taken_at"].min()
    later = seen.scopes.join(
        standing_times.unique().filter(pl.col("taken_at") > first), on="scope"
    ).join(seen.times, on=["scope", "taken_at"], how="anti")
    if later.is_empty():
        return nothing
    later = later.select(*within, pl.col("taken_at").alias(_AGAIN)).unique().sort(_AGAIN)
    looked = due.select([*within, "valid_from"]).unique().sort("valid_from")
    next_looks = (
        looked.join_asof(
            later.with_columns(pl.col(_AGAIN).alias("valid_from")),
            on="valid_from",
            by=within,
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .drop_nulls(_AGAIN)
        .select(*within, pl.col(_AGAIN).alias("valid_from"))
        .unique()
    )
    asked = due.select(shape.key).unique().join(next_looks, on=within).sort("valid_from")
    past = standing.select(shape.columns).sort("valid_from")
    return (
        asked.join_asof(
            past, on="valid_from", by=list(shape.key), strategy="backward", check_sortedness=False
        )
        .with_columns(pl.col("is_removed").fill_null(value=True))
        .select(shape.columns)
    )


def _changes(told: pl.DataFrame, keys: pl.DataFrame, shape: StateShape) -> pl.DataFrame:
    """Return the rows that differ from the one before them; where two say one time, the newer."""
    # Numbers sort and compare many times faster than names.
    numbered = keys.with_row_index(_NUMBER)
    ordered = told.join(numbered, on=list(shape.key)).sort(_NUMBER, "valid_from", _TOLD)
    is_last = (pl.col(_NUMBER) != pl.col(_NUMBER).shift(-1)) | (
        pl.col("valid_from") != pl.col("valid_from").shift(-1)
    )
    ordered = ordered.filter(is_last.fill_null(value=True))
    same_key = (pl.col(_NUMBER) == pl.col(_NUMBER).shift()).fill_null(value=False)
    same_state = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift()) for name in (*shape.values, "is_removed")
    )
    # What was never there cannot go.
    unborn = pl.col("is_removed") & ~same_key
    both_gone = pl.col("is_removed") & pl.col("is_removed").shift(fill_value=False)
    is_nothing_new = unborn | (same_key & (same_state | both_gone))
    return ordered.filter(~is_nothing_new).select(shape.columns)
