"""What the catalogue page tells of each product: promises, readers, freshness, quality, size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from data_products.lineage_graph import LineageGraph, Node
from data_products.product import Column, Product, ProductTable
from data_products.quality_history import quality_history
from semantic_layer.loading import Catalogue
from tasks.ports import TableStore

_LAST_RUNS = 5
_SHOWN_WINDOWS = 60


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """One column on the page."""

    name: str
    dtype: str
    classification: str
    is_key: bool
    is_required: bool
    says: str
    definition: str
    bounds: str
    comes_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QualityMark:
    """One published window's verdict, for the strip of marks."""

    window: str
    scope: str
    is_accepted: bool
    failed_checks: int
    broken: str


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table on the page."""

    name: str
    grain: str
    columns: tuple[ColumnEntry, ...]
    inputs: tuple[str, ...]
    sources: tuple[str, ...]
    consumers: tuple[str, ...]
    newest: datetime | None
    oldest: datetime | None
    rows: int
    size_bytes: int
    snapshots: int
    runs: tuple[Mapping[str, object], ...]
    quality: tuple[QualityMark, ...]
    freshness: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """One product on the page."""

    product: Product
    tables: tuple[TableEntry, ...]


def catalogue_entries(
    published: Mapping[str, Product],
    definitions: Catalogue,
    graph: LineageGraph,
    tables: TableStore,
    moment: datetime,
    size_of: Callable[[str], int],
) -> list[ProductEntry]:
    """Return every product with what is published of it.

    Args:
        published: the products.
        definitions: what their columns mean.
        graph: where columns come from and who reads.
        tables: the store.
        moment: against which freshness is told.
        size_of: bytes that a table takes on disk; 0 where that is not known.
    """
    return [
        ProductEntry(
            product,
            tuple(
                _table_entry(table, definitions, graph, tables, moment, size_of(name))
                for name, table in product.tables.items()
            ),
        )
        for product in published.values()
    ]


def _table_entry(
    table: ProductTable,
    definitions: Catalogue,
    graph: LineageGraph,
    tables: TableStore,
    moment: datetime,
    size_bytes: int,
) -> TableEntry:
    bounds = tables.bounds(table.name)
    history = tables.history(table.name)
    newest = bounds.end if bounds else None
    freshness, is_late = _freshness(table, newest, moment)
    node = Node("table", table.name)
    readers = graph.graph.successors(node) if node in graph.graph else ()
    rows = tables.read(table.name).select(pl.len()).collect().item() if bounds else 0
    return TableEntry(
        name=table.name,
        grain=table.description,
        columns=tuple(_column_entry(table, column, definitions, graph) for column in table.columns),
        inputs=table.inputs,
        sources=table.sources,
        consumers=tuple(
            sorted(str(each.name) for each in readers if each.kind in ("table", "consumer"))
        ),
        newest=newest,
        oldest=bounds.start if bounds else None,
        rows=int(rows),
        size_bytes=size_bytes,
        snapshots=history.height,
        runs=tuple(history.tail(_LAST_RUNS).reverse().to_dicts()),
        quality=_marks(tables, table.name),
        freshness=freshness,
        is_late=is_late,
    )


def _freshness(table: ProductTable, newest: datetime | None, moment: datetime) -> tuple[str, bool]:
    """Return how old the newest row is, and whether that breaks a promised latency."""
    if newest is None:
        return "nothing published", False
    age = moment - newest
    limits = [rule.high for rule in table.rules if rule.metric == "latency" and rule.high]
    said = f"{age_text(age)} old"
    if not limits:
        return f"{said}; no latency is promised", False
    limit = timedelta(seconds=min(limits))
    return f"{said}; promised {age_text(limit)}", age > limit


def age_text(span: timedelta) -> str:
    """Return a span in its two greatest units, `2 d 3 h`."""
    seconds = int(max(span.total_seconds(), 0))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min")]
    told = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(told) or f"{seconds} s"


def _marks(tables: TableStore, table: str) -> tuple[QualityMark, ...]:
    found = quality_history(tables.read("data_quality"), table).tail(_SHOWN_WINDOWS)
    return tuple(
        QualityMark(
            window=f"{row['window_start']:%Y-%m-%d %H:%M} to {row['window_end']:%Y-%m-%d %H:%M}",
            scope=row["scope"] or "",
            is_accepted=bool(row["is_accepted"]),
            failed_checks=row["failed_checks"],
            broken=", ".join(row["broken"]),
        )
        for row in found.iter_rows(named=True)
    )


def _column_entry(
    table: ProductTable, column: Column, definitions: Catalogue, graph: LineageGraph
) -> ColumnEntry:
    page, _, name = column.definition.rpartition("/")
    kind = page.rpartition("/")[2]
    defined = (definitions.kpis if kind == "kpi" else definitions.measurements).get(name)
    node = Node("column", f"{table.name}.{column.name}")
    feeding = graph.fed_by(node) if node in graph.graph else []
    return ColumnEntry(
        name=column.name,
        dtype=str(column.dtype).replace("time_unit='us', time_zone='UTC'", "us, UTC"),
        classification=column.classification,
        is_key=column.name in table.key,
        is_required=column.is_required,
        says=column.description or (defined.description if defined else ""),
        definition=f"{kind} {name}" if name else "",
        bounds=_bounds(column),
        comes_from=tuple(each.name for each in feeding if each.kind == "column"),
    )


def _bounds(column: Column) -> str:
    if column.allowed:
        return _listed(column.allowed)
    if column.low is None and column.high is None:
        return ""
    low = "" if column.low is None else f"{column.low:g}"
    high = "" if column.high is None else f"{column.high:g}"
    return f"{low} to {high}" if low and high else (f"from {low}" if low else f"up to {high}")


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values)
