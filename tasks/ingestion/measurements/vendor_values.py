"""Measurements from a vendor's counters, by its map: a column at a time where they are numbers."""

from collections.abc import Iterator

import numpy as np

from semantic_layer.loading import Catalogue
from semantic_layer.vendors import Counted, CounterMapping, VendorMap
from tasks.ingestion.measurements.measured_blocks import Finding
from tasks.ingestion.measurements.measurement_events import NumberArray
from tasks.ingestion.measurements.row_columns import RowColumns, Vector, raw_column

_SOME = 5


def fill_from_vendor(
    columns: RowColumns, vendor: VendorMap, catalogue: Catalogue
) -> Iterator[Finding]:
    """Fill in what the vendor's counters give; a number of a standard counter stands.

    Yields:
        A finding for each measurement that some of its counters would give, had the rest come.
    """
    for mapping in vendor.mappings:
        raw = {name: raw_column(mapping.object_class, name) for name in mapping.reads}
        there = [name for name in mapping.reads if columns.has(raw[name])]
        if not there:
            continue
        if len(there) < len(mapping.reads):
            yield _incomplete(mapping, there)
            continue
        measurement = catalogue.measurement(mapping.measurement)
        if measurement.shape == "vector":
            columns.add_vectors(measurement.column, _vectors(columns, mapping, raw))
        else:
            columns.add_numbers(measurement.column, _numbers(columns, mapping, raw))


def _numbers(columns: RowColumns, mapping: CounterMapping, raw: dict[str, str]) -> NumberArray:
    if mapping.layout == "plain":
        total: NumberArray = np.zeros(columns.rows)
        for sign, name in mapping.terms:
            total = total + sign * columns.numbers(raw[name])
        total = total * mapping.factor
        if mapping.divided_by is None:
            return total
        samples = columns.numbers(raw[mapping.divided_by])
        means: NumberArray = np.full(columns.rows, np.nan)
        np.divide(total, samples, out=means, where=samples != 0)
        return means
    values = np.full(columns.rows, np.nan)
    for row, counted in _counted(columns, raw):
        value = mapping.value(counted)
        if value is not None:
            values[row] = value
    return values


def _vectors(
    columns: RowColumns, mapping: CounterMapping, raw: dict[str, str]
) -> dict[int, Vector]:
    found: dict[int, Vector] = {}
    for row, counted in _counted(columns, raw):
        vector = mapping.vector(counted)
        if vector is not None:
            found[row] = list(vector)
    return found


def _counted(columns: RowColumns, raw: dict[str, str]) -> Iterator[tuple[int, dict[str, Counted]]]:
    """Yield rows of which the counters say anything, and what they say."""
    numbers = {name: columns.numbers(column) for name, column in raw.items()}
    vectors = {name: columns.vectors(column) for name, column in raw.items()}
    is_said = np.zeros(columns.rows, dtype=bool)
    for name in raw:
        is_said |= ~np.isnan(numbers[name])
        is_said[list(vectors[name])] = True
    for row in np.flatnonzero(is_said).tolist():
        counted: dict[str, Counted] = {}
        for name in raw:
            number = float(numbers[name][row])
            counted[name] = _whole(vectors[name].get(row)) or (None if np.isnan(number) else number)
        yield row, counted


def _whole(vector: Vector | None) -> list[float] | None:
    """Return a vector without gaps, None when it has one."""
    if vector is None:
        return None
    known = [number for number in vector if number is not None]
    return known if len(known) == len(vector) else None


def _incomplete(mapping: CounterMapping, there: list[str]) -> Finding:
    absent = [name for name in mapping.reads if name not in there]
    reason = (
        f"{mapping.measurement} of {mapping.object_class} needs {', '.join(absent[:_SOME])} too, "
        f"which no file of the batch has; it stays empty."
    )
    return Finding("vendor map", mapping.measurement, reason, ", ".join(there))
