"""Since when that was so for which a cell is woken, and what goes on record of it."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.energy.waking.evidence import Asked, Limits, began_at, evidence_of, seen_at
from tasks.energy.waking.fast_rule import FULL, SILENT, TROUBLED
from tasks.energy.waking.load_rule import SLOW, UNPLACED, Told, Waking
from tasks.energy.waking.sight import Present, Sight
from tasks.energy.waking.sleepers import Asleep
from tasks.messages.cell_reports import CellReport

NOW = datetime(2026, 3, 2, 3, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMITS = Limits({"carrier": 0.5}, 5.0)


def course(*told):
    """Return what the carrier told of the last minutes: load, and throughput of users."""
    return tuple(
        CellReport("carrier", NOW - (ago + 1) * MINUTE, NOW - ago * MINUTE, load, rate)
        for ago, (load, rate) in zip(range(len(told) - 1, -1, -1), told, strict=True)
    )


def began(reason, *told, **known):
    sight = Sight(Told({}), {"carrier": course(*told)}, {}, {"carrier": NOW - 7 * MINUTE})
    present = Present(NOW, {"carrier"}, **known)
    waking = Waking("sleeper", "carrier", reason)
    return (NOW - began_at(waking, sight, present, LIMITS)) / MINUTE


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        pytest.param([(0.4, 9.0), (0.6, 9.0), (0.7, 9.0)], 2, id="since it rose"),
        pytest.param([(0.6, 9.0), (0.4, 9.0), (0.7, 9.0)], 1, id="not since an earlier rise"),
        pytest.param([(0.6, 9.0), (0.6, 9.0), (0.7, 9.0)], 3, id="for as long as is known"),
    ],
)
def test_a_rise_begins_with_the_first_of_the_reports_beyond_the_limit(told, minutes):
    assert began(FULL, *told) == minutes


def test_users_are_slow_since_the_first_report_below_the_floor_in_a_row():
    assert began(SLOW, (0.1, 9.0), (0.1, 4.0), (0.1, 3.0)) == 2
    assert began(SLOW, (0.1, 4.0), (0.1, None), (0.1, 3.0)) == 1, "no users are not slow ones"


def test_other_reasons_begin_when_they_are_known_to_have_begun():
    assert began(SILENT) == 7
    assert began(TROUBLED, findings={"carrier": NOW - 90 * MINUTE}) == 90
    assert began(TROUBLED, findings={"carrier": NOW + 90 * MINUTE}) == 0
    assert began(UNPLACED) == 0


def test_load_is_seen_at_the_end_of_its_last_report_and_silence_now():
    sight = Sight(Told({}), {"carrier": course((0.6, 9.0))[:1]}, {}, {})
    late = Present(NOW + MINUTE, {"carrier"})
    assert seen_at(Waking("sleeper", "carrier", FULL), sight, late) == NOW
    assert seen_at(Waking("sleeper", "carrier", SILENT), sight, late) == NOW + MINUTE


def test_evidence_is_told_by_proposal_the_most_urgent_first_and_since_a_cell_slept_at_most():
    asleep = {
        "p1": Asleep({"a": "LIGHT_SLEEP"}, NOW - MINUTE),
        "p2": Asleep({"b": "DEEP_SLEEP", "c": "DEEP_SLEEP"}, NOW - 60 * MINUTE),
    }
    long_ago = NOW - 5 * MINUTE
    wakings = [(Waking(cell, "carrier", FULL), long_ago) for cell in "ba"]
    found = evidence_of(wakings, asleep, lambda _: {"switch_s": 6.0}, Asked(NOW, NOW + MINUTE))
    assert list(found) == ["p2", "p1"]
    assert found["p2"] == {
        "asked_at": NOW.isoformat(),
        "machine_at": (NOW + MINUTE).isoformat(),
        "cells": [
            {
                "cell_dn": "b",
                "mode": "DEEP_SLEEP",
                "reason": "FULL",
                "because_of": "carrier",
                "began_at": long_ago.isoformat(),
                "switch_s": 6.0,
            }
        ],
    }
    assert found["p1"]["cells"][0]["began_at"] == (NOW - MINUTE).isoformat()
