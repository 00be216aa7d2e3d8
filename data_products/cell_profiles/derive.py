"""Rows of cell profiles: what was learnt of a week, put beside what was published before."""

from collections.abc import Sequence

import polars as pl

from semantic_layer.periods import Window

EVERYWHERE = "all"
"""In place of a profile's label: what all cells together show."""

LINK = ("kpi", "follows_kpi", "lag_hours")
"""What names a dependency."""


def member_rows(cells: pl.DataFrame, before: pl.DataFrame, week: Window) -> pl.DataFrame:
    """Return rows of `cell_profiles`, each saying since when the cell has its profile.

    Args:
        cells: its other columns, one row a cell.
        before: cell_dn, cell_profile, profile_since of the week published last; may be empty.
        week: what the rows are for.
    """
    known = before.select("cell_dn", "cell_profile", earlier=pl.col("profile_since"))
    since = pl.coalesce("earlier", pl.lit(week.start))
    return _in_week(
        cells.join(known, on=["cell_dn", "cell_profile"], how="left")
        .with_columns(profile_since=pl.when(pl.col("cell_profile").is_not_null()).then(since))
        .drop("earlier"),
        week,
    ).sort("cell_dn")


def pattern_rows(shapes: pl.DataFrame, week: Window) -> pl.DataFrame:
    """Return rows of `cell_profiles.patterns` from its other columns."""
    return _in_week(shapes, week).sort("cell_profile", "quantity", "hour_of_week")


def group_rows(groups: pl.DataFrame, week: Window) -> pl.DataFrame:
    """Return rows of `cell_profiles.kpi_groups` from its other columns."""
    return _in_week(groups, week).sort("kpi_group", "kpi")


def dependency_rows(
    links: pl.DataFrame, differs_by: float, least_stability: float, week: Window
) -> pl.DataFrame:
    """Return rows of `cell_profiles.kpi_dependencies`: all cells', and a profile's that differ.

    A profile differs where it shows a link that all cells together don't, where it surely lacks
    one that they do (relation NONE), or where its sign or its partial correlation is another.

    Args:
        links: cell_profile (a label, or `all`), the columns of `LINK`, partial, correlation,
            stability, cells_count; every link that any of them shows, told for each of them.
        differs_by: of partial correlations.
        least_stability: share of halves from which on a link is shown; a link that as large a
            share of halves does not show is surely lacking.
        week: what the rows are for.
    """
    is_shown = pl.col("stability") >= least_stability
    everywhere = links.filter(pl.col("cell_profile") == EVERYWHERE).select(
        *LINK, all_partial="partial", is_shown_by_all=is_shown
    )
    told = links.join(everywhere, on=list(LINK), how="left").with_columns(is_shown=is_shown)
    is_far = (pl.col("partial") - pl.col("all_partial")).abs() >= differs_by
    is_lacking = pl.col("is_shown_by_all") & (pl.col("stability") <= 1 - least_stability) & is_far
    # A link that only one of both shows just so, at about the same strength, is no difference.
    is_own = pl.col("is_shown") & (is_far | pl.col("all_partial").is_null())
    kept = told.filter(
        pl.when(pl.col("cell_profile") == EVERYWHERE)
        .then(pl.col("is_shown"))
        .otherwise(is_own | is_lacking)
    )
    relation = (
        pl.when(~pl.col("is_shown"))
        .then(pl.lit("NONE"))
        .when(pl.col("lag_hours") > 0)
        .then(pl.lit("FOLLOWS"))
        .otherwise(pl.lit("MOVES_WITH"))
    )
    rows = kept.select(
        "cell_profile",
        *LINK,
        relation=relation,
        sign=pl.col("partial").sign().cast(pl.Int32),
        strength=pl.col("partial").abs(),
        correlation="correlation",
        stability="stability",
        cells_count="cells_count",
    )
    return _in_week(rows, week).sort("cell_profile", "strength", *LINK, descending=_DESCENDING)


_DESCENDING: Sequence[bool] = (False, True, False, False, False)


def _in_week(rows: pl.DataFrame, week: Window) -> pl.DataFrame:
    return rows.with_columns(week_start=pl.lit(week.start), week_end=pl.lit(week.end)).with_columns(
        pl.col("week_start", "week_end").dt.cast_time_unit("us")
    )
