"""What is known of managed objects: the cells that they are part of, how they are, how planned."""

from collections.abc import Iterable, Mapping

import polars as pl

from tasks.guardrails.circumstances import ObjectFacts
from tasks.messages.change_sets import ManagedObject
from tasks.twin.what_if_facts import (
    CARRIER_REFERENCE,
    CONFIGURATION,
    TILTS,
    carrier_cells,
    cell_tilts,
    cells_of_object,
    standing_values,
)

__all__ = [
    "CARRIER_REFERENCE",
    "CONFIGURATION",
    "TILTS",
    "carrier_cells",
    "cell_tilts",
    "cells_of_object",
    "object_facts",
    "standing_values",
]

_OBJECT_CLASS = "objectClass"


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
