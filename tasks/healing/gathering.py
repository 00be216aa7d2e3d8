"""From published rows and live objects to what is known of cells; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.catalogue_type import Catalogue
from semantic_layer.healing import HealingRules
from semantic_layer.identity import cell_dn_of, managed_element_dn, parent
from tasks.healing.departures import CELL_CLASSES
from tasks.healing.shifts import KpiColumn
from tasks.healing.tools import Row
from tasks.messages.canonical import JsonValue, digest_of
from tasks.messages.change_sets import ManagedObject
from tasks.twin.sleep_modes import MODES, SAVING_FUNCTION, acting_mode

ACTIVE = MODES[0]
_CHANGED_LATELY = timedelta(hours=48)


def kpi_columns(catalogue: Catalogue, rules: HealingRules) -> list[KpiColumn]:
    """Return the KPIs that causes are told by, of those that the catalogue has."""
    names = (
        *rules.traffic_kpis, *rules.quality_kpis, *rules.handover_kpis, *rules.availability_kpis,
    )  # fmt: skip
    return [
        KpiColumn(name, catalogue.kpis[name].column, name in rules.handover_kpis)
        for name in dict.fromkeys(names)
        if name in catalogue.kpis
    ]


def looked_at(
    candidates: Sequence[str], site_of: Mapping[str, str], rules: HealingRules
) -> list[str]:
    """Return candidates, the other cells of their sites, and peers, the same ones every time."""
    sites = {site_of[cell] for cell in candidates if cell in site_of}
    near = [cell for cell, site in site_of.items() if site in sites]
    peers = sorted(site_of, key=digest_of)[: rules.peers_count]
    return sorted({*candidates, *near, *peers})


def saving_cells(live: Sequence[ManagedObject]) -> set[str]:
    """Return the cells that save energy, as their saving functions tell.

    Args:
        live: objects of the network.
    """
    found = set()
    for one in live:
        above = parent(one.dn) if one.object_class == SAVING_FUNCTION else None
        cell = cell_dn_of(above) if above is not None else None
        if cell is not None and acting_mode(one.attributes) != ACTIVE:
            found.add(cell)
    return found


def cell_states(
    cells: Sequence[str],
    live: Sequence[ManagedObject],
    alarms: pl.DataFrame,
    changes: pl.DataFrame,
    at: datetime,
) -> dict[str, Row]:
    """Return by cell its administrative state, alarms that stand there, and changes of late.

    Args:
        cells: to tell of; those that the network lacks are left out.
        live: objects of the network.
        alarms: alarm_name, managed_object_dn, cell_dn, raised_at, cleared_at.
        changes: change_id, actual_start, managed_object_dns.
        at: the moment.
    """
    wanted = {cell: managed_element_dn(cell) for cell in cells}
    standing: dict[str, set[str]] = {}
    now = alarms.filter(
        pl.col("raised_at") <= at, pl.col("cleared_at").is_null() | (pl.col("cleared_at") > at)
    )
    for name, dn, cell in now.select("alarm_name", "managed_object_dn", "cell_dn").iter_rows():
        for place in {cell, dn} - {None}:
            standing.setdefault(place, set()).add(str(name))
    lately: dict[str, set[str]] = {}
    since = pl.col("actual_start").is_between(at - _CHANGED_LATELY, at)
    for change, dns in changes.filter(since).select("change_id", "managed_object_dns").iter_rows():
        for dn in dns or ():
            lately.setdefault(dn, set()).add(change)
    found: dict[str, Row] = {}
    for one in live:
        if one.object_class not in CELL_CLASSES or one.dn not in wanted:
            continue
        places = (one.dn, wanted[one.dn] or "")
        found[one.dn] = {
            "cell_dn": one.dn,
            "administrative_state": one.attributes.get("administrativeState"),
            "alarms": _together(standing, places),
            "changes": _together(lately, places),
        }
    return found


def _together(by_place: Mapping[str, set[str]], places: Sequence[str]) -> list[JsonValue]:
    return [*sorted(set().union(*(by_place.get(place, set()) for place in places)))]
