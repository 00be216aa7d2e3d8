"""How KPIs move in the whole network and in each profile, learnt from a panel of cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data_products.cell_profiles.derive import EVERYWHERE
from semantic_layer.kpis import Kpi
from semantic_layer.periods import Window
from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import Floats, Integers
from tasks.profiling.co_movement import CoMovement, co_movement, without_persistence
from tasks.profiling.kpi_dependencies import KpiGraph, kpi_graph
from tasks.profiling.kpi_deviations import kpi_deviations
from tasks.profiling.kpi_groups import kpi_groups

_SITE_CLASS = "ManagedElement"
_OF_EACH_PROFILE = 4  # its panel is the network's divided by this
_SEED = 20  # of the halves; any will do, but always the same

GROUPS = {
    "kpi": pl.String(), "kpi_group": pl.String(), "correlation": pl.Float64(),
    "kpis_count": pl.Int32(), "cells_count": pl.Int64(),
}  # fmt: skip
LINKS = {
    "cell_profile": pl.String(), "kpi": pl.String(), "follows_kpi": pl.String(),
    "lag_hours": pl.Int32(), "partial": pl.Float64(), "correlation": pl.Float64(),
    "stability": pl.Float64(), "cells_count": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KpiLearning:
    """What was learnt of KPIs: frames with the columns of `GROUPS` and `LINKS`."""

    groups: pl.DataFrame
    links: pl.DataFrame


def moving_kpis(kpis: Sequence[Kpi]) -> list[Kpi]:
    """Return the KPIs that are looked at: a cell's own, of those that detectors look at too."""
    return [kpi for kpi in kpis if kpi.is_scored and kpi.object_class != _SITE_CLASS]


def panels(
    order: Sequence[str], profile_of: Mapping[str, str], rules: Profiling
) -> dict[str, list[str]]:
    """Return the cells to learn from: of the whole network, and of each profile.

    Args:
        order: all cells with data, in an order that has nothing to do with their behavior.
        profile_of: the profile of those that have one.
        rules: the limits.
    """
    found: dict[str, list[str]] = {EVERYWHERE: list(order[: rules.panel_cells])}
    most = max(rules.panel_cells // _OF_EACH_PROFILE, rules.fewest_panel_cells)
    for cell in order:
        label = profile_of.get(cell)
        if label is not None and len(found.setdefault(label, [])) < most:
            found[label].append(cell)
    return {
        label: cells for label, cells in found.items() if len(cells) >= rules.fewest_panel_cells
    }


def learnt_kpis(
    rows: pl.DataFrame,
    kpis: Sequence[Kpi],
    of: Mapping[str, Sequence[str]],
    history: Window,
    rules: Profiling,
) -> KpiLearning:
    """Return how KPIs move.

    Args:
        rows: `cell_kpis` by hour of every cell in `of`: cell_dn, period_start, KPI columns.
        kpis: as `moving_kpis` has them; those without a column are left out.
        of: as `panels` has them.
        history: whole days.
        rules: the limits.
    """
    present = [kpi for kpi in kpis if kpi.column in rows.columns]
    cells = sorted({cell for panel in of.values() for cell in panel})
    if EVERYWHERE not in of or not present:
        return KpiLearning(pl.DataFrame(schema=GROUPS), pl.DataFrame(schema=LINKS))
    values = _cube(rows, cells, [kpi.column for kpi in present], history)
    first = history.start.weekday()
    weekdays = (np.arange(values.shape[2] // 24) + first) % 7
    scores = kpi_deviations(values, weekdays, rules.fewest_kpi_hours)
    names = [kpi.name for kpi in present]
    place = {cell: number for number, cell in enumerate(cells)}
    chosen = {
        label: np.array([place[cell] for cell in panel], np.intp) for label, panel in of.items()
    }
    together = co_movement(scores[chosen[EVERYWHERE]], 0)
    rest = without_persistence(scores, rules.most_lag_hours)
    moves = co_movement(rest, rules.most_lag_hours)
    return KpiLearning(
        _group_rows(together, names, rules), _link_rows(_graphs(moves, chosen, names, rules), rules)
    )


def _cube(
    rows: pl.DataFrame, cells: Sequence[str], columns: Sequence[str], history: Window
) -> Floats:
    """Return [cells, KPIs, hours]; NaN where nothing was reported."""
    hours = round(history.seconds / 3600)
    placed = (
        rows.with_columns(hour=(pl.col("period_start") - pl.lit(history.start)).dt.total_hours())
        .filter(pl.col("hour").is_between(0, hours - 1))
        .join(
            pl.DataFrame({"cell_dn": cells, "place": np.arange(len(cells))}),
            on="cell_dn",
            maintain_order="left",
        )
    )
    values = np.full((len(cells), len(columns), hours), np.nan, np.float32)
    place, hour = placed["place"].to_numpy(), placed["hour"].to_numpy()
    for number, column in enumerate(columns):
        values[place, number, hour] = placed[column].cast(pl.Float32).to_numpy()
    return values


def _graphs(
    moves: CoMovement, chosen: Mapping[str, Integers], names: Sequence[str], rules: Profiling
) -> dict[str, KpiGraph]:
    return {
        label: kpi_graph(CoMovement(moves.products[cells], moves.hours[cells]), names, rules, _SEED)
        for label, cells in chosen.items()
    }


def _group_rows(together: CoMovement, names: Sequence[str], rules: Profiling) -> pl.DataFrame:
    known = dict(zip(names, together.known_cells(), strict=True))
    found = kpi_groups(together.correlations()[0], names, rules.together_correlation)
    return pl.DataFrame(
        [(one.kpi, one.lead, one.correlation, one.members, int(known[one.kpi])) for one in found],
        schema=GROUPS,
        orient="row",
    )


def _link_rows(graphs: Mapping[str, KpiGraph], rules: Profiling) -> pl.DataFrame:
    """Return every link that any panel shows, as each panel has it."""
    found = {
        (one.lag, one.kpi, one.follows)
        for graph in graphs.values()
        for one in graph.dependencies(rules.least_stability)
    }
    rows = []
    for label, graph in graphs.items():
        number = {name: place for place, name in enumerate(graph.names)}
        for lag, now, before in sorted(found):
            link = graph.dependency(lag, number[now], number[before])
            rows.append(
                (label, now, before, lag, link.partial, link.correlation, link.stability,
                 graph.cells)
            )  # fmt: skip
    return pl.DataFrame(rows, schema=LINKS, orient="row")
