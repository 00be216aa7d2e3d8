"""Which fault it is that moves a cell, where several stand: each is tried alone.

For every fault the run is computed again over its own periods with nothing else broken. What moves
a cell is then the fault that alone would move it furthest. A fault that alone moves no cell beyond
scatter cannot be seen in measurements, whatever its alarms say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.effects import conditions_of
from tasks.twin.faults import Fault
from tasks.twin.state import State, network_state
from tasks.twin.true_scene import Scene, state_effect

Array = npt.NDArray[np.floating[Any]]

NEIGHBOR_EFFECT = 0.5
"""From this effect on a cell is listed though no fault names it."""


@dataclass(frozen=True, slots=True)
class Causes:
    """What moves cells, by (periods, cells) of the run.

    Attributes:
        effect: how far the cell is from its sound state, 1 being just beyond scatter.
        fault: number of the fault behind it; -1 where none is and no fault names the cell.
        is_visible: by fault, alone it moves some cell beyond scatter.
    """

    effect: Array
    fault: npt.NDArray[np.int32]
    is_visible: tuple[bool, ...]


def causes_of(scene: Scene, faults: Sequence[Fault]) -> Causes:
    """Return what moves each cell in each period.

    Where nothing is moved, a cell belongs to the fault that names it and the fewest others.
    """
    whole = state_effect(scene.state, scene.sound)
    furthest = np.zeros(whole.shape, dtype=np.float32)
    fewest = np.full(whole.shape, np.iinfo(np.int32).max, dtype=np.int32)
    mover = np.full(whole.shape, -1, dtype=np.int32)
    namer = np.full(whole.shape, -1, dtype=np.int32)
    visible = []
    for number, fault in enumerate(faults):
        time = slice(fault.first, fault.last)
        alone = whole[time] if _stands_alone(fault, faults) else effect_alone(scene, fault)
        visible.append(bool((alone >= 1.0).any()))
        further = alone > furthest[time]
        mover[time][further] = number
        furthest[time] = np.maximum(furthest[time], alone)
        named = np.ix_(range(fault.first, fault.last), fault.cells)
        fewer = len(fault.cells) < fewest[named]
        namer[named] = np.where(fewer, number, namer[named])
        fewest[named] = np.minimum(fewest[named], len(fault.cells))
    is_moved = (whole >= NEIGHBOR_EFFECT) & (mover >= 0)
    return Causes(whole, np.where(is_moved, mover, namer), tuple(visible))


def effect_alone(scene: Scene, fault: Fault) -> Array:
    """Return how far a fault alone moves every cell, by (periods of the fault, cells)."""
    state, sound = state_alone(scene, fault)
    return state_effect(state, sound)


def state_alone(scene: Scene, fault: Fault) -> tuple[State, State]:
    """Return the state under one fault, and the sound one, over the fault's periods."""
    first, last = fault.first, fault.last
    world, sound = scene.world.between(first, last), scene.sound.between(first, last)
    from_start = replace(fault, first=0, last=last - first)
    return network_state(world, conditions_of(world, [from_start], sound)), sound


def _stands_alone(fault: Fault, faults: Sequence[Fault]) -> bool:
    return not any(
        other is not fault and other.first < fault.last and fault.first < other.last
        for other in faults
    )
