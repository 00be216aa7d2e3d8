"""Alarms of the days after a run: those that stood are cleared in time, and new ones are raised."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.alarm_delivery import SentNotification, clock_skews, sent_notifications
from tasks.twin.alarm_lives import AlarmLife, alarm_lives
from tasks.twin.alarm_spread import Ground
from tasks.twin.delivered_rows import Run
from tasks.twin.faults import Fault
from tasks.twin.traffic import PERIOD_S, Season

_CLEARING_SEED = 73


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the following days hold of faults; their periods are those of `calendar`.

    Attributes:
        faults: those that go on, and new ones.
        battery_share: by period and site, the charge of batteries.
        seed: of what is drawn.
    """

    calendar: Season
    faults: Sequence[Fault]
    battery_share: npt.NDArray[Any]
    seed: int


def following_alarms(run: Run, faults: Sequence[Fault], after: Aftermath) -> list[SentNotification]:
    """Return what arrives after a run's end, and what came before of alarms that stand, in order.

    Args:
        run: the whole run.
        faults: of the run.
        after: the days after it.
    """
    network, transport = run.world.radio.network, run.world.routes.network
    definitions = run.catalogue.alarms
    before = Ground(network, transport, run.conditions.battery_share)
    told = alarm_lives(before, faults, run.calendar, definitions, run.seed)
    skews = clock_skews(told, run.seed)
    end = run.calendar.starts[-1] + timedelta(seconds=PERIOD_S)
    ends = {fault.fault_id: _over(after.calendar, fault) for fault in after.faults}
    standing = list(_cleared([life for life in told if life.cleared_at is None], end, ends, after))
    known = {fault.fault_id for fault in faults}
    fresh = [fault for fault in after.faults if fault.fault_id not in known]
    ground = Ground(network, transport, after.battery_share)
    lives = alarm_lives(ground, fresh, after.calendar, definitions, after.seed)
    most = max((life.number for life in told), default=0)
    lives = [replace(life, number=life.number + most) for life in lives if life.raised_at >= end]
    sent = sent_notifications([*standing, *lives], after.seed, skews)
    # What was told of standing alarms came with the run: it is history, and never arrives again.
    return [
        replace(one, received_at=min(one.received_at, end - timedelta(milliseconds=1)))
        if one.life.raised_at < end and one.kind != "CLEARED"
        else one
        for one in sent
    ]


def _over(calendar: Season, fault: Fault) -> datetime:
    return calendar.starts[fault.last - 1] + timedelta(seconds=PERIOD_S)


def _cleared(
    standing: Sequence[AlarmLife], end: datetime, ends: dict[str, datetime], after: Aftermath
) -> Iterator[AlarmLife]:
    """Yield standing alarms with their clearing: when their fault is over, or some hours later."""
    rng = np.random.default_rng([after.seed, _CLEARING_SEED])
    last = after.calendar.starts[-1]
    for life in standing:
        wait = timedelta(seconds=round(float(rng.uniform(30.0, 600.0)), 3))
        hours = timedelta(hours=round(float(rng.uniform(0.2, 8.0)), 3))
        over = end + hours if life.fault_id is None else ends.get(life.fault_id, end)
        cleared = over + wait
        yield replace(life, cleared_at=cleared if cleared < last else None, held_until=None)
