"""What was measured around a change, brought together from published rows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from data_products.kpi_sums import KpiRows, KpiShape
from data_products.pm_measurements.derive import derive as completed
from semantic_layer.execution_rules import ExecutionRules
from semantic_layer.identity import managed_element_dn, object_class_of
from semantic_layer.kpi_terms import measured_columns, row_classes_differ
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from tasks.execution.control_cells import (
    CELL_SCHEMA,
    Controls,
    control_cells,
    neighbors_of,
    touched_cells,
)
from tasks.execution.site_savings import elements_of, one_of_each_element
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
        moved_elements: managed elements whose savings began or ended in that time.
        saving_elements: those where savings stood.
    """

    topology: pl.DataFrame
    profiles: pl.DataFrame
    loads: pl.DataFrame
    busy_dns: tuple[str, ...]
    moved_elements: frozenset[str] = frozenset()
    saving_elements: frozenset[str] = frozenset()


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
    expected, bounds = proposal.expected, rules.guards_of(proposal.use_case)
    touched = {*expected.cell_dns, *proposal.cell_dns}
    touched |= touched_cells(proposal.change_set.dns, cells) if not touched else set()
    around = neighbors_of(near.topology, touched)
    is_saving = proposal.use_case in rules.recallable
    if is_saving:
        around |= touched_cells(elements_of(touched), cells) - touched
    excluded = (around | touched | touched_cells(near.busy_dns, cells)) - set(expected.cell_dns)
    known = _known_cells(near)
    alike = control_cells(known, list(expected.cell_dns), excluded, rules)
    kpis = _kpis(expected.kpi, (*expected.cell_dns, *(around if is_saving else ())), bounds,
                 catalogue)  # fmt: skip
    controls, guards = alike, dict[str, tuple[str, ...]]()
    if _is_of_element(kpis[expected.kpi], catalogue):
        controls = _element_controls(known, expected.cell_dns, excluded, near, rules)
        guards = _guard_controls(known, around, excluded, catalogue, rules)
    wanted = {*expected.cell_dns, *around, *controls.cell_dns}
    wanted.update(*guards.values())
    rows = measurements(list(kpis.values()), wanted)
    sums = kpi_sums(rows, kpis.values(), catalogue, wanted)
    return Evidence(sums, kpis, controls, tuple(sorted(around)), bounds, guards)


def kpi_sums(
    rows: pl.DataFrame, kpis: Iterable[Kpi], catalogue: Catalogue, cells: Collection[str] = ()
) -> dict[str, pl.DataFrame]:
    """Return each KPI's two sums by cell and period, as `effect_of` takes them.

    A KPI that nothing of it was delivered for has no rows. One of a managed element stands on each
    of its cells, also on one that is off the air and told nothing itself.

    Args:
        rows: as `pm_measurements` has them.
        kpis: of cells, or of managed elements.
        catalogue: where their measurements are defined.
        cells: on which the KPIs of their elements stand.
    """
    told = tuple(kpis)
    above = tuple(kpi for kpi in told if _is_of_element(kpi, catalogue))
    of_cells = tuple(kpi for kpi in told if kpi not in above)
    whole = completed(rows.lazy(), catalogue).collect()
    summed = KpiRows(whole, KpiShape("cell_dn", of_cells, above, catalogue)).summed(PERIOD)
    elements = pl.DataFrame(
        [(dn, managed_element_dn(dn)) for dn in sorted(cells)],
        schema={"cell_dn": pl.String, "managed_element_dn": pl.String},
        orient="row",
    )
    standing = elements.join(summed.elements, on="managed_element_dn", how="inner")
    found = {}
    for kpi in told:
        sums = standing if kpi in above else summed.objects
        upper, lower = f"above:{kpi.column}", f"below:{kpi.column}"
        keys = ["cell_dn", "period_start"]
        if upper in sums.columns:
            found[kpi.name] = sums.select(*keys, pl.col(upper, lower)).rename(
                {upper: "above", lower: "below"}
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
    expected: str, cell_dns: Sequence[str], bounds: Mapping[str, float], catalogue: Catalogue
) -> dict[str, Kpi]:
    """Return the expected KPI and the guard KPIs of these cells' technologies."""
    technologies = {
        catalogue.object_classes[object_class_of(dn)].technology
        for dn in cell_dns
        if object_class_of(dn) in catalogue.object_classes
    }
    guards = {name: catalogue.kpi(name) for name in bounds}
    fitting = {name: kpi for name, kpi in guards.items() if kpi.technology in technologies}
    own = catalogue.kpi(expected)
    return {
        name: kpi
        for name, kpi in ({own.name: own} | fitting).items()
        if name == own.name or not row_classes_differ(kpi, catalogue)
    }


def _is_of_element(kpi: Kpi, catalogue: Catalogue) -> bool:
    return not catalogue.object_classes[kpi.object_class].is_cell


def _element_controls(
    known: pl.DataFrame,
    changed: Sequence[str],
    excluded: Collection[str],
    near: Surroundings,
    rules: ExecutionRules,
) -> Controls:
    """Return one cell of each element whose power nothing of ours moved, nearest in load first.

    Where too few elements had no saving, those are taken too whose savings stood throughout.
    """
    every = rules.model_copy(update={"most_controls": max(known.height, 1)})
    alike = control_cells(known, changed, excluded, every)
    own = elements_of(changed)
    cells = one_of_each_element(alike.cell_dns, near.moved_elements | near.saving_elements | own)
    says = f"{alike.alike_by}, at sites without savings"
    if len(cells) < rules.least_controls:
        cells = one_of_each_element(alike.cell_dns, near.moved_elements | own)
        says = f"{alike.alike_by}, at sites whose savings did not change"
    return Controls(tuple(cells[: rules.most_controls]), says)


def _guard_controls(
    known: pl.DataFrame,
    around: Collection[str],
    excluded: Collection[str],
    catalogue: Catalogue,
    rules: ExecutionRules,
) -> dict[str, tuple[str, ...]]:
    """Return by technology cells alike those around, of which the first stands for all."""
    by_technology: dict[str, list[str]] = {}
    for dn in sorted(around):
        known_class = catalogue.object_classes.get(object_class_of(dn))
        if known_class is not None:
            by_technology.setdefault(known_class.technology, []).append(dn)
    return {
        technology: control_cells(known, cells, excluded, rules).cell_dns
        for technology, cells in by_technology.items()
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
