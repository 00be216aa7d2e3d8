"""What was measured around a change, brought together from published rows."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from data_products.kpi_sums import KpiRows, KpiShape
from data_products.pm_measurements.derive import derive as completed
from semantic_layer.execution_rules import ExecutionRules
from semantic_layer.identity import object_class_of
from semantic_layer.kpi_terms import measured_columns, row_classes_differ
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from tasks.execution.control_cells import CELL_SCHEMA, control_cells, neighbors_of, touched_cells
from tasks.execution.verification import PERIOD, Evidence
from tasks.messages.proposals import ChangeProposal

LOADS = ("prb_usage_dl", "lte_prb_usage_dl")
"""KPIs by which cells are alike in load."""

_PLACED = ("cell_dn", "managed_element_dn", "object_class", "period_start", "granularity_s")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known of the time around a change.

    Attributes:
        topology: network_topology, one row a cell.
        profiles: cell_dn, cell_profile; one row a cell, none where nobody profiled.
        loads: cell_dn, load: of the hours before, for cells alike.
        busy_dns: objects with findings, changes or tickets in the time compared.
    """

    topology: pl.DataFrame
    profiles: pl.DataFrame
    loads: pl.DataFrame
    busy_dns: tuple[str, ...]


def evidence(
    proposal: ChangeProposal,
    near: Surroundings,
    measurements: Callable[[Sequence[Kpi], Collection[str]], pl.DataFrame],
    catalogue: Catalogue,
    rules: ExecutionRules,
) -> Evidence:
    """Return what was measured around a change.

    Args:
        proposal: that was applied.
        near: what else is known.
        measurements: returns rows of `pm_measurements` that these KPIs of these cells ask for.
        catalogue: where KPIs are defined.
        rules: guard KPIs, and how control cells are chosen.
    """
    cells = near.topology["cell_dn"].to_list()
    expected = proposal.expected
    touched = {*expected.cell_dns, *proposal.cell_dns}
    touched |= touched_cells(proposal.change_set.dns, cells) if not touched else set()
    around = neighbors_of(near.topology, touched)
    excluded = around | touched | touched_cells(near.busy_dns, cells)
    controls = control_cells(
        _known_cells(near), list(expected.cell_dns), excluded - set(expected.cell_dns), rules
    )
    kpis = _kpis(expected.kpi, expected.cell_dns, catalogue, rules)
    wanted = {*expected.cell_dns, *around, *controls.cell_dns}
    rows = measurements(list(kpis.values()), wanted)
    return Evidence(kpi_sums(rows, kpis.values(), catalogue), kpis, controls, tuple(sorted(around)))


def kpi_sums(
    rows: pl.DataFrame, kpis: Iterable[Kpi], catalogue: Catalogue
) -> dict[str, pl.DataFrame]:
    """Return each KPI's two sums by cell and period, as `effect_of` takes them.

    A KPI that nothing of it was delivered for has no rows.

    Args:
        rows: as `pm_measurements` has them.
        kpis: of cells.
        catalogue: where their measurements are defined.
    """
    told = tuple(kpis)
    whole = completed(rows.lazy(), catalogue).collect()
    sums = KpiRows(whole, KpiShape("cell_dn", told, (), catalogue)).summed(PERIOD).objects
    found = {}
    for kpi in told:
        above, below = f"above:{kpi.column}", f"below:{kpi.column}"
        keys = ["cell_dn", "period_start"]
        if above in sums.columns:
            found[kpi.name] = sums.select(*keys, pl.col(above, below)).rename(
                {above: "above", below: "below"}
            )
        else:
            found[kpi.name] = sums.select(
                *keys, pl.lit(0.0).alias("above"), pl.lit(0.0).alias("below")
            ).clear()
    return found


def needed_columns(
    kpis: Sequence[Kpi], catalogue: Catalogue, present: Collection[str]
) -> list[str]:
    """Return the columns of `pm_measurements` that KPIs ask for, of those that there are."""
    needed = (*_PLACED, "is_suspect", *measured_columns(kpis, catalogue))
    return [name for name in needed if name in present]


def _kpis(
    expected: str, cell_dns: Sequence[str], catalogue: Catalogue, rules: ExecutionRules
) -> dict[str, Kpi]:
    """Return the expected KPI and the guard KPIs of the changed cells' technology."""
    technologies = {
        catalogue.object_classes[object_class_of(dn)].technology
        for dn in cell_dns
        if object_class_of(dn) in catalogue.object_classes
    }
    guards = {name: catalogue.kpi(name) for name in rules.guard_kpis}
    fitting = {name: kpi for name, kpi in guards.items() if kpi.technology in technologies}
    own = catalogue.kpi(expected)
    return {
        name: kpi
        for name, kpi in ({own.name: own} | fitting).items()
        if name == own.name or not row_classes_differ(kpi, catalogue)
    }


def _known_cells(near: Surroundings) -> pl.DataFrame:
    """Return what is known of each cell, as control cells are chosen by."""
    named = near.topology.select("cell_dn", "band", "archetype")
    return (
        named.join(near.profiles.select("cell_dn", "cell_profile"), on="cell_dn", how="left")
        .join(near.loads.select("cell_dn", "load"), on="cell_dn", how="left")
        .select(*CELL_SCHEMA)
        .cast(CELL_SCHEMA)  # type: ignore[arg-type]
    )
