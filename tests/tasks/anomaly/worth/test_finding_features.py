"""Features of findings: what published tables say, and nothing that was not known yet."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.loading import catalogue
from tasks.anomaly.findings import FINDINGS
from tasks.anomaly.worth.finding_features import Surroundings, feature_names, finding_features
from tasks.anomaly.worth.finding_neighborhood import places_of

KPIS = [kpi for kpi in catalogue().kpis.values() if kpi.is_scored]
DAY = datetime(2026, 3, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIME = pl.Datetime("us", "UTC")


def cell(site, number=0):
    return f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={number}"


def finding(name, dn, hour=8.0, lasting=2.0, blamed=(), day=0):
    start = DAY + timedelta(days=day, hours=hour)
    return {
        "anomaly_id": name,
        "window_start": DAY + timedelta(days=day),
        "window_end": DAY + timedelta(days=day + 1),
        "cell_dn": dn,
        "anomaly_start": start,
        "anomaly_end": start + timedelta(hours=lasting),
        "is_ongoing": False,
        "peak_score": 9.0,
        "periods_count": 6,
        "severity": "MAJOR",
        "contributions": [
            dict(zip(("kpi", "expected", "seen", "share"), one, strict=True)) for one in blamed
        ],
        "explanation": "",
    }


def table(*rows):
    schema = {name: kind for name, kind in FINDINGS.items() if name in rows[0]}
    return pl.DataFrame(list(rows), schema=schema)


def features(found, **around):
    places = places_of(pl.Series([cell(site, n) for site in range(5) for n in range(3)]))
    return finding_features(found, Surroundings(**({"places": places} | around)), KPIS, HOUR)


def test_every_feature_is_there_once_for_every_row_in_its_order():
    found = table(*(finding(f"f{n}", cell(n % 5), n) for n in (3, 1, 4, 0, 2)))
    told = features(found)
    assert told.columns == [
        "anomaly_id",
        "window_start",
        "cell_dn",
        "cell_profile",
        *feature_names(KPIS),
    ]
    assert told["anomaly_id"].to_list() == found["anomaly_id"].to_list()
    assert len(set(feature_names(KPIS))) == len(feature_names(KPIS))


def test_what_a_finding_is_by_itself():
    told = features(table(finding("f", cell(0), 8.5, 2.0))).row(0, named=True)
    assert (told["duration_hours"], told["periods_count"], told["filled_share"]) == (2, 6, 3)
    assert (told["hour"], told["weekday"], told["severity_rank"]) == (8.5, 1, 2)


def test_kpis_that_got_worse_are_told_from_those_that_got_better_and_from_load():
    worse = ("user_throughput_dl", 10.0, 5.0, 0.5)
    better = ("cell_drop_rate", 2.0, 1.0, 0.3)
    load = ("mean_active_users", 10.0, 20.0, 0.1)
    told = features(table(finding("f", cell(0), blamed=(worse, better, load)))).row(0, named=True)
    assert told["worse_share"] == pytest.approx(0.5)
    assert told["worsening"] == pytest.approx((0.5 - 0.3) * np.log(2), rel=0.03)
    assert told["load_change"] == pytest.approx(np.log(2), rel=0.03)
    assert told["load_share"] == pytest.approx(0.1)
    assert told["untold_share"] == pytest.approx(0.1)
    assert told["share_of_integrity"] == pytest.approx(0.5)
    assert told["worsening_of_retainability"] < 0 < told["worsening_of_integrity"]
    assert told["share_of_kpi_cell_drop_rate"] == pytest.approx(0.3)


def test_a_finding_that_blames_nothing_or_the_unknown_has_shares_of_nothing():
    found = table(finding("f", cell(0)), finding("g", cell(1), blamed=[("gone", 1.0, 2.0, 0.6)]))
    told = features(found)
    assert told["blamed_kpis"].to_list() == [0, 1]
    assert told["worse_share"].to_list() == [0, 0]
    assert told["untold_share"].to_list() == pytest.approx([0, 0.4])


def test_company_on_the_site_in_neighbors_and_in_the_network_is_counted():
    cells = [cell(0, 0), cell(0, 1), cell(1, 0), cell(2, 0), cell(3, 0)]
    topology = pl.DataFrame(
        {
            "cell_dn": cells,
            "site_id": ["a", "a", "b", "c", "d"],
            "neighbor_dns": [[cells[2], cells[3]], [], [], [], []],
            "valid_from": [DAY] * 5,
        },
        schema_overrides={"valid_from": TIME},
    )
    found = table(
        finding("asks", cells[0], 8.0),
        finding("site", cells[1], 8.5),
        finding("neighbor", cells[2], 7.25),
        finding("too late", cells[3], 12.0),
    )
    told = features(found, places=places_of(pl.Series(cells), topology)).row(0, named=True)
    assert (told["site_findings"], told["site_share"]) == (1, 1)
    assert (told["neighbor_findings"], told["neighbor_share"]) == (1, 0.5)
    assert told["network_share_beginning"] == pytest.approx(2 / 5)
    assert told["network_share_ongoing"] == pytest.approx(1 / 5)


def test_company_of_another_window_was_not_known():
    alone = finding("asks", cell(0, 0), 23.75, 0.25)
    later = finding("later", cell(0, 1), 0.0, 0.5, day=1)
    told = features(table(alone, later))
    assert told["site_findings"].to_list() == [0, 0]


def test_a_cell_that_the_topology_lacks_stands_on_its_managed_element():
    found = table(finding("f", cell(0, 0)), finding("g", cell(0, 1)), finding("h", cell(1, 0)))
    assert features(found)["site_findings"].to_list() == [1, 1, 0]


def test_the_baselines_peak_is_that_of_the_findings_own_time():
    times = [DAY + timedelta(hours=hour) for hour in (7, 8, 9, 10)]
    baseline = pl.DataFrame(
        {
            "cell_dn": [cell(0)] * 4,
            "period_start": times,
            "baseline_score": [90.0, 3.0, None, 50.0],
        },
        schema_overrides={"period_start": TIME},
    )
    told = features(table(finding("f", cell(0)), finding("g", cell(1))), baseline=baseline)
    assert told["baseline_peak"][0] == 3
    assert np.isnan(told["baseline_peak"][1])


def evidence(*rows):
    names = ["anomaly_id", "window_start", "evidence_kind", "relation", "lead_hours"]
    return pl.DataFrame(
        [(name, DAY, *rest) for name, *rest in rows],
        schema=dict(zip(names, (pl.String, TIME, pl.String, pl.String, pl.Float64), strict=True)),
        orient="row",
    )


def test_alarms_and_changes_are_counted_by_where_they_stand():
    told = features(
        table(finding("f", cell(0)), finding("g", cell(1))),
        evidence=evidence(
            ("f", "alarm", "same_cell", 0.5),
            ("f", "alarm", "same_site", -0.25),
            ("f", "alarm", "same_site", 3.0),
            ("f", "change", "same_site", 12.0),
            ("f", "summary", None, None),
        ),
    )
    one = told.row(0, named=True)
    assert (one["alarms_same_cell"], one["alarms_same_site"], one["alarms_network"]) == (1, 2, 0)
    assert (one["changes_same_site"], one["change_lead_hours"]) == (1, 12)
    assert one["alarm_lead_hours"] == -0.25
    assert told["alarms_same_cell"][1] == 0
    assert np.isnan(told["alarm_lead_hours"][1])


def test_where_nobody_looked_for_evidence_it_is_unknown_not_absent():
    assert np.isnan(features(table(finding("f", cell(0))))["alarms_same_cell"][0])


def verdicts(*rows):
    names = ["anomaly_id", "cell_dn", "last_given_at", "is_real_probability", "weight"]
    kinds = (pl.String, pl.String, TIME, pl.Float64, pl.Float64)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def test_verdicts_on_the_cell_count_until_the_window_begins_and_never_the_findings_own():
    told = features(
        table(finding("f", cell(0))),
        verdicts=verdicts(
            ("f", cell(0), DAY, 1.0, 1.0),
            ("before", cell(0), DAY, 0.0, 0.5),
            ("after", cell(0), DAY + HOUR, 0.0, 1.0),
            ("elsewhere", cell(1), DAY, 1.0, 1.0),
        ),
    ).row(0, named=True)
    assert (told["confirmed_before"], told["rejected_before"]) == (0, 0.5)


def test_a_profiles_share_of_real_findings_leans_to_a_half():
    profiles = pl.DataFrame(
        {"cell_dn": [cell(0), cell(1), cell(2)], "cell_profile": ["noisy", "noisy", "calm"]}
    )
    given = verdicts(*((f"v{n}", cell(1), DAY, 0.0, 1.0) for n in range(6)))
    told = features(
        table(finding("f", cell(0)), finding("g", cell(2)), finding("h", cell(3))),
        profiles=profiles,
        verdicts=given,
    )
    assert told["profile_real_share"].to_list() == pytest.approx([2 / 10, 0.5, 0.5])
    assert told["cell_profile"].to_list() == ["noisy", "calm", None]
