"""The network's own alarms as a page tells them: standing by severity and layer, long, flapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.findings_table import SEVERITIES, severity_rank
from tasks.reporting.wording import clipped, count, duration, moment

NO_LAYER = "not known"
_LONGEST, _FLAPPING = 10, 10


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm; what equipment said of it is `quoted`."""

    severity: str
    name: str
    quoted: str
    managed_object_dn: str
    layer: str
    since_text: str
    length_text: str
    flaps: int


@dataclass(frozen=True, slots=True)
class AlarmSection:
    """Alarms of a window.

    Attributes:
        is_published: whether any alarm was ever published.
        raised: alarms raised in the window.
        active: alarms that stand at its end.
        by_layer: per layer the standing alarms of each severity, then all of them.
        severities: the heads of `by_layer`.
        longest: the standing alarms that stand longest.
        flapping: alarms that went on and off in the window, those that did most first.
        flapping_count: all of them.
        without_raise: clearings whose raising was never told.
    """

    is_published: bool
    raised: int
    active: int
    by_layer: tuple[tuple[str, tuple[int, ...]], ...]
    severities: tuple[str, ...]
    longest: tuple[AlarmRow, ...]
    flapping: tuple[AlarmRow, ...]
    flapping_count: int
    without_raise: int

    @property
    def sentence(self) -> str:
        """What is so, in a sentence."""
        if not self.is_published:
            return "No alarm was ever published."
        if not self.raised and not self.active:
            return "No alarm was raised in this window and none stands."
        unraised = (
            f" {count(self.without_raise, 'clearing')} came for alarms whose raising was not told."
            if self.without_raise
            else ""
        )
        return (
            f"{count(self.raised, 'alarm')} raised in this window; {self.active:,} active at its "
            f"end; {self.flapping_count:,} flapping.{unraised}"
        ).replace("no alarms", "No alarm")


def alarm_section(alarms: pl.DataFrame, window: Window, *, is_published: bool) -> AlarmSection:
    """Return the alarms of the window; what stands is told as of the window's end.

    Args:
        alarms: those that stood at any time until the window's end.
        window: what is reported.
        is_published: whether any alarm was ever published.
    """
    bare = pl.col("is_clear_without_raise").fill_null(value=False)
    told = alarms.filter(~bare)
    in_window = pl.col("raised_at") >= window.start
    active = told.filter(pl.col("cleared_at").is_null() | (pl.col("cleared_at") >= window.end))
    flaps = told.filter(in_window & pl.col("is_flapping").fill_null(value=False))
    severities, by_layer = _by_layer(active)
    return AlarmSection(
        is_published=is_published,
        raised=told.filter(in_window).height,
        active=active.height,
        by_layer=by_layer,
        severities=severities,
        longest=tuple(_rows(active.sort("raised_at", "managed_object_dn"), window, _LONGEST)),
        flapping=tuple(_rows(_worst_flaps(flaps), window, _FLAPPING)),
        flapping_count=_worst_flaps(flaps).height,
        without_raise=alarms.filter(bare & in_window).height,
    )


def _by_layer(
    active: pl.DataFrame,
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[int, ...]], ...]]:
    named = active.select(
        pl.col("layer").fill_null(NO_LAYER),
        pl.col("perceived_severity").fill_null("INDETERMINATE").alias("severity"),
    )
    counts = {
        (layer, severity): many
        for layer, severity, many in named.group_by("layer", "severity").len().iter_rows()
    }
    found = sorted({severity for _, severity in counts}, key=lambda one: (severity_rank(one), one))
    severities = (*SEVERITIES, *(one for one in found if one not in SEVERITIES))
    layers = {layer for layer, _ in counts}
    rows = [
        (clipped(layer, 40), tuple(counts.get((layer, one), 0) for one in severities))
        for layer in layers
    ]
    ordered = sorted(rows, key=lambda row: (-sum(row[1]), row[0]))
    return (
        tuple(clipped(one, 20) for one in severities),
        tuple((layer, (*each, sum(each))) for layer, each in ordered),
    )


def _worst_flaps(flaps: pl.DataFrame) -> pl.DataFrame:
    """Return one row an alarm and object that flapped, as it was at its worst."""
    key = ["source", "alarm_id", "managed_object_dn"]
    ranked = flaps.sort("flaps_count", "raised_at", descending=[True, False])
    worst = ranked.unique(key, keep="first", maintain_order=True)
    return worst.sort("flaps_count", "managed_object_dn", descending=[True, False])


def _rows(alarms: pl.DataFrame, window: Window, limit: int) -> Sequence[AlarmRow]:
    return [_row(row, window) for row in alarms.head(limit).iter_rows(named=True)]


def _row(row: Mapping[str, Any], window: Window) -> AlarmRow:
    ended = min(row["cleared_at"] or window.end, window.end)
    return AlarmRow(
        severity=clipped(row["perceived_severity"] or "INDETERMINATE", 20),
        name=clipped(row["alarm_name"], 60),
        quoted=clipped(row["specific_problem"] or row["probable_cause"], 100),
        managed_object_dn=clipped(row["managed_object_dn"], 160),
        layer=clipped(row["layer"] or NO_LAYER, 40),
        since_text=moment(row["raised_at"]),
        length_text=duration(ended - row["raised_at"]),
        flaps=row["flaps_count"] or 0,
    )
