"""One batch of delivered measurement files: read, placed, counted. Runs wherever workers are.

A file counts whole or not at all: one that is damaged, cut off or still being written gives no
row, and its reason goes to the quarantine, while the rest of the batch is read on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from semantic_layer.loading import Catalogue, catalogue
from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.measurements.counter_plans import CounterPlans
from tasks.ingestion.measurements.delivered_periods import span_of_file
from tasks.ingestion.measurements.measured_blocks import Finding, Interpreter
from tasks.ingestion.measurements.measurement_files import LIMITS, read_events
from tasks.ingestion.measurements.measurement_rows import MeasurementRows
from tasks.ingestion.measurements.row_merging import later_counts

_KEY = ("managed_object_dn", "period_start", "granularity_s")


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
    begins: dict[str, datetime] = field(default_factory=dict)


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
        span = span_of_file(path, limits)
        tally.begins[path.name] = max(span.start, window.start) if span else window.start
        _read((path, span), rows, tally, limits)
    frame, findings, replaced = rows.frame()
    told = [*tally.refused, *findings]
    return MeasuredBatch(
        rows=frame,
        findings=_finding_rows(told, tally.begins, window.start),
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
    rows, replaced = later_counts(whole, _KEY)
    return MeasuredBatch(
        rows=rows,
        findings=pl.concat(findings) if findings else pl.DataFrame(schema=FINDING_SCHEMA),
        counts=pl.concat(counts) if counts else pl.DataFrame(),
        refused=sum(batch.refused for batch in batches),
        replaced=replaced + sum(batch.replaced for batch in batches),
    )


def _read(
    file: tuple[Path, Window | None], rows: MeasurementRows, tally: _Tally, limits: ReadingLimits
) -> None:
    path, span = file
    interpreter = Interpreter()
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
        reason = f"{error} Nothing of the file is used."
        tally.refused.append((path.name, Finding(error.place, path.name, reason)))
        return
    rows.keep()
    interpreter.finish()
    tally.counts.append({"source_file": path.name, **asdict(interpreter.counts)})


def _finding_rows(
    told: Iterable[tuple[str, Finding]], begins: Mapping[str, datetime], otherwise: datetime
) -> pl.DataFrame:
    """Return findings at the time that their files begin, so that it takes them back."""
    rows = [
        (
            begins.get(name, otherwise),
            name,
            finding.place,
            finding.key,
            finding.reason,
            finding.content,
        )
        for name, finding in told
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")
