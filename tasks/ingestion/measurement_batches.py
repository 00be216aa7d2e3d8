"""One batch of delivered measurement files: read, placed, counted. Runs wherever workers are.

A file counts whole or not at all: one that is damaged, cut off or still being written gives no
row, and its reason goes to the quarantine, while the rest of the batch is read on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from data_products.product import TIME
from semantic_layer.loading import Catalogue, catalogue
from semantic_layer.periods import Window
from tasks.ingestion.counter_plans import CounterPlans
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tasks.ingestion.delivered_periods import span_of_file
from tasks.ingestion.measured_blocks import Finding, Interpreter
from tasks.ingestion.measurement_files import LIMITS, read_events
from tasks.ingestion.measurement_rows import MeasurementRows

FINDING_SCHEMA = {
    "period_start": TIME,
    "source_file": pl.String(),
    "place": pl.String(),
    "key": pl.String(),
    "reason": pl.String(),
    "content": pl.String(),
}
"""Columns of what goes to the quarantine."""

_KEY = ("managed_object_dn", "period_start", "granularity_s")
_FILE = "file"


@dataclass(frozen=True, slots=True)
class MeasuredBatch:
    """What a batch of files gave.

    Attributes:
        rows: rows of `pm_measurements`.
        findings: what cannot be used, ready for the quarantine.
        counts: of each whole file: its name, then the fields of `FileCounts`.
        refused: files of which nothing is used.
        replaced: values that a later file replaced by different ones.
    """

    rows: pl.DataFrame
    findings: pl.DataFrame
    counts: pl.DataFrame
    refused: int = 0
    replaced: int = 0


@dataclass(slots=True)
class _Tally:
    counts: list[dict[str, str | int]] = field(default_factory=list)
    refused: list[tuple[str, Finding]] = field(default_factory=list)


def measured_batch(
    paths: Sequence[str],
    window: Window,
    limits: ReadingLimits = LIMITS,
    definitions: Catalogue | None = None,
) -> MeasuredBatch:
    """Return what the files at `paths`, in order of delivery, say of the window.

    Args:
        paths: of measurement files.
        window: periods outside of it belong to other runs; one that not even its file's name
            promises becomes a finding.
        limits: what one file may cost.
        definitions: the packaged catalogue when None.
    """
    rows = MeasurementRows(CounterPlans(definitions or catalogue()), window)
    tally = _Tally()
    for path in map(Path, paths):
        _read(path, rows, tally, limits)
    frame, findings, replaced = rows.frame()
    told = [*tally.refused, *findings]
    return MeasuredBatch(
        rows=frame,
        findings=_finding_rows(told, window),
        counts=pl.DataFrame(tally.counts),
        refused=len(tally.refused),
        replaced=replaced,
    )


def merged(batches: Sequence[MeasuredBatch]) -> MeasuredBatch:
    """Return batches as one; where two say the same of a row, the later one counts."""
    frames = [batch.rows for batch in batches if batch.rows.height]
    findings = [batch.findings for batch in batches if batch.findings.height]
    counts = [batch.counts for batch in batches if batch.counts.height]
    whole = pl.concat(frames, how="diagonal") if frames else batches[0].rows
    rows, replaced = _later_counts(whole)
    return MeasuredBatch(
        rows=rows,
        findings=pl.concat(findings) if findings else pl.DataFrame(schema=FINDING_SCHEMA),
        counts=pl.concat(counts) if counts else pl.DataFrame(),
        refused=sum(batch.refused for batch in batches),
        replaced=replaced + sum(batch.replaced for batch in batches),
    )


def _read(path: Path, rows: MeasurementRows, tally: _Tally, limits: ReadingLimits) -> None:
    interpreter = Interpreter()
    span = span_of_file(path, limits)
    rows.begin(path.name)
    try:
        for event in read_events(path, limits):
            for meant in interpreter.interpret(event):
                if isinstance(meant, Finding):
                    rows.report(meant)
                elif interpreter.header is not None:
                    rows.add(interpreter.header, meant, span)
    except UnreadableFileError as error:
        rows.drop()
        counts = interpreter.counts
        read = (
            f" {counts.meas_values} measValue elements before that are not used either: a file "
            "counts whole or not at all."
            if counts.meas_values
            else ""
        )
        tally.refused.append((path.name, Finding(error.place, path.name, f"{error}{read}")))
        return
    rows.keep()
    interpreter.finish()
    tally.counts.append({"source_file": path.name, **asdict(interpreter.counts)})


def _finding_rows(told: Iterable[tuple[str, Finding]], window: Window) -> pl.DataFrame:
    rows = [
        (window.start, name, finding.place, finding.key, finding.reason, finding.content)
        for name, finding in told
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def _later_counts(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return one row a key, each value from the last row that has it, and values replaced."""
    if not frame.height or not frame.select(pl.struct(_KEY).is_duplicated().any()).item():
        return frame, 0
    is_twice = pl.struct(_KEY).is_duplicated()
    twice = frame.filter(is_twice)
    values = [name for name in frame.columns if name not in (*_KEY, "is_suspect", "source_file")]
    once = twice.group_by(_KEY, maintain_order=True).agg(
        pl.col(values).drop_nulls().last(),
        pl.col("is_suspect").any(),
        pl.col("source_file").unique(maintain_order=True).str.join(", "),
    )
    numbers = [name for name in values if frame.schema[name].is_numeric()]
    differing = twice.group_by(_KEY).agg(pl.col(numbers).drop_nulls().n_unique().clip(1) - 1)
    replaced = int(differing.select(pl.sum_horizontal(pl.col(numbers).sum())).item())
    return pl.concat([frame.filter(~is_twice), once.select(frame.columns)]), replaced
