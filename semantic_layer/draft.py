"""Definitions as far as they could be read, with where they stand, before any rule was checked.

A definition that cannot be read at all is left out, but still known by name, so that one
mistake does not call forth ten.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from semantic_layer.alarms import AlarmDefinition, ProbableCause
from semantic_layer.correlation import CorrelationRule
from semantic_layer.kpis import Kpi
from semantic_layer.lifecycle import Lifecycle
from semantic_layer.managed_objects import ObjectClass
from semantic_layer.measurements import Measurement
from semantic_layer.profiles import Profile
from semantic_layer.synonyms import Synonym
from semantic_layer.vendors import CounterMapping, VendorMap
from semantic_layer.yaml_source import Entry

Quantity = Measurement | Kpi
Definition = (
    ObjectClass
    | Measurement
    | Kpi
    | VendorMap
    | Profile
    | ProbableCause
    | AlarmDefinition
    | CorrelationRule
    | Synonym
    | Lifecycle
)
_SHELVES: Mapping[type[Definition], str] = {
    ObjectClass: "classes",
    Measurement: "measurements",
    Kpi: "kpis",
    VendorMap: "vendors",
    Profile: "profiles",
    ProbableCause: "causes",
    AlarmDefinition: "alarms",
    CorrelationRule: "correlations",
    Synonym: "synonyms",
    Lifecycle: "lifecycles",
}


@dataclass(slots=True)
class Draft:
    """What was read.

    Attributes:
        classes, measurements, kpis, vendors, profiles, causes, alarms, correlations, synonyms,
            lifecycles: readable definitions with their entries.
        declared: every name that is written under a kind, readable or not, with its entries.
    """

    classes: dict[str, tuple[ObjectClass, Entry]] = field(default_factory=dict)
    measurements: dict[str, tuple[Measurement, Entry]] = field(default_factory=dict)
    kpis: dict[str, tuple[Kpi, Entry]] = field(default_factory=dict)
    vendors: dict[str, tuple[VendorMap, Entry]] = field(default_factory=dict)
    profiles: dict[str, tuple[Profile, Entry]] = field(default_factory=dict)
    causes: dict[str, tuple[ProbableCause, Entry]] = field(default_factory=dict)
    alarms: dict[str, tuple[AlarmDefinition, Entry]] = field(default_factory=dict)
    correlations: dict[str, tuple[CorrelationRule, Entry]] = field(default_factory=dict)
    synonyms: dict[str, tuple[Synonym, Entry]] = field(default_factory=dict)
    lifecycles: dict[str, tuple[Lifecycle, Entry]] = field(default_factory=dict)
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
        getattr(self, _SHELVES[type(definition)])[definition.name] = (definition, entry)
