"""The step that finds who must wake, where load is told by the minute."""

import logging
from datetime import timedelta

import polars as pl
import pytest

from semantic_layer.energy_waking import energy_waking_rules
from semantic_layer.errors import TransientError
from tasks.energy.waking import steps
from tasks.messages.cell_reports import CellReport, FedReports
from tests.tasks.energy.waking.sleeping_town import (
    MINUTE,
    NIGHT,
    QUARTER,
    kpis,
    of_cell,
    tell,
    told,
)

NEEDED = round(energy_waking_rules().detection_seconds / 60)
"""Minutes above its limit after which a cell counts as full."""


def found():
    """Return the evidence by proposal."""
    return steps.find_overloaded.fn()


def fill(chosen, network, candidate, minutes):
    """Let all tell calm minutes, and the cell that carries be full in the last ones."""
    chosen.load_feed = told(network, 15)
    tell(chosen.load_feed, candidate, [0.95] * minutes)


def test_a_surge_told_by_minutes_wakes_while_the_quarter_tells_of_calm(town, network):
    chosen, asleep, candidate = town
    fill(chosen, network, candidate, NEEDED)
    ((proposal_id, evidence),) = found().items()
    assert proposal_id == asleep
    assert evidence["asked_at"] == evidence["machine_at"] == NIGHT.isoformat()
    (row,) = evidence["cells"]
    assert row == {
        "cell_dn": row["cell_dn"],
        "mode": "DEEP_SLEEP",
        "reason": "FULL",
        "because_of": candidate,
        "began_at": (NIGHT - NEEDED * MINUTE).isoformat(),
        "source": "minutes",
        "seen_at": NIGHT.isoformat(),
        "switch_s": row["switch_s"],
    }
    assert 60.0 < row["switch_s"] < 600.0


def test_one_noisy_minute_wakes_nobody(town, network):
    chosen, _, candidate = town
    fill(chosen, network, candidate, 1)
    assert found() == {}


def test_a_rise_counts_from_its_first_minute_however_long_it_went_on(town, network):
    chosen, asleep, candidate = town
    fill(chosen, network, candidate, 9)
    (row,) = found()[asleep]["cells"]
    assert row["began_at"] == (NIGHT - 9 * MINUTE).isoformat()


def test_calm_minutes_outweigh_a_full_quarter(town, network):
    chosen, _, candidate = town
    chosen.tables.frames["cell_kpis"] = of_cell(chosen.tables.frames["cell_kpis"], candidate, 95.0)
    chosen.load_feed = told(network, 15)
    assert found() == {}


def test_users_below_the_floor_in_each_minute_wake(town, network):
    chosen, asleep, candidate = town
    chosen.load_feed = told(network, 15)
    tell(chosen.load_feed, candidate, [0.03] * NEEDED, rate=0.2)
    (row,) = found()[asleep]["cells"]
    assert (row["reason"], row["source"]) == ("SLOW", "minutes")
    assert row["began_at"] == (NIGHT - NEEDED * MINUTE).isoformat()


@pytest.mark.parametrize(
    ("lost", "is_woken"),
    [pytest.param(2, False, id="two minutes lost"), pytest.param(5, True, id="five minutes")],
)
def test_one_cell_that_tells_no_more_wakes_those_who_lean_on_it(town, network, lost, is_woken):
    chosen, asleep, candidate = town
    chosen.load_feed = silent_since(network, [candidate], NIGHT - lost * MINUTE)
    assert list(found()) == ([asleep] if is_woken else [])
    if is_woken:
        (row,) = found()[asleep]["cells"]
        assert (row["reason"], row["source"]) == ("SILENT", "minutes")
        assert row["began_at"] == (NIGHT - lost * MINUTE).isoformat()


def test_a_feed_that_breaks_is_no_town_that_breaks(town, network, caplog):
    chosen, *_ = town
    chosen.load_feed = told(network, 15, until=NIGHT - 6 * MINUTE)
    with caplog.at_level(logging.WARNING):
        assert found() == {}
    assert "counters speak" in caplog.text


def test_half_a_feed_that_breaks_leaves_its_cells_to_counters(town, network, caplog):
    chosen, _, candidate = town
    early, late = network.cell_dns[::2], network.cell_dns[1::2]
    half = early if candidate in early else late
    chosen.load_feed = silent_since(network, half, NIGHT - 6 * MINUTE)
    with caplog.at_level(logging.WARNING):
        assert found() == {}
    assert "it is the feed that broke" in caplog.text


def test_where_the_feed_is_stale_a_full_quarter_wakes_as_before(town, network):
    chosen, asleep, candidate = town
    chosen.load_feed = told(network, 3, until=NIGHT - 10 * MINUTE)
    chosen.tables.frames["cell_kpis"] = of_cell(chosen.tables.frames["cell_kpis"], candidate, 95.0)
    (row,) = found()[asleep]["cells"]
    assert (row["reason"], row["source"]) == ("FULL", "quarter")
    assert row["began_at"] == (NIGHT - QUARTER).isoformat()


def test_a_feed_that_is_away_leaves_all_to_counters_and_says_so(town, network, caplog):
    chosen, asleep, candidate = town
    chosen.load_feed = Away()
    chosen.tables.frames["cell_kpis"] = of_cell(kpis(network, 3.0), candidate, 95.0)
    with caplog.at_level(logging.WARNING):
        assert list(found()) == [asleep]
    assert "The feed is away: no route" in caplog.text


def test_parts_that_cannot_be_read_are_told_up_to_a_bound(town, network, caplog, monkeypatch):
    chosen, *_ = town
    refused = tuple(f"File {number}: " + "x" * 5_000 for number in range(500))
    chosen.load_feed = Kept(fed(told(network, 15)), refused)
    shown = []
    monkeypatch.setattr(steps, "show_table", lambda _key, rows, _text: shown.extend(rows))
    with caplog.at_level(logging.WARNING):
        assert found() == {}
    assert len(shown) == 21
    assert shown[-1]["says"] == "480 more parts could not be read."
    assert max(len(row["says"]) for row in shown) <= 300


def test_cells_that_nobody_knows_do_nothing_to_those_that_are_known(town, network):
    chosen, *_ = town
    chosen.load_feed = told(network, 15)
    for number in range(5_000):
        cell = f"NRCellDU=\x00'; DROP {number}"
        chosen.load_feed.tell(CellReport(cell, NIGHT - 9 * MINUTE, NIGHT - 8 * MINUTE, 9.0, 0.0))
    assert found() == {}


def test_a_feed_of_strangers_alone_is_no_feed(town, network):
    chosen, asleep, candidate = town
    chosen.load_feed.tell(CellReport("NRCellDU=1", NIGHT - MINUTE, NIGHT, 0.1, 60.0))
    chosen.tables.frames["cell_kpis"] = of_cell(kpis(network, 3.0), candidate, 95.0)
    (row,) = found()[asleep]["cells"]
    assert row["source"] == "quarter"


def test_reports_of_the_time_to_come_are_left_aside(town, network):
    chosen, *_ = town
    chosen.load_feed = told(network, 15)
    tell(chosen.load_feed, town[2], [0.95] * 10, until=NIGHT + 20 * MINUTE)
    assert found() == {}


def test_a_finding_tells_since_when(town, network):
    chosen, asleep, candidate = town
    chosen.load_feed = told(network, 15)
    chosen.tables.frames["cell_anomalies"] = pl.DataFrame(
        {
            "anomaly_id": ["a"],
            "window_end": [NIGHT],
            "cell_dn": [candidate],
            "is_ongoing": [True],
            "anomaly_start": [NIGHT - timedelta(minutes=30)],
            "contributions": [[{"kpi": "drb_setup_success_rate"}]],
        }
    )
    (row,) = found()[asleep]["cells"]
    assert (row["reason"], row["source"]) == ("TROUBLED", "quarter")
    assert row["began_at"] == (NIGHT - timedelta(minutes=30)).isoformat()


def fed(feed):
    """Return all that a feed holds of the time that is looked at."""
    return feed.reports(steps.feed_window(NIGHT, energy_waking_rules())).reports


def silent_since(network, cells, since):
    """Return a feed in which all tell calm minutes, and some tell nothing after a moment."""
    return Kept(
        one for one in fed(told(network, 15)) if one.cell_dn not in cells or one.end <= since
    )


class Kept:
    """A feed of these reports and refusals, whatever is asked for."""

    def __init__(self, reports, refused=()):
        self._fed = FedReports(tuple(reports), tuple(refused))

    def reports(self, _window):
        return self._fed


class Away:
    def reports(self, _window):
        raise TransientError("no route to the collector.")
