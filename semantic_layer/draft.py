"""Definitions as far as they could be read, with where they stand, before any rule was checked.

A definition that cannot be read at all is left out, but still known by name, so that one
mistake does not call forth ten.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pydantic import BaseModel, ConfigDict

from semantic_layer.kpis import Kpi
from semantic_layer.managed_objects import ObjectClass
from semantic_layer.measurements import Measurement
from semantic_layer.vendors import CounterMapping, VendorMap
from semantic_layer.yaml_source import Entry


class Profile(BaseModel):
    """A kind of place with thresholds of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str


Quantity = Measurement | Kpi
Definition = ObjectClass | Measurement | Kpi | VendorMap | Profile


@dataclass(slots=True)
class Draft:
    """What was read.

    Attributes:
        classes, measurements, kpis, vendors, profiles: readable definitions with their entries.
        declared: every name that is written under a kind, readable or not, with its entries.
    """

    classes: dict[str, tuple[ObjectClass, Entry]] = field(default_factory=dict)
    measurements: dict[str, tuple[Measurement, Entry]] = field(default_factory=dict)
    kpis: dict[str, tuple[Kpi, Entry]] = field(default_factory=dict)
    vendors: dict[str, tuple[VendorMap, Entry]] = field(default_factory=dict)
    profiles: dict[str, tuple[Profile, Entry]] = field(default_factory=dict)
    declared: dict[str, dict[str, list[Entry]]] = field(default_factory=dict)

    @property
    def object_classes(self) -> Mapping[str, ObjectClass]:
        """The readable object classes by name."""
        return {name: item for name, (item, _) in self.classes.items()}

    @property
    def quantities(self) -> Iterator[tuple[Quantity, Entry]]:
        """Measurements and KPIs: what has a unit, bounds and a column."""
        return chain(self.measurements.values(), self.kpis.values())

    @property
    def mappings(self) -> Iterator[tuple[VendorMap, CounterMapping, Entry]]:
        """Every counter mapping with its map and its own entry."""
        for vendor, entry in self.vendors.values():
            for mapping, part in zip(vendor.mappings, entry.parts.get("mappings", ()), strict=True):
                yield vendor, mapping, part

    def names(self, kind: str) -> Sequence[str]:
        """Return every name written under a kind."""
        return list(self.declared.get(kind, {}))

    def put(self, definition: Definition, entry: Entry) -> None:
        """Keep a readable definition."""
        match definition:
            case ObjectClass():
                self.classes[definition.name] = (definition, entry)
            case Measurement():
                self.measurements[definition.name] = (definition, entry)
            case Kpi():
                self.kpis[definition.name] = (definition, entry)
            case VendorMap():
                self.vendors[definition.name] = (definition, entry)
            case Profile():
                self.profiles[definition.name] = (definition, entry)
