"""A whole saving through the gateways of production: proposed, written, read back, taken back.

Each element is a server of its own process; what they are is said in tests/ports/network_servers.
"""

import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Thread

import pytest

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.errors import InputError, TransientError
from tasks.approval import steps as approval
from tasks.approval.deciding import Speaker
from tasks.energy.left_out import left_out
from tasks.energy.proposing import PlanTold, proposals, saving_functions
from tasks.energy.wanted import Wanted
from tasks.execution import steps
from tasks.execution.executing import carried_out
from tasks.execution.recalling import recalled
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.proposal_life import proposal_life
from tests.ports.network_servers import (
    CES,
    MODES,
    netconf_element,
    provisioning_element,
)
from tests.tasks.execution.energy_town import FUNCTION, PLAIN, town
from tests.tasks.execution.told import StoppedClock, approved, hands, memory_ledger
from tests.tasks.guarding.test_saving_steps import condition, network
from tests.tasks.guarding.test_steps import judge, propose, world
from tests.tasks.guardrails.town import AWAKE, NOON, cell, saver, sleep

__all__ = ["world"]

pytestmark = pytest.mark.slow

SITE = 4
WHY = "The plan wakes them."
WANTED = {1: "MIMO_MUTED", 2: "MICRO_SLEEP", 3: "POWER_REDUCED"}
SLEEPS = ChangeSet((*sleep(saver(SITE, 1)), *sleep(saver(SITE, 2), "LIGHT_SLEEP")))
PLAN = PlanTold("plan-1", "careful", "solver", 0.001, "It saves most.", "run-1", 0.9, (), "f@1")
FEW = ("ACTIVE", "LIGHT_SLEEP", "DEEP_SLEEP")


OPENED = {
    "netconf": partial(netconf_element, has_radio=True, objects=town()),
    "netconf running": partial(netconf_element, target="running", has_radio=True, objects=town()),
    "provisioning": partial(provisioning_element, objects=town()),
    "provisioning without tags": lambda folder: provisioning_element(
        folder, "--without-tags", objects=town()
    ),
    "provisioning of single objects": lambda folder: provisioning_element(
        folder, "--single", objects=town()
    ),
}


@pytest.fixture(scope="module")
def elements(tmp_path_factory):
    """Return a function that opens each kind of element once."""
    made = {}
    with ExitStack() as stack:

        def of(kind):
            if kind not in made:
                made[kind] = stack.enter_context(OPENED[kind](tmp_path_factory.mktemp("element")))
            return made[kind]

        yield of


@pytest.fixture(params=["netconf", "provisioning"], ids=str)
def gateway(request, elements):
    """Return the gateway to an element whose cells are all awake; some tests ask for more kinds."""
    made = elements(request.param).gateway
    for dn, one in made.read([saver(SITE, number) for number in (1, 2, 3)]).items():
        for name in ("energySavingControl", "energySavingMode"):
            if one.attributes[name] != AWAKE[name]:
                made.write(Operation("MODIFY", dn, FUNCTION, name, one.attributes[name],
                                     AWAKE[name]))  # fmt: skip
    return made


class Interposed:
    """A gateway before whose writes something happens, by their number."""

    def __init__(self, gateway, happens):
        self.gateway, self.happens, self.count = gateway, happens, 0
        self.read, self.read_below = gateway.read, gateway.read_below

    def write(self, operation):
        self.happens.get(self.count, lambda: None)()
        self.count += 1
        self.gateway.write(operation)


class DeadError(Exception):
    """The process that executes is as good as dead."""


def dies():
    raise DeadError


def told(gateway, number, site=SITE):
    """Return what a cell's saving function tells: mode, control, state."""
    attributes = gateway.read([saver(site, number)])[saver(site, number)].attributes
    return tuple(attributes.get(f"energySaving{word}") for word in ("Mode", "Control", "State"))


ASLEEP, NOT_ASLEEP = ("toBeEnergySaving", "isEnergySaving"), (
    "toBeNotEnergySaving", "isNotEnergySaving",
)  # fmt: skip


def is_awake(gateway):
    return all(told(gateway, number) == ("ACTIVE", *NOT_ASLEEP) for number in (1, 2, 3))


def saving(ledger, change=SLEEPS):
    """Put an approved saving on record; return its id."""
    cells = (cell(SITE, 1), cell(SITE, 2))
    return approved(ledger, change, at=NOON, use_case="save_energy", cells=cells)


def tools(ledger, gateway, **changed):
    return hands(ledger, gateway, StoppedClock(NOON), **changed)


def life(ledger, name):
    return proposal_life(ledger.entries(name))


def wanted(modes):
    """Return what a plan wants of the cells of a site."""
    until = NOON + timedelta(hours=6)
    return {
        cell(SITE, number): Wanted(cell(SITE, number), f"S{SITE:03d}", mode, until, 1.0, 20.0)
        for number, mode in modes.items()
    }


def proposed(gateway, modes=WANTED):
    """Return what is proposed by what the network tells now."""
    functions = saving_functions(gateway.read_below("SubNetwork=1", FUNCTION))
    return proposals(wanted(modes), functions, [], PLAN, NOON, 0.5, energy_goals_rules())


@pytest.mark.parametrize("gateway", list(OPENED), indirect=True)
def test_a_saving_goes_the_whole_way_and_back(world, gateway):
    network(world)
    condition(world)
    world.__dict__["gateway"] = gateway
    (one,) = proposed(gateway)
    (name,) = propose(world, one)
    assert judge(name) == [name], life(world.ledger, name).verdict
    assert approval.request_approvals.fn([name]) == [name]
    approval.approve.fn(name, Speaker("elena", "command"), one.change_set.digest)
    assert steps.apply_approved.fn() == [name]
    for number, mode in WANTED.items():
        assert told(gateway, number) == (mode, *ASLEEP)
    assert told(gateway, 1, SITE + 1) == ("ACTIVE", *NOT_ASLEEP), "nobody else was told to"
    assert proposed(gateway) == [], "who saves is not told to save again"
    assert steps.recall.fn([name], WHY) == [name]
    assert is_awake(gateway)
    assert life(world.ledger, name).stage == "RECALLED"
    assert [again.change_set for again in proposed(gateway)] == [one.change_set]
    assert world.ledger.problems() == []


@pytest.mark.parametrize("mode", ["ACTIVE", "DEEP_SLEEP"])
def test_a_cell_that_somebody_else_woke_stays_as_they_left_it(gateway, mode):
    ledger = memory_ledger()
    name = saving(ledger)
    assert carried_out(name, tools(ledger, gateway)).stage == "APPLIED"
    others = [Operation("MODIFY", saver(SITE, 2), FUNCTION, "energySavingControl",
                        "toBeEnergySaving", "toBeNotEnergySaving"),
              Operation("MODIFY", saver(SITE, 2), FUNCTION, "energySavingMode",
                        "LIGHT_SLEEP", mode)]  # fmt: skip
    for operation in others:
        gateway.write(operation)
    assert recalled(name, WHY, tools(ledger, gateway)).stage == "RECALLED"
    assert told(gateway, 1) == ("ACTIVE", *NOT_ASLEEP)
    assert told(gateway, 2) == (mode, *NOT_ASLEEP)
    reason = ledger.entries(name)[-1].payload["reason"]
    assert ("Left as others set it" in reason) is (mode != "ACTIVE")


@pytest.mark.parametrize(
    ("before", "stage"),
    [
        pytest.param(None, "WITHDRAWN", id="before it was compared"),
        *(pytest.param(number, "ROLLED_BACK", id=f"before write {number}") for number in range(3)),
    ],
)
def test_who_changes_a_cell_before_it_is_written_ends_the_saving_and_nothing_of_it_stands(
    gateway, before, stage
):
    ledger = memory_ledger()
    name = saving(ledger)
    other = Operation("MODIFY", saver(SITE, 2), FUNCTION, "energySavingMode", "ACTIVE",
                      "DEEP_SLEEP")  # fmt: skip
    if before is None:
        gateway.write(other)
    between = Interposed(gateway, {before: partial(gateway.write, other)})
    assert carried_out(name, tools(ledger, between)).stage == stage
    assert told(gateway, 1) == ("ACTIVE", *NOT_ASLEEP)
    assert told(gateway, 2) == ("DEEP_SLEEP", *NOT_ASLEEP)
    assert "holds DEEP_SLEEP" in ledger.entries(name)[-1].payload["reason"]


@pytest.mark.parametrize("written", range(4))
def test_a_saving_that_is_half_written_is_taken_back(gateway, written):
    ledger = memory_ledger()
    name = saving(ledger)
    with pytest.raises(DeadError):
        carried_out(name, tools(ledger, Interposed(gateway, {written: dies})))
    assert life(ledger, name).stage == "EXECUTING"
    assert recalled(name, WHY, tools(ledger, gateway)).stage == "RECALLED"
    assert is_awake(gateway)


def test_two_who_take_back_at_once_do_it_once(gateway):
    ledger = memory_ledger()
    name = saving(ledger)
    carried_out(name, tools(ledger, gateway))
    found = []
    both = [
        Thread(target=lambda: found.append(recalled(name, WHY, tools(ledger, gateway))))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.stage for one in found] == ["RECALLED"] * 2
    assert is_awake(gateway)
    kinds = [one.kind for one in ledger.entries(name)]
    assert kinds.count("recall_begun") == kinds.count("recalled") == 1
    assert kinds.count("write_done") == 2 * len(SLEEPS.operations)


def test_what_the_network_tells_of_itself_is_never_set(gateway):
    operation = Operation(
        "MODIFY", saver(SITE, 3), FUNCTION, "energySavingState", "isNotEnergySaving",
        "isEnergySaving",
    )  # fmt: skip
    says = (
        r"(energySavingState was not written.*read-only|energySavingState is told by the element)"
    )
    with pytest.raises(InputError, match=says):
        gateway.write(operation)
    ledger = memory_ledger()
    name = saving(ledger, ChangeSet((*SLEEPS.operations, operation)))
    assert carried_out(name, tools(ledger, gateway)).stage == "ROLLED_BACK"
    assert is_awake(gateway)
    assert "energySavingState" in ledger.entries(name)[-1].payload["reason"]


@pytest.mark.parametrize("kind", ["netconf", "netconf running", "provisioning"])
def test_a_server_that_dies_between_two_writes_and_comes_back_in_time_hinders_nothing(
    tmp_path, kind
):
    ledger = memory_ledger()
    name = saving(ledger)
    with OPENED[kind](tmp_path) as element:
        waits = []

        def wait(seconds):
            waits.append(seconds)
            if len(waits) == 1:
                element.comes_back()

        between = Interposed(element.gateway, {2: element.program.die})
        found = carried_out(name, replace(tools(ledger, between), wait=wait))
        assert (found.stage, len(waits)) == ("APPLIED", 1)
        assert told(element.gateway, 1) == ("DEEP_SLEEP", *ASLEEP)
        assert told(element.gateway, 2) == ("LIGHT_SLEEP", *ASLEEP)


@pytest.mark.parametrize("kind", ["netconf", "provisioning"])
def test_a_server_that_dies_between_two_writes_is_left_with_nothing_when_it_is_back(tmp_path, kind):
    ledger = memory_ledger()
    name = saving(ledger)
    with OPENED[kind](tmp_path) as element:
        between = Interposed(element.gateway, {3: element.program.die})
        found = carried_out(name, tools(ledger, between))
        assert found.stage == "EXECUTING"
        assert re.search(r"did not answer.*A later run goes on", found.says)
        element.comes_back()
        assert told(element.gateway, 1) == ("DEEP_SLEEP", *ASLEEP), "half of it stands"
        assert carried_out(name, tools(ledger, element.gateway)).stage == "ROLLED_BACK"
        assert is_awake(element.gateway)
        assert "not known whether written" in ledger.entries(name)[-1].payload["reason"]


@pytest.mark.parametrize("kind", ["netconf", "provisioning"])
def test_a_server_that_is_away_when_cells_are_to_wake_is_asked_again(tmp_path, kind):
    ledger = memory_ledger()
    name = saving(ledger)
    with OPENED[kind](tmp_path) as element:
        assert carried_out(name, tools(ledger, element.gateway)).stage == "APPLIED"
        between = Interposed(element.gateway, {1: element.program.die})
        found = recalled(name, WHY, tools(ledger, between))
        assert (found.stage, "did not answer" in found.says) == ("EXECUTING", True)
        with pytest.raises(TransientError):
            element.gateway.read([saver(SITE, 1)])
        element.comes_back()
        assert recalled(name, WHY, tools(ledger, element.gateway)).stage == "RECALLED"
        assert is_awake(element.gateway)


def few_modes(kind, folder):
    if kind == "netconf":
        return netconf_element(folder, knows=FEW, has_radio=True, objects=town())
    return provisioning_element(folder, "--few-modes", objects=town())


@pytest.mark.parametrize("kind", ["netconf", "provisioning"])
def test_a_mode_that_an_element_does_not_know_ends_the_saving_and_nothing_of_it_stands(
    tmp_path, kind
):
    ledger = memory_ledger()
    change = ChangeSet((*sleep(saver(SITE, 1)), *sleep(saver(SITE, 2), "MIMO_MUTED")))
    with few_modes(kind, tmp_path) as element:
        name = saving(ledger, change)
        assert carried_out(name, tools(ledger, element.gateway)).stage == "ROLLED_BACK"
        assert is_awake(element.gateway)
        reason = ledger.entries(name)[-1].payload["reason"]
        assert re.search(r"invalid-value|energySavingMode is one of ACTIVE", reason)
        assert "NRCellCU=2" in reason
        known = saving(ledger)
        assert carried_out(known, tools(ledger, element.gateway)).stage == "APPLIED"


def standard_alone(kind, folder):
    if kind == "netconf":
        return netconf_element(folder, without=(MODES,), has_radio=True, objects=town(PLAIN))
    return provisioning_element(folder, "--standard", objects=town(PLAIN))


@pytest.mark.parametrize("kind", ["netconf", "provisioning"])
def test_an_element_that_knows_the_standard_alone_stays_awake_and_is_named(tmp_path, kind):
    with standard_alone(kind, tmp_path) as element:
        functions = saving_functions(element.gateway.read_below("SubNetwork=1", FUNCTION))
        assert functions[cell(SITE, 1)].attributes == PLAIN
        assert proposed(element.gateway) == []
        (says,) = left_out(wanted(WANTED), functions)
        assert says.startswith("3 of 3 cells that the plan wants to save know the standard's")
        ledger = memory_ledger()
        name = saving(ledger)
        assert carried_out(name, tools(ledger, element.gateway)).stage == "WITHDRAWN"


def without_functions(kind, folder):
    if kind == "netconf":
        return netconf_element(folder, without=(CES, MODES), objects=town({}))
    return provisioning_element(folder, objects=town({}))


@pytest.mark.parametrize("kind", ["netconf", "provisioning"])
def test_an_element_without_saving_functions_is_asked_for_nothing(tmp_path, kind):
    ledger = memory_ledger()
    with without_functions(kind, tmp_path) as element:
        assert proposed(element.gateway) == []
        name = saving(ledger)
        assert carried_out(name, tools(ledger, element.gateway)).stage == "WITHDRAWN"
        assert "no such object" in ledger.entries(name)[-1].payload["reason"]
        assert "write_intended" not in [one.kind for one in ledger.entries(name)]
