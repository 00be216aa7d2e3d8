"""The alert budget: causes first, worth next, nothing lost, and no luck of ordering."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.finding_worth import finding_worth
from tasks.anomaly.worth.alert_budget import BUDGET, causes, within_budget
from tasks.anomaly.worth.finding_neighborhood import places_of

RULES = finding_worth()
MIDNIGHT = datetime(2026, 3, 30, tzinfo=UTC)


def cell(site, number):
    return f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={number}"


def finding(name, dn, hour=8.0, probability=0.5, severity="MINOR", days=1.0):
    return {
        "anomaly_id": name,
        "window_start": MIDNIGHT,
        "window_end": MIDNIGHT + timedelta(days=days),
        "cell_dn": dn,
        "anomaly_start": MIDNIGHT + timedelta(hours=hour),
        "severity": severity,
        "probability": probability,
    }


def table(*rows):
    time = pl.Datetime("us", "UTC")
    times = dict.fromkeys(("window_start", "window_end", "anomaly_start"), time)
    return pl.DataFrame(list(rows), schema_overrides=times)


def judged(found, neighbors=None, **choices):
    return within_budget(found, places(found, neighbors), RULES, **choices)


def places(found, neighbors=None):
    cells = found["cell_dn"].unique().sort()
    topology = pl.DataFrame(
        {
            "cell_dn": cells,
            "site_id": [dn.split(",")[1] for dn in cells],
            "neighbor_dns": [(neighbors or {}).get(dn, []) for dn in cells],
            "valid_from": [MIDNIGHT] * len(cells),
        },
        schema_overrides={"neighbor_dns": pl.List(pl.String)},
    )
    return places_of(cells, topology)


def order(told):
    return told.sort("reading_rank")["anomaly_id"].to_list()


def test_one_finding_of_each_cause_comes_before_its_company():
    told = judged(
        table(
            finding("site-1 first", cell(1, 0), 8.0, 0.9, "CRITICAL"),
            finding("site-1 second", cell(1, 1), 8.25, 0.8, "CRITICAL"),
            finding("elsewhere", cell(2, 0), 8.0, 0.2, "WARNING"),
        ),
        findings_a_day=2,
    )
    assert order(told) == ["site-1 first", "elsewhere", "site-1 second"]
    assert told["is_within_budget"].to_list() == [True, False, True]
    assert told["group_id"].n_unique() == 2


def test_worth_is_probability_times_severity():
    told = judged(
        table(
            finding("likely and small", cell(1, 0), probability=0.9, severity="WARNING"),
            finding("unlikely and grave", cell(2, 0), probability=0.2, severity="CRITICAL"),
            finding("unknown", cell(3, 0), probability=None, severity="MINOR"),
        )
    )
    assert told["worth"].to_list() == pytest.approx([0.9, 1.6, 1.0])
    assert order(told) == ["unlikely and grave", "unknown", "likely and small"]


def test_nothing_is_lost_and_every_rank_is_given_once():
    random = np.random.default_rng(1)
    rows = [
        finding(f"{n:03d}", cell(n % 40, n // 40), random.uniform(0, 23), random.random())
        for n in range(150)
    ]
    told = judged(table(*rows), findings_a_day=30)
    assert told.columns == list(BUDGET)
    assert told["anomaly_id"].to_list() == [row["anomaly_id"] for row in rows]
    assert sorted(told["reading_rank"]) == list(range(1, 151))
    assert told["is_within_budget"].sum() == 30
    assert told.filter("is_within_budget")["reading_rank"].max() == 30


def test_equals_are_ranked_alike_whatever_the_order_of_rows():
    rows = [finding(f"{n:03d}", cell(n % 5, n)) for n in range(30)]
    random = np.random.default_rng(3)
    first = judged(table(*rows), findings_a_day=7).sort("anomaly_id")
    for _ in range(5):
        shuffled = [rows[n] for n in random.permutation(30)]
        assert judged(table(*shuffled), findings_a_day=7).sort("anomaly_id").equals(first)


def test_neighbors_that_begin_together_are_one_cause_and_so_are_their_neighbors():
    cells = [cell(site, 0) for site in range(4)]
    neighbors = {cells[0]: [cells[1]], cells[1]: [cells[2]]}
    found = table(
        *(finding(f"f{site}", cells[site], 8 + 0.75 * site) for site in range(4)),
    )
    groups = causes(found, places(found, neighbors), timedelta(hours=1))
    assert groups.to_list() == ["f0", "f0", "f0", "f3"]
    apart = causes(found, places(found, neighbors), timedelta(minutes=30))
    assert apart.n_unique() == 4


def test_what_goes_on_and_was_read_stays_and_uses_none_of_the_budget():
    found = table(
        finding("old", cell(1, 0), -30, 0.1),
        finding("new", cell(2, 0), 8, 0.5),
        finding("newer", cell(3, 0), 9, 0.4),
    )
    told = judged(found, findings_a_day=1, already_read={"old"})
    assert told["is_within_budget"].to_list() == [True, True, False]


def test_what_is_hardly_real_is_beyond_the_budget_and_leaves_room():
    found = table(finding("grave", cell(1, 0), 8, 0.19, "CRITICAL"), finding("new", cell(2, 0)))
    told = judged(found, findings_a_day=1, least_probability=0.2)
    assert order(told) == ["grave", "new"]
    assert told["is_within_budget"].to_list() == [False, True]


@pytest.mark.parametrize(("days", "within"), [(0.25, 5), (1.0, 20), (2.0, 40), (0.001, 1)])
def test_a_window_has_its_part_of_the_days_budget(days, within):
    rows = [finding(f"{n:03d}", cell(n, 0), days=days) for n in range(60)]
    assert judged(table(*rows), findings_a_day=20)["is_within_budget"].sum() == within


def test_no_findings_need_no_budget():
    assert judged(table(finding("x", cell(1, 0))).clear()).schema == pl.Schema(BUDGET)
    assert not judged(table(finding("x", cell(1, 0))), findings_a_day=0)["is_within_budget"].any()
