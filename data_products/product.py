"""What a product is: tables with typed columns, a key, a way to be replaced, and promises.

These are values. `contract.py` makes them from a contract and the semantic layer's definitions;
stores, doors and reports read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from data_products.lineage import LINEAGE_COLUMNS
from semantic_layer.errors import InputError, UnknownNameError

TIME = pl.Datetime("us", "UTC")
"""The type of every time in every table."""

CLASSIFICATIONS = ("public", "internal", "confidential", "restricted")
"""Classes of access, each above the one before; a column that names none is `internal`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: as in the frame.
        dtype: its polars type.
        is_required: nulls break the contract.
        definition: the semantic layer's page on it, `semantic_layer/kpi/...`; empty when none.
        low, high: inclusive bounds of a value (of each element, for lists); None is open.
        allowed: the only values it may have; empty is any.
        pattern: a regular expression that text must match; empty is any.
        place: where the promise stands, `file:line`.
        classification: who may see it, one of `CLASSIFICATIONS`.
        description: what the contract says of it; empty where a definition says it.
        derived_from: columns that it is computed from, `table.column`, where the contract says so.
    """

    name: str
    dtype: pl.DataType
    is_required: bool = False
    definition: str = ""
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    place: str = ""
    classification: str = "internal"
    description: str = ""
    derived_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One promise of service, as the contract words it: `latency` of 1 `d` for a column."""

    name: str
    value: str
    unit: str
    element: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One quality rule of a contract.

    Attributes:
        metric: `nullValues`, `invalidValues`, `duplicateValues`, `rowCount` or `latency`.
        columns: what it is about; empty means every column that the metric can judge.
        low, high: inclusive bounds on the metric itself, for `rowCount` (rows) and `latency` (s).
        limit_share: highest share of failing rows, 0 to 1.
        is_blocking: a broken rule keeps the product from being published.
        place: where it stands, `file:line`.
    """

    metric: str
    columns: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    limit_share: float = 0.0
    is_blocking: bool = True
    place: str = ""


@dataclass(frozen=True)
class ProductTable:
    """One table of a product.

    Attributes:
        name: full name, `product` or `product.table`.
        version: of the contract.
        columns: in order, without the lineage columns.
        key: the columns that name a row.
        time_column: the time by which the table is partitioned and replaced.
        end_column: set when a row is a span; then only spans wholly inside a window are replaced.
        scope: text columns that divide the table; a publish replaces one scope of one window.
        rules: the contract's quality rules.
        inputs: the tables it is derived from.
        consumers: who reads it, as the contract declares.
        sources: the kinds of delivery that fill it, as the contract declares.
        description: what one row is.
    """

    name: str
    version: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    time_column: str
    end_column: str | None = None
    scope: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    inputs: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    description: str = ""

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns and their types, lineage columns last."""
        own: dict[str, pl.DataType] = {column.name: column.dtype for column in self.columns}
        return own | dict.fromkeys(LINEAGE_COLUMNS, pl.String())

    @cached_property
    def classifications(self) -> dict[str, str]:
        """The class of each column; lineage columns are `internal`."""
        own = {column.name: column.classification for column in self.columns}
        return own | dict.fromkeys(LINEAGE_COLUMNS, "internal")

    def scoped(self, scope: Mapping[str, str] | None) -> dict[str, str]:
        """Return `scope` in the contract's order, after checking that it is whole.

        Raises:
            InputError: a scope column is missing, or one is named that is none.
        """
        given = dict(scope or {})
        if set(given) != set(self.scope):
            raise InputError(
                f"Table {self.name!r} is replaced by {', '.join(self.scope) or 'window only'}; "
                f"the publish named {', '.join(sorted(given)) or 'no scope'}."
            )
        return {name: given[name] for name in self.scope}


@dataclass(frozen=True, slots=True)
class Product:
    """What is published under one contract.

    Attributes:
        id: the product's name and folder.
        version: of the contract.
        purpose: one sentence.
        limitations: what it must not be used for.
        tables: by full name; the first is the product's own.
        inputs: the products it is derived from.
        access: who may do what: role name to access, as the contract grants it.
        owner: the team that answers for it; empty where the contract names none.
        support: where its readers can ask.
        domain: the part of operations that it belongs to.
        service_levels: what the contract promises of timeliness.
    """

    id: str
    version: str
    purpose: str
    limitations: str
    tables: Mapping[str, ProductTable]
    inputs: tuple[str, ...] = ()
    access: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    support: str = ""
    domain: str = ""
    service_levels: tuple[ServiceLevel, ...] = ()

    def table(self, name: str) -> ProductTable:
        """Return one of its tables.

        Raises:
            UnknownNameError: it has no such table.
        """
        if name not in self.tables:
            raise UnknownNameError.of("table", name, self.tables, f"product {self.id}")
        return self.tables[name]
