"""What a KPI's sums are made of: weights, gauges, the rows its measurements stand on, the columns.

Compilers share this, so that Polars and SQL add up the same terms of the same rows.
"""

from collections.abc import Iterable, Sequence

from semantic_layer.kpi_definitions import Kpi
from semantic_layer.measurements import OBSERVED_TIME, Definitions, signed

SECONDS = "granularity_s"
"""The column of the seconds that a row covers."""


def weighted_terms(terms: Sequence[str], catalogue: Definitions) -> list[tuple[float, str]]:
    """Return each term's name with what brings it to the unit of the first, and its sign."""
    first = _factor(signed(terms[0])[1], catalogue)
    return [(sign * _factor(name, catalogue) / first, name) for sign, name in map(signed, terms)]


def is_gauge(name: str, catalogue: Definitions) -> bool:
    """Tell whether a measurement holds over its period, and so weighs by its time."""
    return name == OBSERVED_TIME or catalogue.measurement(name).aggregation == "mean"


def row_class(kpi: Kpi, name: str, catalogue: Definitions) -> str:
    """Return the class on whose row a term of a KPI stands."""
    if name == OBSERVED_TIME:
        return catalogue.object_classes[kpi.object_class].row_class
    return catalogue.object_classes[catalogue.measurement(name).object_class].row_class


def row_classes_differ(kpi: Kpi, catalogue: Definitions) -> bool:
    """Tell whether a KPI's terms stand on rows of several classes."""
    return len({row_class(kpi, name, catalogue) for _, name in kpi.terms}) > 1


def home_classes(kpi: Kpi, name: str, catalogue: Definitions) -> list[str]:
    """Return the classes whose rows may tell a term.

    FDD and TDD cells tell the same; so do vendors' ports that stand beside an interface.
    """
    home = catalogue.object_classes[row_class(kpi, name, catalogue)]
    alike = [
        other.name
        for other in catalogue.object_classes.values()
        if home.is_cell and other.is_cell and other.technology == home.technology
    ]
    if alike:
        return alike
    return [
        other.name for other in catalogue.object_classes.values() if other.row_class == home.name
    ]


def measured_columns(kpis: Iterable[Kpi], catalogue: Definitions) -> tuple[str, ...]:
    """Return the measurement columns that KPIs need, and vectors that they derive from, sorted."""
    found: set[str] = set()
    for kpi in kpis:
        for _, name in kpi.terms:
            if name == OBSERVED_TIME:
                continue
            measurement = catalogue.measurement(name)
            found.add(measurement.column)
            if measurement.derived_from is not None:
                found.add(catalogue.measurement(measurement.derived_from).column)
    return tuple(sorted(found))


def _factor(name: str, catalogue: Definitions) -> float:
    return 1.0 if name == OBSERVED_TIME else catalogue.measurement(name).parsed_unit.factor
