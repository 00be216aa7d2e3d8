"""How late cells woke, from the ledger alone: written, killed, written again, published twice."""

from datetime import timedelta

import polars as pl
import pytest

from data_products.cell_wakings.derive import derive
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_tables import InMemoryTables
from tasks.energy.waking import steps
from tasks.energy.waking.evidence import Asked, evidence_of
from tasks.energy.waking.fast_rule import FULL
from tasks.energy.waking.load_rule import Waking
from tasks.energy.waking.sleepers import asleep_by, savings_on_record
from tasks.energy.waking.waking_rows import due_window, waking_rows
from tasks.energy.waking.wakings_text import wakings_text
from tasks.execution.executing import carried_out
from tasks.execution.recalling import recalled
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.execution.told import (
    CELL,
    NOON,
    SLEEP,
    StoppedClock,
    approved,
    hands,
    network_objects,
)

S = timedelta(seconds=1)
BEGAN, SEEN, ASKED = (NOON + seconds * S for seconds in (3600, 3720, 3725))
WHY = "Load asks for its cells."


class Story:
    """A cell that sleeps, the machine's clock beside the network's, and who wakes it."""

    def __init__(self):
        self.machine, self.network = StoppedClock(), StoppedClock()
        self.ledger = MemoryLedger(self.machine)
        self.gateway = MemoryGateway(network_objects())
        self.name = approved(self.ledger, SLEEP, use_case="save_energy")
        assert self.carry().stage == "APPLIED"

    def carry(self):
        return carried_out(self.name, hands(self.ledger, self.gateway, self.network))

    def recall(self, evidence=None):
        return recalled(self.name, WHY, hands(self.ledger, self.gateway, self.network), evidence)

    def evidence(self):
        """Return what is put on record when it is asked who must wake."""
        self.machine.moment = self.network.moment = ASKED

        def about(_waking):
            return {"source": "minutes", "seen_at": SEEN.isoformat(), "switch_s": 190.0}

        wakings = [(Waking(CELL, "NRCellDU=2", FULL), BEGAN)]
        asked = Asked(self.network.moment, self.machine.moment)
        return evidence_of(wakings, asleep_by(self.lives()), about, asked)[self.name]

    def lives(self):
        return savings_on_record(self.ledger.entries())

    def rows(self):
        return derive(waking_rows(self.lives()))


@pytest.fixture
def story():
    return Story()


def test_delay_lasts_from_the_rise_until_the_radio_serves(story):
    evidence = story.evidence()
    story.machine.moment += 7 * S
    story.recall(evidence)
    (row,) = story.rows().to_dicts()
    assert row["began_at"] == BEGAN
    assert (row["deciding_s"], row["switch_s"]) == (7.0, 190.0)
    assert row["on_air_at"] == ASKED + 197 * S
    assert row["delay_s"] == 125.0 + 7.0 + 190.0
    assert (row["cell_dn"], row["mode"], row["reason"]) == (CELL, "DEEP_SLEEP", "FULL")


def test_in_a_network_whose_time_is_the_machine_s_deciding_counts_once(story):
    evidence = story.evidence()
    for clock in (story.machine, story.network):
        clock.moment += 7 * S
    story.recall(evidence)
    assert story.rows()["delay_s"].to_list() == [125.0 + 7.0 + 190.0]


def test_a_waking_that_was_killed_and_begun_again_counts_once_with_all_its_delay(story):
    evidence, write = story.evidence(), story.gateway.write

    def die(_operation):
        raise KeyboardInterrupt

    story.gateway.write = die
    with pytest.raises(KeyboardInterrupt):
        story.recall(evidence)
    assert story.rows().is_empty(), "half woken is not woken"
    story.gateway.write = write
    story.machine.moment += 60 * S
    story.recall(story.evidence() if asleep_by(story.lives()) else None)
    assert story.rows()["delay_s"].to_list() == [125.0 + 60.0 + 190.0]


def test_what_the_plan_wakes_is_no_waking_by_load(story):
    story.recall()
    assert story.rows().is_empty()


def test_a_clock_that_was_set_back_makes_no_negative_time(story):
    evidence = story.evidence()
    story.machine.moment -= 60 * S
    story.recall(evidence)
    assert story.rows()["deciding_s"].to_list() == [0.0]


@pytest.fixture
def services_of(story, tmp_path):
    chosen = Services(Settings(home=tmp_path, hot_store="none"))
    chosen.clock, chosen.network_clock = story.machine, story.network
    chosen.ledger, chosen.tables = story.ledger, InMemoryTables(story.machine)
    with use_services(chosen):
        yield chosen


def test_wakings_are_published_once_however_often_that_is_asked(story, services_of):
    assert steps.wakings_report() == "No cell was woken between plans in these days.\n"
    story.recall(story.evidence())
    first = steps.publish_wakings.fn()
    assert first.rows == 1
    published = services_of.tables.read("cell_wakings").collect()
    again = steps.publish_wakings.fn()
    assert again.id == first.id
    assert services_of.tables.read("cell_wakings").collect().equals(published)
    assert published["delay_s"].to_list() == [315.0]
    assert "315" in steps.wakings_report()
    assert due_window(story.rows(), published) is None


def test_a_person_reads_how_late_load_was_answered():
    rows = pl.DataFrame(
        {
            "reason": ["FULL", "FULL", "FULL", "SILENT"],
            "source": ["minutes", "minutes", "quarter", "minutes"],
            "switch_s": [190.0, 6.0, 190.0, 190.0],
            "delay_s": [320.0, 140.0, 1500.0, 500.0],
        }
    )
    assert wakings_text(rows).splitlines() == [
        "Cells woken between plans: **4**, by load 3. Half of these were on the air 320 s after "
        "load rose above its limit, the last after 1500 s; 2 of 3 by load of minutes.",
        "",
        "| woken because | told by | cells | median s | worst s | of which radio s |",
        "|---|---|--:|--:|--:|--:|",
        "| a cell was full | minutes | 2 | 230 | 320 | 98 |",
        "| a cell was full | quarters | 1 | 1500 | 1500 | 190 |",
        "| a cell told nothing | minutes | 1 | 500 | 500 | 190 |",
    ]
    only = wakings_text(rows.filter(pl.col("reason") == "SILENT"))
    assert only.startswith("Cells woken between plans: **1**, by load 0.\n")
