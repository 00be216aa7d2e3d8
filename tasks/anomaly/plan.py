"""What one scoring run does: which KPIs, on which grid, learnt from when, by which rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from semantic_layer.detection import Detection
from semantic_layer.periods import Window
from tasks.anomaly.arrays import Integers
from tasks.anomaly.cube import Grid, scoring_grid
from tasks.anomaly.scored_kpis import ScoredKpi

_MEMORIES_TO_WARM_UP = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """What is scored: KPIs, grid, and where training ends and the window begins on it."""

    kpis: tuple[ScoredKpi, ...]
    granularity: str
    grid: Grid
    training_periods: int
    first_scored: int
    rules: Detection

    @property
    def scored_periods(self) -> int:
        """How many periods the window holds."""
        return self.grid.periods_count - self.first_scored

    @property
    def memories(self) -> list[float]:
        """Spans, in periods, over which deviations are remembered; the first is none."""
        spans = [hours * 3600 / self.grid.granularity_s for hours in self.rules.memory_hours]
        return [1.0, *(span for span in spans if span >= 2)]

    @property
    def warm_from(self) -> int:
        """The first period that the window's memories still know of."""
        return max(self.first_scored - int(_MEMORIES_TO_WARM_UP * max(self.memories)), 0)

    def weekdays(self, first: int, last: int) -> Integers:
        """Return the weekday numbers of the days that periods [first, last) touch."""
        slots = self.grid.slots_a_day
        days = np.arange(first // slots, -(-last // slots))
        return (self.grid.start.weekday() + days) % 7

    def window_starts(self) -> pl.Series:
        """Return the starts of the window's periods."""
        step = timedelta(seconds=self.grid.granularity_s)
        first = self.grid.start_of(self.first_scored)
        return pl.datetime_range(
            first,
            first + step * self.scored_periods,
            step,
            closed="left",
            time_unit="us",
            time_zone="UTC",
            eager=True,
        )


def scoring_plan(
    kpis: Sequence[ScoredKpi], window: Window, granularity: str, rules: Detection
) -> Plan:
    """Return the plan for a window of a table of one granularity."""
    grid = scoring_grid(window, granularity, rules.training_days)
    return Plan(
        tuple(kpis),
        granularity,
        grid,
        rules.training_days * grid.slots_a_day,
        grid.index_of(window.start),
        rules,
    )
