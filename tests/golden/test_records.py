"""Stories of changes and tickets: versions come in, what they are at a moment comes out."""

from datetime import UTC, datetime

import polars as pl

from data_products.change_history import derive as changes
from data_products.product import TIME
from data_products.trouble_tickets import derive as tickets
from tests.golden.conftest import FOLDER

EVENING = datetime(2026, 3, 2, 20, tzinfo=UTC)


def typed(name: str, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    texts = pl.read_csv(FOLDER / name, infer_schema=False)
    return texts.select(_column(column, schema[column]) for column in texts.columns).lazy()


def _column(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == TIME:
        return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%MZ", time_unit="us", time_zone="UTC")
    if isinstance(dtype, pl.List):
        return pl.col(name).str.split(" ")
    return pl.col(name).cast(dtype)


def flat(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    told = rows.select(names)
    return told.with_columns(pl.selectors.list().list.join(" "))


def test_a_change_is_what_its_latest_version_says_and_stays_on_the_day_it_was_asked_for(golden):
    versions = typed("change_history/versions.csv", changes.VERSION_SCHEMA)
    for when, horizon in (("evening", EVENING), ("end", None)):
        found = changes.derive(versions, horizon).collect()
        told = flat(
            found, "change_id", "requested_at", "title", "state", "planned_start", "actual_start",
            "actual_end", "managed_object_dns", "source_file",
        )  # fmt: skip
        golden(told, f"change_history/{when}.csv")


def test_states_that_versions_imply_are_told_once(golden):
    versions = typed("change_history/versions.csv", changes.VERSION_SCHEMA)
    found = changes.states(pl.LazyFrame(schema=changes.STATE_SCHEMA), versions).collect()
    golden(found, "change_history/states.csv")


def test_a_ticket_is_what_could_be_known_and_one_that_came_back_is_not_resolved(golden):
    versions = typed("trouble_tickets/versions.csv", tickets.VERSION_SCHEMA)
    updates = tickets.numbered(typed("trouble_tickets/updates.csv", tickets.UPDATE_SCHEMA))
    golden(updates.collect(), "trouble_tickets/numbered.csv")
    for when, horizon in (("evening", EVENING), ("end", None)):
        found = tickets.derive(versions, updates, horizon).collect()
        told = flat(
            found, "ticket_id", "opened_at", "state", "severity", "title", "resolved_at",
            "closed_at", "updates_count", "reopened_count",
        )  # fmt: skip
        golden(told, f"trouble_tickets/{when}.csv")
