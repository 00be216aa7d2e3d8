"""What findings that stand at a cell say of its load to come."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.energy.forecasting.load_history import Floats


@dataclass(frozen=True, slots=True)
class StandingFinding:
    """A finding of the detector that has not ended.

    Attributes:
        cell_dn: where.
        lift: load seen beside load expected, where the finding says so; 1 where it does not.
    """

    cell_dn: str
    lift: float = 1.0


def widening_and_lift(
    findings: Sequence[StandingFinding], cell_dns: Sequence[str], widening: float, most_lift: float
) -> tuple[Floats, Floats]:
    """Return by cell how much wider its quantiles are, and the lift that they must reach.

    Several findings at a cell count as the worst of them. A finding of less load than expected
    widens and lifts nothing: the load may come back.

    Returns:
        (C,) factors on widths, (C,) factors on load; both at least 1.
    """
    lifts = {it.cell_dn: 1.0 for it in findings}
    for it in findings:
        lifts[it.cell_dn] = max(lifts[it.cell_dn], min(it.lift, most_lift))
    wider = np.array([widening if name in lifts else 1.0 for name in cell_dns], np.float32)
    return wider, np.array([lifts.get(name, 1.0) for name in cell_dns], np.float32)
