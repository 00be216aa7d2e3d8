"""What people said of findings, read for a report, and what it taught."""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from semantic_layer.fault_kinds import fault_kinds
from semantic_layer.finding_worth import MODEL
from semantic_layer.periods import Window
from tasks.ports import ModelRegistry
from tasks.reporting.material import FINDINGS, shaped
from tasks.reporting.reading import PublishedTables
from tasks.reporting.verdict_section import VerdictSection, verdict_section

_WEEKS = timedelta(weeks=4)
_CHAMPION = "champion"


def verdicts_of(
    published: PublishedTables, models: ModelRegistry, window: Window
) -> VerdictSection | None:
    """Return what people said in the weeks before a window ended; None where nobody ever did.

    Args:
        published: where to read.
        models: where what verdicts taught is registered.
        window: of the report.
    """
    since = Window(window.end - _WEEKS, window.end)
    given = published.read("finding_verdicts", since)
    weighed = published.read("finding_verdicts.weighed", None)
    findings = published.read("cell_anomalies", Window(since.start - _WEEKS, since.end))
    if given is None or weighed is None or findings is None:
        return None
    verdicts, judged = _unnamed(given.collect()), weighed.collect()
    told = findings.filter(pl.col("anomaly_id").is_in(judged["anomaly_id"].to_list())).collect()
    return verdict_section(verdicts, judged, shaped(told, FINDINGS), _learnt(models), fault_kinds())


def _unnamed(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return verdicts by numbered authors: a page is read by more people than may know them."""
    number = pl.col("author").rank("dense").cast(pl.Int64)
    return verdicts.with_columns(pl.format("author {}", number).alias("author"))


def _learnt(models: ModelRegistry) -> list[Mapping[str, object]]:
    """Return what the model that serves changed when it was taught: measure, before and after."""
    serving = [one for one in models.versions(MODEL) if _CHAMPION in one.aliases]
    if not serving:
        return []
    metrics = serving[-1].card.metrics
    measures = [name.removesuffix(".after") for name in metrics if name.endswith(".after")]
    return [
        {
            "measure": measure.replace("_", " "),
            "before": metrics.get(f"{measure}.before"),
            "after": metrics[f"{measure}.after"],
        }
        for measure in measures
    ]
