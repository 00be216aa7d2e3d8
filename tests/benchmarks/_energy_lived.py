"""What truly came of a stretch of a home's town: who stood in which mode, and what users had.

Writes say which cell left the air and came back when; the town's truth says what that did to its
users, minute by minute. Beside it stands the same town with every cell on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.services import service_catalogue
from tasks.adapters.sample_files import read_writes
from tasks.energy.planning.problem import IS_OFF, Floats, Numbers
from tasks.energy.promises import least_floor_mbps
from tasks.twin.following import LEAD
from tasks.twin.live_network import LiveNetwork
from tasks.twin.mode_power import modes_of
from tasks.twin.written_effects import Writes
from tests.benchmarks._energy_course import beyond_promise
from tests.benchmarks._energy_truth import ACTIVE, TrueTown

_QUARTER = timedelta(minutes=15)
_OTHER_FLOORS = (2.0, 1.0)


@dataclass(frozen=True)
class Stretch:
    """A time in which no cell changed its mode.

    Attributes:
        begin: a moment of one period.
        end: another of the same.
        modes: (C,) in the town's order.
    """

    begin: datetime
    end: datetime
    modes: Numbers

    @property
    def minutes(self) -> float:
        """How long it lasted."""
        return (self.end - self.begin) / timedelta(minutes=1)


@dataclass(frozen=True)
class Felt:
    """What users had, by period (P,).

    Attributes:
        user_minutes: of all users.
        under: user-minutes under the floor.
        added: of those, more than with all on: what saving takes and what it gives, summed.
        broken: user-minutes under the floor beyond the promise, cell by cell.
        kwh: drawn by all sites.
    """

    user_minutes: Floats
    under: Floats
    added: Floats
    broken: Floats
    kwh: Floats


def lived_town(network: LiveNetwork) -> TrueTown:
    """Return the truth of a network's following days, its faults and people's writes acting."""
    following = network.following
    cells = network.following.world.radio.network.cells
    floor = least_floor_mbps(energy_goals_rules(), service_catalogue())
    return TrueTown(
        seed=following.chosen.seed,
        following=following,
        conditions=Writes(following, read_writes(network.folder)).conditions(),
        cells=cells,
        order=np.arange(len(cells)),
        radios=tuple(
            modes_of(cell.band, cell.tx_power_dbm, cell.band.downlink_share) for cell in cells
        ),
        starts=following.calendar.starts[LEAD:],
        history_start=following.calendar.starts[0],
        history=np.empty((len(cells), 0)),
        floors=(floor, *(other for other in _OTHER_FLOORS if other != floor)),
        coverage_dbm=guardrail_rules().coverage_dbm,
    )


def stretches(network: LiveNetwork, begin: datetime, end: datetime) -> list[Stretch]:
    """Return the stretches of some whole quarters of an hour, by the writes to a network."""
    found = []
    while begin < end:
        found += [
            Stretch(
                begin + timedelta(seconds=part.begin_s),
                begin + timedelta(seconds=part.end_s),
                part.modes.astype(np.int64),
            )
            for part in network.parts(begin)
        ]
        begin += _QUARTER
    return found


def on_air_at(lived: Sequence[Stretch], cell: int, since: datetime) -> datetime | None:
    """Return when a cell first was on the air at a moment or after it; None where it never was."""
    return next(
        (max(one.begin, since) for one in lived if one.end > since and not IS_OFF[one.modes[cell]]),
        None,
    )


def felt(town: TrueTown, lived: Sequence[Stretch], begin: datetime, end: datetime) -> Felt:
    """Return what users had of stretches, by the periods from a beginning to an end."""
    periods = int((end - begin) / _QUARTER)
    found = Felt(*(np.zeros(periods) for _ in range(5)))
    for one in lived:
        place, period = int((one.begin - begin) / _QUARTER), period_of(town, one.begin)
        outcome = town.outcome(period, one.modes)
        on = town.outcome(period, np.full(len(town.cells), ACTIVE))
        found.user_minutes[place] += one.minutes * on.users.sum()
        found.under[place] += one.minutes * (outcome.under @ outcome.users)[0]
        found.added[place] += one.minutes * (outcome.under @ outcome.users - on.under @ on.users)[0]
        found.broken[place] += one.minutes * beyond_promise(town, period, outcome)[0]
        found.kwh[place] += one.minutes / 60.0 * outcome.site_w / 1000.0
    return found


def last_under(town: TrueTown, lived: Sequence[Stretch], share: float) -> datetime | None:
    """Return until when more than a share of users were under the floor beyond the promise."""
    found = None
    for one in lived:
        period = period_of(town, one.begin)
        outcome = town.outcome(period, one.modes)
        if beyond_promise(town, period, outcome)[0] > share * outcome.users.sum():
            found = one.end
    return found


def kept_asleep(
    lived: Sequence[Stretch], woken: Mapping[int, tuple[datetime, datetime, int]]
) -> list[Stretch]:
    """Return the stretches as if cells had stayed in a mode.

    Args:
        lived: as it was.
        woken: by number of the cell, from when until when it would have been in which mode.
    """
    found = []
    for one in lived:
        modes = one.modes.copy()
        for cell, (since, until, mode) in woken.items():
            if since <= one.begin < until and not IS_OFF[modes[cell]]:
                modes[cell] = mode
        found.append(Stretch(one.begin, one.end, modes))
    return found


def period_of(town: TrueTown, moment: datetime) -> int:
    """Return the period of the week in which a moment lies."""
    return int((moment - town.starts[0]) / _QUARTER)
