"""From a change set to rows of the twin's numbers, by what is published and what is live."""

from datetime import UTC, datetime, timedelta

import pytest

from semantic_layer.errors import InputError
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.periods import Window
from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tasks.twin.what_if import CellChange, published_map, what_if
from tasks.twin.what_if_facts import cell_loads, load_columns
from tasks.twin.what_if_layout import COLUMNS, published_cells
from tasks.twin.what_if_rows import SimulatedChanges
from tests.tasks.guardrails.town import beam, cell, lonely, restart
from tests.tasks.twin.published import published

AT = datetime(2025, 6, 4, 12, tzinfo=UTC)
DAY = Window(AT - timedelta(days=1), AT)
RULES = guardrail_rules()
RESTART = ChangeSet(restart(cell(4, 2)))


class Watched:
    """Reads tables and remembers which."""

    def __init__(self, tables):
        self.tables, self.asked = tables, []

    def __call__(self, table, window=None, *, columns):
        self.asked.append(table)
        return self.tables.read(table, window, columns=columns)


def simulated(change_set, live=(), window=DAY, **told):
    return SimulatedChanges(published(AT, **told).read, RULES, live)(change_set, window)


def tilted(before, after, site=4):
    name = "CommonBeamformingFunction"
    return ChangeSet((Operation("MODIFY", beam(site), name, "digitalTilt", before, after),))


def test_a_restart_is_told_as_the_twin_itself_computes_it():
    tables = published(AT)
    inventory = tables.read("network_topology", columns=COLUMNS).collect()
    loads = cell_loads(tables.read("cell_kpis", columns=load_columns()).collect())
    mapped = published_map(published_cells(inventory, {}), RULES.coverage_dbm)
    told = what_if(mapped, loads, [CellChange(cell(4, 2), is_locked=True)])
    rows = SimulatedChanges(tables.read, RULES)(RESTART, DAY)
    assert {row["cell_dn"] for row in rows} == told.cells.keys()
    for row in rows:
        outlook = told.cells[row["cell_dn"]]
        assert row == {
            "cell_dn": row["cell_dn"],
            "is_changed": row["cell_dn"] == cell(4, 2),
            "uncovered_share_before": outlook.uncovered_share_before,
            "uncovered_share_after": outlook.uncovered_share_after,
            "load_before_pct": outlook.load_before_pct,
            "load_after_pct": outlook.load_after_pct,
            "users_interrupted": told.users_interrupted,
            "users_uncovered": told.users_uncovered,
        }
    assert told.users_interrupted == loads[cell(4, 2)].users


def test_the_changed_cell_comes_first_and_then_the_fullest():
    first, *others = simulated(RESTART)
    assert (first["cell_dn"], first["is_changed"]) == (cell(4, 2), True)
    after = [row["load_after_pct"] for row in others]
    assert len(after) > 2
    assert after == sorted(after, reverse=True)


def test_nothing_is_read_before_the_first_question_and_nothing_twice():
    read = Watched(published(AT))
    ask = SimulatedChanges(read, RULES)
    assert read.asked == []
    ask(RESTART, DAY)
    ask(tilted(40, 60), DAY)
    assert sorted(read.asked) == ["cell_kpis", "network_configuration", "network_topology"]


@pytest.mark.parametrize(
    ("dumped", "live", "expected"),
    [
        pytest.param({(4, 1): 95}, [], 95, id="a dump tells that the antenna slipped"),
        pytest.param({}, [ManagedObject(beam(4), "X", {"digitalTilt": 95})], 95,
                     id="the network tells it, the dump is older"),
        pytest.param({}, [], 95, id="only the change itself knows it"),
        pytest.param({(4, 1): 95}, [ManagedObject(beam(4), "X", {"digitalTilt": "odd"})], 95,
                     id="the network tells no number"),
    ],
)  # fmt: skip
def test_an_antenna_is_set_back_from_where_it_is(dumped, live, expected):
    rows = simulated(tilted(expected, 40), live, slipped=dumped)
    assert rows == simulated(tilted(95, 40), slipped={(4, 1): 95})
    own = rows[0]
    assert own["uncovered_share_after"] < own["uncovered_share_before"]
    assert own["users_interrupted"] == 0.0


def test_a_question_of_other_tilts_does_not_mislead_the_next():
    ask = SimulatedChanges(published(AT).read, RULES)
    before = ask(RESTART, DAY)
    ask(tilted(95, 40, site=5), DAY)
    assert ask(RESTART, DAY) == before


def test_what_a_restart_and_a_tilt_do_to_one_cell_is_told_together():
    both = ChangeSet((*restart(cell(4, 1)), *tilted(40, 60).operations))
    assert simulated(both) == simulated(ChangeSet(restart(cell(4, 1))))


def test_a_cell_may_be_locked_for_good():
    lock = ChangeSet(restart(cell(4, 2))[:1])
    assert simulated(lock) == simulated(RESTART)


def one(dn, attribute, before, after, kind="MODIFY"):
    return ChangeSet((Operation(kind, dn, "a class", attribute, before, after),))


@pytest.mark.parametrize(
    ("change_set", "says"),
    [
        pytest.param(lonely(2).change_set, "cannot tell what CREATE", id="a new relation"),
        pytest.param(one("ManagedElement=9", "power", 1, 2), "No cell is known", id="no cell"),
        pytest.param(one("", "power", 1, 2), "No cell is known", id="no name"),
        pytest.param(one(7, "power", 1, 2), "named by texts", id="a number for a name"),
        pytest.param(one(cell(1), ["x"], 1, 2), "named by texts", id="a list for an attribute"),
        pytest.param(ChangeSet(restart(cell(1))[1:]), "cannot tell", id="unlocked only"),
        pytest.param(one(cell(1), "power", 1, 2), "cannot tell", id="power"),
        pytest.param(tilted(40, 10**400), "cannot tell", id="a tilt beyond all numbers"),
        pytest.param(tilted(40, 901), "cannot tell", id="a tilt beyond straight down"),
        pytest.param(tilted(40, float("nan")), "cannot tell", id="a tilt that is no number"),
        pytest.param(tilted(40, True), "cannot tell", id="a tilt that is a truth"),
        pytest.param(ChangeSet(restart(cell(99))), "lacks the cell", id="not in the inventory"),
    ],
)
def test_what_the_twin_cannot_compute_is_told(change_set, says):
    with pytest.raises(InputError, match=says):
        simulated(change_set)


def test_a_tilt_that_cannot_be_found_counts_for_nothing():
    assert simulated(tilted(10**400, 60)) == simulated(tilted(40, 60))


def test_without_loads_nothing_is_told():
    later = Window(AT, AT + timedelta(days=9))
    with pytest.raises(InputError, match="No cell told its load in the"):
        simulated(RESTART, window=later)
    with pytest.raises(InputError, match="Nothing was measured lately"):
        simulated(RESTART, silent=[(4, 2)])


def test_another_window_is_looked_at_anew():
    ask = SimulatedChanges(published(AT).read, RULES)
    told = ask(RESTART, DAY)
    with pytest.raises(InputError, match="No cell told"):
        ask(RESTART, Window(AT, AT + timedelta(days=9)))
    assert ask(RESTART, DAY) == told
