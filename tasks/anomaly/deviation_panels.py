"""What model families read, from KPI values: each cell's deviations in its own spreads."""

from tasks.anomaly.arrays import Floats
from tasks.anomaly.cell_model import CellModel, Network, deviations, residuals
from tasks.anomaly.families.family import Panel
from tasks.anomaly.plan import Plan


def deviation_panel(
    values: Floats, model: CellModel, plan: Plan, network: Network, first: int, last: int
) -> Panel:
    """Return the deviations of some cells over periods [first, last) of the plan's grid.

    A period's deviations are the same wherever the panel begins.

    Args:
        values: [cells, KPIs, periods] over the plan's grid, in the KPIs' units.
        model: what was learnt of these cells.
        plan: what is scored.
        network: what all cells share.
        first: first period of the panel.
        last: the period after its last.
    """
    rest = residuals(values, model.week, plan, first, last)
    strays = deviations(rest, model, network, plan, first)
    slots = plan.grid.slots_a_day
    return Panel(strays, tuple(kpi.name for kpi in plan.kpis), slots, first % slots)
