"""Waking at once as it is deployed: a surge that minutes tell, written, on record and published."""

from datetime import timedelta

import pytest

from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_tables import InMemoryTables
from tasks.energy.waking import steps
from tasks.execution.executing import carried_out
from tasks.messages.change_sets import ManagedObject
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, SAVING_FUNCTION
from tasks.wiring import use_services
from tests.tasks.energy.planning.saving_town import SavingTown
from tests.tasks.energy.waking.sleeping_town import (
    MINUTE,
    NIGHT,
    leaning,
    sleep_of,
    tell,
    told,
    town_services,
)
from tests.tasks.execution.told import approved, hands

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("orchestrator")]


class Beside:
    """A store in which some tables are frames, and the others are kept."""

    def __init__(self, frames, kept):
        self._frames, self._kept = frames, kept

    def read(self, table, *args, **named):
        standing = self._frames if table in self._frames.frames else self._kept
        return standing.read(table, *args, **named)

    def __getattr__(self, name):
        return getattr(self._kept, name)


@pytest.fixture
def town(tmp_path, monkeypatch):
    """Return services of a town in which a cell was put to sleep an hour ago, and who carries."""
    network = SavingTown(sites=8).network()
    monkeypatch.setattr(steps, "published_network", lambda *_: network)
    chosen, _, candidate = town_services(network, tmp_path)
    chosen.tables = Beside(chosen.tables, InMemoryTables(chosen.clock))
    chosen.ledger = MemoryLedger(chosen.clock)
    booster = leaning(network)[0]
    change = sleep_of(booster)
    standing = {MODE: "ACTIVE", CONTROL: DO_NOT_SAVE, "cesSwitch": True}
    dn = change.dns[0]
    chosen.gateway = MemoryGateway(
        [
            ManagedObject(dn.rpartition(",")[0], "NRCellCU", {}),
            ManagedObject(dn, SAVING_FUNCTION, standing),
        ]
    )
    chosen.clock.moment = NIGHT - timedelta(hours=1)
    name = approved(
        chosen.ledger, change, at=chosen.clock.moment, use_case="save_energy", cells=(booster,)
    )
    assert carried_out(name, hands(chosen.ledger, chosen.gateway, chosen.clock)).stage == "APPLIED"
    chosen.clock.moment = NIGHT
    chosen.load_feed = told(network, 15)
    with use_services(chosen):
        yield chosen, name, candidate, dn


def mode_of(chosen, dn):
    return chosen.gateway.read([dn])[dn].attributes[MODE]


def test_a_surge_wakes_at_once_and_the_delay_is_published(town):
    from flows.wake_cells import wake_cells

    chosen, name, candidate, dn = town
    assert wake_cells() == [], "nobody is full"
    assert mode_of(chosen, dn) == "DEEP_SLEEP"
    tell(chosen.load_feed, candidate, [0.95] * 3)
    assert wake_cells() == [name]
    assert mode_of(chosen, dn) == "ACTIVE"
    (row,) = chosen.tables.read("cell_wakings").collect().to_dicts()
    assert (row["reason"], row["source"], row["because_of_dn"]) == ("FULL", "minutes", candidate)
    assert (row["began_at"], row["asked_at"]) == (NIGHT - 3 * MINUTE, NIGHT)
    assert row["delay_s"] == 180.0 + row["deciding_s"] + row["switch_s"]
    (ended,) = chosen.tables.read("change_outcomes").collect().to_dicts()
    assert ended["outcome"] == "RECALLED"
    chosen.clock.moment = NIGHT + MINUTE
    assert wake_cells() == [], "it is woken once"


def test_a_waking_that_was_killed_half_way_is_finished_by_the_next_minute(town):
    from flows.wake_cells import wake_cells

    chosen, name, candidate, dn = town
    tell(chosen.load_feed, candidate, [0.95] * 3)
    write, chosen.gateway.write = chosen.gateway.write, _dying
    with pytest.raises(SystemError):
        wake_cells()
    assert mode_of(chosen, dn) == "DEEP_SLEEP"
    chosen.gateway.write = write
    chosen.clock.moment = NIGHT + MINUTE
    assert wake_cells() == [name]
    (row,) = chosen.tables.read("cell_wakings").collect().to_dicts()
    assert (row["asked_at"], row["woken_at"]) == (NIGHT, NIGHT + MINUTE)
    assert row["delay_s"] == 240.0 + row["switch_s"]


def _dying(_operation):
    raise SystemError("The machine is gone.")
