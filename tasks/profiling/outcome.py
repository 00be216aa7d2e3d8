"""One week profiled: the rows of every table of `cell_profiles`, from frames to frames."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl

from data_products.cell_profiles.derive import (
    dependency_rows,
    group_rows,
    member_rows,
    pattern_rows,
)
from semantic_layer.kpis import Kpi
from semantic_layer.periods import Window
from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import HOURS, Booleans, Floats, Integers
from tasks.profiling.cell_grouping import CellGroups, Neighborhood, Past, Patterns, cell_groups
from tasks.profiling.kpi_learning import learnt_kpis, moving_kpis, panels
from tasks.profiling.membership import ABSTAINED, KINDS, MEMBER
from tasks.profiling.week_shapes import week_shapes

NO_DATA = "no data in the weeks before"
TOO_LITTLE = "too few hours of the week are known"
NO_SHAPE = "the same value in every hour"

PAST_CELLS = ("cell_dn", "cell_profile", "membership", "profile_since")
PAST_PATTERNS = ("week_start", "cell_profile", "quantity", "hour_of_week", "shape")
"""Columns that are read of what was published before."""

_BAND_CELLS = 2000  # of a profile, between whose quarters the band is drawn

Schema: TypeAlias = Mapping[str, pl.DataType]
ReadCells = Callable[[Sequence[str]], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was published before: cells of the week published last, patterns of all remembered."""

    cells: pl.DataFrame
    patterns: pl.DataFrame


def profiled_week(
    weeks: Floats,
    cells: Sequence[str],
    earlier: Earlier,
    neighbors: Neighborhood | None,
    week: Window,
    rules: Profiling,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of `cell_profiles` and of `cell_profiles.patterns`.

    Args:
        weeks: typical weeks [cells, quantities, 168].
        cells: their DNs.
        earlier: what was published before.
        neighbors: what a cell's neighbors follow; None where nothing is known of neighbors.
        week: what is published.
        rules: the limits.
    """
    groups = cell_groups(weeks, keys_of(cells), past_of(earlier, cells, rules), rules, neighbors)
    members = _members(weeks, cells, groups)
    rows = member_rows(members, earlier.cells, week)
    return rows, pattern_rows(_patterns(weeks, groups, rules), week)


def moving_outcome(
    read: ReadCells,
    members: pl.DataFrame,
    kpis: Sequence[Kpi],
    history: Window,
    week: Window,
    rules: Profiling,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of `kpi_groups` and `kpi_dependencies`.

    Args:
        read: `cell_kpis` by hour of the history, of some cells.
        members: rows of `cell_profiles`.
        kpis: of the catalogue.
        history: whole weeks before the week.
        week: what is published.
        rules: the limits.
    """
    told = members.filter(pl.col("known_hours") > 0)
    names = told["cell_dn"].to_list()
    order = [names[number] for number in np.argsort(keys_of(names), kind="stable")]
    profile_of = dict(told.select("cell_dn", "cell_profile").drop_nulls().iter_rows())
    chosen = panels(order, profile_of, rules)
    wanted = sorted({cell for panel in chosen.values() for cell in panel})
    found = learnt_kpis(read(wanted), moving_kpis(kpis), chosen, history, rules)
    return (
        group_rows(found.groups, week),
        dependency_rows(found.links, rules.differs_by, rules.least_stability, week),
    )


def keys_of(cells: Sequence[str]) -> Integers:
    """Return a number a DN that stays the same and has nothing to do with what the cell does."""
    digests = b"".join(hashlib.blake2b(cell.encode(), digest_size=8).digest() for cell in cells)
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def past_of(earlier: Earlier, cells: Sequence[str], rules: Profiling) -> Past:
    """Return what was published before, for these cells."""
    remembered = earlier.patterns["cell_profile"].unique().sort().to_list()
    last = earlier.patterns.filter(pl.col("week_start") == pl.col("week_start").max())
    patterns = _published_patterns(last, rules)
    if patterns is None:
        return Past(None, np.full(len(cells), -1), np.zeros(len(cells), bool), remembered)
    place = pl.DataFrame(
        {"cell_profile": patterns.labels, "number": np.arange(len(patterns.labels))}
    )
    known = pl.DataFrame({"cell_dn": cells}, schema={"cell_dn": pl.String()}).join(
        earlier.cells.join(place, on="cell_profile", how="left"),
        on="cell_dn", how="left", maintain_order="left",
    )  # fmt: skip
    return Past(
        patterns,
        known["number"].fill_null(-1).to_numpy().astype(np.intp),
        (known["membership"] == "UNLIKE_ANY").fill_null(value=False).to_numpy(),
        remembered,
    )


def _published_patterns(last: pl.DataFrame, rules: Profiling) -> Patterns | None:
    """Return the patterns of one week; None where it has other quantities, or none at all."""
    names = [one.quantity for one in rules.shape_quantities]
    if last.is_empty() or set(last["quantity"]) != set(names):
        return None
    labels = last["cell_profile"].unique().sort().to_list()
    shapes = np.zeros((len(labels), len(names), HOURS), np.float32)
    rows = last["cell_profile"].cast(pl.Enum(labels)).to_physical().to_numpy()
    quantities = last["quantity"].cast(pl.Enum(names)).to_physical().to_numpy()
    shapes[rows, quantities, last["hour_of_week"].to_numpy()] = last["shape"].to_numpy()
    return Patterns(tuple(labels), shapes)


def _members(weeks: Floats, cells: Sequence[str], groups: CellGroups) -> pl.DataFrame:
    found = groups.membership
    reported = np.isfinite(weeks).any(axis=1).sum(axis=1)
    reason = np.where(reported == 0, 0, np.where(groups.hours == 0, 1, 2))
    reason = np.where(found.kind == ABSTAINED, reason, -1)
    return pl.DataFrame(
        {
            "cell_dn": pl.Series(cells, dtype=pl.String),
            "cell_profile": _texts(groups.patterns.labels, found.profile),
            "membership": _texts(KINDS, found.kind),
            "fit": pl.Series(found.fit.astype(np.float64)).fill_nan(None),
            "next_profile": _texts(groups.patterns.labels, found.second),
            "next_fit": pl.Series(found.second_fit.astype(np.float64)).fill_nan(None),
            "known_hours": reported.astype(np.int32),
            "abstained_because": _texts((NO_DATA, NO_SHAPE, TOO_LITTLE), reason),
        }
    )


def _texts(words: Sequence[str], places: Integers) -> pl.Series:
    """Return the word at each place; null at -1."""
    known = pl.Series([None, *words], dtype=pl.String)
    return known.gather(pl.Series(np.asarray(places, np.int64) + 1))


def _patterns(weeks: Floats, groups: CellGroups, rules: Profiling) -> pl.DataFrame:
    """Return the columns of `cell_profiles.patterns` but the week."""
    frames = []
    hours = np.arange(HOURS, dtype=np.int32)
    names = [one.quantity for one in rules.shape_quantities]
    for number, label in enumerate(groups.patterns.labels):
        follows = groups.membership.profile == number
        members = np.flatnonzero(follows & (groups.membership.kind == MEMBER))[:_BAND_CELLS]
        shapes = week_shapes(weeks[members])
        for quantity, name in enumerate(names):
            low, high = _quarters(shapes.values[:, quantity], shapes.known[:, quantity])
            frames.append(
                pl.DataFrame(
                    {
                        "cell_profile": label,
                        "quantity": name,
                        "hour_of_week": hours,
                        "shape": groups.patterns.shapes[number, quantity].astype(np.float64),
                        "low": low,
                        "high": high,
                        "cells_count": int(np.count_nonzero(follows)),
                    }
                )
            )
    schema: Schema = {
        "cell_profile": pl.String(), "quantity": pl.String(), "hour_of_week": pl.Int32(),
        "shape": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(),
        "cells_count": pl.Int64(),
    }  # fmt: skip
    return pl.concat([pl.DataFrame(schema=schema), *frames], how="vertical_relaxed").select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )


def _quarters(values: Floats, known: Booleans) -> tuple[pl.Series, pl.Series]:
    """Return the hours' lower and upper quartile over cells; null where no cell has the hour."""
    ordered = np.sort(np.where(known, values, np.nan), axis=0)
    last = np.maximum(np.isfinite(ordered).sum(axis=0) - 1, 0)
    at = np.arange(ordered.shape[1])
    if len(ordered) == 0:
        empty = pl.Series([None] * HOURS, dtype=pl.Float64)
        return empty, empty
    bounds = [ordered[np.rint(share * last).astype(int), at] for share in (0.25, 0.75)]
    low, high = (pl.Series(bound.astype(np.float64)).fill_nan(None) for bound in bounds)
    return low, high
