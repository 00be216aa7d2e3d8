"""The days after a delivered run: the same network and its plans, fresh chance, faults that go on.

Everything here follows from what the run was made of; nothing that people write is known here.
Periods count from two days before the run's end, so that what stood then keeps its course.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from semantic_layer.loading import Catalogue
from tasks.twin.alarm_delivery import SentNotification
from tasks.twin.change_requests import configured_values
from tasks.twin.conditions import Conditions
from tasks.twin.configuration import ConfigurationChange, NetworkConfiguration, fault_drifts
from tasks.twin.configuration_objects import Objects
from tasks.twin.delivered_records import told_configuration
from tasks.twin.delivered_rows import Run
from tasks.twin.effects import conditions_of, sound_conditions
from tasks.twin.faults import Fault, Terrain
from tasks.twin.flaws import Flaws, measuring_flaws
from tasks.twin.following_alarms import Aftermath, following_alarms
from tasks.twin.following_faults import carried_faults, following_faults
from tasks.twin.planned_changes import PlannedChange
from tasks.twin.planned_effects import with_changes
from tasks.twin.scenario import (
    SampleNetwork,
    benign_shocks,
    outside_temperature,
    planned_busy_use,
)
from tasks.twin.sleeping import sleeping_conditions
from tasks.twin.state import State, network_state
from tasks.twin.traffic import (
    PERIOD_S,
    PERIODS_A_DAY,
    Season,
    Shock,
    demand_shares,
    season,
    shocked,
)
from tasks.twin.world import World, build_world

FOLLOWING_DAYS = 7
"""How many days a sample network can go on."""

LEAD = 2 * PERIODS_A_DAY
"""Periods before the run's end that those of the following days count from."""

_STREAM = 61


@dataclass(frozen=True)
class Following:
    """What is known of the following days before anybody writes to the network.

    Attributes:
        calendar: of the days, and of the lead before them.
        sound: the state without any fault and without any write.
        faults: those that go on and new ones, as long as nobody heals them.
        configuration: how the network is configured in the run and after it, without writes;
            its drifts are those of the following days.
        planned: every object as planned when the run ended.
        sent: alarms as they will arrive, in order.
    """

    chosen: SampleNetwork
    calendar: Season
    world: World
    sound: State
    faults: tuple[Fault, ...]
    flaws: Flaws
    temperature_degc: npt.NDArray[np.float32]
    shocks: tuple[Shock, ...]
    configuration: NetworkConfiguration
    planned: Objects
    sent: tuple[SentNotification, ...]
    catalogue: Catalogue

    @property
    def end(self) -> datetime:
        """The end of the last following day."""
        return self.chosen.end + timedelta(days=FOLLOWING_DAYS)

    @property
    def first(self) -> int:
        """The run's period that the calendar begins with."""
        return self.world.first

    def period_from(self, moment: datetime) -> int:
        """Return the first period that begins at a moment or after it."""
        return -(-(moment - self.calendar.starts[0]) // timedelta(seconds=PERIOD_S))

    def with_shocks(self, shocks: Sequence[Shock]) -> "Following":
        """Return the same days with more shocks of demand, counted in periods of the calendar.

        Demand alone differs: chance, faults and alarms stay as they are.
        """
        world = replace(self.world, demand=shocked(self.world.demand, shocks))
        sound = network_state(world, sound_conditions(world))
        return replace(self, world=world, sound=sound, shocks=(*self.shocks, *shocks))

    def sound_conditions(self) -> Conditions:
        """Return the conditions without any fault and without any write."""
        return sound_conditions(self.world)

    def conditions(self, faults: Sequence[Fault]) -> Conditions:
        """Return the conditions under these faults, before any write."""
        return conditions_of(self.world, faults, self.sound)

    def run_of(
        self, period: int, conditions: Conditions, modes: npt.NDArray[np.int8] | None = None
    ) -> Run:
        """Return one period, simulated under conditions of that period alone.

        A period is always simulated by itself, so that it comes out the same whoever asks.

        Args:
            period: of the calendar.
            conditions: of that period, before any saving of energy.
            modes: (1, cells), places in `MODES`; all cells are active when None.
        """
        world = self.world.between(period, period + 1)
        if modes is not None:
            conditions = sleeping_conditions(world, conditions, modes)
        return Run(
            calendar=_season_of(self.calendar, period),
            world=world,
            state=network_state(world, conditions),
            conditions=conditions,
            flaws=_flaws_of(self.flaws, period),
            temperature_degc=self.temperature_degc[period : period + 1],
            catalogue=self.catalogue,
            seed=self.chosen.seed,
            first=world.first,
        )


def following_of(
    chosen: SampleNetwork, run: Run, faults: Sequence[Fault], changes: Sequence[PlannedChange]
) -> Following:
    """Return the days that follow a run.

    Args:
        chosen: what the run was made of.
        run: the whole run.
        faults: of the run.
        changes: that people planned in it.
    """
    seed = int(np.random.SeedSequence([chosen.seed, _STREAM]).generate_state(1)[0])
    after = replace(
        chosen, seed=seed, end=chosen.end + timedelta(days=FOLLOWING_DAYS),
        history_days=LEAD // PERIODS_A_DAY, newest_days=FOLLOWING_DAYS,
    )  # fmt: skip
    calendar = season(after.start, after.days)
    radio, transport = run.world.radio, run.world.routes.network
    network, periods = radio.network, run.calendar.periods
    busy_use = planned_busy_use(network, chosen.seed)
    shocks = benign_shocks(network, after, busy_use)
    demand = demand_shares(network, calendar, shocks, seed, chosen.yearly_growth)
    years = (periods - LEAD) / (365.0 * PERIODS_A_DAY)
    demand *= np.float32((1.0 + chosen.yearly_growth) ** years)
    world = build_world(radio, transport, demand, busy_use, chosen.seed, chance_seed=seed)
    last = periods - LEAD + calendar.periods
    world = replace(world, antennas=run.world.antennas)  # what these cover is known already
    going_on = [_going_on(change, periods, last) for change in changes]
    world = replace(with_changes(world, going_on, last), first=periods - LEAD)
    world = replace(world, usual_sessions=run.state.sessions.mean(axis=0))
    told = told_configuration(run, changes, faults)
    standing = carried_faults(faults, periods, LEAD, calendar.periods, seed)
    terrain = Terrain(network, radio.built, world.busy_use, transport, world.battery_kwh)
    stretch = (LEAD, calendar.periods)
    fresh = following_faults(terrain, told.built.targets, standing, stretch, seed)
    whole = [*standing, *_renumbered(fresh, len(faults))]
    lasting = [drift for drift in told.drifts if drift.ends is None]
    told = replace(
        told,
        changes=_configured(chosen, run, going_on),
        drifts=(*lasting, *fault_drifts(network, whole, calendar)),
    )
    sound = network_state(world, sound_conditions(world))
    battery = conditions_of(world, whole, sound).battery_share
    return Following(
        chosen=chosen,
        calendar=calendar,
        world=world,
        sound=sound,
        faults=tuple(whole),
        flaws=measuring_flaws(network, calendar.periods, LEAD, seed),
        temperature_degc=outside_temperature(calendar, shocks, seed),
        shocks=tuple(shocks),
        configuration=told,
        planned=told.planned_at(chosen.end),
        sent=tuple(following_alarms(run, faults, Aftermath(calendar, whole, battery, seed))),
        catalogue=run.catalogue,
    )


def _going_on(change: PlannedChange, periods: int, last: int) -> PlannedChange:
    """Return a change that lasts as long as the following days where it lasted to the run's end."""
    if change.last < periods or change.kind == "maintenance":
        return change
    return replace(change, last=last)


def _configured(
    chosen: SampleNetwork, run: Run, changes: Sequence[PlannedChange]
) -> tuple[ConfigurationChange, ...]:
    """Return what the changes set, in the run and in the days that follow."""
    whole = season(chosen.start, chosen.days + FOLLOWING_DAYS)
    values = configured_values(run.world.radio.network, changes, whole)
    found = (ConfigurationChange(*told) for told in values)
    return tuple(sorted(found, key=lambda change: (change.at, change.dn)))


def _renumbered(faults: Sequence[Fault], before: int) -> list[Fault]:
    """Return faults with numbers that follow those of the run."""
    return [
        replace(
            fault,
            fault_id=f"F{number:03d}",
            change_id=None if fault.change_id is None else f"CRQ{number:06d}",
        )
        for number, fault in enumerate(faults, before + 1)
    ]


def _season_of(calendar: Season, period: int) -> Season:
    one = slice(period, period + 1)
    return Season(
        calendar.starts[one],
        calendar.local_hour[one],
        calendar.is_free_day[one],
        calendar.is_sunday[one],
    )


def _flaws_of(flaws: Flaws, period: int) -> Flaws:
    one = slice(period, period + 1)
    return replace(
        flaws,
        missing_sites=flaws.missing_sites[one],
        suspect=flaws.suspect[one],
        observed_share=flaws.observed_share[one],
    )
