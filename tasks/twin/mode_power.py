"""What a radio draws in each mode of energy saving, and how much of its capacity stays.

Watts of an active carrier are those of power.py (EARTH). 3GPP TR 38.864 6.1 tells the power of
states relative to each other, by category and set of reference configurations; one relative unit
is here the radio's full-load watts over the set's relative power of a full downlink.

Every mode on the air is a line over work: a share of symbols never sleeps, and symbols that carry
users' data are awake besides. Chains that stay on and power that is left shape what an awake
symbol draws (TR 38.864 6.1, scaling in the spatial and the power domain):
`P3 + s_a (P4 - P3) (A + (s_f s_p / eta) (1 - A))`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError
from tasks.twin import link, power
from tasks.twin.layout import BANDS, Band
from tasks.twin.sleep_modes import MODES, SavingMode

Floats = npt.NDArray[np.floating[Any]]
Modes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class RelativePower:
    """A set of TR 38.864 6.1: powers of states relative to each other, and transitions.

    Attributes:
        deep, light, micro, downlink: power of P1 to P4.
        deep_ms, light_ms: time of a transition into sleep and back.
        deep_cost, light_cost: energy of a transition, in relative power times ms.
    """

    deep: float
    light: float
    micro: float
    downlink: float
    deep_ms: float
    light_ms: float
    deep_cost: float
    light_cost: float


_CATEGORY_1 = {"deep_ms": 50.0, "light_ms": 6.0, "deep_cost": 1_000.0, "light_cost": 90.0}
_CATEGORY_2 = {"deep_ms": 10_000.0, "light_ms": 640.0, "deep_cost": 17_000.0, "light_cost": 1_088.0}

RELATIVE_POWERS = {
    (1, 1): RelativePower(1.0, 25.0, 55.0, 280.0, **_CATEGORY_1),
    (1, 2): RelativePower(1.0, 25.0, 50.0, 200.0, **_CATEGORY_1),
    (1, 3): RelativePower(1.0, 25.0, 38.0, 152.0, **_CATEGORY_1),
    (2, 1): RelativePower(1.0, 2.1, 5.5, 32.0, **_CATEGORY_2),
    (2, 2): RelativePower(1.0, 2.1, 5.0, 26.0, **_CATEGORY_2),
    (2, 3): RelativePower(1.0, 2.1, 3.0, 17.6, **_CATEGORY_2),
}
"""By category and set."""


@dataclass(frozen=True, slots=True)
class SavingFeatures:
    """What a radio's software makes of its states; a data sheet's entries.

    Attributes:
        relative: category and set of TR 38.864 that the radio is like.
        awake_share: symbols that never sleep: synchronization, broadcast, paging and random
            access, and gaps too short to be used.
        micro_capacity: share of capacity that stays when resources wait for the next burst.
        static_share: A of TR 38.864, what of a symbol's dynamic power does not follow its load.
        efficiency_at_half: of amplifiers at half their power, over that at full power.
        start_s: time that a carrier's software needs to serve again, by mode off the air; the
            radio draws its active power meanwhile. Orders of magnitude from the field: cells are
            set up again in seconds, a radio that was shut down starts in minutes.
    """

    relative: tuple[int, int] = (1, 1)
    awake_share: float = 0.4
    micro_capacity: float = 0.97
    static_share: float = 0.4
    efficiency_at_half: float = 0.8
    light_start_s: float = 5.0
    deep_start_s: float = 180.0


FEATURES = SavingFeatures()
"""Of every radio of the sample networks."""

HALF_POWER_DB = 3.0
"""What POWER_REDUCED takes off all that the cell transmits."""

_BROADCAST_SHARE = 0.083  # of full power, always on; power.mean_tx_power_dbm says the same
_TYPICAL_SINR_DB = 12.0
_SIZES = "frequency_mhz", "bandwidth_mhz", "downlink_share"


@dataclass(frozen=True)
class RadioModes:
    """A radio by mode; arrays are in the order of `MODES`.

    Attributes:
        idle_w: (M,) power without traffic; off the air, the power.
        slope_w: (M,) power that a unit of work adds, work 1 being all resource blocks of the
            active cell; 0 off the air.
        capacity: (M,) share of the active cell's capacity that stays; 0 off the air.
        switch_wh: (M,) energy of going into a mode off the air and back, beyond the mode's own;
            0 on the air.
        switch_s: (M,) time from being told to serve again until the carrier serves; 0 on the air.
    """

    idle_w: Floats
    slope_w: Floats
    capacity: Floats
    switch_wh: Floats
    switch_s: Floats

    def watts(self, mode: SavingMode, work: float) -> float:
        """Return the power in a mode under work that it can carry."""
        place = MODES.index(mode)
        return float(self.idle_w[place] + self.slope_w[place] * work)


def radio_modes(
    frequency_mhz: float,
    bandwidth_mhz: float,
    tx_power_dbm: float,
    downlink_share: float,
    features: SavingFeatures = FEATURES,
) -> RadioModes:
    """Return what the radio of a carrier draws and carries by mode.

    Args:
        frequency_mhz: of the carrier; with the bandwidth it tells the data sheet (`BANDS`), the
            nearest where none fits.
        bandwidth_mhz: of the carrier.
        tx_power_dbm: radiated power at full load, over all chains.
        downlink_share: share of the time for the downlink; 1 when paired spectrum is used.
        features: what its software makes of its states.

    Raises:
        InputError: a frequency, bandwidth or share is not positive.
    """
    given = frequency_mhz, bandwidth_mhz, downlink_share
    for name, value in zip(_SIZES, given, strict=True):
        if not value > 0.0:
            raise InputError(f"A carrier's {name} is positive; got {value!r}.")
    sheet = min(
        BANDS.values(),
        key=lambda band: (
            abs(np.log(band.frequency_mhz / frequency_mhz)),
            abs(np.log(band.bandwidth_mhz / bandwidth_mhz)),
        ),
    )
    return modes_of(sheet, tx_power_dbm, downlink_share, features)


def saving_input_w(band: Band, load: Floats, tx_power_dbm: float, modes: Modes) -> Floats:
    """Return a radio's input power by period.

    Args:
        band: the carrier.
        load: (periods,) share of the resource blocks that its mode leaves, 0 to 1.
        tx_power_dbm: radiated power at full load, over all chains.
        modes: (periods,) places in `MODES`.
    """
    radio = modes_of(band, tx_power_dbm, band.downlink_share)
    work = load * radio.capacity[modes]
    return np.asarray(radio.idle_w[modes] + radio.slope_w[modes] * work)


def modes_of(
    band: Band, tx_power_dbm: float, downlink_share: float, features: SavingFeatures = FEATURES
) -> RadioModes:
    """Return a radio by mode, see `radio_modes`; its data sheet is the band's."""
    idle, slope = power.radio_line_w(band, tx_power_dbm, downlink_share)
    relative = RELATIVE_POWERS[features.relative]
    unit = (idle + slope) / relative.downlink
    left = dict(zip(MODES, mode_capacity(band, features), strict=True))
    dynamic = unit * (relative.downlink - relative.micro)
    reduced = 0.5 / features.efficiency_at_half
    awake: dict[SavingMode, tuple[float, float]] = {
        "MICRO_SLEEP": (idle, slope),
        "MIMO_MUTED": (
            unit * relative.micro + 0.5 * dynamic * features.static_share,
            0.5 * dynamic * (1.0 - features.static_share),
        ),
        "POWER_REDUCED": (idle - _BROADCAST_SHARE * slope * (1.0 - reduced), slope * reduced),
    }
    lines: dict[SavingMode, tuple[float, float]] = {
        "ACTIVE": (idle, slope),
        "LIGHT_SLEEP": (unit * relative.light, 0.0),
        "DEEP_SLEEP": (unit * relative.deep, 0.0),
    }
    for mode, symbol in awake.items():
        lines[mode] = _sleeping_between(symbol, unit * relative.micro, left[mode], features)
    cost = {
        "LIGHT_SLEEP": unit * relative.light_cost / 1000.0 + idle * features.light_start_s,
        "DEEP_SLEEP": unit * relative.deep_cost / 1000.0 + idle * features.deep_start_s,
    }
    delay = {
        "LIGHT_SLEEP": relative.light_ms / 1000.0 + features.light_start_s,
        "DEEP_SLEEP": relative.deep_ms / 1000.0 + features.deep_start_s,
    }
    return RadioModes(
        idle_w=np.array([lines[mode][0] for mode in MODES]),
        slope_w=np.array([lines[mode][1] for mode in MODES]),
        capacity=np.array([left[mode] for mode in MODES]),
        switch_wh=np.array([cost.get(mode, 0.0) / 3600.0 for mode in MODES]),
        switch_s=np.array([delay.get(mode, 0.0) for mode in MODES]),
    )


def _sleeping_between(
    symbol: tuple[float, float], micro_w: float, capacity: float, features: SavingFeatures
) -> tuple[float, float]:
    """Return the line over work of a carrier that sleeps in symbols without users' data.

    Args:
        symbol: what it draws in an awake symbol without data, and what full load adds.
        micro_w: what it draws in a symbol asleep.
        capacity: work that fills it. Blocks that are given up for waiting are awake and empty;
            what else is lost makes each block carry less.
        features: its share of symbols that never sleep, and the blocks given up.
    """
    static, dynamic = symbol
    asleep = (1.0 - features.awake_share) * (static - micro_w)
    return static - asleep, (asleep + features.micro_capacity * dynamic) / capacity


@cache
def mode_capacity(band: Band, features: SavingFeatures = FEATURES) -> Floats:
    """Return the share of capacity that stays in each mode, (M,); 0 off the air.

    Half of the chains carry half of the layers. Each layer keeps its chains and its share of the
    power, hence its signal and array gain; what is lost is the rank of users who hear more, so
    less than half. At half power a signal is 3 dB lower under the same interference: a user's
    efficiency and rank fall. Both are told at a typical SINR; a cell's own users may lose more.
    """

    def rate(sinr_db: float, layers: float) -> float:
        at = np.array(sinr_db)
        return float(link.efficiency(at) * link.mean_rank(at, layers))

    whole = rate(_TYPICAL_SINR_DB, band.layers)
    lower = _TYPICAL_SINR_DB - HALF_POWER_DB
    micro = features.micro_capacity
    left: dict[SavingMode, float] = {
        "ACTIVE": 1.0,
        "MICRO_SLEEP": micro,
        "MIMO_MUTED": micro * rate(_TYPICAL_SINR_DB, max(band.layers / 2.0, 1.0)) / whole,
        "POWER_REDUCED": micro * rate(lower, band.layers) / whole,
    }
    return np.array([left.get(mode, 0.0) for mode in MODES])
