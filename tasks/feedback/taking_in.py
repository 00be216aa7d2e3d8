"""What a delivery of verdicts adds to those that stand, and which window of the table it replaces.

Verdicts are only ever added. What one person gives by form or command owns the moment of its own,
and a sheet owns a scope of its own, named by its content; so two people, or two sheets, never
replace each other's rows, and the same sheet twice replaces just itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from data_products.finding_verdicts.derive import VERDICT_COLUMNS, derive
from semantic_layer.periods import Window

ENTERED = "entered"
"""The delivery of verdicts that no sheet brought."""

_MOMENT = timedelta(microseconds=1)
_STATEMENT = ("anomaly_id", "person", "verdict", "fault_kind")


@dataclass(frozen=True, slots=True)
class Addition:
    """What is to be published.

    Attributes:
        window: the time that is replaced, of one delivery.
        rows: all verdicts of that delivery in it: those that stand and the new ones.
        added: how many are new.
        known: how many were told before.
    """

    window: Window
    rows: pl.DataFrame
    added: int
    known: int


def addition(
    given: pl.DataFrame,
    findings: pl.DataFrame,
    standing: pl.DataFrame,
    delivery: str,
    received_at: datetime,
) -> Addition:
    """Return what verdicts add to those that stand.

    A verdict adds nothing if it stands already, in whichever delivery; or if it does not name its
    moment and its author's last word on the finding is the same.

    Args:
        given: columns of `GIVEN_SCHEMA` and `is_exact`, all of published findings.
        findings: anomaly_id, cell_dn, anomaly_start of the published findings.
        standing: all rows of `finding_verdicts`.
        delivery: which the verdicts come in.
        received_at: when it was first taken in; no verdict was given later.
    """
    told = derive(given, findings, received_at)
    inexact = derive(given.filter(~pl.col("is_exact")), findings, received_at)
    statements = _last_words(standing).select(_STATEMENT)
    repeated = (
        inexact.with_columns(pl.col("author").str.to_lowercase().alias("person"))
        .join(statements, on=_STATEMENT, how="semi", nulls_equal=True)
        .select("verdict_id")
    )
    known = pl.concat([standing.select("verdict_id"), repeated])
    new = told.join(known, on="verdict_id", how="anti")
    own = standing.filter(pl.col("delivery_id") == delivery)
    window = _window(pl.concat([new["given_at"], own["given_at"]]), delivery, received_at)
    time = pl.col("given_at")
    kept = own.filter((time >= window.start) & (time < window.end)).select(VERDICT_COLUMNS)
    rows = pl.concat([kept, new]).sort("given_at", "verdict_id")
    return Addition(window, rows, new.height, told.height - new.height)


def first_received(moments: Iterable[datetime | None], otherwise: datetime) -> datetime:
    """Return when a sheet was first taken in, from what stands of it, else `otherwise`."""
    return min((moment for moment in moments if moment is not None), default=otherwise)


def _last_words(standing: pl.DataFrame) -> pl.DataFrame:
    return (
        standing.with_columns(pl.col("author").str.to_lowercase().alias("person"))
        .sort("given_at", "verdict_id")
        .unique(["anomaly_id", "person"], keep="last", maintain_order=True)
    )


def _window(given_at: pl.Series, delivery: str, received_at: datetime) -> Window:
    """Return the moment itself for what was entered, and all of a sheet's time for a sheet."""
    first = received_at
    if delivery != ENTERED and not given_at.is_empty():
        first = min(received_at, *given_at.to_list())
    return Window(first, received_at + _MOMENT)
