"""Rules that definitions must keep: one `check_*` function a rule, every problem reported.

Each takes the whole draft and yields problems with file, line and what would help. A definition
that cannot be read at all is left out of the draft but still known by name, so that one mistake
does not call forth ten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from semantic_layer.errors import did_you_mean
from semantic_layer.kpis import DEFAULT_PROFILE, Kpi, signed
from semantic_layer.managed_objects import ObjectClass, is_within
from semantic_layer.measurements import OBSERVED_TIME, Measurement
from semantic_layer.units import Dimension, Unit, UnitError, dimension_text, parse_unit
from semantic_layer.vendors import CounterMapping, VendorMap
from semantic_layer.yaml_source import Entry, Problem

SECONDS = parse_unit("s")


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of place with thresholds of its own."""

    name: str
    description: str


Definition = ObjectClass | Measurement | Kpi | VendorMap | Profile


@dataclass(slots=True)
class Draft:
    """Definitions that could be read, with where they stand, before any rule was checked.

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

    def names(self, kind: str) -> Sequence[str]:
        """Return every name written under a kind."""
        return list(self.declared.get(kind, {}))


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
    """A measurement or KPI is a Python word, shares no column, and is not a built-in."""
    columns: dict[str, Entry] = {}
    for item, entry in chain(draft.measurements.values(), draft.kpis.values()):
        if not (item.name.isidentifier() and item.name.islower()):
            yield entry.problem(
                f"Name {item.name!r} is no lower-case word.", "Write it_like_this.", key="name"
            )
        if item.name == OBSERVED_TIME:
            yield entry.problem(f"{OBSERVED_TIME!r} is built in.", "Use another name.", key="name")
        column = _column(item)
        if column in columns and columns[column].name != item.name:
            yield entry.problem(
                f"{item.name!r} has the column {column!r} of {columns[column].name!r} "
                f"({columns[column].file}, line {columns[column].line}).",
                "Rename one of them.",
                key="name",
            )
        elif column:
            columns[column] = entry


def check_units(draft: Draft) -> Iterator[Problem]:
    """Every unit can be read."""
    for item, entry in chain(draft.measurements.values(), draft.kpis.values()):
        yield from _unit_problems(item.unit, entry)
    for vendor, entry in draft.vendors.values():
        for mapping, part in zip(vendor.mappings, entry.parts.get("mappings", ()), strict=True):
            yield from _unit_problems(mapping.unit, part)


def check_sources(draft: Draft) -> Iterator[Problem]:
    """Source, title and description say something."""
    everything = chain(
        draft.classes.values(),
        draft.measurements.values(),
        draft.kpis.values(),
        draft.vendors.values(),
    )
    for item, entry in everything:
        for key in ("source", "title", "description"):
            if not str(getattr(item, key, key)).strip():
                yield entry.problem(
                    f"{item.name!r} has an empty {key}.", f"Write its {key}.", key=key
                )


def check_classes(draft: Draft) -> Iterator[Problem]:
    """Every class that is named exists."""
    for item, entry in draft.classes.values():
        for key, named in (("contained_by", item.contained_by), ("counted_on", [item.counted_on])):
            for name in named:
                if name is not None:
                    yield from _class_problems(draft, name, entry, key)
    for defined, entry in chain(draft.measurements.values(), draft.kpis.values()):
        yield from _class_problems(draft, defined.object_class, entry, "object_class")
    for vendor, entry in draft.vendors.values():
        for mapping, part in zip(vendor.mappings, entry.parts.get("mappings", ()), strict=True):
            yield from _class_problems(draft, mapping.object_class, part, "object_class")


def check_bounds(draft: Draft) -> Iterator[Problem]:
    """A lower bound lies below the upper one."""
    for item, entry in chain(draft.measurements.values(), draft.kpis.values()):
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
                f"{item.name!r} needs both derived_from and reduce, or neither.", key="derived_from"
            )
        if item.derived_from is not None:
            yield from _derivation_problems(draft, item, entry)
        unit = _unit(item.unit)
        if unit is not None and unit.is_logarithmic and item.aggregation == "sum":
            yield entry.problem(
                f"{item.name!r} adds up values in {item.unit}, which is logarithmic.",
                "Use aggregation mean or max, or store it in mW.",
                key="aggregation",
            )


def check_kpi_terms(draft: Draft) -> Iterator[Problem]:
    """A KPI's terms are known scalars that may be added."""
    for item, entry in draft.kpis.values():
        for key, terms in (("numerator", item.numerator), ("denominator", item.denominator)):
            for _, name in map(signed, terms):
                yield from _term_problems(draft, item, name, entry, key)


def check_kpi_units(draft: Draft) -> Iterator[Problem]:
    """The terms of a sum have one dimension, and the quotient has the KPI's."""
    for item, entry in draft.kpis.values():
        above = _sum_dimensions(draft, item.numerator)
        below = _sum_dimensions(draft, item.denominator)
        for key, found in (("numerator", above), ("denominator", below)):
            if len(found) > 1:
                told = " and ".join(sorted(dimension_text(one) for one in found))
                yield entry.problem(
                    f"KPI {item.name!r} adds {told} in its {key}.",
                    "Terms of one sum must measure the same thing.",
                    key=key,
                )
        unit = _unit(item.unit)
        if len(above) == 1 and len(below) == 1 and unit is not None:
            quotient = Unit("", next(iter(above)), 1.0) / Unit("", next(iter(below)), 1.0)
            if quotient.dimension != unit.dimension:
                yield entry.problem(
                    f"KPI {item.name!r} divides to {dimension_text(quotient.dimension)}, "
                    f"but its unit {item.unit!r} measures {dimension_text(unit.dimension)}.",
                    "Correct the unit or the terms; a gauge counts times seconds in a sum.",
                    key="unit",
                )


def check_kpi_classes(draft: Draft) -> Iterator[Problem]:
    """A KPI's measurements stand on rows of its own class, or of classes below it."""
    classes = draft.object_classes
    for item, entry in draft.kpis.values():
        if item.object_class not in classes:
            continue
        home = classes[item.object_class].row_class
        for _, name in item.terms:
            if name not in draft.measurements:
                continue
            measured = draft.measurements[name][0].object_class
            if measured in classes and not is_within(classes[measured].row_class, home, classes):
                yield entry.problem(
                    f"KPI {item.name!r} of {item.object_class} uses {name!r} of {measured}, which "
                    f"lies on no row of {home} and below none.",
                    f"Give the KPI a class that contains both, or another measurement of {home}.",
                    key="object_class",
                )


def check_thresholds(draft: Draft) -> Iterator[Problem]:
    """Thresholds belong to known profiles, have both limits, and get worse in the right order."""
    for item, entry in draft.kpis.values():
        if item.thresholds and item.better == "neither":
            yield entry.problem(
                f"KPI {item.name!r} has thresholds, yet neither way is better.",
                "Leave them out, or say which way is better.",
                key="thresholds",
            )
            continue
        if item.thresholds and DEFAULT_PROFILE not in item.thresholds:
            yield entry.problem(
                f"KPI {item.name!r} has thresholds without a default.",
                f"Add the profile {DEFAULT_PROFILE!r}.",
                key="thresholds",
            )
        for profile, limits in item.thresholds.items():
            yield from _limit_problems(draft, item, profile, limits, entry)


def check_vendor_maps(draft: Draft) -> Iterator[Problem]:
    """A vendor's counters give known measurements of the same dimension, each once a class."""
    for vendor, entry in draft.vendors.values():
        seen: set[tuple[str, str]] = set()
        for mapping, part in zip(vendor.mappings, entry.parts.get("mappings", ()), strict=True):
            if (mapping.measurement, mapping.object_class) in seen:
                yield part.problem(
                    f"Measurement {mapping.measurement!r} is mapped twice for "
                    f"{mapping.object_class}.",
                    "Add the counters of both in one mapping.",
                    key="measurement",
                )
            seen.add((mapping.measurement, mapping.object_class))
            yield from _mapping_problems(draft, mapping, part)


RULES: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    check_duplicates,
    check_names,
    check_units,
    check_sources,
    check_classes,
    check_bounds,
    check_measurement_kinds,
    check_kpi_terms,
    check_kpi_units,
    check_kpi_classes,
    check_thresholds,
    check_vendor_maps,
)


def term_unit(measurement: Measurement | None) -> Unit:
    """Return the unit in which a measurement enters a KPI's sum; None is the observed time."""
    if measurement is None:
        return SECONDS
    unit = measurement.parsed_unit
    return unit * SECONDS if measurement.aggregation == "mean" else unit


def _column(item: Measurement | Kpi) -> str:
    unit = _unit(item.unit)
    return unit.column(item.name) if unit else ""


def _unit(text: str) -> Unit | None:
    try:
        return parse_unit(text)
    except UnitError:
        return None


def _unit_problems(text: str, entry: Entry) -> Iterator[Problem]:
    try:
        parse_unit(text)
    except UnitError as error:
        yield entry.problem(str(error), key="unit")


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


def _term_problems(draft: Draft, item: Kpi, name: str, entry: Entry, key: str) -> Iterator[Problem]:
    known = [*draft.names("measurement"), OBSERVED_TIME]
    if name not in known:
        yield entry.problem(
            f"KPI {item.name!r} uses no known measurement {name!r}{did_you_mean(name, known)}",
            key=key,
        )
    elif name in draft.measurements:
        measured = draft.measurements[name][0]
        unit = _unit(measured.unit)
        if measured.shape == "vector":
            reason = "is a vector; use a measurement derived from it"
        elif measured.aggregation == "max":
            reason = "is a maximum, which does not add up"
        elif unit is not None and unit.is_logarithmic:
            reason = f"is in {measured.unit}, which does not add up"
        else:
            return
        yield entry.problem(f"KPI {item.name!r} uses {name!r}, which {reason}.", key=key)


def _sum_dimensions(draft: Draft, terms: Sequence[str]) -> set[Dimension]:
    found = set()
    for _, name in map(signed, terms):
        if name == OBSERVED_TIME:
            found.add(SECONDS.dimension)
        elif name in draft.measurements and _unit(draft.measurements[name][0].unit) is not None:
            found.add(term_unit(draft.measurements[name][0]).dimension)
    return found


def _limit_problems(
    draft: Draft, item: Kpi, profile: str, limits: Mapping[str, float], entry: Entry
) -> Iterator[Problem]:
    known = draft.names("profile")
    if profile not in known:
        yield entry.problem(
            f"KPI {item.name!r} has thresholds for no known profile {profile!r}"
            f"{did_you_mean(profile, known)}",
            "Profiles are defined in profiles.yaml.",
            key="thresholds",
        )
    if set(limits) != {"warning", "critical"}:
        yield entry.problem(
            f"Thresholds of KPI {item.name!r}, profile {profile!r}, need warning and critical.",
            key="thresholds",
        )
        return
    worse_by = limits["critical"] - limits["warning"]
    if worse_by == 0 or (worse_by > 0) == (item.better == "higher"):
        word = "below" if item.better == "higher" else "above"
        yield entry.problem(
            f"KPI {item.name!r}, profile {profile!r}: critical {limits['critical']:g} must lie "
            f"{word} warning {limits['warning']:g}, since {item.better} is better.",
            "Exchange them, or correct `better`.",
            key="thresholds",
        )
    for name, limit in limits.items():
        if (item.low is not None and limit < item.low) or (
            item.high is not None and limit > item.high
        ):
            yield entry.problem(
                f"KPI {item.name!r}, profile {profile!r}: {name} {limit:g} lies outside its bounds.",
                "A limit that no value can reach never speaks.",
                key="thresholds",
            )


def _mapping_problems(draft: Draft, mapping: CounterMapping, part: Entry) -> Iterator[Problem]:
    known = draft.names("measurement")
    if mapping.measurement not in known:
        yield part.problem(
            f"No measurement {mapping.measurement!r}{did_you_mean(mapping.measurement, known)}",
            key="measurement",
        )
        return
    if mapping.measurement not in draft.measurements:
        return
    measured = draft.measurements[mapping.measurement][0]
    given, wanted = _unit(mapping.unit), _unit(measured.unit)
    if given is not None and wanted is not None and given.dimension != wanted.dimension:
        yield part.problem(
            f"Counters of {mapping.measurement!r} are in {mapping.unit!r}, the measurement is in "
            f"{measured.unit!r}: they measure different things.",
            key="unit",
        )
    classes = draft.object_classes
    if {mapping.object_class, measured.object_class} <= set(classes):
        row, wanted_row = (
            classes[name].row_class for name in (mapping.object_class, measured.object_class)
        )
        if row != wanted_row:
            yield part.problem(
                f"Measurement {mapping.measurement!r} stands on rows of {wanted_row}, its counters "
                f"on rows of {row}.",
                f"Map counters of {wanted_row} or of a class counted on it.",
                key="object_class",
            )
