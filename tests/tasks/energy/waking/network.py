"""A sector of four carriers for stories of waking: one carries for three."""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from semantic_layer.energy_waking import EnergyWakingRules
from tasks.energy.planning.problem import Cover, Groups, Moves, SleepProblem, Standing
from tasks.energy.waking.fast_rule import Seen
from tasks.twin.sleep_modes import MODES

ACTIVE, MUTED, LIGHT, DEEP = (
    MODES.index(name) for name in ("ACTIVE", "MIMO_MUTED", "LIGHT_SLEEP", "DEEP_SLEEP")
)
CARRIER, MUCH, SOME, LITTLE = range(4)
RULES = EnergyWakingRules(
    detection_seconds=60,
    own_mode_seconds=180,
    feed_silent_seconds=300,
    feed_lost_share=0.2,
    command_seconds=20,
    hold_hours=1,
    full_share=1,
    relieving_share=0.95,
    leaning_work=0.002,
    newest_minutes=45,
    troubling_categories=("accessibility",),
)
MOVES = Moves(
    booster=np.array([MUCH, SOME, LITTLE]),
    candidate=np.array([CARRIER, CARRIER, CARRIER]),
    work=np.array([2.0, 1.0, 0.05]),
    watts=np.array([10.0, 10.0, 10.0]),
)
OWN = np.array([0.1, 0.1, 0.1, 0.1])
"""Own work; of what is moved, much brings .2, some .1, little .005."""

ASLEEP = np.array([ACTIVE, DEEP, LIGHT, DEEP])
KEPT = np.array([1.0, 1.0, 0.5, 0.5, 0.0, 0.0])


def seen(*work: float, limit: float = 0.5, troubled: tuple[int, ...] = ()) -> Seen:
    """Return what is seen of the four carriers."""
    flags = np.zeros(4, dtype=bool)
    flags[list(troubled)] = True
    return Seen(np.array(work), np.full(4, limit), flags)


def problem(hours: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25, 1.0)) -> SleepProblem:
    """Return a problem in which nothing binds."""
    cells, periods, modes = 4, len(hours), len(MODES)
    return SleepProblem(
        cell_dns=tuple(f"NRCellDU={number}" for number in range(cells)),
        hours=np.array(hours),
        price=np.ones(periods),
        work=np.full((cells, periods), 0.01),
        expected_work=np.full((cells, periods), 0.01),
        idle_w=np.tile([300.0, 280.0, 200.0, 250.0, 60.0, 10.0], (cells, 1)),
        slope_w=np.tile([300.0, 300.0, 250.0, 250.0, 0.0, 0.0], (cells, 1)),
        capacity=np.tile(np.where(KEPT > 0, 0.6 * KEPT, 0.0), (cells, periods, 1)),
        allowed=_allowed(cells, periods),
        switch_wh=np.full((cells, modes), 0.1),
        least_off_h=0.5,
        least_on_h=0.5,
        moves=replace(MOVES),
        cover=Cover(csr_array(np.array([[1.0, 0.0, 0.0, 0.0]])), np.array([1.0])),
        groups=Groups(np.full(cells, -1), np.zeros(0, dtype=np.int64)),
        standing=Standing(np.full(cells, ACTIVE), np.full(cells, 100.0)),
    )


def _allowed(cells: int, periods: int) -> np.ndarray:
    allowed = np.ones((cells, periods, len(MODES)), dtype=bool)
    allowed[CARRIER, :, 4:] = False
    return allowed
