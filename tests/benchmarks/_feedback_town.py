"""A simulated town scored day by day for two weeks, with what an operator would know beside it.

All but the truth is what was delivered: KPIs, notifications of alarms as they arrived, change
requests as they were told, and the inventory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.detection import detection
from semantic_layer.finding_worth import finding_worth
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.outcome import scored_window
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.anomaly.worth.finding_features import EVIDENCE, Surroundings, finding_features
from tasks.anomaly.worth.finding_neighborhood import places_of
from tasks.twin import files
from tasks.twin.alarm_delivery import sent_notifications
from tasks.twin.alarm_lives import alarm_lives
from tasks.twin.alarm_spread import Ground
from tasks.twin.change_requests import change_versions
from tasks.twin.delivered_rows import Run
from tasks.twin.sample_network import NETWORKS, Happenings, simulated_run
from tasks.twin.true_effects import true_effects
from tasks.twin.true_scene import Scene
from tests.benchmarks.detection import _kpis

DAYS = 14
ALARM_HOURS = 2.0
"""An alarm is near in time if it was raised within these hours of a finding's beginning."""
CHANGE_HOURS = 48.0
"""A change is near in time if it began within these hours before it."""

_KPIS = [kpi for kpi in catalogue().kpis.values() if kpi.is_scored]
_ELEMENT = r"^((?:.*,)?ManagedElement=[^,]+)"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a town delivers, and its truth.

    Attributes:
        kpis: `cell_kpis` at 15 minutes.
        places: cell_dn, site_id, neighbor_dns.
        events: evidence_kind, object_dn, happened_at, told_at of alarms and changes.
        faulty: cell_dn, period_start, fault_id, is_affected, has_data of the truth.
        end: of the newest day.
    """

    kpis: pl.DataFrame
    places: pl.DataFrame
    events: pl.DataFrame
    faulty: pl.DataFrame
    end: datetime

    @property
    def first_day(self) -> datetime:
        """Where scoring begins."""
        return self.end - timedelta(days=DAYS)


def delivered_town(seed: int) -> Delivered:
    """Return a town with four weeks of history and two weeks with many faults."""
    chosen = replace(NETWORKS["town"], seed=seed, newest_days=DAYS, newest_faults=90)
    run, scene, happened = simulated_run(chosen)
    kpis = pl.concat([_kpis(run, first) for first in range(0, run.calendar.periods, 96)])
    missing = files.missing_cells(scene.network, run.flaws.missing_sites)
    truth = true_effects(scene, happened.faults, missing)
    return Delivered(
        kpis,
        inventory(run, scene),
        pl.concat([alarms(run, happened, seed), changes(run, scene, happened, seed)]),
        truth.cell_periods,
        chosen.end,
    )


def inventory(run: Run, scene: Scene) -> pl.DataFrame:
    """Return where cells stand, as the inventory is delivered."""
    rows = files.inventory_rows(scene.network, run.world.radio.built, run.calendar)
    told = pl.DataFrame(rows).select(
        "cell_dn",
        "site_id",
        "valid_from",
        pl.col("neighbors").str.split("|").alias("neighbor_dns"),
    )
    return places_of(told["cell_dn"], told)


def alarms(run: Run, happened: Happenings, seed: int) -> pl.DataFrame:
    """Return the alarms that arrived, each once, by the clock of the equipment."""
    ground = Ground(run.world.radio.network, run.world.routes.network, run.conditions.battery_share)
    lives = alarm_lives(ground, happened.faults, run.calendar, run.catalogue.alarms, seed)
    rows = [
        ("alarm", one.life.dn, one.began_at, one.received_at)
        for one in sent_notifications(lives, seed)
        if one.kind == "NEW"
    ]
    return _events(rows).unique(["object_dn", "happened_at"], maintain_order=True)


def changes(run: Run, scene: Scene, happened: Happenings, seed: int) -> pl.DataFrame:
    """Return the change requests that began, by what they tell."""
    told = change_versions(scene.network, happened.changes, happened.faults, run.calendar, seed)
    rows = [
        ("change", target["id"], moment, moment)
        for moment, version in told
        if version["status"] == "inProgress"
        for target in version["targetEntity"][:1]
    ]
    return _events(rows)


def scored_days(town: Delivered) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield findings and scores of each day, scored as the days come."""
    rules, kpis = detection(), scored_kpis(list(catalogue().kpis.values()))
    reach = timedelta(days=rules.training_days + 1)
    time = pl.Datetime("us", "UTC")
    earlier = pl.DataFrame(schema={"cell_dn": pl.String, "period_start": time, "score": pl.Float64})
    for day in range(DAYS):
        window = Window(
            town.first_day + timedelta(days=day), town.first_day + timedelta(days=day + 1)
        )
        rows = town.kpis.lazy().filter(
            pl.col("period_start").is_between(window.start - reach, window.end, closed="left")
        )
        found = scored_window(rows, earlier, kpis, window, rules, SerialWorkerPool())
        earlier = pl.concat([earlier, found.scores.select(earlier.columns)])
        yield found.findings, found.scores


def featured(findings: pl.DataFrame, scores: pl.DataFrame, town: Delivered) -> pl.DataFrame:
    """Return the features of findings; evidence is what was told until their window ended."""
    around = Surroundings(places=town.places, baseline=scores, evidence=evidence(findings, town))
    return finding_features(
        findings, around, _KPIS, timedelta(hours=finding_worth().common_cause_hours)
    )


def evidence(findings: pl.DataFrame, town: Delivered) -> pl.DataFrame:
    """Return alarms and changes near findings, on the cell or else on its managed element."""
    element = pl.col("cell_dn").str.extract(_ELEMENT)
    events = town.events.with_columns(element=pl.col("object_dn").str.extract(_ELEMENT))
    near = (
        findings.with_columns(element=element)
        .join(events, on="element", how="inner")
        .with_columns(
            lead_hours=(pl.col("anomaly_start") - pl.col("happened_at")).dt.total_seconds() / 3600
        )
    )
    is_alarm, lead = pl.col("evidence_kind") == "alarm", pl.col("lead_hours")
    is_near = pl.when(is_alarm).then(lead.abs() <= ALARM_HOURS)
    on_cell = pl.col("object_dn").str.starts_with(pl.col("cell_dn"))
    return (
        near.filter(
            is_near.otherwise(lead.is_between(-ALARM_HOURS, CHANGE_HOURS)),
            pl.col("told_at") < pl.col("window_end"),
        )
        .select(
            "anomaly_id",
            "window_start",
            "evidence_kind",
            pl.when(on_cell)
            .then(pl.lit("same_cell"))
            .otherwise(pl.lit("same_site"))
            .alias("relation"),
            "lead_hours",
        )
        .select(list(EVIDENCE))
    )


def _events(rows: list[tuple[str, str, datetime, datetime]]) -> pl.DataFrame:
    time = pl.Datetime("us", "UTC")
    schema = {
        "evidence_kind": pl.String,
        "object_dn": pl.String,
        "happened_at": time,
        "told_at": time,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
