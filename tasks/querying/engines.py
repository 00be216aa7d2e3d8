"""What computes a planned metric query from published rows; Polars, wherever the tables lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from data_products.pm_measurements.derive import derive as completed
from semantic_layer.loading import Catalogue
from semantic_layer.metric_queries import MetricPlan, computed
from semantic_layer.metric_queries_predicates import polars_predicate
from semantic_layer.periods import Window
from tasks.querying.places import CELL_COLUMNS, placed, with_technology

MEASUREMENTS = "pm_measurements"
TOPOLOGY = "network_topology"

_PLACE = (
    "cell_dn",
    "managed_element_dn",
    "object_class",
    "period_start",
    "granularity_s",
    "is_suspect",
)


class Rows(Protocol):
    """Published rows that whoever asks may read."""

    def read(
        self, table: str, window: Window | None, columns: Sequence[str] | None
    ) -> pl.LazyFrame:
        """Return rows of a table, of one snapshot, with these columns."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many measurement rows of the window a query is about, and what became of them.

    Attributes:
        entered: rows that entered sums (as far as they told the KPI's parts).
        suspect: left out, because their file said that the period is unreliable.
        coarse: left out, because they cover more time than the answer's grain.
    """

    entered: int
    suspect: int
    coarse: int


class MetricEngine(Protocol):
    """Answers plans; each engine answers alike."""

    def answer(self, plan: MetricPlan, window: Window) -> tuple[pl.DataFrame, Tally]:
        """Return a row a group, with the columns of `plan.columns`, and what entered."""


class PolarsEngine:
    """Reads only the columns that a plan needs, and computes in this process.

    Args:
        rows: where to read.
        catalogue: the definitions in force.
    """

    def __init__(self, rows: Rows, catalogue: Catalogue) -> None:
        self._rows = rows
        self._catalogue = catalogue

    def answer(self, plan: MetricPlan, window: Window) -> tuple[pl.DataFrame, Tally]:
        """Return a row a group, and what entered; see `MetricEngine.answer`."""
        about = self._about(plan, window)
        if plan.row_condition is not None:
            about = about.filter(polars_predicate(plan.row_condition))
        is_suspect = pl.col("is_suspect").fill_null(value=False)
        is_coarse = pl.col("granularity_s") > (plan.grain_s or window.seconds)
        sound = about.filter(~is_suspect, ~is_coarse)
        counted = about.select(
            entered=(~is_suspect & ~is_coarse).sum(),
            suspect=is_suspect.sum(),
            coarse=(is_coarse & ~is_suspect).sum(),
        )
        groups, tally = pl.collect_all([computed(plan, sound, self._catalogue), counted])
        return groups, Tally(**tally.row(0, named=True))

    def _about(self, plan: MetricPlan, window: Window) -> pl.LazyFrame:
        """Return the rows that can tell the plan's KPIs, each with its dimensions."""
        own = [item.column for item in plan.dimensions if item.name == "object"]
        names = dict.fromkeys([*_PLACE, *own, *plan.measured])
        read = self._rows.read(MEASUREMENTS, window, list(names))
        of_classes = read.filter(pl.col("object_class").is_in(plan.row_classes))
        rows = completed(of_classes, self._catalogue)
        if any(item.is_placed for item in plan.dimensions):
            asked = [item.column for item in plan.dimensions if item.is_placed]
            topology = self._rows.read(TOPOLOGY, None, [*CELL_COLUMNS, *asked]).collect()
            rows = placed(rows, topology, plan.dimensions, window)
        if any(item.name == "technology" for item in plan.dimensions):
            classes = self._catalogue.object_classes
            rows = with_technology(rows, {name: it.technology for name, it in classes.items()})
        return rows
