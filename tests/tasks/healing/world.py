"""Cells for stories of healing: four weeks of calm KPIs, in which a story then disturbs some."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from data_products.access import load_access_rules
from semantic_layer.healing import healing_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.guarded_reader import GuardedReader
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.memory_transcripts import InMemoryTranscripts
from tasks.adapters.scripted_chat import NoChat
from tasks.adapters.system_clock import SystemClock
from tasks.agents.opening import Assignment, Engines, run_agent
from tasks.agents.toolbox.sources import ToolSources, WhatIf
from tasks.agents.toolbox.toolbox import toolbox
from tasks.healing.agent import heal_cell
from tasks.healing.departures import Departure
from tasks.healing.gathering import kpi_columns
from tasks.healing.shifts import KpiColumn, needed_days, past_of, shifts
from tasks.healing.tools import HEALING_AGENT, CellFacts, healing_tools
from tasks.settings import settings

RULES = healing_rules()
KPIS = kpi_columns(catalogue(), RULES)
END = datetime(2025, 6, 4, 12, tzinfo=UTC)
DAYS = needed_days(RULES)
CELLS = [
    f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={number}"
    for site in range(1, 9)
    for number in (1, 2, 3)
]
SITES = {cell: cell.split(",")[1] for cell in CELLS}
_USUAL = {
    "traffic_volume_dl": 20.0, "mean_active_users": 50.0, "rach_attempt_rate": 5.0,
    "mean_cqi": 10.0, "spectral_efficiency_dl": 300.0, "ho_execution_success_rate": 98.0,
    "ho_intra_success_rate": 98.5, "cell_availability": 100.0,
}  # fmt: skip


def calm_rows(seed: int = 1) -> pl.DataFrame:
    """Return KPIs of all cells that breathe with the day, and scatter a little."""
    rng = np.random.default_rng(seed)
    periods = DAYS * 96
    starts = [END - timedelta(minutes=15 * (periods - number)) for number in range(periods)]
    day = 1.0 + 0.6 * np.sin(2 * np.pi * np.arange(periods) / 96)
    frames = []
    for cell in CELLS:
        columns = {}
        for kpi in KPIS:
            if kpi.kpi not in _USUAL:
                continue
            usual = _USUAL[kpi.kpi]
            if kpi.is_success_ratio:
                columns[kpi.column] = 100 - (100 - usual) * np.exp(rng.normal(0, 0.4, periods))
            elif kpi.kpi == "cell_availability":
                columns[kpi.column] = np.full(periods, 100.0)
            else:
                breath = day if kpi.kpi in RULES.traffic_kpis else 1.0
                columns[kpi.column] = usual * breath * np.exp(rng.normal(0, 0.05, periods))
        frames.append(pl.DataFrame({"cell_dn": cell, "period_start": starts, **columns}))
    return pl.concat(frames)


def column(name: str) -> str:
    """Return a KPI's column."""
    found: KpiColumn = next(kpi for kpi in KPIS if kpi.kpi == name)
    return found.column


def disturbed(rows: pl.DataFrame, cell: str, hours: float, **factors: float) -> pl.DataFrame:
    """Return the rows with KPIs of one cell multiplied in the newest hours."""
    struck = (pl.col("cell_dn") == cell) & (pl.col("period_start") >= END - timedelta(hours=hours))
    return rows.with_columns(
        pl.when(struck).then(pl.col(column(name)) * factor).otherwise(pl.col(column(name)))
        .alias(column(name))
        for name, factor in factors.items()
    )  # fmt: skip


def facts_of(rows: pl.DataFrame, departed: tuple[Departure, ...] = (), **told: object) -> CellFacts:
    """Return the facts that a run would gather, all cells unlocked and without alarms."""
    states = {
        cell: {"cell_dn": cell, "administrative_state": "UNLOCKED", "alarms": [], "changes": []}
        | (told if cell == CELLS[0] else {})
        for cell in CELLS
    }
    return CellFacts(
        shifts(past_of(rows, KPIS, END, DAYS), RULES), departed, SITES, states, window="a story"
    )


def decision_on(facts: CellFacts, chat=None, cell: str = CELLS[0], what_if=None):
    """Return what the agent decides of a cell, and the record of its run; there may be a twin."""
    transcripts = InMemoryTranscripts()
    tools = {**toolbox(_no_sources(what_if)), **healing_tools(facts)}
    engines = Engines(chat or NoChat(), transcripts, _Nowhere(), tools, SystemClock())
    arguments = {"cell_dn": cell, "at": END.isoformat(), "trigger_ids": ["finding-1"]}
    assignment = Assignment(
        "heal_cell", HEALING_AGENT, "heal_cells", "heal-story", arguments=arguments
    )
    decision = run_agent(engines, assignment, heal_cell)
    return decision, transcripts.read("heal-story")


def _no_sources(what_if: WhatIf | None) -> ToolSources:
    """Return sources of nothing but a twin: no table is published, no document indexed."""
    clock = SystemClock()
    rules = load_access_rules(settings().access_rules)
    reader = GuardedReader(InMemoryTables(clock), rules, Path("nothing-is-read"), clock)
    window = Window(END - timedelta(days=1), END)
    return ToolSources(reader, HEALING_AGENT, None, None, window, what_if=what_if)


class _Nowhere:
    """A sink of spans that keeps none."""

    def emit(self, spans) -> None:
        """Forget them."""
