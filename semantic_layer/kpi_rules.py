"""Rules that KPIs must keep: terms, units, classes, thresholds."""

from collections.abc import Iterator, Mapping, Sequence

from semantic_layer.draft import Draft
from semantic_layer.errors import did_you_mean
from semantic_layer.kpis import DEFAULT_PROFILE, Kpi
from semantic_layer.managed_objects import is_within
from semantic_layer.measurements import OBSERVED_TIME, Measurement, signed
from semantic_layer.units import (
    Dimension,
    Unit,
    dimension_text,
    parse_unit,
    readable_unit,
)
from semantic_layer.yaml_source import Entry, Problem

_SECONDS = parse_unit("s")


def term_unit(measurement: Measurement | None) -> Unit:
    """Return the unit in which a measurement enters a KPI's sum; None is the observed time."""
    if measurement is None:
        return _SECONDS
    unit = measurement.parsed_unit
    return unit * _SECONDS if measurement.aggregation == "mean" else unit


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
        unit = readable_unit(item.unit)
        if len(above) == 1 and len(below) == 1 and unit is not None:
            quotient = Unit("", above.pop(), 1.0) / Unit("", below.pop(), 1.0)
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
            yield from _profile_problems(draft, item, profile, entry)
            yield from _limit_problems(item, profile, limits, entry)


def _term_problems(draft: Draft, item: Kpi, name: str, entry: Entry, key: str) -> Iterator[Problem]:
    known = [*draft.names("measurement"), OBSERVED_TIME]
    if name not in known:
        yield entry.problem(
            f"KPI {item.name!r} uses no known measurement {name!r}{did_you_mean(name, known)}",
            key=key,
        )
    elif name in draft.measurements:
        reason = _why_not_added(draft.measurements[name][0])
        if reason:
            yield entry.problem(f"KPI {item.name!r} uses {name!r}, which {reason}.", key=key)


def _why_not_added(measured: Measurement) -> str:
    unit = readable_unit(measured.unit)
    if measured.shape == "vector":
        return "is a vector; use a measurement derived from it"
    if measured.aggregation == "max":
        return "is a maximum, which does not add up"
    if unit is not None and unit.is_logarithmic:
        return f"is in {measured.unit}, which does not add up"
    return ""


def _sum_dimensions(draft: Draft, terms: Sequence[str]) -> set[Dimension]:
    found = set()
    for _, name in map(signed, terms):
        if name == OBSERVED_TIME:
            found.add(_SECONDS.dimension)
        elif name in draft.measurements and readable_unit(draft.measurements[name][0].unit):
            found.add(term_unit(draft.measurements[name][0]).dimension)
    return found


def _profile_problems(draft: Draft, item: Kpi, profile: str, entry: Entry) -> Iterator[Problem]:
    known = draft.names("profile")
    if profile not in known:
        yield entry.problem(
            f"KPI {item.name!r} has thresholds for no known profile {profile!r}"
            f"{did_you_mean(profile, known)}",
            "Profiles are defined in profiles.yaml.",
            key="thresholds",
        )


def _limit_problems(
    item: Kpi, profile: str, limits: Mapping[str, float], entry: Entry
) -> Iterator[Problem]:
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
    low = float("-inf") if item.low is None else item.low
    high = float("inf") if item.high is None else item.high
    for name, limit in limits.items():
        if not low <= limit <= high:
            yield entry.problem(
                f"KPI {item.name!r}, profile {profile!r}: {name} {limit:g} is out of its bounds.",
                "A limit that no value can reach never speaks.",
                key="thresholds",
            )
