"""What truly comes of modes in a town, and what its operator measures of it.

Nothing a policy is given here knows the truth; what becomes of its choice is judged by the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import power, supply
from tasks.twin.conditions import Conditions
from tasks.twin.following import LEAD, Following, following_of
from tasks.twin.layout import Cell
from tasks.twin.mode_power import RadioModes, modes_of
from tasks.twin.sample_network import NETWORKS, simulated_run
from tasks.twin.sleep_modes import MODES, OFF_AIR
from tasks.twin.sleeping import coverage_holes, sleeping_conditions, users_under_floor
from tasks.twin.state import State, network_state
from tasks.twin.traffic import PERIODS_A_DAY

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]

ACTIVE, DEEP = MODES.index("ACTIVE"), MODES.index("DEEP_SLEEP")
HOURS = 0.25
"""Length of a period."""

_HISTORY_DAYS = 28
_WARMER_INSIDE_DEGC = 6.0
_COUNTING = (0.01, 0.001)


@dataclass(frozen=True)
class Outcome:
    """What truly comes of the modes of one period.

    Attributes:
        load: (C,) share of resource blocks in use.
        users: (C,) mean number of connected users.
        under: (F, C) share of a cell's users under each floor.
        radio_w: (C,) input power of radios.
        site_w: of all sites together, cooling included.
        newly_uncovered: (A,) share of each area's users that only sleeping cells covered.
    """

    load: Floats
    users: Floats
    under: Floats
    radio_w: Floats
    site_w: float
    newly_uncovered: Floats


@dataclass(frozen=True)
class TrueTown:
    """A town whose time goes on for a week; arrays by cell are in the order of `cells`.

    Attributes:
        seed: of the town.
        following: the week, and the two days before.
        conditions: that act besides modes.
        cells: of the town.
        order: (C,) place of each cell in the twin, whose arrays know no other order.
        radios: by cell.
        starts: of the periods of the week.
        history_start: of the first period of `history`.
        history: (C, P) measured load before the week, NaN where nothing was measured.
        floors: throughput in Mbit/s below which a user is under the floor, one by one.
        coverage_dbm: power below which ground is not covered.
    """

    seed: int
    following: Following
    conditions: Conditions
    cells: tuple[Cell, ...]
    order: Numbers
    radios: tuple[RadioModes, ...]
    starts: tuple[datetime, ...]
    history_start: datetime
    history: Floats
    floors: tuple[float, ...]
    coverage_dbm: float
    _known: dict[tuple[int, bytes], Outcome] = field(default_factory=dict, repr=False)
    _holes: dict[bytes, Floats] = field(default_factory=dict, repr=False)

    @property
    def is_nr(self) -> npt.NDArray[np.bool_]:
        """(C,) cells that may sleep at all."""
        return np.array([cell.band.technology == "NR" for cell in self.cells])

    def local_hour(self, period: int) -> float:
        """Return the hour of local time at which a period of the week begins."""
        return float(self.following.calendar.local_hour[LEAD + period])

    def sectors(self) -> list[list[int]]:
        """Return the cells of each sector, the carrier of the lowest frequency first."""
        found: dict[tuple[int, int], list[int]] = {}
        for number, cell in enumerate(self.cells):
            found.setdefault((cell.site.index, cell.sector), []).append(number)
        return [
            sorted(sector, key=lambda number: self.cells[number].band.frequency_mhz)
            for sector in found.values()
        ]

    def true_load(self) -> Floats:
        """Return (C, P) of the week: the load while every cell is active."""
        return np.asarray(self.following.sound.load[LEAD:, self.order].T, dtype=np.float64)

    def asked(self, period: int) -> Floats:
        """Return (A,) what areas ask for in a period of the week, in Mbit/s."""
        return np.asarray(self.following.world.demand[LEAD + period])

    def surged(self, areas: Sequence[int], periods: range, factor: float) -> "TrueTown":
        """Return the town with demand of some areas multiplied in some periods of the week."""
        world = self.following.world
        demand = world.demand.copy()
        rows = slice(LEAD + periods.start, LEAD + periods.stop)
        demand[rows, list(areas)] *= np.float32(factor)
        following = replace(self.following, world=replace(world, demand=demand))
        return replace(self, following=following, _known={})

    def outcome(self, period: int, modes: Numbers) -> Outcome:
        """Return what comes of modes (C,) in a period of the week."""
        key = (period, modes.astype(np.int8).tobytes())
        if key not in self._known:
            of_twin = np.empty(len(modes), dtype=np.int8)
            of_twin[self.order] = modes
            self._known[key] = self._computed(period, of_twin)
        return self._known[key]

    def measured(self, load: Floats, period: int) -> Floats:
        """Return load as counters tell it: a percent off, and some blocks."""
        return _counted(load, np.random.default_rng([self.seed, 97, period]))

    def _computed(self, period: int, of_twin: Numbers) -> Outcome:
        """Return what comes of modes told in the twin's order."""
        at, order = LEAD + period, self.order
        world = self.following.world.between(at, at + 1)
        acting = sleeping_conditions(world, self.conditions.between(at, at + 1), of_twin[None, :])
        state = network_state(world, acting)
        under = [users_under_floor(world, state, acting, floor)[0, order] for floor in self.floors]
        radio = supply.radios_w(
            world.radio.network, state.load, state.available, acting.saving_mode
        )[0, order].astype(np.float64)
        return Outcome(
            load=np.asarray(state.load[0, order], dtype=np.float64),
            users=np.asarray(state.users[0, order], dtype=np.float64),
            under=np.array(under, dtype=np.float64),
            radio_w=radio,
            site_w=self._site_w(radio, at),
            newly_uncovered=self._uncovered(of_twin),
        )

    def _site_w(self, radio_w: Floats, at: int) -> float:
        sites = np.bincount(self.following.world.site_of[self.order], radio_w)
        inside = self.following.temperature_degc[at] + _WARMER_INSIDE_DEGC
        return float(power.site_input_w(sites, np.full(len(sites), inside)).sum())

    def _uncovered(self, of_twin: Numbers) -> Floats:
        is_off = np.array(OFF_AIR)[of_twin]
        key = is_off.tobytes()
        if key not in self._holes:
            radio = self.following.world.radio
            off = set(np.flatnonzero(is_off).tolist())
            self._holes[key] = np.asarray(coverage_holes(radio, off, self.coverage_dbm))
        return self._holes[key]


def true_town(
    seed: int, cell_dns: Sequence[str], floors: tuple[float, ...], coverage_dbm: float
) -> TrueTown:
    """Return a town after four weeks of history, its faults ended.

    Args:
        seed: of the town.
        cell_dns: its cells, in the order of all arrays.
        floors: in Mbit/s.
        coverage_dbm: power below which ground is not covered.
    """
    chosen = replace(NETWORKS["town"], seed=seed)
    run, _, happened = simulated_run(chosen)
    following = following_of(chosen, run, happened.faults, happened.changes)
    place = {cell.dn: cell.index for cell in run.world.radio.network.cells}
    order = np.array([place[dn] for dn in cell_dns])
    cells = tuple(run.world.radio.network.cells[number] for number in order)
    first = run.calendar.periods - _HISTORY_DAYS * PERIODS_A_DAY
    return TrueTown(
        seed=seed,
        following=following,
        conditions=following.sound_conditions(),
        cells=cells,
        order=order,
        radios=tuple(
            modes_of(cell.band, cell.tx_power_dbm, cell.band.downlink_share) for cell in cells
        ),
        starts=following.calendar.starts[LEAD:],
        history_start=run.calendar.starts[first],
        history=_history(run.state.between(first, run.calendar.periods), seed)[order],
        floors=floors,
        coverage_dbm=coverage_dbm,
    )


def _history(state: State, seed: int) -> Floats:
    """Return (C, P) measured load, nothing where a cell was off the air."""
    measured = _counted(state.load.T.astype(np.float64), np.random.default_rng([seed, 96]))
    return np.where(state.available.T > 0.5, measured, np.nan)


def _counted(load: Floats, rng: np.random.Generator) -> Floats:
    relative, absolute = (scale * rng.standard_normal(load.shape) for scale in _COUNTING)
    return np.clip(load * (1.0 + relative) + absolute, 0.0, 1.0)
