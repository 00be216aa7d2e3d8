"""Where values come from and where they go: a graph of definitions, columns, tables and readers.

It is drawn from what is declared: the semantic layer (counters, measurements, KPIs, alarms), the
contracts (columns, inputs) and the declared consumers. It knows no data; `row_lineage` follows one
value to its files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import networkx as nx

from data_products.consumption import Consumer, consumers_declared
from data_products.product import Product, ProductTable
from data_products.registry import products
from semantic_layer.errors import InputError, UnknownNameError, did_you_mean
from semantic_layer.loading import Catalogue, catalogue
from semantic_layer.measurements import OBSERVED_TIME, Measurement
from semantic_layer.vendors import VendorMap

Kind = Literal[
    "source", "counter", "measurement", "alarm", "kpi", "product", "table", "column", "consumer"
]
KINDS: tuple[Kind, ...] = (
    "kpi", "measurement", "product", "table", "counter", "column", "consumer", "alarm", "source",
)  # fmt: skip
"""In the order in which a bare name is understood."""

STANDARD = "standard"
"""The source of counters by their standard names."""
_COARSE = ("product", "table")
_SHOWN_WITH_TABLES = ("table", "consumer", "source")
_KPI_PAGE = "semantic_layer/kpi"
_MEASUREMENT_PAGE = "semantic_layer/measurement"
_DELIVERED = "delivered files"
_STANDARD_FILES = "standard measurement files"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing that values come from or go to."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of a tree of lineage: how it hangs on the one before, and what hangs on it.

    Attributes:
        node: what it is.
        how: how values pass between it and the node that it hangs on.
        branches: what hangs on it; each node stands once in a tree, at its shortest distance.
    """

    node: Node
    how: str = ""
    branches: tuple["Branch", ...] = ()

    def nodes(self) -> Iterator[Node]:
        """Yield this node and all that hang on it."""
        yield self.node
        for branch in self.branches:
            yield from branch.nodes()


class LineageGraph:
    """The graph, with its questions."""

    def __init__(self, graph: "nx.DiGraph[Node]") -> None:
        self.graph = graph
        self._by_name: dict[str, list[Node]] = {}
        for node in graph:
            for name in _names(node):
                self._by_name.setdefault(name.casefold(), []).append(node)

    def find(self, name: str) -> tuple[Node, ...]:
        """Return what a name means: a KPI, measurement, product, table, counter, column, ...

        A counter of several vendors is all of them; otherwise a name means one thing.

        Raises:
            UnknownNameError: nothing has the name.
            InputError: several columns have it.
        """
        found = sorted(set(self._by_name.get(name.strip().casefold(), ())))
        if not found:
            known = sorted({each for node in self.graph for each in _names(node)})
            raise UnknownNameError(
                f"Nothing in the lineage is called {name!r}{did_you_mean(name, known)}"
            )
        kind = next(kind for kind in KINDS if any(node.kind == kind for node in found))
        chosen = tuple(node for node in found if node.kind == kind)
        if len(chosen) > 1 and kind != "counter":
            raise InputError(
                f"{name!r} may be {', '.join(node.name for node in chosen)}; name one of them."
            )
        return chosen

    def downstream(self, name: str) -> tuple[Branch, ...]:
        """Return what values of `name` go into, as a tree for each thing that the name means."""
        starts = self.find(name)
        if starts[0].kind == "product":
            starts = tuple(node for node in self.fed_by(starts[0]) if node.kind == "table")
        return tuple(self.tree(node, is_downstream=True) for node in starts)

    def upstream(self, name: str) -> tuple[Branch, ...]:
        """Return what values of `name` come from, as a tree for each thing that it means."""
        return tuple(self.tree(node, is_downstream=False) for node in self.find(name))

    def tree(self, node: Node, *, is_downstream: bool) -> Branch:
        """Return all that hangs on `node`, each once; on a table, tables and readers only."""
        graph = self.graph if is_downstream else self.graph.reverse(copy=False)
        if node.kind in _COARSE:
            shown = (one for one in graph if one == node or one.kind in _SHOWN_WITH_TABLES)
            graph = graph.subgraph(shown)
        children: dict[Node, list[tuple[Node, str]]] = {}
        seen = {node}
        waiting = [node]
        while waiting:
            here = waiting.pop(0)
            for there in sorted(graph[here]):
                if there not in seen:
                    seen.add(there)
                    children.setdefault(here, []).append((there, str(graph[here][there]["how"])))
                    waiting.append(there)
        return _grown(node, "", children)

    def fed_by(self, node: Node) -> list[Node]:
        """Return what feeds `node` directly, sorted."""
        return sorted(self.graph.predecessors(node))

    def path(self, start: Node, end: Node) -> tuple[Node, ...]:
        """Return the shortest way from `start` to `end`, both included; empty when none leads."""
        try:
            return tuple(nx.shortest_path(self.graph, start, end))
        except nx.NetworkXNoPath:
            return ()


@cache
def lineage_graph() -> LineageGraph:
    """Return the graph of the packaged definitions, contracts and consumers."""
    return built_graph(products(), catalogue(), consumers_declared())


def built_graph(
    published: Mapping[str, Product],
    definitions: Catalogue,
    consumers: Mapping[str, Consumer],
) -> LineageGraph:
    """Return the graph of these products, definitions and consumers."""
    graph: nx.DiGraph[Node] = nx.DiGraph()
    for start, end, how in (
        *_definition_edges(definitions),
        *_product_edges(published, definitions),
        *_consumer_edges(published, definitions, consumers),
    ):
        if start != end and not graph.has_edge(start, end):
            graph.add_edge(start, end, how=how)
    return LineageGraph(graph)


def column_inputs(table: ProductTable) -> dict[str, list[tuple[str, str, str]]]:
    """Return for each column of a table the columns it comes from: table, column and how."""
    graph = lineage_graph()
    found: dict[str, list[tuple[str, str, str]]] = {}
    for column in table.columns:
        node = Node("column", f"{table.name}.{column.name}")
        if node not in graph.graph:
            continue
        for source in graph.fed_by(node):
            if source.kind == "column":
                owner, _, name = source.name.rpartition(".")
                how = graph.graph.edges[source, node]["how"]
                found.setdefault(column.name, []).append((owner, name, how))
    return found


Edge = tuple[Node, Node, str]


def _definition_edges(definitions: Catalogue) -> Iterator[Edge]:
    for measurement in definitions.measurements.values():
        yield from _measurement_edges(measurement)
    for vendor in definitions.vendor_maps.values():
        yield from _vendor_edges(vendor)
    for kpi in definitions.kpis.values():
        for _, name in kpi.terms:
            if name != OBSERVED_TIME:
                where = _side(kpi.numerator, kpi.denominator, name)
                yield Node("measurement", name), Node("kpi", kpi.name), where


def _measurement_edges(measurement: Measurement) -> Iterator[Edge]:
    node = Node("measurement", measurement.name)
    if measurement.derived_from is not None:
        how = "sum of its bins" if measurement.reduce == "sum" else "bins weighted by index"
        yield Node("measurement", measurement.derived_from), node, how
        return
    for name in (measurement.standard_name, *measurement.aliases):
        counter = Node("counter", f"{STANDARD}/{name}")
        yield Node("source", _STANDARD_FILES), counter, "delivers"
        yield counter, node, f"of {measurement.object_class}, in {measurement.unit}"


def _vendor_edges(vendor: VendorMap) -> Iterator[Edge]:
    source = Node("source", f"{vendor.title} files")
    for mapping in vendor.mappings:
        for name in mapping.reads:
            counter = Node("counter", f"{vendor.name}/{name}")
            role = "divides" if name == mapping.divided_by else "adds to"
            how = f"{role} it on {mapping.object_class}, in {mapping.unit}"
            yield source, counter, "delivers"
            yield counter, Node("measurement", mapping.measurement), how


def _product_edges(published: Mapping[str, Product], definitions: Catalogue) -> Iterator[Edge]:
    tables = {
        name: table for product in published.values() for name, table in product.tables.items()
    }
    for product in published.values():
        for table in product.tables.values():
            own = Node("table", table.name)
            yield own, Node("product", product.id), "part of"
            for name in table.inputs:
                yield Node("table", name), own, "input"
            for source in table.sources or (() if table.inputs else (_DELIVERED,)):
                yield Node("source", source), own, "delivers"
            for consumer in table.consumers:
                yield own, Node("consumer", consumer), "reads it"
            yield from _column_edges(table, tables, definitions)


def _column_edges(
    table: ProductTable, tables: Mapping[str, ProductTable], definitions: Catalogue
) -> Iterator[Edge]:
    alarms = getattr(definitions, "alarms", {})
    for column in table.columns:
        node = Node("column", f"{table.name}.{column.name}")
        page, _, defined = column.definition.rpartition("/")
        if page == _MEASUREMENT_PAGE:
            yield Node("measurement", defined), node, "is"
        elif page == _KPI_PAGE:
            yield Node("kpi", defined), node, "is"
            yield from _kpi_column_edges(defined, node, table, tables, definitions)
        for origin in column.derived_from:
            yield Node("column", origin), node, "computed from it"
        if not column.definition and not column.derived_from:
            yield from _same_columns(column.name, node, table, tables)
        if column.name == "alarm_name":
            yield from ((Node("alarm", alarm), node, "recognised as") for alarm in alarms)


def _same_columns(
    column: str, node: Node, table: ProductTable, tables: Mapping[str, ProductTable]
) -> Iterator[Edge]:
    for name in table.inputs:
        if any(each.name == column for each in tables[name].columns):
            yield Node("column", f"{name}.{column}"), node, "same"


def _kpi_column_edges(
    kpi: str,
    node: Node,
    table: ProductTable,
    tables: Mapping[str, ProductTable],
    definitions: Catalogue,
) -> Iterator[Edge]:
    """Yield the columns of the table's inputs that carry the KPI's measurements, or the KPI."""
    defined = definitions.kpis[kpi]
    wanted = {
        f"{_MEASUREMENT_PAGE}/{name}": _side(defined.numerator, defined.denominator, name)
        for _, name in defined.terms
        if name != OBSERVED_TIME
    } | {f"{_KPI_PAGE}/{kpi}": "same"}
    for name in table.inputs:
        for column in tables[name].columns:
            if column.definition in wanted:
                yield Node("column", f"{name}.{column.name}"), node, wanted[column.definition]


def _consumer_edges(
    published: Mapping[str, Product],
    definitions: Catalogue,
    consumers: Mapping[str, Consumer],
) -> Iterator[Edge]:
    tables = {
        name: table for product in published.values() for name, table in product.tables.items()
    }
    scored = {kpi.column for kpi in definitions.kpis.values() if _is_scored(kpi)}
    for consumer in consumers.values():
        node = Node("consumer", consumer.name)
        for reading in consumer.reads:
            table = _known_table(tables, reading.table, consumer.name)
            yield Node("table", table.name), node, f"reads it ({consumer.run_by})"
            for column in table.columns:
                if _is_read(column.name, reading.columns, scored):
                    yield Node("column", f"{table.name}.{column.name}"), node, "reads it"
        for name in consumer.writes:
            written = _known_table(tables, name, consumer.name)
            yield node, Node("table", written.name), "writes"


def _is_scored(kpi: object) -> bool:
    is_of_cell = getattr(kpi, "object_class", "") != "ManagedElement"
    return bool(getattr(kpi, "is_scored", False)) and is_of_cell


def _is_read(column: str, wanted: str | Sequence[str], scored: Iterable[str]) -> bool:
    if wanted == "all":
        return True
    return column in (scored if wanted == "scored" else wanted)


def _known_table(tables: Mapping[str, ProductTable], name: str, consumer: str) -> ProductTable:
    if name not in tables:
        raise UnknownNameError.of("table", name, tables, f"consumer {consumer!r}")
    return tables[name]


def _side(numerator: Sequence[str], denominator: Sequence[str], name: str) -> str:
    is_above = any(term.lstrip("- ") == name for term in numerator)
    is_below = any(term.lstrip("- ") == name for term in denominator)
    return (
        "numerator and denominator"
        if is_above and is_below
        else ("numerator" if is_above else "denominator")
    )


def _grown(node: Node, how: str, children: Mapping[Node, list[tuple[Node, str]]]) -> Branch:
    hanging = (_grown(child, said, children) for child, said in children.get(node, ()))
    return Branch(node, how, tuple(hanging))


def _names(node: Node) -> tuple[str, ...]:
    """Return the names by which people call a node."""
    if node.kind == "counter":
        return node.name, node.name.partition("/")[2]
    if node.kind == "column":
        return node.name, node.name.rpartition(".")[2]
    return (node.name,)
