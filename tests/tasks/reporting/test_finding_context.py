"""What `anops explain` tells beside the KPIs: surroundings, onset, probability, and gaps."""

from datetime import timedelta

import polars as pl
import pytest

from data_products.registry import table
from semantic_layer.loading import catalogue
from tasks.reporting.finding_context import WORTH, not_checked, worth_of
from tasks.reporting.inspection import cell_explanation
from tasks.reporting.nearby import nearby
from tasks.reporting.plain_text import cell_text
from tests.tasks.reporting import published, world
from tests.tasks.reporting.perceived import CELL, HOSTILE, beside

KPIS = [catalogue().kpi(name) for name in ("cell_drop_rate", "mean_cqi", "prb_usage_dl")]
START = world.WINDOW.start


def worth(**changes) -> dict:
    return {
        "anomaly_id": "a0001", "window_start": START, "window_end": world.WINDOW.end,
        "probability": 0.83, "probability_low": 0.7, "probability_high": 0.92,
        "probability_reasons": [
            {"feature": "peak_score", "value": 14.0, "effect": 1.2},
            {"feature": "alarms_near", "value": None, "effect": 2.1},
            {"feature": "hour", "value": 3.0, "effect": -0.4},
        ],
        "worth_model": "trees@3",
    } | changes  # fmt: skip


def told(*rows: dict):
    return worth_of(pl.DataFrame(list(rows), schema=WORTH), "a0001")


def test_a_probability_is_told_with_its_bounds_and_reasons_the_strongest_first():
    assert told(worth()).sentence == (
        "Probability of a real problem 83 % (70 % to 92 %); "
        "for it: alarms near and peak score 14; against it: hour 3"
    )


def test_the_newest_window_tells_the_probability_and_another_finding_none():
    later = worth(window_start=START + timedelta(days=1), probability=0.2, probability_low=None,
                  probability_reasons=None)  # fmt: skip
    assert told(later, worth()).sentence == "Probability of a real problem 20 %"
    assert told(worth(anomaly_id="other"), worth(probability=None)) is None


def test_features_of_unknown_origin_stay_plain_text():
    reasons = [{"feature": HOSTILE, "value": 1.0, "effect": 1.0}]
    sentence = told(worth(probability_reasons=reasons)).sentence
    assert "\x1b" not in sentence
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        pytest.param({}, "3 of 3 KPIs had no value", id="no row at all"),
        pytest.param(
            {"cell_drop_rate_pct": [None, 1.0], "mean_cqi_index": [None, None]},
            "2 of 3 KPIs had no value: Mean wideband CQI and PRB usage DL.",
            id="a column that is empty, another that lacks",
        ),
    ],
)
def test_kpis_without_a_value_were_not_checked(columns, said):
    titles = {kpi.name: kpi.title for kpi in KPIS}
    wanted = said.replace("Mean wideband CQI", titles["mean_cqi"])
    wanted = wanted.replace("PRB usage DL", titles["prb_usage_dl"])
    values = pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.Float64))
    assert not_checked(None, None, values, KPIS)[0].startswith(wanted)


def test_what_was_looked_at_is_not_called_unchecked():
    said = ("No alarm near", "Not checked: no change was ever published")
    near = nearby([beside("summary", None, None, each) for each in said])
    assert not_checked(near, told(worth()), pl.DataFrame(), []) == (
        "Not checked: no change was ever published.",
    )
    assert len(not_checked(None, None, pl.DataFrame(), [])) == 2


def put(store, name, rows, schema):
    shape = table(name)
    known = {column.name for column in shape.columns}
    frame = pl.DataFrame(rows, schema=schema)
    published.put(store, name, frame.select(one for one in frame.columns if one in known))


def test_an_explanation_tells_onset_surroundings_probability_and_gaps():
    store = published.tables()
    rows = [
        beside("summary", None, None, "1 alarm near"),
        beside("summary", None, None, "Not checked: no change was ever published",
               reference_id="change"),
        beside("alarm", 0.5, "same_site", "Critical alarm mains_failure", object_dn=CELL),
    ]  # fmt: skip
    schema = {
        **dict.fromkeys(rows[0], pl.String),
        **dict.fromkeys(("window_start", "window_end", "happened_at"), WORTH["window_start"]),
        "lead_hours": pl.Float64,
    }
    put(store, "cell_anomalies.evidence", rows, schema)
    put(store, "cell_anomalies.worth", [worth(window_end=world.WINDOW.end)], WORTH)
    text = cell_text(cell_explanation(store, catalogue(), published.SICK, world.WINDOW))
    for said in (
        "Near it, whether or not it has to do with it:\n    1 alarm near\n",
        "    - Critical alarm mains_failure at its site (ManagedElement=1,NRCellDU=1), "
        "30 min before it began",
        "  Probability of a real problem 83 %",
        "  Not checked, for lack of data:",
        "    Not checked: no change was ever published.",
        "KPIs had no value: ",
    ):
        assert said in text


def test_an_onset_before_the_finding_is_told_and_one_at_it_is_not():
    store = published.tables()
    found = store.read("cell_anomalies").collect()
    since = published.BAD_HOURS.start
    for lead, is_told in ((timedelta(minutes=45), True), (timedelta(0), False)):
        dated = found.with_columns(onset_at=pl.lit(since - lead))
        published.put(store, "cell_anomalies", dated.select(
            one for one in dated.columns if one in world.FINDINGS or one == "onset_at"
        ))  # fmt: skip
        text = cell_text(cell_explanation(store, catalogue(), published.SICK, world.WINDOW))
        assert ("Its onset seems 2026-03-03 07:15 UTC, 45 min before" in text) == is_told
