"""Control cells: cells like the changed one that nothing happened to, chosen by code."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from semantic_layer.execution_rules import ExecutionRules
from semantic_layer.identity import (
    ancestor,
    cell_dn_of,
    managed_element_dn,
    object_class_of,
    parent,
)

CELL_SCHEMA: dict[str, pl.DataType] = {
    "cell_dn": pl.String(),
    "band": pl.String(),
    "archetype": pl.String(),
    "cell_profile": pl.String(),
    "load": pl.Float64(),
}
"""What is known of cells; nulls are unknown, and unknown is not alike."""


@dataclass(frozen=True, slots=True)
class Controls:
    """Control cells, and what makes them alike."""

    cell_dns: tuple[str, ...]
    alike_by: str


def control_cells(
    cells: pl.DataFrame, changed: Sequence[str], excluded: Collection[str], rules: ExecutionRules
) -> Controls:
    """Return cells alike the first changed one, nearest in load first.

    Same technology and band, and the same profile of the week or kind of place; where too few are
    so, the same technology and band.

    Args:
        cells: columns of `CELL_SCHEMA`, one row a cell.
        changed: cells of the change.
        excluded: cells that something happened to, or that the change may reach.
        rules: how many, and how alike in load.
    """
    own = cells.filter(pl.col("cell_dn") == changed[0]).head(1).to_dicts() if changed else []
    if not own:
        return Controls((), "the changed cell is in no inventory")
    out = {*excluded, *changed}
    of_class = pl.Series(
        [object_class_of(dn) == object_class_of(changed[0]) for dn in cells["cell_dn"]],
        dtype=pl.Boolean,
    )
    same = cells.filter(of_class, ~pl.col("cell_dn").is_in(sorted(out)), _same(own[0], "band"))
    same = _near_in_load(same, own[0]["load"], rules)
    alike = same.filter(_same(own[0], "cell_profile") | _same(own[0], "archetype"))
    says = "technology, band, load and profile or place"
    if alike.height < rules.least_controls:
        alike, says = same, "technology, band and load"
    return Controls(tuple(alike["cell_dn"].head(rules.most_controls).to_list()), says)


def touched_cells(dns: Iterable[str], cells: Collection[str]) -> set[str]:
    """Return the cells that managed objects belong to: their own, or all of their element.

    Args:
        dns: of any objects; text that names none touches nothing.
        cells: DNs of all cells.
    """
    of_element: dict[str, list[str]] = {}
    for cell in cells:
        of_element.setdefault(managed_element_dn(cell) or "", []).append(cell)
    found: set[str] = set()
    for dn in dns:
        above = _cell_above(dn)
        if above is not None:
            found.add(above)
        else:
            element = managed_element_dn(dn)
            found.update(of_element.get(element, ()) if element else ())
    return found


def neighbors_of(topology: pl.DataFrame, touched: Collection[str]) -> set[str]:
    """Return the cells that the touched ones name as neighbors, or that name one of them.

    Args:
        topology: cell_dn, neighbor_dns; one row a cell.
        touched: cells.
    """
    pairs = topology.select("cell_dn", "neighbor_dns").explode("neighbor_dns").drop_nulls()
    named = pairs.filter(pl.col("cell_dn").is_in(sorted(touched)))["neighbor_dns"]
    naming = pairs.filter(pl.col("neighbor_dns").is_in(sorted(touched)))["cell_dn"]
    return ({*named} | {*naming}) - set(touched)


def _cell_above(dn: str) -> str | None:
    """Return the cell that an object is, or stands below."""
    above: str | None = dn
    while above is not None and ancestor(above, "ManagedElement"):
        cell = cell_dn_of(above)
        if cell is not None:
            return cell
        above = parent(above)
    return None


def _same(own: dict[str, str | float | None], name: str) -> pl.Expr:
    """Return whether a cell has the changed cell's value; an unknown one is nobody's."""
    return (pl.col(name) == pl.lit(own[name])).fill_null(value=False)


def _near_in_load(cells: pl.DataFrame, load: float | None, rules: ExecutionRules) -> pl.DataFrame:
    """Return the cells whose load is like the changed one's, nearest first; all where unknown."""
    if load is None or load <= 0:
        return cells.sort("cell_dn")
    ratio = (pl.col("load") / load).log().abs()
    near = cells.filter((pl.col("load") > 0) & (ratio <= pl.lit(rules.load_ratio).log()))
    return near.sort(ratio.round(9), "cell_dn")
