"""What stands near two findings, told whole: a cut of power and a change next door."""

import polars as pl

from semantic_layer.detection import detection
from semantic_layer.evidence import evidence_rules
from tasks.anomaly.nearby.evidence import evidence
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


def test_what_stands_near_a_finding_is_a_story_with_its_times(golden):
    surroundings = around(
        [
            alarm(element(1), 0.1, alarm_name="mains_failure", perceived_severity="CRITICAL"),
            alarm(cell(1), -0.2, alarm_name="cell_service_unavailable", cleared_at=None),
            alarm(f"{ROUTER}90,Interface=R99", 5.0, alarm_name="interface_errors_high"),
            alarm(AMF, 0.5, alarm_name=None, specific_problem="Overload “gone”\nmad"),
            alarm(cell(3), 1.0),
        ],
        [change([element(2)], 3.5), change([cell(1, 2), cell(1)], 30.0, actual_end=None)],
        [drift(cell(1), -12.0)],
    )
    rows = world.findings(world.finding(anomaly_id="a1"), world.finding(cell(2), anomaly_id="a2"))
    known = world.scores(abnormal=[cell(1), cell(1, 2), cell(2)], silent=[cell(1, 3)])
    found = evidence(rows, known, surroundings, evidence_rules(), detection())
    golden(
        found.drop("window_start", "window_end").with_columns(pl.col("object_dn").str.slice(-28)),
        "cell_anomalies/evidence.csv",
    )
