"""Data quality as a page tells it: checks by table, failures, rejected rows, missing periods."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.wording import clean, clipped, moment, percent

_REASONS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """The checks of one table, counted; `refused` windows kept their last good rows."""

    table: str
    checks: int
    failed: int
    blocking_failed: int
    refused: int
    rejected: int

    @property
    def passed(self) -> int:
        """Checks that passed."""
        return self.checks - self.failed


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """One promise that data broke, by how much, and which keys."""

    table: str
    check_id: str
    columns: str
    window: str
    failed_count: int
    evaluated_count: int
    failed_share: str
    limit_share: str
    is_blocking: bool
    failing_keys: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Quarantined rows of one table with one reason, and an example of them."""

    table: str
    reason: str
    rows: int
    files: int
    example: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How much of one granularity came: cells, periods, suspect rows, rows that are missing."""

    granularity: str
    cells: int
    rows: int
    suspect: int
    periods_seen: int
    periods_due: int
    rows_missing: int
    cells_missing_some: int

    @property
    def suspect_share(self) -> str:
        """Suspect rows as a percentage of those delivered."""
        return percent(self.suspect / self.rows if self.rows else None)

    @property
    def missing_share(self) -> str:
        """Missing rows as a percentage of those due."""
        due = self.cells * self.periods_due
        return percent(self.rows_missing / due if due else None)


@dataclass(frozen=True, slots=True)
class QualitySection:
    """All that the page says about the data."""

    tables: tuple[TableVerdict, ...]
    failed: tuple[FailedCheck, ...]
    every_rejection: tuple[Rejection, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """The reasons that are shown, those of most rows first."""
        return self.every_rejection[:_REASONS_SHOWN]

    @property
    def rejections_unlisted(self) -> int:
        """Reasons that are not shown."""
        return max(0, len(self.every_rejection) - _REASONS_SHOWN)

    @property
    def checks_count(self) -> int:
        """Checks judged, of all tables."""
        return sum(table.checks for table in self.tables)

    @property
    def failed_count(self) -> int:
        """Checks failed, of all tables."""
        return sum(table.failed for table in self.tables)

    @property
    def rejected_count(self) -> int:
        """Rows quarantined, of all tables."""
        return sum(table.rejected for table in self.tables)


def quality_section(
    quality: pl.DataFrame,
    rejections: pl.DataFrame,
    deliveries: pl.DataFrame,
    periods_seen: Mapping[int, int],
    window: Window,
) -> QualitySection:
    """Return the verdicts, failures first; a check judged in several windows counts each time."""
    rejected = {
        clean(table): rows
        for table, rows in rejections.group_by("table_name").agg(pl.col("rows").sum()).iter_rows()
    }
    listed = [_rejection(row) for row in _worst_first(rejections).iter_rows(named=True)]
    return QualitySection(
        tables=tuple(_tables(quality, rejected)),
        failed=tuple(_failed(quality)),
        every_rejection=tuple(listed),
        deliveries=tuple(_deliveries(deliveries, periods_seen, window)),
    )


def _tables(quality: pl.DataFrame, rejected: Mapping[str, int]) -> list[TableVerdict]:
    broken = ~pl.col("is_passed").fill_null(value=False)
    counted = quality.group_by("table_name").agg(
        pl.len().alias("checks"),
        broken.sum().alias("failed"),
        (broken & pl.col("is_blocking").fill_null(value=False)).sum().alias("blocking"),
        pl.struct("scope", "window_start", "window_end")
        .filter(~pl.col("is_accepted").fill_null(value=True))
        .n_unique()
        .alias("refused"),
    )
    verdicts = {clean(row[0]): row[1:] for row in counted.iter_rows()}
    named = sorted(verdicts.keys() | rejected.keys())
    counts = [(table, *verdicts.get(table, (0, 0, 0, 0))) for table in named]
    return [
        TableVerdict(table, checks, failed, blocking, refused, rejected.get(table, 0))
        for table, checks, failed, blocking, refused in counts
    ]


def _failed(quality: pl.DataFrame) -> list[FailedCheck]:
    broken = quality.filter(~pl.col("is_passed").fill_null(value=False)).sort(
        pl.col("is_blocking").fill_null(value=False),
        pl.col("failed_share").fill_null(0.0),
        "table_name",
        "check_id",
        "window_start",
        descending=[True, True, False, False, False],
    )
    return [
        FailedCheck(
            table=clean(row["table_name"]),
            check_id=clipped(row["check_id"], 100),
            columns=clipped(row["columns"], 160),
            window=f"{moment(row['window_start'])} to {moment(row['window_end'])}",
            failed_count=row["failed_count"] or 0,
            evaluated_count=row["evaluated_count"] or 0,
            failed_share=percent(row["failed_share"]),
            limit_share=percent(row["limit_share"]),
            is_blocking=bool(row["is_blocking"]),
            failing_keys=tuple(clipped(key, 160) for key in row["failing_keys"] or ()),
            source=clipped(row["source"], 160),
        )
        for row in broken.iter_rows(named=True)
    ]


def _worst_first(rejections: pl.DataFrame) -> pl.DataFrame:
    return rejections.sort("rows", "table_name", "reason", descending=[True, False, False])


def _rejection(row: Mapping[str, object]) -> Rejection:
    said = [clipped(row[name], 140) for name in ("source_file", "place", "key", "content")]
    return Rejection(
        table=clean(row["table_name"]),
        reason=clipped(row["reason"], 240) or "no reason was given",
        rows=_whole(row["rows"]),
        files=_whole(row["files"]),
        example=" · ".join(filter(None, said)),
    )


def _deliveries(
    deliveries: pl.DataFrame, periods_seen: Mapping[int, int], window: Window
) -> list[Delivery]:
    counted = (
        deliveries.filter(pl.col("granularity_s") > 0)
        .with_columns(due=(window.seconds / pl.col("granularity_s")).ceil().cast(pl.Int64))
        .with_columns(missing=(pl.col("due") - pl.col("periods")).clip(0))
        .group_by("granularity_s")
        .agg(
            pl.len().alias("cells"),
            pl.col("periods").sum().alias("rows"),
            pl.col("suspect").sum(),
            pl.col("due").first(),
            pl.col("missing").sum(),
            (pl.col("missing") > 0).sum().alias("short"),
        )
        .sort("granularity_s")
    )
    return [
        Delivery(
            granularity=_granularity(row["granularity_s"]),
            cells=row["cells"],
            rows=row["rows"],
            suspect=row["suspect"],
            periods_seen=periods_seen.get(row["granularity_s"], 0),
            periods_due=row["due"],
            rows_missing=row["missing"],
            cells_missing_some=row["short"],
        )
        for row in counted.iter_rows(named=True)
    ]


def _granularity(seconds: int) -> str:
    if seconds % 86400 == 0:
        return f"{seconds // 86400} d"
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds / 60:g} min"


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
