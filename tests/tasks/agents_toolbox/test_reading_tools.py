"""Each reading tool on a district small enough to know by heart."""

from datetime import timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.toolbox.toolbox import toolbox
from tasks.agents.tools import ToolFailedError
from tests.tasks.agents_toolbox.conftest import (
    BEGUN,
    BESIDE,
    DAY,
    ELEMENT,
    ENDED,
    FAR,
    FARTHER,
    FINDING,
    MINE,
    frame,
)

TIME = {"since": BEGUN.isoformat(), "until": ENDED.isoformat()}


def test_a_finding_is_told_with_what_it_is_worth(call):
    (row,) = call("read_finding", anomaly_id=FINDING).rows
    assert row["cell_dn"] == MINE
    assert row["probability"] == 0.9
    assert row["contributions"][0]["kpi"] == "rrc_setup_success_rate"


def test_a_finding_that_is_not_there_fails_with_query_window_and_reason(call):
    with pytest.raises(ToolFailedError, match=r"a9 in cell_anomalies for .*none of the 1 findings"):
        call("read_finding", anomaly_id="a9")


def test_what_was_expected_comes_first_and_earlier_days_tell_the_rest(call):
    rows = {row["kpi"]: row for row in call("compare_with_usual", cell_dn=MINE, **TIME).rows}
    setup, users = rows["rrc_setup_success_rate"], rows["mean_active_users"]
    assert (setup["basis"], setup["deviation"], setup["unit"]) == ("expectation", -20.0, "%")
    assert users["basis"] == "earlier_days"
    assert users["deviation"] < -5
    assert abs(rows["cell_availability"]["deviation"]) < 1


def test_a_kpi_that_was_never_reported_is_not_told(call):
    names = {row["kpi"] for row in call("compare_with_usual", cell_dn=BESIDE, **TIME).rows}
    assert names == {"mean_active_users", "cell_availability"}


def test_a_cell_without_rows_fails_instead_of_looking_usual(call):
    with pytest.raises(ToolFailedError, match="reported nothing"):
        call("compare_with_usual", cell_dn=f"{ELEMENT.format(9)},GNBDUFunction=1,NRCellDU=1")


def test_alarms_stand_where_their_object_does_and_repeated_ones_are_one_row(call):
    rows = call("read_alarms", cell_dn=MINE, **TIME).rows
    told = [(row["alarm_id"], row["alarm"], row["relation"], row["raised_count"]) for row in rows]
    assert told == [
        ("A1", "vswr_over_threshold", "same_cell", 2),
        ("A4", "link_down", "upstream", 1),
        ("A3", "mains_failure", "neighbor_site", 1),
    ]
    assert rows[0]["lead_hours"] == 1.0


def test_a_change_is_told_once_at_its_nearest_object_and_not_if_cancelled(call):
    found = call("read_changes", cell_dn=MINE, **TIME)
    assert [(row["change_id"], row["relation"], row["lead_hours"]) for row in found.rows] == [
        ("CRQ1", "same_cell", 1.0)
    ]
    assert found.is_untrusted


def test_a_change_after_the_time_is_none(call):
    early = {"since": "2026-03-08T01:00+00:00", "until": "2026-03-08T03:00+00:00"}
    assert call("read_changes", cell_dn=MINE, **early).rows == ()


def test_tickets_about_the_site_are_found(call):
    assert [row["ticket_id"] for row in call("read_tickets", cell_dn=MINE, **TIME).rows] == ["TT1"]
    assert call("read_tickets", cell_dn=FAR, **TIME).rows == ()


def test_neighbors_are_the_site_the_radio_neighbors_and_the_way_to_the_core(call):
    rows = call("read_neighbors", cell_dn=MINE).rows
    told = {row["dn"]: row["relation"] for row in rows}
    assert told[BESIDE] == "same_site"
    assert told[FAR] == "neighbor_site"
    assert told["SubNetwork=transport,ManagedElement=R9,Interface=1"] == "upstream"
    assert FARTHER not in told


def test_cells_near_are_compared_in_the_same_time_their_lost_users_too(call):
    rows = {
        row["cell_dn"]: row for row in call("compare_with_neighbors", cell_dn=MINE, **TIME).rows
    }
    assert rows[MINE]["relation"] == "same_cell"
    assert rows[BESIDE]["astray_periods"] == 0
    assert rows[FAR]["astray_periods"] == 24
    assert rows[FAR]["users_deviation"] < -5
    assert abs(rows[BESIDE]["users_deviation"]) < 1


def test_core_kpis_of_the_own_site_lie_beside_earlier_days(call):
    (row,) = call("read_core_kpis", cell_dn=MINE, **TIME).rows
    assert (row["kpi"], row["relation"], row["seen"]) == ("clock_error", "same_site", 400.0)
    assert row["deviation"] > 10
    assert call("read_core_kpis", cell_dn=FAR, **TIME).rows == ()


def test_named_kpis_are_read_within_the_days_before_and_no_farther(call):
    rows = call("read_cell_kpis", cell_dn=MINE, kpis=["mean_active_users"], **TIME).rows
    assert [row["mean_active_users_count"] for row in rows] == [2.0] * 6
    with pytest.raises(ToolFailedError, match="goes beyond"):
        call("read_cell_kpis", cell_dn=MINE, kpis=["mean_active_users"], since="2026-01-01T00:00Z")
    with pytest.raises(ToolFailedError, match="did you mean 'mean_active_users'"):
        call("read_cell_kpis", cell_dn=MINE, kpis=["mean_active_user"])


def test_definitions_are_described_with_what_follows_from_an_alarm(call):
    (kpi,) = call("describe_kpi", name="rrc_setup_success_rate").rows
    assert kpi["unit"] == "%"
    (alarm,) = call("describe_alarm", name="mains_failure").rows
    assert "battery_discharging" in alarm["brings"]
    with pytest.raises(ToolFailedError, match="mains_failures"):
        call("describe_alarm", name="mains_failures")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"cell_dn": "NRCellDU"}, id="no DN"),
        pytest.param({"cell_dn": ELEMENT.format(1)}, id="no cell"),
        pytest.param({"cell_dn": MINE, "since": "2026-03-08T01:00"}, id="no zone"),
        pytest.param({"cell_dn": MINE, "site": "S1"}, id="an argument that is none"),
    ],
)
def test_arguments_that_are_none_never_reach_a_tool(call, reader, wrong):
    with pytest.raises(ValidationError):
        call("read_alarms", **wrong)
    assert reader.reads == []


def test_a_run_reads_each_table_once_and_for_its_purpose(call, reader):
    for _ in range(2):
        call("compare_with_usual", cell_dn=MINE, **TIME)
        call("compare_with_neighbors", cell_dn=MINE, **TIME)
    tables = [table for table, _, _ in reader.reads]
    assert len(tables) == len(set(tables))
    assert {(who, why) for _, who, why in reader.reads} == {("explaining_agent", "a test")}


def test_an_identity_without_the_right_is_told_so_and_sees_nothing(reader):
    tools = toolbox(ToolSources(reader, "stranger", None, None, DAY))
    tool = tools["read_finding"]
    with pytest.raises(ToolFailedError, match="stranger may not read cell_anomalies"):
        tool.function(tool.arguments.model_validate({"anomaly_id": FINDING}))


@pytest.mark.parametrize(
    ("periods", "is_known"),
    [pytest.param(12, True, id="enough periods"), pytest.param(4, False, id="too few")],
)
def test_how_far_noise_follows_load_is_a_plain_correlation(call, reader, periods, is_known):
    load = [20.0 + 7 * (number % 5) for number in range(periods)]
    noise = [1e-12 * (one + 3 * (place % 3)) for place, one in enumerate(load)]
    rows = [
        {
            "cell_dn": FAR, "period_start": BEGUN + timedelta(minutes=15 * place), "kpi": kpi,
            "expected": usual, "low": usual / 2, "high": usual * 2, "seen": values[place],
        }
        for kpi, usual, values in (("prb_usage_dl", 20.0, load), ("ul_interference", 1e-12, noise))
        for place in range(periods)
    ]  # fmt: skip
    reader.frames["cell_anomalies.expectations"] = frame("cell_anomalies.expectations", rows)
    told = {row["kpi"]: row for row in call("compare_with_usual", cell_dn=FAR, **TIME).rows}
    naive = round(float(np.corrcoef(np.array(noise) - 1e-12, load)[0, 1]), 2)
    assert told["ul_interference"]["follows_load"] == (naive if is_known else None)
    assert told["prb_usage_dl"]["follows_load"] == (1.0 if is_known else None)
    assert told["ul_interference"]["deviation"] > 10
