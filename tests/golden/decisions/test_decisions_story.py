"""Four entries, one of them told twice: as rows, and which was the newest of each day."""

from data_products.decisions.derive import derive, heads
from data_products.registry import table


def test_each_entry_is_a_row_and_each_day_has_a_head(story, golden):
    found = derive(story("decisions/entries.csv", table("decisions")))
    golden(found, "decisions/decisions.csv")
    golden(heads(found), "decisions/heads.csv")


def test_rows_told_again_are_the_same_rows(story):
    entries = story("decisions/entries.csv", table("decisions"))
    assert derive(derive(entries)).equals(derive(entries))
