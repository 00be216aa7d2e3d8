"""Where a cell's live configuration is not as planned, in what a repair could set back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from semantic_layer.identity import managed_element_dn, parent
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ManagedObject

DepartureKind = Literal["tilt", "relation"]

TILT_ATTRIBUTES: Mapping[str, str] = {
    "CommonBeamformingFunction": "digitalTilt",
    "EUtranCellFDD": "retTilt",
}
"""Where the tilt of an antenna is set, in tenths of a degree (TS 28.541; TS 28.658)."""

PlannedObjects = Mapping[str, tuple[str, Mapping[str, JsonValue]]]
"""Class and attributes by DN."""

RELATIONS = ("NRCellRelation", "EUtranRelation")
CELL_CLASSES = ("NRCellDU", "EUtranCellFDD")


@dataclass(frozen=True, slots=True)
class Departure:
    """One departure from plan.

    Attributes:
        cell_dn: of the cell that it acts on.
        dn: of the object that departs.
        planned: the value, or the attributes of a relation that lacks.
        live: the value found; None for an object that is not there.
    """

    kind: DepartureKind
    cell_dn: str
    dn: str
    object_class: str
    attribute: str
    planned: JsonValue
    live: JsonValue

    def to_row(self) -> dict[str, JsonValue]:
        """Return the departure as a row for a tool's result."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class Plan:
    """What is planned, as far as repairs need it.

    Attributes:
        objects: class and attributes by DN.
        cell_of: by DN of an object, the cell that it belongs to.
    """

    objects: PlannedObjects
    cell_of: Mapping[str, str]


def plan_of(planned: pl.DataFrame) -> Plan:
    """Return the plan as it stands newest.

    Args:
        planned: rows of `network_configuration.planned`.
    """
    newest = (
        planned.sort("valid_from")
        .unique(["managed_object_dn", "attribute"], keep="last", maintain_order=True)
        .filter(~pl.col("is_removed"))
    )
    classes: dict[str, str] = {}
    attributes: dict[str, dict[str, JsonValue]] = {}
    rows = newest.select("managed_object_dn", "object_class", "attribute", "value", "value_number")
    for dn, object_class, attribute, value, number in rows.iter_rows():
        classes[dn] = object_class
        told = attributes.setdefault(dn, {})
        if attribute != "objectClass":
            told[attribute] = _typed(value, number)
    objects = {dn: (name, attributes[dn]) for dn, name in classes.items()}
    return Plan(objects, _cells_of(objects))


def departures(plan: Plan, live: Sequence[ManagedObject]) -> list[Departure]:
    """Return what departs from plan, sorted; objects that are not of the plan are none of it.

    Args:
        plan: as planned.
        live: every tilt, relation and cell that the network has now.
    """
    now = {one.dn: one for one in live}
    found = []
    for dn, (object_class, planned) in plan.objects.items():
        cell = plan.cell_of.get(dn)
        if cell is None or cell not in now:
            continue
        attribute = TILT_ATTRIBUTES.get(object_class)
        if attribute is not None and dn in now and attribute in planned:
            value = now[dn].attributes.get(attribute)
            if value is not None and value != planned[attribute]:
                found.append(
                    Departure("tilt", cell, dn, object_class, attribute, planned[attribute], value)
                )
        elif object_class in RELATIONS and dn not in now:
            found.append(Departure("relation", cell, dn, object_class, "", dict(planned), None))
    return sorted(found, key=lambda one: (one.cell_dn, one.dn))


def _cells_of(objects: PlannedObjects) -> dict[str, str]:
    """Return the cell of each tilt and relation, by what the plan itself says belongs together."""
    carriers, local = _cells_by_reference(objects)
    found = {}
    for dn, (object_class, _) in objects.items():
        above = parent(dn) or ""
        if object_class == "CommonBeamformingFunction":
            cell = carriers.get(above)
        elif object_class == "NRCellRelation" and above in objects:
            number = objects[above][1].get("cellLocalId")
            cell = local.get((managed_element_dn(dn), number))
        else:
            cell = {"EUtranRelation": above}.get(object_class)
            cell = dn if object_class in CELL_CLASSES else cell
        if cell is not None:
            found[dn] = cell
    return found


def _cells_by_reference(
    objects: PlannedObjects,
) -> tuple[dict[str, str], dict[tuple[str | None, JsonValue], str]]:
    """Return NR cells by their sector carrier, and by element and local id."""
    carriers: dict[str, str] = {}
    local: dict[tuple[str | None, JsonValue], str] = {}
    for dn, (object_class, told) in objects.items():
        if object_class == "NRCellDU":
            local[managed_element_dn(dn), told.get("cellLocalId")] = dn
            for name, value in told.items():
                if name.startswith("nRSectorCarrierRef"):
                    carriers.update(dict.fromkeys(_texts(value), dn))
    return carriers, local


def _texts(value: JsonValue) -> list[str]:
    """Return the texts of a value that was delivered as one text, or as a list in JSON."""
    if not isinstance(value, str):
        return []
    told = json.loads(value) if value.startswith("[") else [value]
    return [one for one in told if isinstance(one, str)]


def _typed(value: str | None, number: float | None) -> JsonValue:
    """Return a delivered text as the value that it is; texts of digits are numbers here."""
    if number is not None:
        return int(number) if float(number).is_integer() else number
    return {"true": True, "false": False}.get(value or "", value)
