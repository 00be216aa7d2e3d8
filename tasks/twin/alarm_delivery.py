"""What becomes of alarms on their way to the collector: lost, late, told twice, by wrong clocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from tasks.twin.alarm_lives import AlarmLife
from tasks.twin.alarm_spread import Rng, lag

Told = Literal["NEW", "CHANGED", "CLEARED"]

_LOST, _LOST_CLEARING, _TWICE, _WRONG_CLOCKS = 0.006, 0.02, 0.02, 0.04


@dataclass(frozen=True, slots=True)
class SentNotification:
    """One notification that arrived.

    Attributes:
        told_at: by the clock of the equipment.
        began_at: when the alarm was raised, by the same clock.
        received_at: by the collector's clock.
        reporter: the managed element that sent it.
    """

    life: AlarmLife
    kind: Told
    told_at: datetime
    began_at: datetime
    received_at: datetime
    reporter: str

    @property
    def severity(self) -> str:
        """What the notification says of severity, but for clearing."""
        return self.life.severity(is_late=self.kind != "NEW")


def sent_notifications(
    lives: Sequence[AlarmLife], seed: int, known: Mapping[str, timedelta] | None = None
) -> list[SentNotification]:
    """Return what arrived of the alarms, in order of arrival.

    Args:
        lives: of alarms.
        seed: of everything random.
        known: how far ahead the clocks of elements are that sent something before.
    """
    rng = np.random.default_rng([seed, 19])
    reporters = sorted({reporter_of(life.dn) for life in lives})
    skews = dict(zip(reporters, _skews(len(reporters), rng), strict=True)) | dict(known or {})
    found: list[SentNotification] = []
    for life in lives:
        for sent in _told_of(life, skews[reporter_of(life.dn)], rng):
            lost = _LOST_CLEARING if sent.kind == "CLEARED" else _LOST
            if rng.random() < lost:
                continue
            found.append(sent)
            if rng.random() < _TWICE:
                again = timedelta(seconds=round(float(rng.uniform(1, 40)), 3))
                found.append(replace(sent, received_at=sent.received_at + again))
    return sorted(found, key=lambda it: (it.received_at, it.life.number, it.kind))


def clock_skews(lives: Sequence[AlarmLife], seed: int) -> dict[str, timedelta]:
    """Return how far ahead the clocks are of the elements that tell these alarms."""
    reporters = sorted({reporter_of(life.dn) for life in lives})
    rng = np.random.default_rng([seed, 19])
    return dict(zip(reporters, _skews(len(reporters), rng), strict=True))


def reporter_of(dn: str) -> str:
    """Return the DN of the managed element that an object belongs to."""
    steps = dn.split(",")
    last = max(n for n, step in enumerate(steps) if step.startswith("ManagedElement="))
    return ",".join(steps[: last + 1])


def _skews(count: int, rng: Rng) -> list[timedelta]:
    """Return how far ahead each element's clock is: most are right, some by minutes off."""
    small = rng.normal(0.0, 0.2, count)
    wrong = rng.choice((-1.0, 1.0), count) * np.exp(rng.uniform(np.log(20), np.log(900), count))
    is_wrong = rng.random(count) < _WRONG_CLOCKS
    return [timedelta(seconds=round(float(s), 3)) for s in np.where(is_wrong, wrong, small)]


def _told_of(life: AlarmLife, skew: timedelta, rng: Rng) -> Iterator[SentNotification]:
    moments: tuple[tuple[Told, datetime | None], ...] = (
        ("NEW", life.raised_at), ("CHANGED", life.worsened_at), ("CLEARED", life.cleared_at),
    )  # fmt: skip
    for kind, at in moments:
        if at is None:
            continue
        leaves = at if life.held_until is None else max(at, life.held_until)
        received = leaves + timedelta(seconds=round(lag(rng, 2.0, 0.8), 3))
        yield SentNotification(
            life, kind, at + skew, life.raised_at + skew, received, reporter_of(life.dn)
        )
