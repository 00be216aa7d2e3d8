"""Rules that definitions must keep: one `check_*` function a rule, every problem reported.

Each takes the whole draft and yields problems with file, line and what would help. Rules about
KPIs alone stand in `kpi_rules`.
"""

from collections.abc import Callable, Iterator
from itertools import chain

from semantic_layer.alarm_rules import (
    check_alarm_classes,
    check_alarm_names,
    check_alarm_texts,
    check_correlation_cycles,
    check_correlation_ends,
    check_correlation_repeats,
    check_probable_causes,
)
from semantic_layer.draft import Draft
from semantic_layer.errors import did_you_mean
from semantic_layer.kpi_rules import (
    check_kpi_classes,
    check_kpi_terms,
    check_kpi_units,
    check_thresholds,
)
from semantic_layer.lifecycle_rules import check_lifecycle_tables
from semantic_layer.measurements import OBSERVED_TIME, Measurement
from semantic_layer.synonym_rules import check_synonym_means, check_synonym_spellings
from semantic_layer.units import UnitError, parse_unit, readable_unit
from semantic_layer.vendors import CounterMapping
from semantic_layer.yaml_source import Entry, Problem


def check_duplicates(draft: Draft) -> Iterator[Problem]:
    """A name is defined once."""
    for kind, names in draft.declared.items():
        for name, entries in names.items():
            first, *others = entries
            for other in others:
                yield other.problem(
                    f"{kind.capitalize()} {name!r} is defined twice, "
                    f"first in {first.file}, line {first.line}.",
                    "Keep one, or rename this one.",
                    key="name",
                )


def check_names(draft: Draft) -> Iterator[Problem]:
    """A measurement or KPI is a lower-case word, shares no column, and is not a built-in."""
    columns: dict[str, Entry] = {}
    for item, entry in draft.quantities:
        if not (item.name.isidentifier() and item.name.islower()):
            yield entry.problem(
                f"Name {item.name!r} is no lower-case word.", "Write it_like_this.", key="name"
            )
        if item.name == OBSERVED_TIME:
            yield entry.problem(f"{OBSERVED_TIME!r} is built in.", "Use another name.", key="name")
        unit = readable_unit(item.unit)
        if unit is None:
            continue
        first = columns.setdefault(unit.column(item.name), entry)
        if first is not entry:
            yield entry.problem(
                f"{item.name!r} has the column of {first.name!r} ({first.file}, line "
                f"{first.line}): {unit.column(item.name)!r}.",
                "Rename one of them.",
                key="name",
            )


def check_units(draft: Draft) -> Iterator[Problem]:
    """Every unit can be read."""
    written = chain(
        ((item.unit, entry) for item, entry in draft.quantities),
        ((mapping.unit, entry) for _, mapping, entry in draft.mappings),
    )
    for text, entry in written:
        try:
            parse_unit(text)
        except UnitError as error:
            yield entry.problem(str(error), key="unit")


def check_sources(draft: Draft) -> Iterator[Problem]:
    """Source, title and description say something."""
    everything = chain(
        draft.classes.values(),
        draft.quantities,
        draft.vendors.values(),
        draft.causes.values(),
        draft.alarms.values(),
        draft.correlations.values(),
        draft.lifecycles.values(),
    )
    for item, entry in everything:
        for key in ("source", "title", "description"):
            if key in entry.content and not str(entry.content[key]).strip():
                yield entry.problem(f"{item.name!r} has an empty {key}.", "Write it.", key=key)


def check_classes(draft: Draft) -> Iterator[Problem]:
    """Every class that is named exists."""
    for item, entry in draft.classes.values():
        for name in item.contained_by:
            yield from _class_problems(draft, name, entry, "contained_by")
        if item.counted_on is not None:
            yield from _class_problems(draft, item.counted_on, entry, "counted_on")
    for quantity, entry in draft.quantities:
        yield from _class_problems(draft, quantity.object_class, entry, "object_class")
    for _, mapping, entry in draft.mappings:
        yield from _class_problems(draft, mapping.object_class, entry, "object_class")


def check_bounds(draft: Draft) -> Iterator[Problem]:
    """A lower bound lies below the upper one."""
    for item, entry in draft.quantities:
        if item.low is not None and item.high is not None and item.low >= item.high:
            yield entry.problem(
                f"{item.name!r} has low {item.low:g}, not below high {item.high:g}.",
                "Exchange them, or leave one out.",
                key="low",
            )


def check_measurement_kinds(draft: Draft) -> Iterator[Problem]:
    """Derivations name a vector and how to reduce it; logarithmic values are never added."""
    for item, entry in draft.measurements.values():
        if (item.derived_from is None) != (item.reduce is None):
            yield entry.problem(
                f"{item.name!r} needs both derived_from and reduce, or neither.",
                "Write `reduce: sum` or `reduce: index_sum` beside the vector's name.",
                key="derived_from",
            )
        if item.derived_from is not None:
            yield from _derivation_problems(draft, item, entry)
        unit = readable_unit(item.unit)
        if unit is not None and unit.is_logarithmic and item.aggregation == "sum":
            yield entry.problem(
                f"{item.name!r} adds up values in {item.unit}, which is logarithmic.",
                "Use aggregation mean or max, or store it in mW.",
                key="aggregation",
            )


def check_standard_names(draft: Draft) -> Iterator[Problem]:
    """A standard name leads to one measurement of a row, and a vendor's name to one map."""
    seen: dict[tuple[str, str], Entry] = {}
    rows = {name: item.row_class for name, item in draft.object_classes.items()}
    told = chain(
        (
            (
                f"Standard name {name!r} ({item.technology}, "
                f"{rows.get(item.object_class, item.object_class)})",
                "standard_name",
                entry,
            )
            for item, entry in draft.measurements.values()
            if item.derived_from is None
            for name in (item.standard_name, *item.aliases)
        ),
        (
            (f"Vendor name {name!r}", "vendor_names", entry)
            for item, entry in draft.vendors.values()
            for name in item.vendor_names
        ),
    )
    for name, key, entry in told:
        first = seen.setdefault((name, key), entry)
        if first is not entry:
            yield entry.problem(
                f"{name} already leads to {first.name!r} ({first.file}, line {first.line}).",
                "A file must tell which one it means.",
                key=key,
            )


def check_vendor_maps(draft: Draft) -> Iterator[Problem]:
    """A vendor's counters give known measurements of the same dimension, each once a class."""
    seen: set[tuple[str, str, str]] = set()
    for vendor, mapping, entry in draft.mappings:
        key = (vendor.name, mapping.measurement, mapping.object_class)
        if key in seen:
            yield entry.problem(
                f"Measurement {mapping.measurement!r} is mapped twice for {mapping.object_class}.",
                "Add the counters of both in one mapping.",
                key="measurement",
            )
        seen.add(key)
        yield from _mapping_problems(draft, mapping, entry)


RULES: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    check_duplicates,
    check_names,
    check_units,
    check_sources,
    check_classes,
    check_bounds,
    check_measurement_kinds,
    check_standard_names,
    check_kpi_terms,
    check_kpi_units,
    check_kpi_classes,
    check_thresholds,
    check_vendor_maps,
    check_alarm_names,
    check_alarm_classes,
    check_probable_causes,
    check_alarm_texts,
    check_correlation_ends,
    check_correlation_repeats,
    check_correlation_cycles,
    check_synonym_means,
    check_synonym_spellings,
    check_lifecycle_tables,
)


def _class_problems(draft: Draft, name: str, entry: Entry, key: str) -> Iterator[Problem]:
    known = draft.names("object class")
    if name not in known:
        yield entry.problem(
            f"{entry.name!r} names no known object class {name!r}{did_you_mean(name, known)}",
            "Classes are defined in managed_objects.yaml.",
            key=key,
        )


def _derivation_problems(draft: Draft, item: Measurement, entry: Entry) -> Iterator[Problem]:
    vector = item.derived_from or ""
    known = draft.names("measurement")
    if vector not in known:
        yield entry.problem(
            f"{item.name!r} is derived from no known measurement {vector!r}"
            f"{did_you_mean(vector, known)}",
            key="derived_from",
        )
    elif vector in draft.measurements and draft.measurements[vector][0].shape != "vector":
        yield entry.problem(
            f"{item.name!r} is derived from {vector!r}, which is no vector.",
            "Name a measurement with shape vector.",
            key="derived_from",
        )


def _mapping_problems(draft: Draft, mapping: CounterMapping, entry: Entry) -> Iterator[Problem]:
    known = draft.names("measurement")
    if mapping.measurement not in known:
        yield entry.problem(
            f"No measurement {mapping.measurement!r}{did_you_mean(mapping.measurement, known)}",
            key="measurement",
        )
    elif mapping.measurement in draft.measurements:
        measured = draft.measurements[mapping.measurement][0]
        given, wanted = readable_unit(mapping.unit), readable_unit(measured.unit)
        if given is not None and wanted is not None and given.dimension != wanted.dimension:
            yield entry.problem(
                f"Counters of {mapping.measurement!r} are in {mapping.unit!r}, the measurement is "
                f"in {measured.unit!r}: they measure different things.",
                key="unit",
            )
        yield from _row_problems(draft, mapping, measured, entry)


def _row_problems(
    draft: Draft, mapping: CounterMapping, measured: Measurement, entry: Entry
) -> Iterator[Problem]:
    classes = draft.object_classes
    if {mapping.object_class, measured.object_class} <= set(classes):
        row = classes[mapping.object_class].row_class
        wanted = classes[measured.object_class].row_class
        if row != wanted:
            yield entry.problem(
                f"Measurement {mapping.measurement!r} stands on rows of {wanted}, its counters "
                f"on rows of {row}.",
                f"Map counters of {wanted}, or of a class counted on it.",
                key="object_class",
            )
