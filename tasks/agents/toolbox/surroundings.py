"""Where objects stand to a cell: at it, at its site, on its way to the core, beside a neighbor."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from data_products.network_topology.ways_to_core import ways_to_core
from semantic_layer.identity import cell_dn_of, managed_element_dn
from tasks.agents.toolbox.sources import ToolSources, failed

RELATIONS = ("same_cell", "same_site", "upstream", "neighbor_site", "network")
"""The nearest first; an object that stands in none of them is not near."""

_CELLS = (
    "cell_dn", "site_id", "managed_element_dn", "neighbor_dns", "azimuth_deg", "band", "valid_from",
    "source",
)  # fmt: skip
_NODES = ("network_id", "node_id", "kind", "layer", "managed_object_dn", "site_id", "valid_from", "source", "is_removed")  # fmt: skip  # noqa: E501
_LINKS = (
    "network_id", "link_id", "layer", "from_node_id", "to_node_id", "from_dn", "to_dn", "delay_ms",
    "supported_by", "valid_from", "source", "is_removed",
)  # fmt: skip
_SECTOR_DEG = 30.0
"""Carriers of one site whose azimuths differ by less look the same way."""


@dataclass(frozen=True, slots=True)
class PlacedCell:
    """A cell with where it stands."""

    cell_dn: str
    site: str
    element_dn: str
    azimuth_deg: float | None
    band: str | None
    neighbor_dns: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """Where cells and the elements of a network stand.

    Attributes:
        cells: by DN.
        cells_of_site: cells by site.
        site_of_element: site by the DN of a managed element.
        core: DNs of elements that serve all sites.
        upstream: by site, DNs of interfaces, channels and elements on its way to the core.
    """

    cells: dict[str, PlacedCell]
    cells_of_site: dict[str, tuple[str, ...]]
    site_of_element: dict[str, str]
    core: frozenset[str]
    upstream: dict[str, frozenset[str]]

    def cell(self, cell_dn: str) -> PlacedCell:
        """Return a cell.

        Raises:
            ToolFailedError: the topology knows none of that name.
        """
        if cell_dn not in self.cells:
            raise failed(
                f"The cell {cell_dn} in network_topology", None, "no inventory names it so far."
            )
        return self.cells[cell_dn]

    def company(self, cell_dn: str) -> list[tuple[str, str]]:
        """Return (DN, relation) of cells near one: `same_sector`, `same_site`, `neighbor_site`."""
        own = self.cell(cell_dn)
        beside = [dn for dn in self.cells_of_site[own.site] if dn != cell_dn]
        sector = [dn for dn in beside if _looks_alike(own, self.cells[dn])]
        elsewhere = [
            dn for dn in own.neighbor_dns if dn in self.cells and self.cells[dn].site != own.site
        ]
        return [
            *((dn, "same_sector") for dn in sector),
            *((dn, "same_site") for dn in beside if dn not in sector),
            *((dn, "neighbor_site") for dn in elsewhere),
        ]

    def relation(self, cell_dn: str, object_dn: str) -> str | None:
        """Return the nearest relation in which an object stands to a cell; None for none."""
        own = self.cell(cell_dn)
        if cell_dn_of(object_dn) == cell_dn or object_dn.startswith(f"{cell_dn},"):
            return RELATIONS[0]
        element = managed_element_dn(object_dn)
        site = self.site_of_element.get(element or "")
        if site == own.site:
            return RELATIONS[1]
        way = self.upstream.get(own.site, frozenset())
        if object_dn in way or (element == object_dn and element in way):
            return RELATIONS[2]
        if site is not None and site in {self.cells[dn].site for dn in self._elsewhere(own)}:
            return RELATIONS[3]
        is_all = element is None and object_dn.startswith("SubNetwork=")
        return RELATIONS[4] if element in self.core or is_all else None

    def relations(self, cell_dn: str, objects: Iterable[str]) -> dict[str, str]:
        """Return the relation by object, those without one left out."""
        known = {dn: self.relation(cell_dn, dn) for dn in set(objects)}
        return {dn: relation for dn, relation in known.items() if relation is not None}

    def _elsewhere(self, own: PlacedCell) -> list[str]:
        return [dn for dn in own.neighbor_dns if dn in self.cells]


def places(sources: ToolSources) -> Places:
    """Return where everything stands at the end of the run's window, worked out once a run."""
    return sources.derived("places", lambda: _places(sources))


def _places(sources: ToolSources) -> Places:
    rows = _newest(sources, "network_topology", _CELLS, ("cell_dn",))
    nodes = _newest(sources, "network_topology.nodes", _NODES, ("network_id", "node_id"))
    links = _newest(sources, "network_topology.links", _LINKS, ("network_id", "link_id"))
    cells = {row["cell_dn"]: _placed(row) for row in rows.iter_rows(named=True)}
    of_site: dict[str, list[str]] = {}
    for cell in cells.values():
        of_site.setdefault(cell.site, []).append(cell.cell_dn)
    elements = {cell.element_dn: cell.site for cell in cells.values()}
    for row in nodes.filter(pl.col("site_id").is_not_null()).iter_rows(named=True):
        element = managed_element_dn(row["managed_object_dn"] or "SubNetwork=1")
        if element is not None:
            elements.setdefault(element, row["site_id"])
    core = nodes.filter((pl.col("layer") == "core") & pl.col("managed_object_dn").is_not_null())
    named = (managed_element_dn(dn) for dn in core["managed_object_dn"])
    return Places(
        cells,
        {site: tuple(sorted(dns)) for site, dns in of_site.items()},
        elements,
        frozenset(dn for dn in named if dn is not None),
        ways_to_core(nodes, links, sorted(of_site)),
    )


def _newest(
    sources: ToolSources, table: str, columns: tuple[str, ...], key: tuple[str, ...]
) -> pl.DataFrame:
    """Return each thing as it was at the window's end, without those removed."""
    known = sources.rows(table, None, columns, pl.col("valid_from") < sources.window.end)
    last = known.sort(*key, "valid_from", "source").unique(key, keep="last", maintain_order=True)
    return last.filter(~pl.col("is_removed")) if "is_removed" in columns else last


def _placed(row: dict[str, object]) -> PlacedCell:
    cell_dn = str(row["cell_dn"])
    element = str(row["managed_element_dn"] or managed_element_dn(cell_dn) or cell_dn)
    azimuth = row["azimuth_deg"]
    neighbors = row["neighbor_dns"] or []
    return PlacedCell(
        cell_dn,
        str(row["site_id"] or element),
        element,
        float(azimuth) if isinstance(azimuth, int | float) else None,
        str(row["band"]) if row["band"] else None,
        tuple(neighbors) if isinstance(neighbors, list) else (),
    )


def _looks_alike(one: PlacedCell, other: PlacedCell) -> bool:
    if one.azimuth_deg is None or other.azimuth_deg is None:
        return False
    apart = abs(one.azimuth_deg - other.azimuth_deg) % 360
    return min(apart, 360 - apart) < _SECTOR_DEG
