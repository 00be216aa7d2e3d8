"""What changes and tickets are, from what was delivered and what stands. Pure: frames in and out.

Deliveries may be rotated away: what stands published counts as the first version of a record, and
updates that are delivered no more stay.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from data_products.change_history import derive as changes
from data_products.record_versions import VERSION_AT, known_by
from data_products.trouble_tickets import derive as tickets
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.records.delivered_records import DeliveredRecords

Told = dict[str, tuple[pl.DataFrame, pl.DataFrame]]
"""Rows and findings by table."""

_INSTANT = timedelta(microseconds=1)


def horizon_of(end: datetime, standing: Sequence[pl.Series]) -> datetime:
    """Return the end of what may be known: the window's, or what was known before."""
    known = [times.max() for times in standing]
    return max([end, *(moment + _INSTANT for moment in known if isinstance(moment, datetime))])


def mapped_versions(
    rows: pl.DataFrame, findings: pl.DataFrame, moment: str, number: str | None = None
) -> DeliveredRecords:
    """Return records that a mapping read: each row is a version, and what happened to it.

    Args:
        rows: as `mapped_records` returns them.
        findings: the same.
        moment: the column that says since when a row holds; it may be absent.
        number: the column that orders rows of one moment; it may be absent.
    """
    if moment not in rows.columns:
        return DeliveredRecords(rows, rows.clear(), findings)
    order = [name for name in (moment, number) if name in rows.columns]
    ordered = rows.sort(order, maintain_order=True)
    return DeliveredRecords(
        ordered.with_columns(pl.col(moment).alias(VERSION_AT)),
        ordered.filter(pl.col(moment).is_not_null()),
        findings,
    )


def tickets_as_told(
    delivered: DeliveredRecords,
    standing: pl.DataFrame,
    standing_updates: pl.DataFrame,
    end: datetime,
) -> Told:
    """Return the rows of tickets and updates, known at `end` or published before it.

    Args:
        delivered: by one source.
        standing: its published tickets.
        standing_updates: its published updates.
        end: of the run's window.
    """
    horizon = horizon_of(end, [standing_updates["updated_at"], standing["opened_at"]])
    fresh = known_by(tickets.numbered(delivered.events.lazy()), "updated_at", horizon).collect()
    updates = _with_standing(fresh, standing_updates, ["ticket_id", "updated_at", "update_number"])
    versions = _all_versions(delivered, standing, "opened_at")
    rows = tickets.derive(versions.lazy(), updates.lazy(), horizon).collect()
    told, findings = _begun(rows, "ticket_id", "opened_at", horizon)
    findings = pl.concat([findings, _timeless(versions, "ticket_id", "opened_at")])
    return {
        "trouble_tickets": (told, _all_findings([delivered.findings, findings], horizon)),
        "trouble_tickets.updates": (updates, _no_findings()),
    }


def changes_as_told(
    delivered: DeliveredRecords,
    standing: pl.DataFrame,
    standing_states: pl.DataFrame,
    end: datetime,
) -> Told:
    """Return the rows of changes and their states, known at `end` or published before it.

    Args:
        delivered: by one source.
        standing: its published changes.
        standing_states: its published states.
        end: of the run's window.
    """
    horizon = horizon_of(end, [standing_states["changed_at"], standing["requested_at"]])
    said = changes.states(delivered.events.lazy(), delivered.versions.lazy())
    fresh = known_by(said, "changed_at", horizon).collect()
    states = _with_standing(fresh, standing_states, ["change_id", "changed_at", "state"])
    versions = _all_versions(delivered, standing, "requested_at")
    rows = changes.derive(versions.lazy(), horizon).collect()
    told, findings = _begun(rows, "change_id", "requested_at", horizon)
    findings = pl.concat([findings, _timeless(versions, "change_id", "requested_at")])
    return {
        "change_history": (told, _all_findings([delivered.findings, findings], horizon)),
        "change_history.states": (states, _no_findings()),
    }


def observations_as_told(
    rows: pl.DataFrame, findings: pl.DataFrame, standing: pl.DataFrame, end: datetime
) -> Told:
    """Return the rows of measured series delivered with changes."""
    horizon = horizon_of(end, [standing["observed_at"]])
    fresh = rows.filter(pl.col("observed_at") < horizon)
    told = _with_standing(fresh, standing, ["change_id", "observed_at", "measure"])
    return {"change_history.observations": (told, _all_findings([findings], horizon))}


def _with_standing(fresh: pl.DataFrame, standing: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    names = [name for name in fresh.columns if name in standing.columns]
    kept = standing.select(names).join(fresh, on=key, how="anti")
    return pl.concat([fresh, kept], how="diagonal")


def _all_versions(
    delivered: DeliveredRecords, standing: pl.DataFrame, started: str
) -> pl.DataFrame:
    """Return standing rows as first versions, then those delivered."""
    first = standing.with_columns(pl.col(started).alias(VERSION_AT))
    names = [name for name in first.columns if name not in {"source", *_COUNTED}]
    return pl.concat([first.select(names), delivered.versions], how="diagonal")


_COUNTED = ("updates_count", "reopened_count")


def _begun(
    rows: pl.DataFrame, key: str, started: str, horizon: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records that had begun, and a finding for each of which nobody says when."""
    lost = rows.filter(pl.col(started).is_null())
    reason = f"No delivered version has a usable {started}."
    return rows.filter(pl.col(started) < horizon), _record_findings(lost, key, reason)


def _timeless(versions: pl.DataFrame, key: str, started: str) -> pl.DataFrame:
    """Return a finding for each version of which nobody says when it was so."""
    lost = versions.filter(pl.col(VERSION_AT).is_null(), pl.col(started).is_null())
    reason = f"A version says neither when it was so nor its {started}; nothing of it is used."
    return _record_findings(lost, key, reason)


def _record_findings(lost: pl.DataFrame, key: str, reason: str) -> pl.DataFrame:
    return lost.select(
        pl.lit(None, dtype=FINDING_SCHEMA["period_start"]).alias("period_start"),
        pl.col("source_file"),
        pl.lit(None, dtype=pl.String).alias("place"),
        pl.col(key).alias("key"),
        pl.lit(reason).alias("reason"),
        pl.lit(None, dtype=pl.String).alias("content"),
    )


def _all_findings(findings: list[pl.DataFrame], horizon: datetime) -> pl.DataFrame:
    moment = pl.col("period_start")
    return pl.concat(findings).filter(moment.is_null() | (moment < horizon))


def _no_findings() -> pl.DataFrame:
    return pl.DataFrame(schema=FINDING_SCHEMA)
