"""What 200 verdicts on one week change in the next: false findings and faults found.

Towns are scored day by day for two weeks. Operators judge findings of the first; what they say
follows from the truth, one verdict in twenty aside. The model and its cut know the first week
alone. Constants were chosen on the towns of seeds 63 and 64; none of those is shown here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.detection import detection
from semantic_layer.finding_worth import finding_worth
from semantic_layer.loading import catalogue
from tasks.anomaly.worth.finding_features import feature_names
from tasks.anomaly.worth.verdict_model import fitted_verdicts, probabilities
from tests.benchmarks._feedback_town import Delivered, delivered_town, featured, scored_days

SEEDS = (62, 65, 66)
VERDICTS, WRONG = 200, 0.05
WEEK = timedelta(days=7)
_NAMES = feature_names([kpi for kpi in catalogue().kpis.values() if kpi.is_scored])
_SPAN = ["anomaly_start", "anomaly_end"]


@dataclass(frozen=True, slots=True)
class Town:
    """Findings of two weeks with features and truth; ids and DNs begin with the town's name.

    Attributes:
        features: rows of `finding_features`.
        findings: anomaly_id, cell_dn, window_start, anomaly_start, anomaly_end, peak_score and
            is_real; one row a finding and day.
        touched: cell_dn, period_start, fault_id of measurable effects.
        middle, end: of the two weeks.
        cells: how many.
    """

    features: pl.DataFrame
    findings: pl.DataFrame
    touched: pl.DataFrame
    middle: datetime
    end: datetime
    cells: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a week's findings are worth: false ones, and faults and touched cells found."""

    false: int
    per_cell_day: float
    recall: float
    cell_recall: float


def main() -> None:
    """Print the following week before and after, for each town and all together."""
    towns = [judged_town(f"town-{seed}", delivered_town(seed)) for seed in SEEDS]
    for town, seed in zip(towns, SEEDS, strict=True):
        report(f"town {seed}", [town])
    report("all towns", towns)
    robustness(towns)


def judged_town(name: str, town: Delivered) -> Town:
    """Return a town scored for two weeks."""
    days = list(scored_days(town))
    return town_of(
        name,
        town,
        pl.concat(findings for findings, _ in days),
        pl.concat(scores for _, scores in days),
    )


def town_of(name: str, town: Delivered, findings: pl.DataFrame, scores: pl.DataFrame) -> Town:
    """Return a town's findings with features and truth.

    A finding is real if its cell has a fault in at least half of the time from its first to its
    last period.
    """
    faulty = town.faulty.select("cell_dn", "period_start").unique()
    key = ["anomaly_id", "window_start"]
    hours = (pl.col("anomaly_end") - pl.col("anomaly_start")).dt.total_minutes() / 60
    periods = (
        findings.select(*key, "cell_dn", *_SPAN)
        .join(faulty, on="cell_dn", how="inner")
        .filter(pl.col("period_start").is_between(*_SPAN, closed="left"))
        .group_by(key)
        .len("faulty")
    )
    told = (
        findings.join(periods, on=key, how="left")
        .with_columns(is_real=(pl.col("faulty").fill_null(0) * 2 >= hours * 4))
        .select(*key, "cell_dn", *_SPAN, "peak_score", "is_real")
    )
    touched = town.faulty.filter("is_affected", "has_data")
    return Town(
        _named(name, featured(findings, scores, town)),
        _named(name, told),
        _named(name, touched.select("cell_dn", "period_start", "fault_id")),
        town.end - WEEK,
        town.end,
        scores["cell_dn"].n_unique(),
    )


def report(where: str, towns: list[Town]) -> None:
    """Print the week after the verdicts: as it is, after them, and by the baselines."""
    verdicts = operators(towns, WRONG)
    _say(
        where,
        "verdicts",
        f"{verdicts.height}",
        f"of which {(verdicts['is_real_probability'] < 0.5).sum()} reject",
    )
    model, kept = learnt(towns, verdicts)
    before, after = figures(towns), figures(towns, kept)
    _say(where, "following week before", *_told(before))
    reason = model.settings["prior_because"]
    ratio = after.false / max(before.false, 1)
    _say(where, "after the verdicts", *_told(after), f"ratio {ratio:.2f}, {reason or 'learnt'}")
    _say(where, "raised threshold at that recall", *_told(raised(towns, after)))
    _say(where, "as many left out by chance", *_told(by_chance(towns, kept)))
    for name, wanted in (("on the first of its days", True), ("on the other six", False)):
        pair = [figures(towns, ids, wanted).false for ids in (None, kept)]
        _say(where, f"false findings {name}", f"{pair[0]} before,", f"{pair[1]} after")


def robustness(towns: list[Town]) -> None:
    """Print what wrong and hostile verdicts cost."""
    for wrong in (0.0, 0.1, 0.2):
        _, kept = learnt(towns, operators(towns, wrong))
        _say("all towns", f"{wrong:.0%} of verdicts wrong", *_told(figures(towns, kept)))
    honest = operators(towns, WRONG)
    a_quarter = pl.int_range(pl.len()) % 4 == 0
    hostile = honest.with_columns(
        author=pl.when(a_quarter).then(pl.lit("hostile")).otherwise(pl.lit("honest")),
        is_real_probability=pl.when(a_quarter).then(0.0).otherwise("is_real_probability"),
    )
    for name, told in (("unknown", hostile.drop("author")), ("known", hostile)):
        _, kept = learnt(towns, told)
        what = f"a quarter by one who rejects everything, authors {name}"
        _say("all towns", what, *_told(figures(towns, kept)))


def operators(towns: list[Town], wrong: float, count: int = VERDICTS) -> pl.DataFrame:
    """Return verdicts on findings of the first week, chosen by chance, by one moment each."""
    random = np.random.default_rng(20)
    seen = _last(towns, lambda town: pl.col("window_start") < town.middle).sort("anomaly_id")
    chosen = seen[np.sort(random.permutation(seen.height)[:count])]
    is_wrong = random.random(chosen.height) < wrong
    return chosen.select(
        "anomaly_id",
        is_real_probability=(pl.col("is_real") ^ pl.Series(is_wrong)).cast(pl.Float64),
        weight=pl.lit(1.0),
    )


def learnt(towns: list[Town], verdicts: pl.DataFrame):
    """Return the model of the first week, and the ids that it keeps in the second."""
    early = pl.concat(t.features.filter(pl.col("window_start") < t.middle) for t in towns)
    later = pl.concat(t.features.filter(pl.col("window_start") >= t.middle) for t in towns)
    model = fitted_verdicts(early, verdicts, _NAMES, detection(), finding_worth(), seed=1)
    told = probabilities(model, later)
    kept = told.filter(pl.col("probability") >= model.settings["cut"])
    return model, kept["anomaly_id"].unique()


def figures(
    towns: list[Town], kept: pl.Series | None = None, is_first_day: bool | None = None
) -> Figures:
    """Return the second week's figures of the findings kept; all if None."""
    later = _last(towns, lambda town: pl.col("window_start") >= town.middle)
    if kept is not None:
        later = later.filter(pl.col("anomaly_id").is_in(kept.to_list()))
    false = later.filter(~pl.col("is_real"))
    if is_first_day is not None:
        first = pl.col("window_start").is_in([town.middle for town in towns])
        false = false.filter(first if is_first_day else ~first)
    touched = pl.concat(
        town.touched.filter(pl.col("period_start").is_between(town.middle, town.end, closed="left"))
        for town in towns
    )
    pairs = touched.select("fault_id", "cell_dn").unique()
    hits = (
        touched.join(later.filter("is_real").select("cell_dn", *_SPAN), on="cell_dn")
        .filter(pl.col("period_start").is_between(*_SPAN, closed="left"))
        .select("fault_id", "cell_dn")
        .unique()
    )
    return Figures(
        false.height,
        false.height / (7 * sum(town.cells for town in towns)),
        hits["fault_id"].n_unique() / max(pairs["fault_id"].n_unique(), 1),
        hits.height / max(pairs.height, 1),
    )


def raised(towns: list[Town], wanted: Figures) -> Figures:
    """Return the figures of the highest score threshold that finds as many faults."""
    later = _last(towns, lambda town: pl.col("window_start") >= town.middle)
    best = figures(towns)
    for level in np.quantile(later["peak_score"], np.linspace(0, 0.9, 91)):
        now = figures(towns, later.filter(pl.col("peak_score") >= level)["anomaly_id"])
        if now.recall < wanted.recall - 1e-9:
            break
        best = now
    return best


def by_chance(towns: list[Town], kept: pl.Series) -> Figures:
    """Return the mean figures of leaving out as many findings without looking at them."""
    later = _last(towns, lambda town: pl.col("window_start") >= town.middle)["anomaly_id"]
    random = np.random.default_rng(2)
    drawn = [
        figures(towns, later[np.sort(random.permutation(len(later))[: len(kept)])])
        for _ in range(20)
    ]
    means = [float(np.mean([getattr(one, name) for one in drawn])) for name in Figures.__slots__]
    return Figures(round(means[0]), *means[1:])


def _last(towns: list[Town], which: Callable[[Town], pl.Expr]) -> pl.DataFrame:
    """Return each finding once, as it was last seen."""
    return pl.concat(
        town.findings.filter(which(town))
        .sort("window_start")
        .unique("anomaly_id", keep="last", maintain_order=True)
        for town in towns
    )


def _named(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    own = [one for one in ("anomaly_id", "fault_id") if one in frame.columns]
    return frame.with_columns(
        *((pl.lit(f"{name}:") + pl.col(one)).alias(one) for one in own),
        (pl.lit(f"SubNetwork={name},") + pl.col("cell_dn")).alias("cell_dn"),
    )


def _told(of: Figures) -> tuple[str, str]:
    return (
        f"{of.per_cell_day:.4f}",
        f"false findings per cell-day ({of.false}), {of.recall:.1%} of faults, "
        f"{of.cell_recall:.1%} of touched cells",
    )


def _say(where: str, what: str, *told: str) -> None:
    print(f"bench feedback: {where} {what} {' '.join(told)}")


if __name__ == "__main__":
    main()
