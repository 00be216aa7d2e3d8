"""How deep a carrier can save energy, and the words for it.

3GPP TS 38.864 6.1 knows micro, light and deep sleep of a base station, and savings in the spatial
and power domain. The network is told by two attributes of `CESManagementFunction` (3GPP TS 28.541):
`energySavingControl`, and `energySavingMode`, an extension that says how deep.
"""

from collections.abc import Mapping
from typing import Literal

SavingMode = Literal[
    "ACTIVE", "MICRO_SLEEP", "MIMO_MUTED", "POWER_REDUCED", "LIGHT_SLEEP", "DEEP_SLEEP"
]
MODES: tuple[SavingMode, ...] = (
    "ACTIVE", "MICRO_SLEEP", "MIMO_MUTED", "POWER_REDUCED", "LIGHT_SLEEP", "DEEP_SLEEP",
)  # fmt: skip
"""Modes by number, as arrays of modes hold them."""

OFF_AIR: tuple[bool, ...] = (False, False, False, False, True, True)
"""Whether a cell serves nobody in a mode."""

SAVING_FUNCTION = "CESManagementFunction"
CONTROL, SAVE, DO_NOT_SAVE = "energySavingControl", "toBeEnergySaving", "toBeNotEnergySaving"
STATE, SAVES, SAVES_NOT = "energySavingState", "isEnergySaving", "isNotEnergySaving"
MODE = "energySavingMode"
SWITCH = "cesSwitch"


def acting_mode(attributes: Mapping[str, object]) -> SavingMode:
    """Return the mode that a saving function's attributes put its cell in."""
    if attributes.get(SWITCH) is not True or attributes.get(CONTROL) != SAVE:
        return "ACTIVE"
    return next((mode for mode in MODES if mode == attributes.get(MODE)), "ACTIVE")
