from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_products.checks import Check, compiled_checks
from data_products.measuring import applicable, measure, split_rows
from data_products.product import TIME
from semantic_layer.periods import Window

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))


def at(minutes):
    return START + timedelta(minutes=minutes)


def frame(*rows, **columns):
    names = ("cell_dn", "period_start")
    base = pl.DataFrame(rows, schema={"cell_dn": pl.String, "period_start": TIME}, orient="row")
    assert base.columns == list(names)
    return base.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def judged(table, rows):
    checks = applicable(compiled_checks(table), rows)
    metrics = measure(rows, checks, WINDOW)
    return metrics, split_rows(rows, checks, metrics, WINDOW)


def test_good_rows_pass_untouched(loads_table):
    rows = frame(("A", at(45)), ("B", at(45)), azimuth_deg=[0.0, 360.0])
    metrics, split = judged(loads_table, rows)
    assert not any(metrics.failed.values())
    assert split.good.equals(rows)
    assert split.failing.is_empty()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        pytest.param("azimuth_deg", 360.5, "azimuth_deg is 360.5, outside 0 to 360", id="high"),
        pytest.param("azimuth_deg", -0.1, "azimuth_deg is -0.1, outside 0 to 360", id="low"),
        pytest.param("azimuth_deg", nan, "azimuth_deg is NaN, outside", id="no number"),
        pytest.param("free_number", inf, "free_number is inf, no number", id="endless"),
        pytest.param("prb_usage_dl_pct", 101.0, "semantic_layer/kpi/prb_usage_dl", id="definition"),
        pytest.param("band", "n99", "band is n99, not one of n78, n28", id="not in the set"),
        pytest.param("site", "X1", "site is X1, not of the form", id="pattern"),
        pytest.param("bins", [1.0, -1.0], "bins is 1.0 -1.0, outside 0 to any", id="in a vector"),
        pytest.param("cell_dn", None, "cell_dn is null.", id="null key"),
        pytest.param("period_start", None, "period_start is null.", id="null time"),
        pytest.param("period_start", at(60), "outside the window", id="too late"),
        pytest.param("period_start", at(-15), "outside the window", id="too early"),
    ],
)
def test_a_row_that_breaks_a_promise_is_split_off_with_its_reason(
    loads_table, column, value, words
):
    fine = {"azimuth_deg": 5.0, "free_number": 5.0, "prb_usage_dl_pct": 5.0}
    fine |= {"band": "n78", "site": "S1", "bins": [1.0], "cell_dn": "A", "period_start": at(0)}
    rows = pl.DataFrame(
        [fine, fine | {"cell_dn": "B", column: value}],
        schema_overrides={"period_start": TIME, "bins": pl.List(pl.Float64)},
    )
    _, split = judged(loads_table, rows)
    assert split.good["cell_dn"].to_list() == ["A"]
    assert len(split.failing) == 1
    assert words in split.failing["reason"].item()


def test_all_reasons_of_a_row_are_told(loads_table):
    rows = frame((None, at(0)), ("B", at(0)), azimuth_deg=[400.0, 1.0])
    _, split = judged(loads_table, rows)
    reason = split.failing["reason"].item()
    assert "cell_dn is null." in reason
    assert "azimuth_deg is 400.0" in reason


def test_of_rows_with_one_key_the_first_good_one_stays(loads_table):
    rows = frame(*[("A", at(0))] * 3, ("B", at(0)), azimuth_deg=[999.0, 1.0, 2.0, 3.0])
    metrics, split = judged(loads_table, rows)
    assert metrics.failed["unique:cell_dn:period_start"] == 2
    assert split.good["azimuth_deg"].to_list() == [1.0, 3.0]
    assert split.failing["azimuth_deg"].to_list() == [999.0, 2.0]
    assert "same cell_dn, period_start" in split.failing["reason"][1]


def test_null_values_are_no_evidence_and_enter_no_share(loads_table):
    rows = frame(*[(str(n), at(0)) for n in range(10)], azimuth_deg=[None] * 9 + [999.0])
    metrics, _ = judged(loads_table, rows)
    assert metrics.evaluated["between:azimuth_deg"] == 1
    assert metrics.failed_share("between:azimuth_deg") == 1.0


def test_checks_on_the_table_measure_rows_and_freshness(loads_table):
    metrics, split = judged(loads_table, frame(("A", at(15))))
    assert metrics.values["row_count"] == 1
    assert metrics.failed["row_count"] == 1
    assert metrics.values["fresh:period_start"] == 45 * 60
    assert metrics.failed["fresh:period_start"] == 1
    assert split.failing.is_empty()


def test_an_empty_frame_breaks_only_checks_on_the_table(loads_table):
    metrics, split = judged(loads_table, frame())
    broken = {check_id for check_id, failed in metrics.failed.items() if failed}
    assert broken == {"row_count", "fresh:period_start"}
    assert split.good.is_empty()


def test_a_required_column_that_is_absent_fails_every_row(loads_table):
    rows = frame(("A", at(0)), ("B", at(0))).drop("cell_dn")
    metrics, split = judged(loads_table, rows)
    assert metrics.failed["not_null:cell_dn"] == 2
    assert split.failing["reason"].to_list() == ["cell_dn is null."] * 2


def naive_failures(check: Check, row: dict) -> bool:
    value = row[check.columns[0]]
    if check.kind == "not_null":
        return value is None
    if value is None:
        return False
    if check.kind == "within_window":
        return not WINDOW.covers(value)
    if check.kind == "in_set":
        return value not in check.arguments["values"]
    low = -inf if check.low is None else check.low
    high = inf if check.high is None else check.high
    return not (isfinite(value) and low <= value <= high)


NUMBERS = st.one_of(st.none(), st.floats(-500, 500), st.sampled_from([nan, inf, -inf, 0.0, 360.0]))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "cell_dn": st.sampled_from([None, "A", "B"]),
            "period_start": st.sampled_from([None, at(-1), at(0), at(15), at(60)]),
            "band": st.sampled_from([None, "n78", "n28", "n1"]),
            "azimuth_deg": NUMBERS,
            "free_number": NUMBERS,
            "prb_usage_dl_pct": NUMBERS,
        }
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=80)
@given(rows=ROWS)
def test_one_pass_of_polars_counts_what_a_naive_loop_counts(loads_table_once, rows):
    schema = {name: loads_table_once.schema[name] for name in (rows[0] if rows else ["cell_dn"])}
    measured = pl.DataFrame(rows, schema=schema)
    checks = applicable(compiled_checks(loads_table_once), measured)
    metrics = measure(measured, checks, WINDOW)
    split = split_rows(measured, checks, metrics, WINDOW)
    by_row = [check for check in checks if check.kind not in {"unique", "row_count", "fresh"}]
    for check in by_row:
        if rows:
            assert metrics.failed[check.id] == sum(naive_failures(check, row) for row in rows)
    keys, good = set(), []
    for row in rows:
        key = (row["cell_dn"], row["period_start"])
        if any(naive_failures(check, row) for check in by_row) or key in keys:
            continue
        keys.add(key)
        good.append(key)
    assert split.good.select("cell_dn", "period_start").rows() == good if rows else True
    assert len(split.good) + len(split.failing) == len(rows)
    if rows:
        assert (split.failing["reason"].str.len_chars() > 0).all()
