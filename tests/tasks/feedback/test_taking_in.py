"""What a delivery adds to the verdicts that stand, and what it replaces."""

from datetime import timedelta

import polars as pl

from data_products.changed_span import changed_span
from data_products.finding_verdicts.derive import GIVEN_SCHEMA, derive
from semantic_layer.periods import Window
from tasks.feedback.taking_in import ENTERED, addition, first_received
from tests.tasks.feedback.world import NOW, START, finding_id, findings

PLACES = findings(6).select("anomaly_id", "cell_dn", "anomaly_start")
SHEET = "csv-aaaaaaaaaaaa"
MOMENT = timedelta(microseconds=1)


def told(*rows, is_exact=True):
    """Return verdicts: (finding, author, verdict, hours before now)."""
    return pl.DataFrame(
        [
            {
                "anomaly_id": finding_id(number),
                "verdict": verdict,
                "author": author,
                "given_at": NOW - timedelta(hours=hours),
                "source": "csv",
                "is_exact": is_exact,
            }
            for number, author, verdict, hours in rows
        ],
        schema={**GIVEN_SCHEMA, "is_exact": pl.Boolean()},
    )


def published(given, delivery=SHEET, received_at=NOW):
    rows = derive(given, PLACES, received_at)
    return rows.with_columns(pl.lit(delivery).alias("delivery_id"))


NOTHING = published(told()).clear()


def test_what_is_entered_owns_its_own_moment_and_a_sheet_all_of_its_time():
    entered = addition(told((1, "anna", "CONFIRMED", 0)), PLACES, NOTHING, ENTERED, NOW)
    assert entered.window == Window(NOW, NOW + MOMENT)
    sheet = told((1, "anna", "CONFIRMED", 30), (2, "bo", "REJECTED", 3))
    made = addition(sheet, PLACES, NOTHING, SHEET, NOW)
    assert made.window == Window(NOW - timedelta(hours=30), NOW + MOMENT)
    assert (made.added, made.rows.height) == (2, 2)


def test_the_same_sheet_again_adds_nothing_and_keeps_what_stood():
    sheet = told((1, "anna", "CONFIRMED", 30), (2, "bo", "REJECTED", 3))
    again = addition(sheet, PLACES, published(sheet), SHEET, NOW)
    assert (again.added, again.known) == (0, 2)
    assert again.rows.height == 2


def test_a_longer_sheet_adds_only_what_is_new():
    first = told((1, "anna", "CONFIRMED", 30))
    longer = told((1, "Anna", "CONFIRMED", 30), (2, "bo", "REJECTED", 3))
    made = addition(longer, PLACES, published(first), "csv-bbbbbbbbbbbb", NOW)
    assert made.rows["author"].to_list() == ["bo"]
    assert (made.added, made.known) == (1, 1)


def test_who_says_the_same_again_without_a_moment_adds_nothing_but_a_changed_mind_does():
    before = published(told((1, "anna", "CONFIRMED", 30)))
    same = addition(told((1, "ANNA", "CONFIRMED", 0), is_exact=False), PLACES, before, ENTERED, NOW)
    assert (same.added, same.rows.height) == (0, 0)
    changed = told((1, "anna", "REJECTED", 0), is_exact=False)
    made = addition(changed, PLACES, before, ENTERED, NOW)
    assert made.added == 1
    after = pl.concat([before, published(changed, ENTERED)])
    back = told((1, "anna", "CONFIRMED", -1), is_exact=False)
    assert addition(back, PLACES, after, ENTERED, NOW + timedelta(hours=1)).added == 1


def test_two_verdicts_of_one_moment_both_stand():
    before = published(told((1, "anna", "CONFIRMED", 0)), ENTERED)
    made = addition(told((2, "bo", "REJECTED", 0)), PLACES, before, ENTERED, NOW)
    assert sorted(made.rows["author"]) == ["anna", "bo"]


def test_a_sheet_is_as_old_as_the_first_time_it_came():
    assert first_received([None, NOW, START], NOW) == START
    assert first_received([], NOW) == NOW


def test_the_changed_span_is_the_whole_days_that_differ():
    rows = PLACES.with_columns(pl.lit(0.5).alias("weight"), pl.lit(None).alias("kind"))
    assert changed_span(rows, rows.reverse(), "anomaly_start") is None
    other = rows.with_columns(
        pl.when(pl.col("anomaly_id") == finding_id(2)).then(0.6).otherwise("weight").alias("weight")
    )
    assert changed_span(rows, other, "anomaly_start") == Window(START, START + timedelta(days=1))
    gone = changed_span(rows, rows.clear(), "anomaly_start")
    assert gone == Window(START, START + timedelta(days=1))
    late = rows.with_columns(pl.col("anomaly_start") + timedelta(days=3))
    assert changed_span(rows, late, "anomaly_start") == Window(START, START + timedelta(days=4))
