"""What is known of managed objects: the cells that they are part of, how they are, how planned."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.identity import ancestor, cell_dn_of, parent
from tasks.guardrails.circumstances import ObjectFacts
from tasks.messages.change_sets import ManagedObject

CONFIGURATION = (
    "managed_object_dn", "attribute", "object_class", "value", "is_removed", "valid_from",
)  # fmt: skip
"""What is read of `network_configuration` and of its plan."""

CARRIER_REFERENCE = "nRSectorCarrierRef"
TILTS = ("digitalTilt", "retTilt")
"""Attributes that hold a downtilt, in tenths of a degree."""

_OBJECT_CLASS = "objectClass"
_CARRIER = "NRSectorCarrier"


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


def object_facts(
    dns: Iterable[str],
    live: Mapping[str, ManagedObject],
    planned: pl.DataFrame,
    carriers: Mapping[str, tuple[str, ...]],
) -> dict[str, ObjectFacts]:
    """Return what is known of objects; one that is neither live, planned nor part of a cell lacks.

    Args:
        dns: of the objects.
        live: those that exist in the network.
        planned: values of the plan that stand, see `standing_values`.
        carriers: the cells of each sector carrier.
    """
    wanted = sorted(set(dns))
    plans: dict[str, dict[str, str]] = {}
    classes: dict[str, str] = {}
    rows = planned.filter(pl.col("managed_object_dn").is_in(wanted))
    names = ("managed_object_dn", "attribute", "object_class", "value")
    for dn, attribute, object_class, value in rows.select(names).iter_rows():
        classes[dn] = object_class
        plans.setdefault(dn, {})
        if attribute != _OBJECT_CLASS:
            plans[dn][attribute] = value
    found = {}
    for dn in wanted:
        cells = cells_of_object(dn, carriers)
        if dn in live or dn in plans or cells:
            found[dn] = ObjectFacts(
                object_class=live[dn].object_class if dn in live else classes.get(dn, ""),
                cell_dns=cells,
                live=live[dn].attributes if dn in live else None,
                planned=plans.get(dn),
            )
    return found


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
