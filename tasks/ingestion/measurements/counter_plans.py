"""Which counters of a measured object are which measurements: by standard name, or vendor map.

Looked up once for each list of counters on a class of object, since files repeat their lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from semantic_layer.loading import Catalogue
from semantic_layer.measurements import Measurement
from semantic_layer.vendors import VendorMap


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """What becomes of each counter; numbers are places in the list of counters.

    Attributes:
        scalars: counters that are a measurement of one number, and its column.
        vectors: counters that are a measurement of several numbers, and its column.
        vendor_counters: counters that the vendor's map reads, and their names.
        left_over: counters that nothing can use, by reason.
    """

    scalars: list[tuple[int, str]] = field(default_factory=list)
    vectors: list[tuple[int, str]] = field(default_factory=list)
    vendor_counters: list[tuple[int, str]] = field(default_factory=list)
    left_over: dict[str, list[int]] = field(default_factory=dict)


class CounterPlans:
    """Plans of one catalogue, each made when first asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._plans: dict[tuple[str, str, tuple[str, ...]], CounterPlan] = {}

    def plan(self, vendor_name: str, object_class: str, counters: tuple[str, ...]) -> CounterPlan:
        """Return the plan for counters of a vendor's object of a class."""
        key = (vendor_name, object_class, counters)
        if key not in self._plans:
            self._plans[key] = self._made(vendor_name, object_class, counters)
        return self._plans[key]

    def vendor_map(self, vendor_name: str) -> VendorMap | None:
        """Return the vendor's map, if there is one."""
        return self.catalogue.vendor_map_of(vendor_name)

    def _made(self, vendor_name: str, object_class: str, counters: Sequence[str]) -> CounterPlan:
        plan = CounterPlan()
        vendor = self.vendor_map(vendor_name)
        read = vendor.counters(object_class) if vendor else frozenset[str]()
        taken: set[str] = set()
        for place, counter in _totals_first(counters):
            measurement = self._measurement(counter, object_class)
            if measurement is not None and measurement.name in taken:
                reason = f"{measurement.standard_name} is there under another of its names too"
                plan.left_over.setdefault(reason, []).append(place)
            elif measurement is not None and self._is_of(measurement, object_class):
                taken.add(measurement.name)
                found = plan.scalars if measurement.shape == "scalar" else plan.vectors
                found.append((place, measurement.column))
            elif counter in read:
                plan.vendor_counters.append((place, counter))
            else:
                reason = self._reason(counter, object_class, measurement)
                plan.left_over.setdefault(reason, []).append(place)
        return plan

    def _measurement(self, counter: str, object_class: str) -> Measurement | None:
        known = self.catalogue.object_classes.get(object_class)
        technology = None if known is None or known.technology == "any" else known.technology
        return self.catalogue.by_standard_name(counter, technology, object_class)

    def _is_of(self, measurement: Measurement, object_class: str) -> bool:
        return self._row_kind(measurement.object_class) == self._row_kind(object_class)

    def _row_kind(self, object_class: str) -> str:
        """Return on whose rows a class is counted; all cells of a technology are one kind."""
        known = self.catalogue.object_classes.get(object_class)
        if known is None:
            return object_class
        row = self.catalogue.object_classes.get(known.row_class, known)
        return f"{row.technology} cell" if row.is_cell else row.name

    def _reason(self, counter: str, object_class: str, measurement: Measurement | None) -> str:
        if measurement is not None:
            return f"defined for {measurement.object_class}, but counted on {object_class}"
        whole = counter.partition(".")[0] + "." + counter.partition(".")[2].partition(".")[0]
        if whole != counter and self.catalogue.by_standard_name(whole) is not None:
            return "sub-counters of which the catalogue defines only the total"
        return "neither the catalogue nor a vendor map knows them"


def _totals_first(counters: Sequence[str]) -> list[tuple[int, str]]:
    """Return places and names, `X` before `X.sum`: the plain name counts where both stand."""
    return sorted(enumerate(counters), key=lambda pair: (pair[1].endswith(".sum"), pair[0]))
