"""The parts of accounts: who saved when, what users felt, efficiency, rows of tables, text."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.energy_savings.derive import ACCOUNTED, DAYS, derive, derive_days
from semantic_layer.energy_accounting import load_energy_accounting_rules
from semantic_layer.errors import DefinitionError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from semantic_layer.services import service_catalogue
from tasks.energy.accounting import published
from tasks.energy.accounting.efficiency import data_efficiency_bit_per_j, designated_area_m2
from tasks.energy.accounting.felt import CELL_QUARTERS, beyond_controls, felt
from tasks.energy.accounting.savers import SHARES, Stretch, first_saving, saving_shares, stretches
from tasks.energy.accounting.savings_text import savings_text
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposals import ChangeProposal, ExpectedEffect
from tests.tasks.energy.accounting.told import RULES

NIGHT = datetime(2026, 3, 3, 1, tzinfo=UTC)
SITE = "SubNetwork=1,ManagedElement=7"
CELLS = tuple(f"{SITE},GNBDUFunction=1,NRCellDU={number}" for number in (1, 2))
WINDOW = Window(NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=23))
COUNTS = pl.DataFrame({"managed_element_dn": [SITE], "cells_count": [4]})


def sleep_entries(*kinds, use_case="save_energy"):
    """Return the entries of a proposal to save energy at two cells: kind and minute of each."""
    dn = f"{SITE},GNBCUCPFunction=1,NRCellCU=1,CESManagementFunction=1"
    attribute = ("CESManagementFunction", "energySavingMode", "ACTIVE", "MICRO_SLEEP")
    change = ChangeSet((Operation("MODIFY", dn, *attribute),))
    told = ChangeProposal(
        use_case, "energy_agent", "solver", NIGHT, change, CELLS, "low_load", 0.9, "Calm.", "low",
        (), (), ExpectedEffect("site_power", "lower", CELLS, 0.1, 0.1, 1, 4), (), "run-1",
    )  # fmt: skip
    entries = [("proposed", 0, {"proposal": told.to_json()})]
    for kind, minute in kinds:
        at = NIGHT + timedelta(minutes=minute)
        payload = {"applied_at": at.isoformat()} if kind == "applied" else {"reason": "as planned"}
        entries.append((kind, minute, payload))
    named = told.proposal_id
    return [
        LedgerEntry(
            number, kind, named, "flow", NIGHT + timedelta(minutes=minute), NIGHT, payload,
            f"{kind}:{number}", "", "", "",
        )
        for number, (kind, minute, payload) in enumerate(entries)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param([("applied", 30), ("recalled", 90)], [(30, 90)], id="taken back as planned"),
        pytest.param([("applied", 30), ("undone", 60)], [(30, 60)], id="found worse"),
        pytest.param([("applied", 30)], [(30, None)], id="stands"),
        pytest.param([], [], id="never written"),
    ],
)
def test_saving_stands_from_the_last_write_until_it_is_taken_back(kinds, expected):
    found = stretches(sleep_entries(*kinds))
    minutes = [
        ((one.begin - NIGHT).seconds // 60, one.end and (one.end - NIGHT).seconds // 60)
        for one in found
    ]
    assert minutes == expected
    assert all((one.managed_element_dn, one.cells) == (SITE, 2) for one in found)


def test_other_changes_save_nothing():
    assert stretches(sleep_entries(("applied", 30), use_case="heal_tilt_slip")) == []


def test_shares_are_of_all_cells_time_and_the_larger_account_counts():
    stretch = Stretch(SITE, 2, NIGHT + timedelta(minutes=30), NIGHT + timedelta(minutes=90))
    counted = pl.DataFrame([(SITE, NIGHT + timedelta(hours=1), 0.9)], schema=SHARES, orient="row")
    found = saving_shares([stretch], counted, COUNTS, WINDOW)
    assert found["saving_share"].to_list() == [0.25, 0.9]
    assert found["period_start"].to_list() == [NIGHT, NIGHT + timedelta(hours=1)]


def test_saving_that_still_stands_lasts_to_the_end_of_the_window():
    found = saving_shares([Stretch(SITE, 4, NIGHT, None)], pl.DataFrame(schema=SHARES), COUNTS, WINDOW)  # noqa: E501 # fmt: skip
    assert found["saving_share"].to_list() == [1.0] * 23


def test_the_first_saving_is_the_earlier_of_ledger_and_counters():
    counted = pl.DataFrame([(SITE, NIGHT, 0.5)], schema=SHARES, orient="row")
    later = Stretch(SITE, 1, NIGHT + timedelta(hours=2), None)
    assert first_saving([later], counted) == NIGHT
    assert first_saving([later], pl.DataFrame(schema=SHARES)) == later.begin
    assert first_saving([], pl.DataFrame(schema=SHARES)) is None


def quarters(*rows):
    return pl.DataFrame(rows, schema=CELL_QUARTERS, orient="row")


def test_minutes_under_the_floor_count_active_users_where_something_was_told():
    told = quarters(
        (SITE, NIGHT, 10.0, 20.0, 1.0, 100.0),
        (SITE, NIGHT + timedelta(minutes=15), 4.0, 3.0, 2.0, 100.0),
        (SITE, NIGHT + timedelta(minutes=30), 5.0, None, None, 90.0),
        (SITE, NIGHT + timedelta(hours=1), 99.0, 0.1, 9.0, 50.0),
        ("elsewhere", NIGHT, 99.0, 0.1, 9.0, 50.0),
    )
    found = felt(told, pl.DataFrame({"period_start": [NIGHT]}), [SITE], 5.0)
    assert (found.user_minutes, found.under_floor_minutes) == (14 * 15, 4 * 15)
    assert found.drop_rate_pct == pytest.approx((10 * 1 + 4 * 2) / 14)
    assert found.availability_pct == pytest.approx(290 / 3)


def test_nobody_felt_anything_where_nothing_was_told():
    found = felt(quarters(), pl.DataFrame({"period_start": [NIGHT]}), [SITE], 5.0)
    assert found.under_floor_share is None
    assert beyond_controls(0.2, 0.1, 0.15, None) is None
    assert beyond_controls(0.2, 0.1, 0.15, 0.1) == pytest.approx(0.05)


def test_a_day_is_compared_with_the_same_day_of_the_week_before_saving_began():
    baseline = Window(NIGHT.replace(hour=0), NIGHT.replace(hour=0) + timedelta(days=21))
    for days in (21, 25, 40):
        day = Window(
            baseline.start + timedelta(days=days), baseline.start + timedelta(days=days + 1)
        )
        before = published.week_before(day, baseline)
        assert before.end <= baseline.end
        assert (day.start - before.start).days % 7 == 0
        assert baseline.end - before.end < timedelta(days=7)


def test_efficiency_is_bits_for_each_joule_and_needs_energy():
    assert data_efficiency_bit_per_j(3.6, 1.0) == pytest.approx(1.0)
    assert data_efficiency_bit_per_j(3.6, 0.0) is None


def test_the_designated_area_is_the_hull_of_sites():
    degree = 111_194.9
    square = [(0.0, 0.0), (0.0, 0.01), (0.01, 0.0), (0.01, 0.01), (0.005, 0.005)]
    assert designated_area_m2(square) == pytest.approx((0.01 * degree) ** 2, rel=1e-3)
    assert designated_area_m2(square[:2]) == 0.0
    assert designated_area_m2([]) == 0.0


def test_measured_quarters_are_sums_over_the_site_and_suspect_ones_count_nowhere():
    column = {one: catalogue().measurement(one).column for one in ("pee_energy", "pdcp_sdu_volume_dl", "cell_unavailable_time", "energy_saving_time", "pee_avg_temperature")}  # noqa: E501 # fmt: skip
    base = {"managed_element_dn": SITE, "period_start": NIGHT, "granularity_s": 900, "is_suspect": False}  # noqa: E501 # fmt: skip
    cell = {"object_class": "NRCellDU", column["pdcp_sdu_volume_dl"]: 5.0, column["cell_unavailable_time"]: 90.0}  # noqa: E501 # fmt: skip
    rows = [
        {**base, "cell_dn": None, "object_class": "ManagedElement", column["pee_energy"]: 0.4, column["pee_avg_temperature"]: 20.0},  # noqa: E501
        {**base, **cell, "cell_dn": CELLS[0], column["energy_saving_time"]: 900.0},
        {**base, **cell, "cell_dn": CELLS[1]},
        {**base, **cell, "cell_dn": CELLS[1], "is_suspect": True},
    ]  # fmt: skip
    found = published.site_quarters(pl.LazyFrame(rows), catalogue())
    row = found.to_dicts()[0]
    assert (row["energy_kwh"], row["volume_mbit"], row["unavailable_s"]) == (0.4, 10.0, 180.0)
    assert (row["cells_count"], row["saving_s"]) == (2, 900.0)
    assert published.counted_shares(found)["saving_share"].to_list() == [900 / 7200]


def test_the_floor_is_the_strictest_of_the_services_named():
    rules = RULES.model_copy(update={"floor_services": ("voice", "fixed_wireless")})
    assert published.floor_mbps(rules, service_catalogue()) == 10.0


def accounted(**changed):
    row = {
        "managed_element_dn": SITE, "period_start": NIGHT, "role": "SAVER", "saving_share": 0.5,
        "is_judged": True, "consumed_kwh": 0.8, "expected_kwh": 1.0,
        "expected_by_controls_kwh": 1.0, "expected_by_baseline_kwh": 1.0,
        "expected_by_model_kwh": 1.0, "saved_low_kwh": 0.1, "saved_high_kwh": 0.3,
        "controls_count": 30, "rests_on": "BASELINE",
    }  # fmt: skip
    return pl.DataFrame([row | changed], schema=ACCOUNTED)


def test_rows_bear_the_price_and_intensity_of_their_hour():
    row = derive(accounted(), RULES).to_dicts()[0]
    assert row["saved_kwh"] == pytest.approx(0.2)
    assert row["saved_money"] == pytest.approx(0.2 * RULES.price(1))
    assert row["avoided_co2_kg"] == pytest.approx(0.2 * RULES.carbon(1) / 1000)
    left = derive(accounted(consumed_kwh=None, is_judged=False), RULES).to_dicts()[0]
    assert left["saved_kwh"] is None
    assert left["saved_money"] is None


def day_row(scope="all", **changed):
    row = dict.fromkeys(DAYS) | {
        "day_start": NIGHT.replace(hour=0), "scope": scope, "sites_count": 2, "judged_hours": 9,
        "left_out_hours": 1, "model_alone_hours": 0, "saved_kwh": 10.0, "saved_low_kwh": 8.0,
        "saved_high_kwh": 12.0,
        "saved_by_controls_kwh": 10.2, "saved_by_baseline_kwh": 9.9, "saved_by_model_kwh": 10.0,
        "rebound_kwh": 1.0, "rebound_low_kwh": 0.5, "rebound_high_kwh": 1.5, "net_saved_kwh": 9.0,
        "net_low_kwh": 7.0, "net_high_kwh": 11.0, "day_kwh": 91.0, "expected_kwh": 40.0,
        "saved_money": 1.8, "avoided_co2_kg": 3.3, "currency": "EUR", "user_minutes": 2000.0,
        "under_floor_user_minutes": 1.0, "under_floor_rise_share": 0.0001,
    }  # fmt: skip
    return row | changed


def test_the_text_says_what_was_saved_with_its_interval_and_what_users_felt():
    days = derive_days(pl.DataFrame([day_row(SITE), day_row()], schema=DAYS))
    assert days["scope"].to_list() == ["all", SITE]
    text = savings_text(days, RULES)
    for said in (
        "9.00 kWh", "9.0 % of what all sites", "10.0 (8.00 to 12.0)", "1.80 EUR", SITE,
        "1 of 10 site-hours", "0.050 % were under the floor, +0.010 points",
    ):  # fmt: skip
        assert said in text, said


def test_the_text_says_whether_views_agree_and_where_the_model_speaks_alone():
    agreeing = savings_text(pl.DataFrame([day_row()], schema=DAYS), RULES)
    assert "control sites 10.2 kWh, own baselines 9.90 kWh, the fitted model 10.0 kWh" in agreeing
    assert "They agree: they lie 0.7 %" in agreeing
    assert "speaks alone" not in agreeing
    apart = day_row(saved_by_model_kwh=14.0, model_alone_hours=5)
    text = savings_text(pl.DataFrame([apart], schema=DAYS), RULES)
    assert "They **do not agree**" in text
    assert "5 site-hours are of sites without a baseline" in text
    silent = dict.fromkeys(("saved_by_model_kwh", "saved_by_controls_kwh"))
    assert "Fewer than two views" in savings_text(pl.DataFrame([day_row(**silent)], schema=DAYS), RULES)  # noqa: E501 # fmt: skip


def test_the_text_admits_what_it_does_not_know():
    nothing = dict.fromkeys(("rebound_kwh", "user_minutes", "net_saved_kwh", "saved_money"))
    text = savings_text(pl.DataFrame([day_row(**nothing)], schema=DAYS), RULES)
    assert "unknown" in text
    assert "not told" in text
    assert savings_text(pl.DataFrame(schema=DAYS), RULES).startswith("No site saved")


def test_a_shape_that_is_not_relative_to_its_mean_is_refused(tmp_path):
    path = tmp_path / "rules.yaml"
    packaged = (RULES.model_dump() | {"price_shape": [2.0] * 24}).items()
    entries = [
        f"- {{name: {name}, value: {list(value) if isinstance(value, tuple) else value}, "
        'unit: "1", owner: me, description: test}'
        for name, value in packaged
    ]
    path.write_text("\n".join(entries), encoding="utf-8")
    with pytest.raises(DefinitionError, match="mean is 1; that of this one is 2"):
        load_energy_accounting_rules(path)
