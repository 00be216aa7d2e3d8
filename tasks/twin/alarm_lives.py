"""The alarms of a run as they truly came and went, with the fault that each belongs to.

Some flap before they stay, some change severity, some are of no fault at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from semantic_layer.alarms import AlarmDefinition
from tasks.twin.alarm_spread import Ground, Rng, Symptom, idle_objects, lag, symptoms
from tasks.twin.faults import Fault
from tasks.twin.traffic import PERIOD_S, Season

_IDLE_A_DAY = 0.03
_FLAPPING_SHARE = 0.05
_CHANGING_SHARE = 0.06
_WORSE = {"WARNING": "MINOR", "MINOR": "MAJOR", "MAJOR": "CRITICAL", "CRITICAL": "CRITICAL"}


@dataclass(frozen=True, slots=True)
class AlarmLife:
    """One raising of one alarm.

    Attributes:
        number: of the alarm; the raisings of one that flaps share it.
        raised_at: by a true clock; so are the other times.
        cleared_at: None while it stands at the run's end.
        worsened_at: when its severity rose by one; None if it did not.
        fault_id: of the fault behind it; None for an alarm of no fault.
        held_until: when its way to the collector came back; None if it was never cut.
    """

    number: int
    definition: AlarmDefinition
    dn: str
    raised_at: datetime
    cleared_at: datetime | None
    worsened_at: datetime | None = None
    fault_id: str | None = None
    hops: int = 0
    held_until: datetime | None = None

    def severity(self, *, is_late: bool) -> str:
        """Return the severity at first, or after it worsened."""
        first = self.definition.perceived_severity
        return _WORSE[first] if is_late and self.worsened_at is not None else first


def alarm_lives(
    ground: Ground,
    faults: Sequence[Fault],
    calendar: Season,
    definitions: Mapping[str, AlarmDefinition],
    seed: int,
) -> list[AlarmLife]:
    """Return every raising of every alarm, by time; none begins after the run's end."""
    rng = np.random.default_rng([seed, 9])
    end = calendar.starts[-1] + timedelta(seconds=PERIOD_S)
    whole: list[AlarmLife] = []
    for fault in faults:
        for symptom in symptoms(fault, ground, rng):
            life = _of_symptom(symptom, fault, calendar, definitions, rng)
            if life is not None:
                whole.append(life)
    whole += _idle(ground, calendar, definitions, rng)
    whole = [life for life in whole if life.raised_at < end]
    whole.sort(key=lambda life: (life.raised_at, life.dn, life.definition.name))
    found: list[AlarmLife] = []
    for number, life in enumerate(whole, 1):
        found += _varied(replace(_ended(life, end), number=number), rng)
    return sorted(found, key=lambda life: (life.raised_at, life.number))


def _of_symptom(
    symptom: Symptom,
    fault: Fault,
    calendar: Season,
    definitions: Mapping[str, AlarmDefinition],
    rng: Rng,
) -> AlarmLife | None:
    """Return a symptom's alarm; None when the fault was over before it could be raised."""
    onset = min(fault.first + fault.ramp, fault.last - 1)  # a gradual fault is noticed when grown
    noticed = timedelta(seconds=5.0 + 40.0 * (int(fault.fault_id[1:]) % 7))
    raised = calendar.starts[onset] + noticed + timedelta(seconds=round(symptom.after_s, 3))
    if fault.kind == "power_failure":  # delays count from the mains' failure
        raised += calendar.starts[fault.first] - calendar.starts[onset]
    over = calendar.starts[fault.last - 1] + timedelta(seconds=PERIOD_S)
    if raised >= over:
        return None
    is_over = fault.last < calendar.periods
    wait = timedelta(seconds=round(5.0 + lag(rng, 20.0 * (1 + symptom.hops)), 3))
    return AlarmLife(
        number=0,
        definition=definitions[symptom.name],
        dn=symptom.dn,
        raised_at=raised,
        cleared_at=over + wait if is_over else None,
        fault_id=fault.fault_id,
        hops=symptom.hops,
        held_until=over if symptom.is_held else None,
    )


def _idle(
    ground: Ground,
    calendar: Season,
    definitions: Mapping[str, AlarmDefinition],
    rng: Rng,
) -> Iterator[AlarmLife]:
    """Yield alarms of no fault: doors, fans, batteries, licences."""
    places = idle_objects(ground)
    count = int(rng.poisson(_IDLE_A_DAY * len(places) * calendar.periods * PERIOD_S / 86_400))
    for _ in range(count):
        dn, names = places[int(rng.integers(0, len(places)))]
        start = calendar.starts[int(rng.integers(0, calendar.periods))]
        raised = start + timedelta(seconds=round(float(rng.uniform(0, PERIOD_S)), 3))
        length = timedelta(minutes=round(float(rng.uniform(10, 600)), 3))
        name = names[int(rng.integers(0, len(names)))]
        yield AlarmLife(0, definitions[name], dn, raised, raised + length)


def _ended(life: AlarmLife, end: datetime) -> AlarmLife:
    is_over = life.cleared_at is not None and life.cleared_at < end
    return life if is_over else replace(life, cleared_at=None)


def _varied(life: AlarmLife, rng: Rng) -> list[AlarmLife]:
    """Return the life as it is, or worsening, or after some short ones of a flapping alarm."""
    chance = rng.random()
    stays = (life.cleared_at or life.raised_at + timedelta(hours=2)) - life.raised_at
    if chance < _FLAPPING_SHARE and stays > timedelta(minutes=30):
        found = []
        for _ in range(int(rng.integers(3, 9))):
            up, down = (timedelta(seconds=round(float(s), 3)) for s in rng.uniform(15, 60, 2))
            found.append(replace(life, cleared_at=life.raised_at + up))
            life = replace(life, raised_at=life.raised_at + up + down)
        return [*found, life]
    if chance > 1.0 - _CHANGING_SHARE and stays > timedelta(minutes=10):
        at = life.raised_at + stays * float(rng.uniform(0.2, 0.8))
        return [replace(life, worsened_at=at.replace(microsecond=0))]
    return [life]
