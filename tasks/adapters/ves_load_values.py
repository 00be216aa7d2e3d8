"""Measurements of cells from perf3gpp events: the few that load and throughput rest on.

Names are the catalogue's, or those of the vendor's map (`nfVendorName`). A value that is suspect,
missing or out of bounds is told as nothing: it takes the place of what was told before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from semantic_layer.errors import InputError
from semantic_layer.loading import Catalogue
from semantic_layer.measurements import Measurement
from semantic_layer.vendors import CounterMapping
from tasks.adapters.ves_load_events import (
    LoadEvent,
    MeasuredObject,
    counters_of,
    number_of,
    objects_of,
)
from tasks.adapters.ves_load_names import CellNames, NamedCell
from tasks.adapters.ves_load_refusals import Refusals, shown

Values = dict[str, float | None]
"""By measurement; None where it was told that there is none, or none to be trusted."""

_LONGEST_DN = 500
_NO_NAME = NamedCell("", "")


@dataclass(frozen=True, slots=True)
class ToldCell:
    """What one event tells of one cell and period.

    Attributes:
        sequence: of the event.
    """

    sequence: int
    cell: NamedCell
    begin: datetime
    end: datetime
    values: Values


@dataclass(slots=True)
class _Plan:
    """What becomes of a measInfo's counters on objects of a class.

    Attributes:
        places: measurement by `p`, for counters that are one.
        counters: name by `p`, for counters that the vendor's map reads.
        mappings: of the vendor's map, that these counters serve whole.
        names: measurements that it gives.
    """

    places: dict[int, Measurement] = field(default_factory=dict)
    counters: dict[int, str] = field(default_factory=dict)
    mappings: list[CounterMapping] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class CellValues:
    """Reads the wanted measurements of cells from events.

    Args:
        wanted: names of measurements.
        catalogue: where they are defined.
        refused: is told of what cannot be read.
    """

    def __init__(self, wanted: Sequence[str], catalogue: Catalogue, refused: Refusals) -> None:
        self._wanted = frozenset(wanted)
        self._catalogue = catalogue
        self._refused = refused
        self._names = CellNames()
        self._plans: dict[tuple[str, str, tuple[str, ...]], _Plan] = {}

    def told(self, event: LoadEvent) -> Iterator[ToldCell]:
        """Yield what an event tells of cells, block by block; cells of other blocks come again."""
        for info in event.infos:
            counters = counters_of(info, event.place, self._refused)
            if counters is None:
                continue
            for one in objects_of(info, event.place, self._refused):
                yield from self._of_object(event, counters, one)

    def _of_object(
        self, event: LoadEvent, counters: tuple[str, ...], one: MeasuredObject
    ) -> Iterator[ToldCell]:
        try:
            cell = self._names.named(event.element, one.local)
        except InputError:
            cell = _NO_NAME
        if cell is None:
            return
        if cell is _NO_NAME or len(cell.dn) > _LONGEST_DN or not cell.dn.isprintable():
            name = f"{shown(one.local)} below {shown(event.element)}"
            self._refused.add(event.place, f"{name} is no DN of a measured object.")
            return
        plan = self._plan(event.vendor, cell.object_class, counters)
        if not plan.names:
            return
        values: Values = dict.fromkeys(plan.names)
        if not one.is_suspect:
            values |= self._values(plan, event, one)
        yield ToldCell(event.sequence, cell, event.begin, event.end, values)

    def _values(self, plan: _Plan, event: LoadEvent, one: MeasuredObject) -> Values:
        found: Values = {}
        counted: Values = {}
        for result in one.results:
            p = result.get("p") if isinstance(result, dict) else None
            if not isinstance(p, int) or isinstance(p, bool):
                self._refuse(event, one, "a measResult has no p, the number of its type.")
                continue
            measurement, counter = plan.places.get(p), plan.counters.get(p)
            try:
                if measurement is not None:
                    found[measurement.name] = _plausible(number_of(result), measurement)
                elif counter is not None:
                    counted[counter] = number_of(result)
            except InputError as error:
                self._refuse(event, one, str(error))
        self._map(plan, counted, found, event, one)
        return found

    def _map(
        self, plan: _Plan, counted: Values, found: Values, event: LoadEvent, one: MeasuredObject
    ) -> None:
        """Add to `found` what the vendor's counters give; a standard counter's number stands."""
        for mapping in plan.mappings:
            if found.get(mapping.measurement) is None:
                measurement = self._catalogue.measurement(mapping.measurement)
                try:
                    found[measurement.name] = _plausible(mapping.value(counted), measurement)
                except InputError as error:
                    self._refuse(event, one, str(error))

    def _refuse(self, event: LoadEvent, one: MeasuredObject, reason: str) -> None:
        self._refused.add(f"{event.place}, {shown(one.local)}", reason)

    def _plan(self, vendor: str, object_class: str, counters: tuple[str, ...]) -> _Plan:
        key = (vendor, object_class, counters)
        if key not in self._plans:
            self._plans[key] = self._made(*key)
        return self._plans[key]

    def _made(self, vendor: str, object_class: str, counters: tuple[str, ...]) -> _Plan:
        plan = _Plan()
        known = self._catalogue.object_classes[object_class]
        for p, counter in enumerate(counters, 1):
            found = self._catalogue.by_standard_name(counter, known.technology, object_class)
            if found is not None and found.name in self._wanted:
                plan.places[p] = found
            else:
                plan.counters[p] = counter
        serving = self._catalogue.vendor_map_of(vendor)
        if serving is not None:
            plan.mappings = [
                mapping
                for mapping in serving.by_class.get(object_class, ())
                if mapping.measurement in self._wanted and set(mapping.reads) <= set(counters)
            ]
        read = {name for mapping in plan.mappings for name in mapping.reads}
        plan.counters = {p: name for p, name in plan.counters.items() if name in read}
        plan.names = [measurement.name for measurement in plan.places.values()]
        plan.names += [mapping.measurement for mapping in plan.mappings]
        return plan


def _plausible(number: float | None, measurement: Measurement) -> float | None:
    """Return a number within the bounds of a measurement.

    Raises:
        InputError: it lies outside.
    """
    low, high = measurement.low, measurement.high
    if number is None or ((low is None or number >= low) and (high is None or number <= high)):
        return number
    bounds = " to ".join("any" if bound is None else f"{bound:g}" for bound in (low, high))
    raise InputError(
        f"{measurement.standard_name} is {number:g}, where {bounds} {measurement.unit} can be; is "
        "it counted in another unit?"
    )
