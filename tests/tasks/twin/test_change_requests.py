"""What people deliver of the sample network: requests, tickets, documents, and what they hide."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from tasks.ingestion.documents.document_files import delivered_sections
from tasks.ingestion.records.change_requests import change_requests
from tasks.ingestion.records.trouble_tickets import trouble_tickets
from tasks.twin.change_requests import change_versions, configured_values
from tasks.twin.faults import KINDS, Fault
from tasks.twin.layout import build_network
from tasks.twin.operations_runbooks import RUNBOOKS
from tasks.twin.operations_texts import operations_documents
from tasks.twin.planned_changes import planned_changes
from tasks.twin.record_files import write_records
from tasks.twin.scenario import DEFAULT_END
from tasks.twin.traffic import PERIODS_A_DAY, season
from tasks.twin.trouble_tickets import ticket_versions

DAYS = 14
NETWORK = build_network(12, 5, is_village=False)
CALENDAR = season(DEFAULT_END - timedelta(days=DAYS), DAYS)


def fault(number, kind, first=300, length=24, cells=(0, 1)):
    change = f"CRQ{number:06d}" if kind == "software_regression" else None
    return Fault(
        f"F{number:03d}", kind, cells, first, first + length, 0, 1.0, "share", "site",
        has_alarm=False, change_id=change,
    )  # fmt: skip


CHANGES = planned_changes(NETWORK, CALENDAR, 5)
FAULTS = [fault(number, kind, 200 + 40 * number) for number, kind in enumerate(KINDS, 1)]


def test_changes_come_in_every_kind_with_effect_and_without():
    changes = planned_changes(NETWORK, CALENDAR, 5)
    assert changes == planned_changes(NETWORK, CALENDAR, 5)
    assert changes != planned_changes(NETWORK, CALENDAR, 6)
    many = [one for seed in range(30) for one in planned_changes(NETWORK, CALENDAR, seed)]
    assert {one.kind for one in many} == {
        "tilt_change", "power_change", "capacity_change", "parameter_change", "software_upgrade",
        "maintenance",
    }  # fmt: skip
    assert {one.course for one in many} == {"none", "level", "ramp", "variance"}
    quiet = {"parameter_change", "software_upgrade", "maintenance"}
    assert {one.course for one in many if one.kind in quiet} == {"none"}
    assert any(one.is_cancelled for one in many)
    for one in many:
        assert 0 < one.first < one.last <= CALENDAR.periods
        assert one.is_cancelled is False or one.course == "none"


def test_a_regression_has_a_request_that_closed_well_as_it_began():
    versions = [
        version for moment, version in change_versions(NETWORK, [], FAULTS, CALENDAR, 5)
        if version["id"].startswith("CRQ0")
    ]  # fmt: skip
    states = [version["status"] for version in versions]
    assert states == ["acknowledged", "approved", "scheduled", "inProgress", "closed"]
    begun = next(one for one in FAULTS if one.kind == "software_regression")
    assert versions[-1]["actualEndTime"] == f"{CALENDAR.starts[begun.first]:%Y-%m-%dT%H:%M:%SZ}"
    assert versions[-1]["requestType"] == "software"


def test_nothing_that_is_delivered_names_a_fault_or_lies_in_the_future(tmp_path):
    counts = write_records(NETWORK, CHANGES, FAULTS, CALENDAR, 5, tmp_path)
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    end = CALENDAR.starts[-1] + timedelta(minutes=15)
    for text in texts:
        assert not any(f'"{one.fault_id}"' in text or f" {one.fault_id}" in text for one in FAULTS)
        assert not any(f"{kind}" in text for kind in ("software_regression", "sleeping_cell"))
    told = [
        version
        for path in (*(tmp_path / "changes").iterdir(), *(tmp_path / "tickets").iterdir())
        for version in json.loads(path.read_text())
    ]
    for version in told:
        assert (version.get("lastUpdate") or version["lastUpdateDate"]) < end.isoformat()
    assert counts["change_requests"] == len({one["id"] for one in told if "requestType" in one})
    assert counts["documents"] >= 24


def test_what_is_delivered_is_read_without_a_finding(tmp_path):
    counts = write_records(NETWORK, CHANGES, FAULTS, CALENDAR, 5, tmp_path)
    changes, tickets = change_requests(tmp_path), trouble_tickets(tmp_path)
    documents = delivered_sections(tmp_path)
    for found in (changes, tickets, documents):
        assert found.findings.is_empty()
    assert changes.versions["change_id"].n_unique() == counts["change_requests"]
    assert tickets.versions["ticket_id"].n_unique() == counts["trouble_tickets"]
    assert documents.documents == counts["documents"]
    assert documents.sections["valid_from"].null_count() == 0
    assert set(documents.sections["kind"]) == {
        "runbook", "procedure", "reference", "incident_report",
    }  # fmt: skip


def test_the_same_run_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_records(NETWORK, CHANGES, FAULTS, CALENDAR, 5, tmp_path / name)
    told = [
        {path.relative_to(tmp_path / name): path.read_bytes()
         for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("a", "b")
    ]  # fmt: skip
    assert told[0] == told[1]


def test_a_change_that_is_rolled_back_ends_with_its_request_and_is_set_back():
    many = [(seed, one) for seed in range(6) for one in planned_changes(NETWORK, CALENDAR, seed)]
    seed, back = next(
        (seed, one) for seed, one in many if one.is_rolled_back and one.kind == "tilt_change"
    )
    values = [
        (at, value)
        for change, at, _, _, value in configured_values(NETWORK, [back], CALENDAR)
        if change == back.change_id
    ]
    assert values[-1] == (CALENDAR.starts[back.last], round(10 * tilt_of(back)))
    assert values[-1][1] != values[0][1]
    last = change_versions(NETWORK, [back], [], CALENDAR, seed)[-1][1]
    assert last["status"] == "closed"
    assert last["actualEndTime"] == f"{CALENDAR.starts[back.last]:%Y-%m-%dT%H:%M:%SZ}"
    assert "Rolled back" in last["statusChangeReason"]


def tilt_of(change):
    return NETWORK.cells[change.cells[0]].tilt_deg


def test_changes_that_act_are_at_different_sites_and_some_begin_in_the_newest_days():
    newest = 10 * PERIODS_A_DAY
    town = build_network(78, 5, is_village=False)
    changes = planned_changes(town, CALENDAR, 5, newest_first=newest, spared_sites=(78,))
    able = [one for one in changes if one.kind in {"tilt_change", "power_change"}]
    sites = [town.cells[one.cells[0]].site.index for one in able]
    assert len(set(sites)) == len(sites)
    assert 78 not in sites
    acting = [one for one in changes if one.course != "none"]
    late = [one for one in acting if one.first >= newest]
    assert 0 < len(late) < len(acting) - len(late) + 2
    assert any(one.is_rolled_back for one in acting)


def test_a_ramp_reaches_its_size_in_steps_of_a_day():
    many = [one for seed in range(9) for one in planned_changes(NETWORK, CALENDAR, seed)]
    for one in many:
        stages = list(one.stages())
        assert stages[0][0] == one.first
        assert stages[-1][1] == one.last
        assert all(before[1] == after[0] for before, after in pairwise(stages))
        sizes = [abs(size) for *_, size in stages]
        assert sizes == sorted(sizes)
        assert len(stages) == 1 or one.course == "ramp"


def test_configured_values_say_what_requests_say():
    changes = [one for seed in range(4) for one in planned_changes(NETWORK, CALENDAR, seed)]
    values = configured_values(NETWORK, changes, CALENDAR)
    assert {attribute for _, _, _, attribute, _ in values} == {
        "digitalTilt", "configuredMaxTxPower",
    }  # fmt: skip
    versions = change_versions(NETWORK, planned_changes(NETWORK, CALENDAR, 0), [], CALENDAR, 0)
    asked = {
        (version["id"], part["name"]): float(part["value"]["valueAfter"])
        for _, version in versions
        for part in version.get("characteristic", [])
    }
    own = configured_values(NETWORK, planned_changes(NETWORK, CALENDAR, 0), CALENDAR)
    for change, _, _, attribute, _ in own:
        if (change, attribute) in asked:
            told = {value for of, *_, name, value in own if (of, name) == (change, attribute)}
            assert any(asked[change, attribute] == pytest.approx(value, rel=1e-4) for value in told)


def test_tickets_are_late_some_wrong_and_one_hostile():
    many = [
        version
        for seed in range(12)
        for _, version in ticket_versions(NETWORK, FAULTS, CALENDAR, seed)
    ]
    text = json.dumps(many)
    assert "Gone by itself" in text
    assert "ignore earlier instructions" in text
    closed = [version for version in many if version["status"] == "closed"]
    assert len(closed) > 20
    for version in closed:
        moments = [part["changeDate"] for part in version["statusChange"]]
        assert moments == sorted(moments)
        assert version["creationDate"] == moments[0]


def test_every_kind_of_fault_has_a_runbook_that_can_be_followed():
    assert set(RUNBOOKS) == set(KINDS)
    for book in RUNBOOKS.values():
        assert len(book.checks) >= 2
        assert len(book.actions) >= 1
        assert len(book.causes) >= 2


def test_reports_are_written_after_the_fact_on_the_largest_faults():
    wide = fault(40, "link_cut", first=2 * PERIODS_A_DAY, cells=tuple(range(9)))
    late = fault(41, "outage", first=CALENDAR.periods - 40, cells=tuple(range(12)))
    pages = operations_documents(NETWORK, [*FAULTS[:3], wide, late], CALENDAR, 5)
    reports = {name: text for name, text in pages.items() if name.startswith("incident_reports")}
    assert 1 <= len(reports) <= 6
    joined = "\n".join(reports.values())
    assert "9 cells" in joined
    assert "12 cells" not in joined
