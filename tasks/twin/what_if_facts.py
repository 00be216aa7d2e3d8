"""What a what-if is told of the present: loads of cells, tilts, and which cells an object feeds.

All of it follows from published rows: `cell_kpis` and `network_configuration`.
"""

import json
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.identity import ancestor, cell_dn_of, parent
from semantic_layer.loading import catalogue
from tasks.twin.what_if import CellLoad

CONFIGURATION = (
    "managed_object_dn", "attribute", "object_class", "value", "is_removed", "valid_from",
)  # fmt: skip
"""What is read of `network_configuration` and of its plan."""

CARRIER_REFERENCE = "nRSectorCarrierRef"
TILTS = ("digitalTilt", "retTilt")
"""Attributes that hold a downtilt, in tenths of a degree."""

_CARRIER = "NRSectorCarrier"
_GRANULARITY = "15min"
_LOAD_KPIS = (
    ("traffic_volume_dl", "lte_traffic_volume_dl"),
    ("prb_usage_dl", "lte_prb_usage_dl"),
    ("mean_active_users", "lte_mean_active_users"),
)


def load_columns() -> list[str]:
    """Return what is read of `cell_kpis`."""
    names = [catalogue().kpi(name).column for pair in _LOAD_KPIS for name in pair]
    return ["cell_dn", "period_start", "granularity", *names]


def cell_loads(kpis: pl.DataFrame) -> dict[str, CellLoad]:
    """Return the newest load of each cell; a cell that lacks a value told nothing.

    Args:
        kpis: the columns of `load_columns`, of the time that is new enough.
    """
    told = kpis.filter(pl.col("granularity") == _GRANULARITY).with_columns(
        pl.coalesce(*(catalogue().kpi(name).column for name in pair)).alias(label)
        for pair, label in zip(_LOAD_KPIS, ("traffic", "load", "users"), strict=True)
    )
    newest = (
        told.drop_nulls(["traffic", "load", "users"])
        .sort("period_start")
        .unique("cell_dn", keep="last", maintain_order=True)
    )
    rows = newest.select("cell_dn", "traffic", "load", "users").iter_rows()
    return {dn: CellLoad(traffic, load, users) for dn, traffic, load, users in rows}


def present_loads(kpis: pl.DataFrame, since: datetime) -> dict[str, CellLoad]:
    """Return the load of each cell that serves: by the newest row in which it told anything.

    A cell that tells of no resource blocks there is off the air, however it was before; one that
    told nothing since a moment is so too.

    Args:
        kpis: the columns of `load_columns`.
        since: periods that begin earlier say nothing of the present.
    """
    traffic = [catalogue().kpi(name).column for name in _LOAD_KPIS[0]]
    told = kpis.filter(
        pl.col("granularity") == _GRANULARITY,
        pl.col("period_start") >= since,
        pl.any_horizontal(pl.col(traffic).is_not_null()),
    )
    newest = told.sort("period_start").unique("cell_dn", keep="last", maintain_order=True)
    return cell_loads(newest)


def standing_values(configuration: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return the newest row of each attribute that began by a moment, removed ones left out."""
    return (
        configuration.filter(pl.col("valid_from") <= at)
        .sort("valid_from")
        .unique(["managed_object_dn", "attribute"], keep="last", maintain_order=True)
        .filter(~pl.col("is_removed"), pl.col("value").is_not_null())
    )


def carrier_cells(standing: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the cells of each sector carrier, as their references say."""
    found: dict[str, set[str]] = {}
    references = standing.filter(pl.col("attribute") == CARRIER_REFERENCE)
    for dn, value in references.select("managed_object_dn", "value").iter_rows():
        for carrier in _references(value):
            found.setdefault(carrier, set()).add(dn)
    return {carrier: tuple(sorted(cells)) for carrier, cells in found.items()}


def cell_tilts(standing: pl.DataFrame, carriers: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Return the downtilt of each cell in degrees, as configured."""
    rows = standing.filter(pl.col("attribute").is_in(TILTS)).select("managed_object_dn", "value")
    found: dict[str, float] = {}
    for dn, value in rows.iter_rows():
        tilt = _tenths(value)
        if tilt is not None:
            found |= dict.fromkeys(cells_of_object(dn, carriers), tilt)
    return found


def cells_of_object(dn: str, carriers: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the cells that an object is part of: its own, or those that its carrier feeds.

    An object above the cells, or no object at all, is part of none.
    """
    above: str | None = dn
    try:
        carrier = ancestor(dn, _CARRIER)
        if carrier is not None:
            return carriers.get(carrier, ())
        while above is not None:
            cell = cell_dn_of(above)
            if cell is not None:
                return (cell,)
            above = parent(above)
    except InputError:
        return ()
    return ()


def _references(value: str) -> list[str]:
    """Return the DNs of a reference: a JSON list of them, or one alone."""
    if not value.startswith("["):
        return [value]
    try:
        told = json.loads(value)
    except ValueError:
        return []
    return [one for one in told if isinstance(one, str)]


def _tenths(value: str) -> float | None:
    try:
        return float(value) / 10.0
    except ValueError:
        return None
