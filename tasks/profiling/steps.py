"""Steps of profiling: a few weeks of KPIs in, profiles of cells and dependencies of KPIs out."""

import logging
from collections.abc import Sequence

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from semantic_layer.profiling import profiling
from tasks.profiling import neighborhoods
from tasks.profiling.outcome import (
    PAST_CELLS,
    PAST_PATTERNS,
    Earlier,
    moving_outcome,
    profiled_week,
)
from tasks.profiling.typical_weeks import WEEK, history_of, quantity_columns, typical_weeks
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_PATTERNS = "cell_profiles.patterns"
_KEYS = ("cell_dn", "period_start")


@step
def profile_cells(kpis: Snapshot, window: Window) -> Snapshot:
    """Publish `cell_profiles` and its tables for a week, from the weeks before it.

    Patterns and dependencies come first: who sees a cell's profile finds what it looks like.

    Args:
        kpis: the snapshot of `cell_kpis` to read, by hour.
        window: a week, from Monday 00:00 UTC.

    Returns:
        The snapshot of `cell_profiles`.

    Raises:
        InputError: the window is no such week.
    """
    rules, door = profiling(), services().door
    defined = list(catalogue().kpis.values())
    history = history_of(window, rules)
    columns = quantity_columns(rules, defined)
    cells = _hours(kpis, history, ["cell_dn"]).select("cell_dn").drop_nulls().unique()
    names = cells.sort("cell_dn").collect()["cell_dn"].to_list()
    wanted = [*_KEYS, *(name for each in columns.values() for name in each)]
    weeks = typical_weeks(lambda day: _hours(kpis, day, wanted).collect(), names, columns, history)
    topology = services().tables.snapshot("network_topology")
    near = neighborhoods.neighborhood(_topology(topology, window), names)
    members, patterns = profiled_week(weeks, names, _earlier(window), near, window, rules)

    def read(panel: Sequence[str]) -> pl.DataFrame:
        chosen = pl.col("cell_dn").is_in(list(panel))
        return _hours(kpis, history, None).filter(chosen).collect()

    groups, links = moving_outcome(read, members, defined, history, window, rules)
    run = run_id()
    door.publish(_PATTERNS, window, patterns, [kpis], run)
    door.publish("cell_profiles.kpi_groups", window, groups, [kpis], run)
    door.publish("cell_profiles.kpi_dependencies", window, links, [kpis], run)
    found = door.publish("cell_profiles", window, members, [kpis, topology], run)
    _LOG.info(
        "%s: %d cells in %d profiles, %d dependencies of KPIs (%s).",
        window, members.height, members["cell_profile"].drop_nulls().n_unique(), links.height,
        found.verdict,
    )  # fmt: skip
    return found


def _hours(kpis: Snapshot, window: Window, columns: Sequence[str] | None) -> pl.LazyFrame:
    """Return the rows of `cell_kpis` by hour; all columns when None."""
    told = None if columns is None else [*columns, "granularity"]
    rows = services().tables.read(kpis.table, window, columns=told, snapshot_id=kpis.id or None)
    return rows.filter(pl.col("granularity") == "hour")


def _topology(topology: Snapshot, week: Window) -> pl.DataFrame:
    """Return the inventory as it held when the week began."""
    rows = services().tables.read(
        topology.table, columns=list(neighborhoods.COLUMNS), snapshot_id=topology.id or None
    )
    return rows.filter(pl.col("valid_from") < week.start).collect()


def _earlier(week: Window) -> Earlier:
    """Return the cells of the week published last before this one, and patterns remembered."""
    tables = services().tables
    remembered = week.before(profiling().remembered_weeks * WEEK)
    patterns = tables.read(_PATTERNS, remembered, columns=list(PAST_PATTERNS)).collect()
    last = patterns["week_start"].max()
    cells = tables.read("cell_profiles", remembered, columns=[*PAST_CELLS, "week_start"])
    return Earlier(cells.filter(pl.col("week_start").eq_missing(last)).collect(), patterns)
