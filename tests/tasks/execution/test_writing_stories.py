"""Stories of approved changes: written once and wholly, or taken back, whatever comes between."""

from datetime import timedelta
from threading import Thread

import pytest

from semantic_layer.errors import InputError, TransientError
from tasks.action_ports import ForeignChangeError
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.execution.executing import carried_out
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import proposal_life
from tests.tasks.execution.told import (
    ALL_THREE,
    BEAM,
    CELL,
    DU,
    LOCK,
    NEIGHBOR,
    NOON,
    RELATION,
    RESTART,
    TILT,
    TILT_BACK,
    UNLOCK,
    StoppedClock,
    approved,
    hands,
    memory_ledger,
    modify,
    network_objects,
)


class TroubledGateway(MemoryGateway):
    """A network that does something else before its n-th write, counted from 0."""

    def __init__(self, trouble):
        super().__init__(network_objects())
        self.trouble, self.writes = trouble, -1

    def write(self, operation):
        self.writes += 1
        self.trouble(self, operation)
        super().write(operation)


@pytest.fixture
def ledger():
    return memory_ledger()


def state(gateway):
    return {dn: one.attributes for dn, one in gateway._objects.items()}


def untouched():
    return state(MemoryGateway(network_objects()))


def kinds(ledger, proposal_id):
    return [one.kind for one in ledger.entries(proposal_id)][4:]


@pytest.mark.parametrize(
    "change", [RESTART, TILT_BACK, NEIGHBOR, ALL_THREE], ids=["restart", "tilt", "neighbor", "all"]
)
def test_an_approved_change_is_written_step_by_step_each_on_record_before_and_after(ledger, change):
    gateway = MemoryGateway(network_objects())
    found = carried_out(approved(ledger, change), hands(ledger, gateway))
    assert (found.stage, found.says) == ("APPLIED", "")
    assert gateway.journal == list(change.operations)
    steps = ["write_intended", "write_done"] * len(change.operations)
    assert kinds(ledger, found.proposal_id) == ["execution_prepared", *steps, "applied"]


def test_a_second_executor_finds_nothing_to_do(ledger):
    gateway = MemoryGateway(network_objects())
    name = approved(ledger, RESTART)
    threads = [Thread(target=carried_out, args=(name, hands(ledger, gateway))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gateway.journal == [LOCK, UNLOCK]
    assert kinds(ledger, name).count("applied") == 1


def test_the_way_back_is_stored_with_the_live_values_before_anything_is_written(ledger):
    def look(gateway, _operation):
        seen.append((kinds(ledger, name)[0], list(gateway.journal)))

    seen = []
    delete = Operation("DELETE", BEAM, "CommonBeamformingFunction", "", {"digitalTilt": 90.0}, None)
    name = approved(ledger, ChangeSet((delete,)))
    carried_out(name, hands(ledger, TroubledGateway(look)))
    assert seen == [("execution_prepared", [])]
    stored = proposal_life(ledger.entries(name)).prepared.payload["rollback"]
    assert stored[0]["after"] == {"digitalTilt": 90, "coverageShape": 1}, "all of the live object"


def test_what_was_judged_must_be_what_is_proposed(ledger):
    gateway = MemoryGateway(network_objects())
    name = approved(ledger, TILT_BACK, digest=RESTART.digest)
    found = carried_out(name, hands(ledger, gateway))
    assert found.stage == "WITHDRAWN"
    assert "not this change set" in ledger.entries(name)[-1].payload["reason"]
    assert gateway.journal == []


def test_an_approval_that_ran_out_before_the_first_write_is_none(ledger):
    gateway = MemoryGateway(network_objects())
    name = approved(ledger, TILT_BACK, expires_at=NOON + timedelta(minutes=5))
    late = StoppedClock(NOON + timedelta(minutes=5))
    assert carried_out(name, hands(ledger, gateway, late)).stage == "EXPIRED"
    assert gateway.journal == []


def test_a_frozen_network_is_not_written_until_it_thaws(ledger):
    gateway = MemoryGateway(network_objects())
    name = approved(ledger, TILT_BACK)
    ledger.append(EntryDraft("frozen", "network", "bo", NOON, {"reason": "a flood"}))
    found = carried_out(name, hands(ledger, gateway))
    assert (found.stage, gateway.journal) == ("APPROVED", [])
    assert "a flood" in found.says
    ledger.append(EntryDraft("thawed", "network", "bo", NOON, {"reason": "over"}))
    assert carried_out(name, hands(ledger, gateway)).stage == "APPLIED"


def test_a_freeze_in_the_middle_takes_back_what_was_begun_and_leaves_nothing_half_done(ledger):
    def freeze(gateway, _operation):
        if gateway.writes == 0:
            ledger.append(EntryDraft("frozen", "network", "bo", NOON, {"reason": "a flood"}))

    gateway = TroubledGateway(freeze)
    found = carried_out(approved(ledger, ALL_THREE), hands(ledger, gateway))
    assert found.stage == "ROLLED_BACK"
    assert gateway.journal == [LOCK, UNLOCK]
    assert state(gateway) == untouched()


def test_an_old_verdict_is_not_acted_on(ledger):
    gateway = MemoryGateway(network_objects())
    name = approved(ledger, TILT_BACK, expires_at=NOON + timedelta(days=9))
    found = carried_out(name, hands(ledger, gateway, StoppedClock(NOON + timedelta(hours=25))))
    assert (found.stage, gateway.journal) == ("APPROVED", [])
    assert "judged again" in found.says


@pytest.mark.parametrize(("to_level", "stage"), [(2, "APPROVED"), (3, "APPLIED")])
def test_a_use_case_that_was_lowered_since_is_judged_again_first(ledger, to_level, stage):
    name = approved(ledger, TILT_BACK)
    payload = {"from_level": 3, "to_level": to_level, "reason": "bad outcome", "evidence": {}}
    ledger.append(EntryDraft("autonomy_changed", "heal_tilt_slip", "guards", NOON, payload))
    assert carried_out(name, hands(ledger, MemoryGateway(network_objects()))).stage == stage


def test_approvals_that_do_not_count_now_hold_it(ledger):
    gateway = MemoryGateway(network_objects())
    name = approved(ledger, TILT_BACK)
    held = hands(ledger, gateway)
    object.__setattr__(held, "not_now", lambda _life, _now: "The delegation has ended.")
    assert carried_out(name, held).says == "The delegation has ended."
    assert gateway.journal == []


def test_what_others_changed_since_the_proposal_ends_it_without_a_write(ledger):
    gateway = MemoryGateway(network_objects())
    gateway.write(modify(BEAM, "CommonBeamformingFunction", "digitalTilt", 90, 75))
    found = carried_out(name := approved(ledger, TILT_BACK), hands(ledger, gateway))
    assert found.stage == "WITHDRAWN"
    assert len(gateway.journal) == 1, "the change by others alone"
    assert "holds 75; 90 was expected" in ledger.entries(name)[-1].payload["reason"]


def test_a_foreign_change_in_the_middle_takes_back_ours_and_leaves_theirs(ledger):
    def interfere(gateway, operation):
        if operation == TILT and gateway.journal == [LOCK]:
            MemoryGateway.write(gateway, modify(BEAM, TILT.object_class, "digitalTilt", 90, 75))

    gateway = TroubledGateway(interfere)
    found = carried_out(name := approved(ledger, ALL_THREE), hands(ledger, gateway))
    assert found.stage == "ROLLED_BACK"
    assert gateway.read([BEAM])[BEAM].attributes["digitalTilt"] == 75
    assert gateway.read([CELL])[CELL].attributes["administrativeState"] == "UNLOCKED"
    assert "75" in ledger.entries(name)[-1].payload["reason"]


def test_others_who_set_what_we_wrote_meanwhile_are_not_overwritten_on_the_way_back(ledger):
    def interfere(gateway, operation):
        if operation == UNLOCK and gateway.writes == 3:
            MemoryGateway.write(gateway, modify(BEAM, TILT.object_class, "digitalTilt", 60, 75))
            raise InputError("The cell has no power.")

    gateway = TroubledGateway(interfere)
    found = carried_out(name := approved(ledger, ALL_THREE), hands(ledger, gateway))
    assert found.stage == "ROLLED_BACK"
    assert gateway.read([BEAM])[BEAM].attributes["digitalTilt"] == 75
    assert RELATION not in state(gateway)
    reason = ledger.entries(name)[-1].payload["reason"]
    assert "no power" in reason
    assert "Left as others set it" in reason


@pytest.mark.parametrize("refused", range(4))
def test_a_change_refused_at_any_step_leaves_nothing(ledger, refused):
    def refuse(gateway, operation):
        if gateway.writes == refused and operation == ALL_THREE.operations[refused]:
            raise InputError("The value is out of range.")

    gateway = TroubledGateway(refuse)
    found = carried_out(approved(ledger, ALL_THREE), hands(ledger, gateway))
    assert found.stage == "ROLLED_BACK"
    assert state(gateway) == untouched()
    assert len(gateway.journal) == 2 * refused, "each write and its way back, once"


@pytest.mark.parametrize("is_written", [True, False], ids=["written", "not written"])
@pytest.mark.parametrize("silent_from", range(4))
def test_silence_is_waited_for_then_taken_back_by_the_run_that_hears_again(
    ledger, silent_from, is_written
):
    def fall_silent(gateway, operation):
        if gateway.writes >= silent_from and not gateway.hears:
            if is_written and gateway.writes == silent_from:
                MemoryGateway.write(gateway, operation)
            raise TransientError("The network did not answer.")

    gateway = TroubledGateway(fall_silent)
    gateway.hears = False
    name = approved(ledger, ALL_THREE)
    first = carried_out(name, hands(ledger, gateway))
    assert first.stage == "EXECUTING"
    assert "A later run goes on" in first.says
    gateway.hears = True
    assert carried_out(name, hands(ledger, gateway)).stage == "ROLLED_BACK"
    assert state(gateway) == untouched()


def test_a_short_silence_is_only_tried_again(ledger):
    def hesitate(gateway, _operation):
        if gateway.writes in (1, 2):
            raise TransientError("The network did not answer.")

    gateway = TroubledGateway(hesitate)
    assert carried_out(approved(ledger, RESTART), hands(ledger, gateway)).stage == "APPLIED"
    assert gateway.journal == [LOCK, UNLOCK]


def test_a_network_that_refuses_the_way_back_is_asked_again_by_the_next_run(ledger):
    def refuse(gateway, operation):
        if operation == UNLOCK and gateway.writes < 6:
            raise InputError("The cell has no power.")

    gateway = TroubledGateway(refuse)
    name = approved(ledger, ChangeSet((LOCK, TILT, UNLOCK)))
    runs = [carried_out(name, hands(ledger, gateway)) for _ in range(4)]
    assert [one.stage for one in runs] == ["EXECUTING", "EXECUTING", "ROLLED_BACK", "ROLLED_BACK"]
    assert "does not let it be taken back" in runs[0].says
    assert state(gateway) == untouched()


def test_a_gateway_compares_before_it_writes():
    gateway = MemoryGateway(network_objects())
    with pytest.raises(ForeignChangeError, match="holds 90, neither 80 nor 70"):
        gateway.write(modify(BEAM, TILT.object_class, "digitalTilt", 80, 70))
    assert DU in state(gateway)
