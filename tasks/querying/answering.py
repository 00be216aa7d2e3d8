"""From a question to its answer: which window, which definitions, what entered, what was left out.

from tasks.querying.answering import answer
answer(MetricQuery(("cell_drop_rate",), by=("region", "band"), grain="hour"), tables).rows
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.errors import InputError
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.loading import catalogue as packaged
from semantic_layer.metric_queries import PERIOD, MetricPlan, MetricQuery, planned
from semantic_layer.periods import Window, floor_to
from tasks.ports import DataReader, TableStore
from tasks.querying.engines import MEASUREMENTS, TOPOLOGY, MetricEngine, PolarsEngine, Rows, Tally

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class MetricAnswer:
    """What a metric query came to.

    Attributes:
        query: as asked.
        kpis: the definitions computed, those of conditions too.
        dimensions: names of what it is split by.
        window: the time that was summed over.
        rows: a row a group, ordered; columns are the dimensions, `period_start` unless the grain is
            `none`, `rows_count`, and a column a KPI.
        tally: measurement rows that entered or were left out.
        snapshots: what was read.
        catalogue_version: of the definitions.
    """

    query: MetricQuery
    kpis: tuple[Kpi, ...]
    dimensions: tuple[str, ...]
    window: Window
    rows: pl.DataFrame
    tally: Tally
    snapshots: tuple[Snapshot, ...]
    catalogue_version: str

    @property
    def without_value(self) -> int:
        """Groups in which no KPI has a value."""
        return self.rows.filter(pl.all_horizontal(pl.col(self._columns).is_null())).height

    @property
    def without_place(self) -> int:
        """Groups in which a dimension is unknown."""
        if not self.dimensions:
            return 0
        unknown = pl.any_horizontal(pl.col(self.dimensions).is_null())
        return self.rows.filter(unknown).height

    @property
    def _columns(self) -> list[str]:
        return [kpi.column for kpi in self.kpis]


@dataclass(frozen=True)
class PinnedTables:
    """A store's tables, each at the snapshot that was newest when first asked.

    Attributes:
        tables: the store.
        reader: where set, rows are read through it, for `identity`: checked and on record.
        identity: who asks.
        purpose: why, for the record.
    """

    tables: TableStore
    reader: DataReader | None = None
    identity: str = ""
    purpose: str = "metric query"
    _pinned: dict[str, Snapshot] = field(default_factory=dict)

    def read(
        self, table: str, window: Window | None, columns: Sequence[str] | None
    ) -> pl.LazyFrame:
        """Return rows of a table, of one snapshot, with these columns."""
        pinned = self._pinned.setdefault(table, self.tables.snapshot(table))
        if self.reader is not None:
            return self.reader.read(
                table,
                window,
                identity=self.identity,
                columns=columns,
                purpose=self.purpose,
                snapshot_id=pinned.id or None,
            )
        return self.tables.read(table, window, columns=columns, snapshot_id=pinned.id or None)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """What was read so far, sorted by table."""
        return tuple(self._pinned[name] for name in sorted(self._pinned))


def answer(
    query: MetricQuery,
    tables: TableStore | PinnedTables,
    *,
    catalogue: Catalogue | None = None,
    engine: MetricEngine | None = None,
) -> MetricAnswer:
    """Return what a metric query comes to in published tables.

    Suspect periods enter no sum, nor do rows that cover more time than the grain. Groups are
    ordered in time within each place; without a grain the worst come first.

    Args:
        query: what is asked; without a window, of the newest published day.
        tables: where to read.
        catalogue: the definitions in force; the packaged ones when None.
        engine: what computes; Polars on these tables when None.

    Raises:
        InputError: the question has no answer, or nothing was published yet.
    """
    definitions = catalogue or packaged()
    plan = planned(query, definitions)
    pinned = tables if isinstance(tables, PinnedTables) else PinnedTables(tables)
    window = query.window or newest_day(pinned.tables)
    found, tally = (engine or PolarsEngine(pinned, definitions)).answer(plan, window)
    return MetricAnswer(
        query=query,
        kpis=plan.kpis,
        dimensions=tuple(item.name for item in plan.by),
        window=window,
        rows=_ordered(found, plan),
        tally=tally,
        snapshots=pinned.snapshots,
        catalogue_version=definitions.version,
    )


def newest_day(tables: TableStore) -> Window:
    """Return the newest day of which measurements were published, whole or still filling.

    Raises:
        InputError: none were.
    """
    bounds = tables.bounds(MEASUREMENTS)
    if bounds is None:
        raise InputError("No measurements were published yet; `anops run` ingests a network.")
    start = floor_to(bounds.end - timedelta(microseconds=1), "day")
    return Window(start, start + _DAY)


def _ordered(found: pl.DataFrame, plan: MetricPlan) -> pl.DataFrame:
    places = [item.name for item in plan.by]
    if plan.grain_s:
        return found.sort(*places, PERIOD, nulls_last=True)
    first = plan.kpis[0]
    is_descending = [first.better != "higher", *(False for _ in places)]
    return found.sort(first.column, *places, descending=is_descending, nulls_last=True)


__all__ = [
    "TOPOLOGY",
    "MetricAnswer",
    "PinnedTables",
    "Rows",
    "Tally",
    "answer",
    "newest_day",
]
