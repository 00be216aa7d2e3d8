"""What faults of sites, links and the core are: where one strikes, and how large it is.

A sketch may be None: the place that was drawn has nothing that could break this way.
"""

from collections.abc import Iterable

import numpy as np

from tasks.twin.layout import Cell
from tasks.twin.radio_faults import Scope, Sketch, Terrain, any_cell, radio_neighbors, same_site
from tasks.twin.transport_network import TransportLink

_MOST_SITES = 12
_MOST_LIT_SITES = 6
_PAIRED = ("n28", "n1", "B3")


def passive_intermodulation(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return a sector with several carriers whose own power disturbs its paired-band uplinks."""
    cell = any_cell(terrain, rng)
    carriers = [
        other
        for other in terrain.network.cells
        if other.site.index == cell.site.index and other.sector == cell.sector
    ]
    heard = tuple(other.index for other in carriers if other.band.name in _PAIRED)
    if len(carriers) < 2 or not heard:
        return None
    return Sketch(
        heard,
        rng.uniform(11.0, 22.0),
        "dB at full load",
        "sector" if len(heard) > 1 else "cell",
        has_alarm=bool(rng.random() < 0.3),
        objects=tuple(other.dn for other in carriers),
    )


def link_cut(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return a fibre that is cut, or a hop of microwave that fails."""
    links = terrain.transport.links
    lone = [one for one in links if one.layer == "microwave" or _is_spur(terrain, one)]
    fibres = [one for one in links if one.layer == "optical"]
    pool = lone if lone and rng.random() < 0.8 else fibres
    link = pool[int(rng.integers(0, len(pool)))]
    sites = _sites_over(terrain, link.link_id)
    if not 0 < len(sites) <= _MOST_SITES:
        return None
    struck = link.supported_by or (link.link_id,)
    return Sketch(
        _cells_of(terrain, sites), 1.0, "share", _scope(sites), has_alarm=True, objects=struck
    )


def _is_spur(terrain: Terrain, link: TransportLink) -> bool:
    if link.layer != "ip":
        return False
    node = link.b
    return sum(node in (one.a, one.b) for one in terrain.transport.links if one.layer == "ip") == 1


def dwdm_degradation(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return an optical link that loses signal to noise until its correction gives way."""
    fibres = [one for one in terrain.transport.links if one.layer == "optical"]
    link = fibres[int(rng.integers(0, len(fibres)))]
    sites = _sites_over(terrain, link.link_id)
    if not 0 < len(sites) <= _MOST_LIT_SITES:
        return None
    return Sketch(
        _cells_of(terrain, sites),
        rng.uniform(3.1, 4.0),
        "dB",
        _scope(sites),
        has_alarm=bool(rng.random() < 0.7),
        objects=(link.link_id,),
    )


def clock_loss(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return a site without time reference, and the cells that share its time-divided band."""
    cell = any_cell(terrain, rng)
    own = [
        other for other in terrain.network.cells
        if other.site.index == cell.site.index and other.band.downlink_share < 1.0
    ]  # fmt: skip
    if not own:
        return None
    near = _same_band_near(terrain, own)
    return Sketch(
        tuple(sorted({*(one.index for one in own), *near})),
        rng.uniform(150.0, 600.0),
        "ns in the first hour",
        "neighborhood" if near else "site",
        has_alarm=True,
        objects=(cell.site.element_dn,),
    )


def _same_band_near(terrain: Terrain, own: Iterable[Cell]) -> list[int]:
    cells = terrain.network.cells
    return [
        int(other)
        for cell in own
        for other in radio_neighbors(terrain.built, cell.index)[:3]
        if cells[int(other)].band.name == cell.band.name
    ]


def power_failure(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return a site that loses the grid; its size is what its batteries hold."""
    cell = any_cell(terrain, rng)
    capacity = float(terrain.battery_kwh[cell.site.index - 1])
    return Sketch(
        same_site(terrain.network, cell),
        capacity,
        "kWh of batteries",
        "site",
        has_alarm=True,
        objects=(cell.site.element_dn,),
    )


def core_function_restart(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return a function of control or user plane that restarts, and all that it serves."""
    paired = [
        function.dn
        for function in terrain.transport.functions
        if function.object_class in ("AMFFunction", "UPFFunction")
    ]
    dn = paired[int(rng.integers(0, len(paired)))]
    sites = terrain.transport.sites_of_function(dn)
    if not sites:
        return None
    return Sketch(
        _cells_of(terrain, sites),
        rng.uniform(0.5, 1.0),
        "share",
        "area",
        has_alarm=True,
        objects=(dn,),
    )


def software_regression(terrain: Terrain, rng: np.random.Generator) -> Sketch | None:
    """Return a site whose new software admits, or schedules, worse than the old one did."""
    cell = any_cell(terrain, rng)
    cells = same_site(terrain.network, cell)
    objects = (cell.site.element_dn,)
    if rng.random() < 0.5:
        lost = rng.uniform(0.015, 0.07)
        return Sketch(cells, lost, "share of setups", "site", has_alarm=False, objects=objects)
    kept = rng.uniform(0.55, 0.75)
    return Sketch(cells, kept, "share of capacity", "site", has_alarm=False, objects=objects)


def _sites_over(terrain: Terrain, link_id: str) -> tuple[int, ...]:
    """Return the sites whose path takes a link, or what it carries."""
    gone = terrain.transport.failing_with((link_id,))
    sites = terrain.transport.router_of_site
    return tuple(site for site in sites if not gone.isdisjoint(terrain.transport.path_of(site)))


def _cells_of(terrain: Terrain, sites: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(cell.index for cell in terrain.network.cells if cell.site.index in sites)


def _scope(sites: tuple[int, ...]) -> Scope:
    return "area" if len(sites) > 1 else "site"
