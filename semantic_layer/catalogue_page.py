"""The catalogue as a page for people: `python -m semantic_layer.catalogue_page` writes it.

The page is generated from the definitions; a test fails when it is stale.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import yaml

from semantic_layer.catalogue_page_alarms import alarm_lines, table, wording_lines
from semantic_layer.detection import PACKAGED as RULES_OF_DETECTION
from semantic_layer.kpis import Kpi
from semantic_layer.loading import PACKAGED, Catalogue, load_catalogue
from semantic_layer.measurements import Measurement
from semantic_layer.vendors import CounterMapping

PAGE = PACKAGED / "CATALOGUE.md"
_HEAD = """# Catalogue

Generated from the YAML files beside this page by `make catalogue`; do not edit.
Version `{version}`: {measurements} measurements, {kpis} KPIs, {classes} object classes,
{vendors} vendor map{plural}, {alarms} alarms, {rules} causal rules, {terms} terms of the field.

A KPI is two sums of measurements: added over time and space first, then divided. A gauge
(`mean`) enters a sum times the seconds that it covers. `observed_time` is those seconds."""


def catalogue_page(catalogue: Catalogue) -> str:
    """Return the page as Markdown."""
    return "\n".join((*_lines(catalogue), ""))


def main() -> None:
    """Write the page beside the definitions."""
    write_page(PAGE)


def write_page(path: Path) -> None:
    """Write the page of the packaged catalogue to `path`."""
    path.write_text(catalogue_page(load_catalogue(PACKAGED)), encoding="utf-8")


def _lines(catalogue: Catalogue) -> Iterator[str]:
    vendors = len(catalogue.vendor_maps)
    yield _HEAD.format(
        version=catalogue.version,
        measurements=len(catalogue.measurements),
        kpis=len(catalogue.kpis),
        classes=len(catalogue.object_classes),
        vendors=vendors,
        plural="" if vendors == 1 else "s",
        alarms=len(catalogue.alarms),
        rules=len(catalogue.correlation_rules),
        terms=len(catalogue.synonym_terms),
    )
    yield "\n## KPIs"
    ordered = sorted(catalogue.kpis.values(), key=lambda kpi: kpi.category)
    for category, kpis in groupby(ordered, key=lambda kpi: kpi.category):
        yield f"\n### {category.replace('_', ' ').capitalize()}"
        for kpi in kpis:
            yield from _kpi_lines(kpi)
    yield "\n## Measurements"
    by_class = sorted(catalogue.measurements.values(), key=_class_of)
    for (technology, object_class), items in groupby(by_class, key=_class_of):
        yield f"\n### {object_class} ({technology})\n"
        yield from table(
            ("name", "standard name", "unit", "over time", "bounds", "meaning", "source"),
            [_measurement_row(item) for item in items],
        )
    yield "\n## Object classes\n"
    yield from table(
        ("class", "contained by", "counted on", "meaning", "source"),
        [
            (
                f"`{item.name}`",
                ", ".join(item.contained_by) or "-",
                item.row_class,
                item.description,
                item.source,
            )
            for item in catalogue.object_classes.values()
        ],
    )
    yield "\n## Profiles\n"
    yield from table(
        ("profile", "meaning"),
        [(f"`{item.name}`", item.description) for item in catalogue.profiles.values()],
    )
    for vendor in catalogue.vendor_maps.values():
        yield f"\n## Vendor map: {vendor.title}\n\n{vendor.description} Source: {vendor.source}.\n"
        yield from table(
            ("measurement", "class", "counters", "unit", "times", "why"),
            [_mapping_row(mapping) for mapping in vendor.mappings],
        )
    yield from alarm_lines(catalogue)
    yield from wording_lines(catalogue)
    yield from _detection_lines()


def _detection_lines() -> Iterator[str]:
    yield "\n## Detection\n"
    yield from table(
        ("rule", "value", "unit", "meaning", "owner"),
        [
            (
                f"`{rule['name']}`",
                _said(rule["value"]),
                rule["unit"],
                rule["description"],
                rule["owner"],
            )
            for rule in yaml.safe_load(RULES_OF_DETECTION.read_text(encoding="utf-8"))
        ],
    )


def _said(value: object) -> str:
    """Return a rule's value as text: lists by commas, severities by their limits."""
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, dict):
        return " ".join(str(each) for each in value.values())
    return str(value)


def _kpi_lines(kpi: Kpi) -> Iterator[str]:
    looked_at = "scored" if kpi.is_scored else "not scored"
    yield f"\n#### `{kpi.name}`: {kpi.title}\n"
    yield f"{kpi.description}\n"
    yield f"- column `{kpi.column}`, {kpi.technology} {kpi.object_class}, {looked_at}, " + (
        f"{kpi.better} is better, bounds {_bounds(kpi)}"
    )
    yield f"- ({_sum(kpi.numerator)}) / ({_sum(kpi.denominator)}), in {kpi.unit}"
    for profile, limits in kpi.thresholds.items():
        yield f"- {profile}: warning {limits['warning']:g}, critical {limits['critical']:g}"
    yield f"- source: {kpi.source}"


def _measurement_row(item: Measurement) -> tuple[str, ...]:
    meaning = item.description
    if item.derived_from:
        meaning += f" Derived from `{item.derived_from}`."
    over_time = "vector, sum" if item.shape == "vector" else item.aggregation
    return (
        f"`{item.name}`",
        item.standard_name,
        item.unit,
        over_time,
        _bounds(item),
        meaning,
        item.source,
    )


def _mapping_row(mapping: CounterMapping) -> tuple[str, ...]:
    counters = " ".join(f"{'-' if sign < 0 else '+'} {name}" for sign, name in mapping.terms)
    counters = counters.removeprefix("+ ")
    if mapping.divided_by:
        counters = f"({counters}) / {mapping.divided_by}"
    return (
        f"`{mapping.measurement}`",
        mapping.object_class,
        counters,
        mapping.unit,
        f"{mapping.factor:g}",
        mapping.description,
    )


def _class_of(item: Measurement) -> tuple[str, str]:
    return item.technology, item.object_class


def _bounds(item: Measurement | Kpi) -> str:
    low = "" if item.low is None else f"{item.low:g}"
    high = "" if item.high is None else f"{item.high:g}"
    return f"{low}..{high}" if low or high else "none"


def _sum(terms: Sequence[str]) -> str:
    return " + ".join(f"`{term}`" for term in terms).replace("+ `-", "- `")


if __name__ == "__main__":
    main()
