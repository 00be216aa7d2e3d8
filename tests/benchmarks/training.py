"""What training every profile of a town costs, by family, beside the bar of 10 minutes on 2 cores.

Profiles here are six groups of cells by their load, each of some sixty cells; those of a network
come from its weeks. CPU time counts, since other work may run beside.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.detection import detection
from semantic_layer.finding_worth import finding_worth
from semantic_layer.loading import catalogue
from semantic_layer.model_promotion import model_promotion
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.families.roster import FAMILIES
from tasks.anomaly.model_names import model_name
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.anomaly.training.profile_training import ProfileJob, TrainedProfile, trained_profile
from tasks.anomaly.training.training_group import TrainingGroup, training_groups
from tasks.twin.sample_network import NETWORKS, simulated_run
from tests.benchmarks.detection import _kpis

SEED, PROFILES = 11, 6
BAR_CPU_S = 2 * 600.0
_LOAD = "mean_active_users_count"


def main() -> None:
    """Train all profiles of a generated town and print what each family cost and reached."""
    chosen = replace(NETWORKS["town"], seed=SEED)
    run, _, _ = simulated_run(chosen)
    kpis = pl.concat([_kpis(run, first) for first in range(0, run.calendar.periods, 96)])
    until = chosen.end - timedelta(days=chosen.newest_days)
    train_town(kpis.lazy(), until)


def train_town(kpis: pl.LazyFrame, until: datetime) -> None:
    """Train all profiles of a KPI table whose history ends at `until`, and print the figures."""
    rules, started = model_promotion(), time.process_time()
    history = kpis.filter(
        pl.col("period_start") < until,
        pl.col("period_start") >= until - timedelta(days=detection().training_days),
    )
    groups = training_groups(
        history,
        profiles_by_load(history),
        scored_kpis(list(catalogue().kpis.values())),
        until,
        (detection(), rules),
        SerialWorkerPool(),
    )
    trained = [one for group in groups for one in trained_group(group)]
    spent = time.process_time() - started
    for name in (*rules.candidates, "detector"):
        figures = [one.figures[name] for one in trained if name in one.figures]
        if figures:
            count = len(figures)
            _say(
                f"{name} fits {sum(one.fit_s for one in figures):.1f} CPU-s, scores "
                f"{sum(one.score_ms for one in figures) / count:.3f} CPU-ms a cell-day, average "
                f"precision {sum(one.average_precision for one in figures) / count:.3f}, finds "
                f"{sum(one.recall for one in figures) / count:.1%}, false alarms "
                f"{sum(one.false_alarms for one in figures) / count:.4f} a cell-day; mean of "
                f"{count} profiles"
            )
    for one in trained:
        _say(f"{one.job.name}: {one.why} {one.decision.reason if one.decision else ''}")
    _say(
        f"{len(trained)} profiles {spent:.0f} CPU-s (ratio {spent / BAR_CPU_S:.3f} to the bar of "
        "10 minutes on 2 cores)"
    )


def trained_group(group: TrainingGroup) -> list[TrainedProfile]:
    """Return every profile of a group, trained one after another."""
    granularity = group.final.plan.granularity
    return [
        trained_profile(
            ProfileJob(model_name(profile, group.object_class, granularity), profile, rows),
            group.values,
            group.cells,
            (group.trial, group.final),
            FAMILIES,
            (model_promotion(), finding_worth().calm_tail),
            time.process_time,
        )
        for profile, rows in group.rows.items()
    ]


def profiles_by_load(kpis: pl.LazyFrame) -> Mapping[str, str]:
    """Return six profiles of NR cells by their mean number of users."""
    load = (
        kpis.filter(pl.col("object_class") == "NRCellDU")
        .group_by("cell_dn")
        .agg(pl.col(_LOAD).mean())
        .collect()
        .sort(_LOAD, "cell_dn")
        .with_row_index("rank")
    )
    number = pl.col("rank") * PROFILES // max(load.height, 1)
    named = load.select("cell_dn", pl.format("profile-0{}", number))
    return dict(named.iter_rows())


def _say(text: str) -> None:
    print(f"bench training: {text}", flush=True)


if __name__ == "__main__":
    main()
