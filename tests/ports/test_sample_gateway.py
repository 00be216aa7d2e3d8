"""What the gateway of the sample network promises, beside what every gateway does."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest

from semantic_layer.errors import InputError
from tasks.action_ports import ForeignChangeError
from tasks.adapters.sample_files import (
    LiveReport,
    append_write,
    journal_path,
    read_report,
    read_writes,
    write_planned,
    write_report,
)
from tasks.adapters.sample_gateway import SampleClock, SampleGateway
from tasks.messages.change_sets import Operation

NOW = datetime(2025, 6, 5, tzinfo=UTC)
ELEMENT = "SubNetwork=1,ManagedElement=7"
DU, CU = (f"{ELEMENT},{name}=1" for name in ("GNBDUFunction", "GNBCUCPFunction"))
CELL, OTHER = f"{DU},NRCellDU=1", f"{DU},NRCellDU=2"
CARRIER = f"{DU},NRSectorCarrier=1"
BEAM = f"{CARRIER},CommonBeamformingFunction=1"
CU_CELL = f"{CU},NRCellCU=1"
RELATION = f"{CU_CELL},NRCellRelation=7-2"
LOST = f"{CU_CELL},NRCellRelation=9-1"
SAVING = f"{CU_CELL},CESManagementFunction=1"


def cell(number):
    return ("NRCellDU", {"administrativeState": "UNLOCKED", "cellLocalId": number})


PLANNED = {
    ELEMENT: ("ManagedElement", {"userLabel": "Rural 7"}),
    DU: ("GNBDUFunction", {"gNBId": 7}),
    CELL: cell(1),
    OTHER: cell(2),
    CARRIER: ("NRSectorCarrier", {"configuredMaxTxPower": 40_000}),
    BEAM: ("CommonBeamformingFunction", {"digitalTilt": 60}),
    CU: ("GNBCUCPFunction", {"gNBId": 7}),
    CU_CELL: ("NRCellCU", {"cellLocalId": 1}),
    RELATION: ("NRCellRelation", {"adjacentNRCellRef": CU_CELL, "isHOAllowed": True}),
    LOST: ("NRCellRelation", {"adjacentNRCellRef": CU_CELL, "isHOAllowed": True}),
    SAVING: (
        "CESManagementFunction",
        {
            "cesSwitch": True,
            "energySavingControl": "toBeNotEnergySaving",
            "energySavingState": "isNotEnergySaving",
            "energySavingMode": "ACTIVE",
        },
    ),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "live").mkdir()
    write_planned(tmp_path, PLANNED)
    slipped = (PLANNED[BEAM][0], {"digitalTilt": 125})
    write_report(tmp_path, LiveReport(NOW, 0, {BEAM: slipped, LOST: None}))
    return tmp_path


@pytest.fixture
def gateway(folder):
    return SampleGateway(folder)


def modified(dn, attribute, before, after):
    return Operation(
        "MODIFY", dn, dn.rpartition(",")[2].partition("=")[0], attribute, before, after
    )


LOCK = modified(CELL, "administrativeState", "UNLOCKED", "LOCKED")
SLEEP = modified(SAVING, "energySavingMode", "ACTIVE", "DEEP_SLEEP")
RAISE = modified(BEAM, "digitalTilt", 125, 60)
CREATE = Operation("CREATE", LOST, "NRCellRelation", "", None, PLANNED[LOST][1])
DELETE = Operation("DELETE", RELATION, "NRCellRelation", "", PLANNED[RELATION][1], None)


def test_the_network_reports_what_it_has_not_what_was_planned(gateway):
    found = gateway.read([CELL, BEAM, LOST, "SubNetwork=1,ManagedElement=99"])
    assert set(found) == {CELL, BEAM}
    assert found[BEAM].attributes == {"digitalTilt": 125}
    assert found[CELL].object_class == "NRCellDU"


def test_contained_objects_are_found_at_any_depth_and_in_order(gateway):
    assert [one.dn for one in gateway.read_below(ELEMENT, "NRCellDU")] == [CELL, OTHER]
    assert [one.dn for one in gateway.read_below(ELEMENT, "NRCellRelation")] == [RELATION]
    assert gateway.read_below("SubNetwork=1,ManagedElement=70", "NRCellDU") == []


@pytest.mark.parametrize(
    "operation", [LOCK, SLEEP, RAISE, CREATE, DELETE], ids=lambda one: one.kind
)
def test_what_is_written_stands_for_every_process_and_can_be_taken_back(folder, operation):
    one, other = SampleGateway(folder), SampleGateway(folder)
    before = other.read([operation.dn])
    one.write(operation)
    told = other.read([operation.dn])
    if operation.kind == "DELETE":
        assert told == {}
    elif operation.kind == "CREATE":
        assert told[operation.dn].attributes == operation.after
    else:
        assert told[operation.dn].attributes[operation.attribute] == operation.after
    one.write(operation.inverse())
    assert other.read([operation.dn]) == before


def test_writing_again_what_stands_writes_nothing(folder, gateway):
    gateway.write(LOCK)
    gateway.write(LOCK)
    gateway.write(CREATE)
    gateway.write(CREATE)
    assert [write.number for write in read_writes(folder)] == [1, 2]
    assert read_writes(folder)[0].at == NOW


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(modified(BEAM, "digitalTilt", 60, 50), id="the tilt is not as expected"),
        pytest.param(
            Operation("CREATE", RELATION, "NRCellRelation", "", None, {"isHOAllowed": False}),
            id="it stands already, otherwise",
        ),
        pytest.param(
            Operation("DELETE", RELATION, "NRCellRelation", "", {"isHOAllowed": False}, None),
            id="what stands is not what should go",
        ),
    ],
)
def test_what_others_changed_is_left_as_it_is(folder, gateway, operation):
    with pytest.raises(ForeignChangeError, match="somebody else changed it"):
        gateway.write(operation)
    assert read_writes(folder) == []


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (modified(f"{DU},NRCellDU=9", "administrativeState", "UNLOCKED", "LOCKED"), "No object"),
        (modified(SAVING, "energySavingMode", "ACTIVE", "HIBERNATE"), "is one of ACTIVE"),
        (
            modified(SAVING, "energySavingControl", "toBeNotEnergySaving", "asleep"),
            "is one of toBeEnergySaving, toBeNotEnergySaving",
        ),
        (
            modified(SAVING, "energySavingState", "isNotEnergySaving", "isEnergySaving"),
            "told by the network and cannot be written",
        ),
        (modified(CELL, "adminState", None, "LOCKED"), "did you mean 'administrativeState'"),
        (modified(CELL, "administrativeState", "UNLOCKED", "OFF"), "one of LOCKED"),
        (modified(BEAM, "digitalTilt", 125, "60"), "type int"),
        (modified(BEAM, "digitalTilt", 125, True), "type int"),
        (modified(BEAM, "digitalTilt", 125, 5000), "between -900 and 900"),
        (modified(RELATION, "isHOAllowed", True, 0), "type bool"),
        (modified(RELATION, "adjacentNRCellRef", CU_CELL, "nowhere"), "does not exist"),
        (Operation("MODIFY", CELL, "NRCellCU", "cellLocalId", 1, 2), "is a NRCellDU"),
        (Operation("CREATE", f"{CU_CELL},Beam=1", "Beam", "", None, {}), "No object class"),
        (
            Operation("CREATE", f"{CELL},NRCellRelation=1", "NRCellDU", "", None, {}),
            "named otherwise",
        ),
        (
            Operation("CREATE", f"{ELEMENT},GNBDUFunction=2,NRCellDU=1", "NRCellDU", "", None, {}),
            "would contain it",
        ),
        (Operation("CREATE", LOST, "NRCellRelation", "", None, {"hop": 1}), "No attribute 'hop'"),
        (Operation("DELETE", CU_CELL, "NRCellCU", "", {"cellLocalId": 1}, None), "still contains"),
    ],
)
def test_what_the_network_does_not_take_is_refused_in_a_sentence(
    folder, gateway, operation, reason
):
    with pytest.raises(InputError, match=reason):
        gateway.write(operation)
    assert read_writes(folder) == []


def test_a_write_that_a_crash_cut_off_was_never_written(folder, gateway):
    gateway.write(LOCK)
    whole = journal_path(folder).read_bytes()
    for length in range(1, len(whole)):
        journal_path(folder).write_bytes(whole + whole[:length])
        assert gateway.read([CELL])[CELL].attributes["administrativeState"] == "LOCKED"
    gateway.write(RAISE)
    assert [write.operation for write in read_writes(folder)] == [LOCK, RAISE]


def test_a_damaged_journal_is_told_and_not_guessed_at(folder, gateway):
    gateway.write(LOCK)
    journal_path(folder).write_bytes(b"{}\n" + journal_path(folder).read_bytes())
    with pytest.raises(InputError, match="a line that is no write"):
        gateway.read([CELL])


def _lock_and_unlock(folder, times):
    gateway = SampleGateway(folder)
    for _ in range(times):
        for operation in (LOCK, LOCK.inverse()):
            try:
                gateway.write(operation)
            except ForeignChangeError:
                os._exit(1)


def test_of_two_that_write_at_once_each_finds_what_the_other_left(folder):
    # A write is compared with what stands: doing it again is nothing, undoing it is a line.
    processes = [
        get_context("spawn").Process(target=_lock_and_unlock, args=(folder, 5)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    told = [write.operation.after for write in read_writes(folder)]
    assert told == ["LOCKED", "UNLOCKED"] * (len(told) // 2)
    assert [write.number for write in read_writes(folder)] == list(range(1, len(told) + 1))


def test_writes_that_the_report_holds_already_are_not_laid_upon_it_again(folder, gateway):
    gateway.write(RAISE)
    beam = (PLANNED[BEAM][0], {"digitalTilt": 61})
    write_report(folder, LiveReport(NOW, 1, {BEAM: beam}))
    assert gateway.read([BEAM])[BEAM].attributes == {"digitalTilt": 61}


def test_a_reader_cannot_change_the_network_by_changing_what_it_read(gateway):
    gateway.read([BEAM])[BEAM].attributes["digitalTilt"] = 1
    assert gateway.read([BEAM])[BEAM].attributes["digitalTilt"] == 125


def test_reading_again_takes_less_than_five_milliseconds(folder):
    many = PLANNED | {f"{DU},NRCellDU={n}": cell(n) for n in range(3, 5_000)}
    write_planned(folder, many)
    gateway = SampleGateway(folder)
    gateway.read([CELL])
    started = time.perf_counter()
    for _ in range(20):
        gateway.read([CELL, BEAM])
    assert (time.perf_counter() - started) / 20 < 0.005


class Stopped:
    def now(self):
        return datetime(2030, 1, 1, tzinfo=UTC)


def test_the_clock_is_the_networks_own_and_the_machines_where_none_stands(folder, tmp_path):
    assert SampleClock(folder, Stopped()).now() == NOW
    assert SampleClock(tmp_path / "none", Stopped()).now() == Stopped().now()


def test_a_write_within_a_quarter_tells_its_minute_and_stands_upon_the_quarters_report(folder):
    slipped = (PLANNED[BEAM][0], {"digitalTilt": 125})
    moment = NOW + timedelta(minutes=22)
    write_report(folder, LiveReport(moment, 0, {BEAM: slipped, LOST: None}))
    gateway = SampleGateway(folder)
    gateway.write(LOCK)
    (told,) = read_writes(folder)
    assert told.at == SampleClock(folder, Stopped()).now() == moment
    assert read_report(folder).counted_until == NOW + timedelta(minutes=15)
    assert gateway.read([CELL])[CELL].attributes["administrativeState"] == "LOCKED"


def test_without_a_network_the_gateway_says_how_to_get_one(tmp_path):
    for use in (lambda it: it.read([CELL]), lambda it: it.write(LOCK)):
        with pytest.raises(InputError, match="anops run"):
            use(SampleGateway(tmp_path))


def test_a_write_is_on_record_with_its_time_and_what_stood(folder):
    append_write(folder, NOW, LOCK, "UNLOCKED")
    told = json.loads(journal_path(folder).read_text("utf-8"))
    assert told == {
        "number": 1, "at": NOW.isoformat(), "operation": LOCK.to_json(), "before": "UNLOCKED",
    }  # fmt: skip
