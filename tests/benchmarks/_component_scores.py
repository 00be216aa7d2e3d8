"""Principal components of the same KPI cube, the usual multivariate baseline: reconstruction error.

Twice: of values as they are, each cell's KPIs brought to mean 0 and deviation 1 over its history;
and of the deviations that the detector itself judges, which owe it the time of week, shared shocks
and load.
"""

import numpy as np
import numpy.typing as npt

from tasks.anomaly.arrays import Floats
from tasks.anomaly.cell_model import cell_model
from tasks.anomaly.cube import KpiCube
from tasks.anomaly.deviation_panels import deviation_panel
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.plan import Plan
from tasks.anomaly.scoring import learnt_network
from tasks.ports import WorkerPool

_SEED = 0
_CELLS_AT_ONCE = 32


def component_scores(
    cube: KpiCube, plan: Plan, workers: WorkerPool
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Return errors of values and of deviations in the window, both [cells, periods]."""
    slots, kpis = plan.grid.slots_a_day, tuple(kpi.name for kpi in plan.kpis)
    plain = Panel(_standardized(cube.values, plan.training_periods), kpis, slots)
    network = learnt_network(plan, cube, workers)
    parts = []
    for start in range(0, len(cube.cells), _CELLS_AT_ONCE):
        some = cube.values[start : start + _CELLS_AT_ONCE]
        model = cell_model(some, plan, network)
        parts.append(deviation_panel(some, model, plan, network, 0, plan.grid.periods_count))
    strayed = Panel(np.concatenate([part.values for part in parts]), kpis, slots)
    return _errors(plain, plan), _errors(strayed, plan)


def _errors(panel: Panel, plan: Plan) -> Floats:
    family = PrincipalComponents()
    model = family.fit(panel.periods(0, plan.training_periods), _SEED)
    return family.scores(model, panel.periods(plan.first_scored, plan.grid.periods_count))


def _standardized(values: Floats, training: int) -> Floats:
    known = np.isfinite(values[..., :training])
    filled = np.where(known, values[..., :training], 0)
    count = np.maximum(known.sum(axis=2, keepdims=True), 1)
    mean = filled.sum(axis=2, keepdims=True, dtype=np.float64) / count
    squares = (np.where(known, filled - mean, 0) ** 2).sum(axis=2, keepdims=True) / count
    return np.asarray((values - mean) / np.sqrt(np.maximum(squares, 1e-12)), np.float32)
