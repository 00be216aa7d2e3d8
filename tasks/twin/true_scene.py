"""What the truth compares: the run and the same run without faults, and how far apart they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.layout import Network
from tasks.twin.state import State
from tasks.twin.traffic import Season
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]

_LOG_SCALES = {
    "downlink_mbps": 0.30,
    "downlink_user_mbps": 0.30,
    "uplink_user_mbps": 0.35,
    "delay_ms": 0.30,
    "users": 0.30,
}
_PLAIN_SCALES = {"cqi_mean": 0.5, "rise_db": 1.0, "load": 0.12}
_CHANCES = {
    "access_fail": "sessions",
    "core_fail": "sessions",
    "drop": "sessions",
    "handover_fail_inter": "handovers_inter",
    "handover_fail_intra": "handovers_intra",
}
_TRIES_SHARE = {"core_fail": 0.35}
_MOSTLY_ABOVE = 3.0
_OWN_SCATTER = 0.35


@dataclass(frozen=True, slots=True)
class Scene:
    """The two states of a run that the truth compares, with its calendar, network and world."""

    network: Network
    calendar: Season
    state: State
    sound: State
    world: World


def state_effect(state: State, sound: State) -> Array:
    """Return how far every cell is from its sound state, 1 being just beyond scatter.

    Shape (periods, cells). Volumes and rates are compared as logarithms, failure shares against
    the scatter of as many tries and the cell's own ups and downs.
    """
    found = np.where(state.available < 1.0, np.float32(10.0), np.float32(0.0))
    found = np.where(sound.available < 1.0, np.float32(0.0), found)
    for name, scale in _LOG_SCALES.items():
        now, then = getattr(state, name), getattr(sound, name)
        found = np.maximum(found, np.abs(np.log((now + 0.02) / (then + 0.02))) / scale)
    for name, scale in _PLAIN_SCALES.items():
        now, then = getattr(state, name), getattr(sound, name)
        found = np.maximum(found, np.abs(now - then) / scale)
    for name, tries_name in _CHANCES.items():
        now, then = getattr(state, name), getattr(sound, name)
        tries = getattr(sound, tries_name) * _TRIES_SHARE.get(name, 1.0) + 1.0
        scatter = np.sqrt(then * (1.0 - then) / tries) + _OWN_SCATTER * then
        found = np.maximum(found, np.abs(now - then) / (_MOSTLY_ABOVE * scatter))
    return np.asarray(found, dtype=np.float32)
