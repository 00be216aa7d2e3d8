"""What stands near a finding: where, when, how much of it is told, and how neighbors did."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from data_products.registry import table
from semantic_layer.detection import detection
from semantic_layer.evidence import evidence_rules
from tasks.anomaly.nearby.evidence import EVIDENCE, evidence
from tasks.anomaly.nearby.near_events import near_events
from tasks.anomaly.nearby.nearness import near, placed_findings
from tasks.anomaly.nearby.surroundings import Surroundings
from tests.tasks.anomaly.nearby import near_world as world
from tests.tasks.anomaly.nearby.near_world import (
    AMF,
    ROUTER,
    alarm,
    around,
    cell,
    change,
    drift,
    element,
)

RULES = evidence_rules()
HOSTILE = "<script>x</script> “close” \x1b[31mred\x00\u202e\n\nnext" + 200 * "long "


def told(surroundings: Surroundings, *rows: dict, scores: pl.DataFrame | None = None):
    known = world.scores() if scores is None else scores
    return evidence(world.findings(*rows), known, surroundings, RULES, detection())


def listed(found: pl.DataFrame, kind: str) -> pl.DataFrame:
    return found.filter(evidence_kind=kind)


def summary(found: pl.DataFrame, kind: str) -> str:
    (said,) = found.filter(evidence_kind="summary", reference_id=kind)["detail"]
    return said


@pytest.mark.parametrize(
    ("dn", "relation"),
    [
        pytest.param(cell(1), "same_cell", id="the cell"),
        pytest.param(
            f"{element(1)},GNBCUCPFunction=1,NRCellCU=1", "same_cell", id="its other half"
        ),
        pytest.param(f"{cell(1)},NRSectorCarrier=1", "same_site", id="a part of the cell"),
        pytest.param(cell(1, 2), "same_site", id="another cell of the site"),
        pytest.param(element(1), "same_site", id="the element"),
        pytest.param(f"{ROUTER}1", "same_site", id="the router that stands at the site"),
        pytest.param(f"{ROUTER}90,Interface=R99", "upstream", id="an interface on the way"),
        pytest.param(f"{ROUTER}99", "upstream", id="the core router"),
        pytest.param(cell(2, 3), "neighbor_site", id="the site of a neighbor"),
        pytest.param(f"{ROUTER}2,Interface=R90", "neighbor_site", id="its router"),
        pytest.param(AMF, "network", id="a function of the core"),
        pytest.param("SubNetwork=1", "network", id="what holds everything"),
        pytest.param(cell(3), None, id="a site that no neighbor stands at"),
        pytest.param(f"{ROUTER}90,Interface=R3", None, id="an interface beside the way"),
        pytest.param("no DN at all", None, id="text that is no name"),
    ],
)
def test_an_alarm_is_near_by_where_its_object_stands(dn, relation):
    found = listed(told(around([alarm(dn)])), "alarm")
    assert found["relation"].to_list() == [relation] * (relation is not None)


@pytest.mark.parametrize(
    ("lead", "is_near"),
    [
        pytest.param(RULES.hours_before, True, id="just within reach"),
        pytest.param(RULES.hours_before + 0.1, False, id="too long before"),
        pytest.param(-RULES.hours_after, True, id="noticed late"),
        pytest.param(-RULES.hours_after - 0.1, False, id="too long after"),
    ],
)
def test_what_is_near_happened_within_hours(lead, is_near):
    found = told(around([alarm(cell(1), lead)], [change([element(1)], lead)]))
    assert listed(found, "alarm")["lead_hours"].to_list() == [pytest.approx(lead)] * is_near
    assert listed(found, "change").height == is_near


def test_an_unplanned_change_may_be_found_by_the_next_dump():
    found = told(around(drifts=[drift(cell(1), -20.0), drift(cell(1, 2), -27.0)]))
    (row,) = listed(found, "change").rows(named=True)
    assert row["reference_id"] == "unplanned digitalTilt"
    assert row["detail"].startswith("digitalTilt became “82” without a request, first seen in the")
    gone = drift(cell(1), attribute="objectClass", actual_value=None)
    (row,) = listed(told(around(drifts=[gone])), "change").rows(named=True)
    assert row["detail"].startswith("The object was removed without a request")
    requested = told(around(drifts=[drift(cell(1), change_id="CRQ7")]))
    assert listed(requested, "change").is_empty()


def test_one_unplanned_change_of_many_objects_is_told_once():
    gone = [
        drift(f"{cell(1)},NRCellRelation={number}", attribute="objectClass", actual_value=None)
        for number in range(7)
    ]
    found = told(around(drifts=[*gone, drift(cell(1, 2))]))
    rows = listed(found, "change")
    assert rows.height == 2
    assert "removed without a request on 7 objects of the element" in " ".join(rows["detail"])
    assert summary(found, "change") == "2 changes near"


def test_a_change_of_many_objects_is_told_once_at_its_nearest():
    found = listed(told(around(changes=[change([cell(2), element(1), cell(1), AMF])])), "change")
    assert found.select("relation", "object_dn").rows() == [("same_cell", cell(1))]


def test_the_nearest_and_newest_come_first_and_the_rest_is_counted():
    old = [alarm(cell(1, 2), 30.0 + number, alarm_name=f"n{number}") for number in range(9)]
    fresh = alarm(f"{ROUTER}99", 0.25, perceived_severity="MINOR")
    found = told(around([*old, fresh, alarm(cell(1), 20.0)]))
    rows = listed(found, "alarm")
    assert rows.height == RULES.rows_a_kind
    assert rows["relation"].to_list()[:3] == ["upstream", "same_cell", "same_site"]
    assert summary(found, "alarm") == "11 alarms near, 6 of them not listed"


def test_an_alarm_raised_over_and_over_is_one():
    minutes = (1, 5, 9, 13)
    flaps = [alarm(cell(1), 1 - at / 60, alarm_id=f"f{at}") for at in minutes]
    found = told(around(flaps))
    (row,) = listed(found, "alarm").rows(named=True)
    assert "4 times within the hour" in row["detail"]
    assert summary(found, "alarm") == "1 alarm near"


def test_what_others_wrote_is_bounded_quoted_and_plain():
    hostile = alarm(cell(1), alarm_name=None, specific_problem=HOSTILE, perceived_severity=HOSTILE)
    found = told(around([hostile], [change([cell(1)], title=HOSTILE)]))
    for detail in found["detail"]:
        assert not set("\x00\x1b\n\u202e") & set(detail)
        assert len(detail) < 300
    (said,) = listed(found, "change")["detail"]
    assert said.count("“") == said.count("”") == 1


def test_cells_near_are_sound_abnormal_or_silent():
    known = world.scores(abnormal=[cell(1, 2), cell(2)], silent=[cell(1, 3)])
    found = told(around(), scores=known)
    assert summary(found, "neighbor") == (
        "Other cells of the site: 0 sound, 1 abnormal, 1 silent; "
        "Neighbor cells elsewhere: 0 sound, 1 abnormal, 0 silent"
    )
    rows = listed(found, "neighbor")
    assert set(rows["object_dn"]) == {cell(1, 2), cell(2)}
    assert rows["lead_hours"].to_list() == [0.0, 0.0]
    assert rows["detail"][0].startswith("Abnormal in 8 of 8 periods, peak score 9")


def test_a_cell_without_any_row_is_silent_and_no_topology_is_no_statement():
    found = told(around(), scores=world.scores(absent=[cell(1, 2)]))
    assert "Other cells of the site: 1 sound, 0 abnormal, 1 silent" in summary(found, "neighbor")
    lost = told(Surroundings())
    assert summary(lost, "neighbor") == "Not checked: topology names no cell near"


def test_a_neighbors_own_finding_says_since_when():
    earlier = world.START - timedelta(hours=3)
    rows = (world.finding(), world.finding(cell(1, 2), 6.0, earlier))
    found = told(around(), *rows, scores=world.scores(abnormal=[cell(1), cell(1, 2)]))
    (row,) = found.filter(anomaly_id=rows[0]["anomaly_id"], evidence_kind="neighbor").rows(
        named=True
    )
    assert (row["reference_id"], row["lead_hours"]) == (rows[1]["anomaly_id"], 3.0)


def test_tables_that_nobody_published_were_not_checked():
    found = told(around(known_tables=frozenset({"alarms"})))
    assert summary(found, "alarm") == "No alarm near"
    assert summary(found, "change") == "Not checked: no change was ever published"


def test_the_rows_are_those_of_the_contract():
    found = told(around([alarm(cell(1))], [change([cell(1)])]))
    shape = table("cell_anomalies.evidence")
    assert dict(found.schema) == EVIDENCE
    assert set(EVIDENCE) <= {column.name for column in shape.columns}
    assert not found.select(shape.key).is_duplicated().any()
    kinds = found["evidence_kind"].unique(maintain_order=True).to_list()
    assert kinds == ["summary", "alarm", "change"]
    nothing = evidence(world.findings().clear(), world.scores(), around(), RULES, detection())
    assert dict(nothing.schema) == EVIDENCE
    assert nothing.is_empty()


def test_joins_say_the_same_as_looking_at_every_finding_and_event():
    random = np.random.default_rng(4)
    places = [cell(s, n) for s in (1, 2, 3) for n in (1, 2, 3)]
    dns = [*places, *map(element, (1, 2, 3)), f"{ROUTER}2", f"{ROUTER}90", AMF]
    alarms = [
        alarm(str(random.choice(dns)), float(random.uniform(-60, 60)), alarm_id=f"A{number}",
              alarm_name=f"n{number}")
        for number in range(300)
    ]  # fmt: skip
    rows = [world.finding(dn, anomaly_id=f"a{at}") for at, dn in enumerate(places)]
    surroundings = around(alarms)
    placed = placed_findings(world.findings(*rows), surroundings.cells)
    events = near_events(surroundings, RULES.dump_hours)
    pairs = near(placed, events, surroundings, RULES)
    told_by_joins = {
        (finding, name): relation
        for finding, name, relation in pairs.join(events.unique("event"), on="event")
        .select("finding", "reference_id", "relation")
        .iter_rows()
    }
    assert told_by_joins == _one_by_one(rows, alarms)


def _one_by_one(rows: list[dict], alarms: list[dict]) -> dict[tuple[int, str], str]:
    """Return the relation of every pair that is near, found by asking each in turn."""
    found = {}
    for number, row in enumerate(rows):
        own = row["cell_dn"]
        site = own.split(",")[1].removeprefix("ManagedElement=")
        next_site = str(int(site) + 1) if own.endswith("=1") and site != "3" else None
        for one in alarms:
            lead = (row["anomaly_start"] - one["raised_at"]).total_seconds() / 3600
            if not -RULES.hours_after <= lead <= RULES.hours_before:
                continue
            dn = one["managed_object_dn"]
            at = dn.split(",")[1].removeprefix("ManagedElement=")
            at_site = {"R2": "2"}.get(at, at)
            relation = (
                "same_cell" if dn == own
                else "same_site" if at_site == site
                else "upstream" if at == "R90"
                else "neighbor_site" if at_site == next_site
                else "network" if dn == AMF
                else None
            )  # fmt: skip
            if relation:
                found[number, one["alarm_id"]] = relation
    return found
