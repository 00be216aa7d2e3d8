"""The KPI arithmetic as a slow loop over dictionaries, to hold the compiled one against."""

from collections.abc import Iterable, Sequence

from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.units import parse_unit

Row = dict[str, object]


def amount(row: Row, name: str, known: Catalogue) -> float | None:
    """Return what a row adds to a sum of base units, or None when it has no such value."""
    seconds = row["granularity_s"]
    assert isinstance(seconds, int)
    if name == "observed_time":
        return float(seconds)
    definition = known.measurements[name]
    value = row.get(definition.column)
    if value is None:
        return None
    assert isinstance(value, float)
    scaled = value * parse_unit(definition.unit).factor
    return scaled * seconds if definition.aggregation == "mean" else scaled


def total(row: Row, terms: Iterable[str], known: Catalogue) -> float | None:
    result = 0.0
    for term in terms:
        part = amount(row, term.lstrip("-"), known)
        if part is None:
            return None
        result += -part if term.startswith("-") else part
    return result


def naive_kpi(rows: Sequence[Row], kpi: Kpi, known: Catalogue) -> float | None:
    """Return one KPI of a group of rows: sums first, then the division."""
    above = below = 0.0
    for row in rows:
        parts = total(row, kpi.numerator, known), total(row, kpi.denominator, known)
        if parts[0] is not None and parts[1] is not None:
            above += parts[0]
            below += parts[1]
    return above / below / parse_unit(kpi.unit).factor if below else None
