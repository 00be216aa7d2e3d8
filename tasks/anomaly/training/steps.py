"""Steps of training: KPIs in; registered, judged and promoted models out."""

import hashlib
import logging
import platform
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.detection import detection
from semantic_layer.errors import InputError
from semantic_layer.finding_worth import finding_worth
from semantic_layer.loading import catalogue
from semantic_layer.model_promotion import model_promotion
from semantic_layer.periods import GRANULARITIES, Window, floor_to
from tasks.anomaly.families.roster import FAMILIES
from tasks.anomaly.model_names import CHALLENGER, CHAMPION, model_name, model_reference
from tasks.anomaly.outcome import scored_window
from tasks.anomaly.published_profiles import newest_profiles
from tasks.anomaly.score_rows import SCORES
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.anomaly.scoring import panel_of
from tasks.anomaly.serving import ALL_CELLS, ModelsAtWork, Served, Serving
from tasks.anomaly.training.comparison import compared, comparison_page
from tasks.anomaly.training.every_family import every_family
from tasks.anomaly.training.model_pages import model_text, models_text
from tasks.anomaly.training.profile_training import ProfileJob, TrainedProfile, trained_profile
from tasks.anomaly.training.roles import (
    holder,
    placed,
    promoted,
    rolled_back,
    version_of,
    versions_of,
)
from tasks.anomaly.training.training_group import TrainingGroup, training_groups
from tasks.anomaly.training.training_record import (
    Origin,
    history_end,
    model_card,
    training_row,
)
from tasks.anomaly.training.verdict_cases import VerdictCase, verdict_cases
from tasks.step import run_id, show_markdown, show_table, step
from tasks.stored_models import StoredModel
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_AUTHOR = "train-models"
_CODE = Path(__file__).parents[1]
_FAMILY = "family"
_NUMBERS_DEPEND_ON = ("anops", "numpy", "scipy", "polars", "xgboost-cpu", "torch")


@step
def train_models(
    kpis: Snapshot, window: Window, known_by: datetime | None = None
) -> list[dict[str, Any]]:
    """Train, choose, register and judge a model for each profile; promote those that may serve.

    Args:
        kpis: the snapshot of `cell_kpis` to read.
        window: its last day's midnight ends the history; that day itself is left out if it is
            not over.
        known_by: verdicts given before this moment count; the history's end when None.

    Returns:
        One row a profile: family, figures, and what became of it.
    """
    rules, days = model_promotion(), detection().training_days
    until = floor_to(window.end, "day")
    history = Window(until - timedelta(days=days), until)
    rows = services().tables.read(kpis.table, history, snapshot_id=kpis.id or None)
    origin = Origin(kpis.table, kpis.id, history, catalogue().version, run_id(), _versions_in_use())
    told = []
    groups = training_groups(
        rows,
        newest_profiles(services().tables, until),
        scored_kpis(list(catalogue().kpis.values())),
        until,
        (detection(), rules),
        services().workers,
    )
    for group in groups:
        for trained in _trained(group, history, known_by or history.end):
            outcome = _kept(trained, group, origin)
            told.append(training_row(trained, group, outcome))
            _LOG.info("%s: %s. %s", trained.job.name, outcome, trained.why)
    show_table("trained-models", told, f"Models trained on {history}")
    return told


@step
def score_families(kpis: Snapshot, window: Window) -> Snapshot:
    """Publish the window's scores of every family that can be fitted here, for comparison alone.

    They are fitted on all cells' history before the window's first day; none is registered.

    Args:
        kpis: the snapshot of `cell_kpis` to read.
        window: what to score, a day or more.
    """
    rules, days = detection(), detection().training_days
    until = floor_to(window.start, "day")
    tables, workers = services().tables, services().workers
    rows = tables.read(
        kpis.table,
        Window(until - timedelta(days=days + 1), window.end),
        snapshot_id=kpis.id or None,
    )
    wanted = scored_kpis(list(catalogue().kpis.values()))
    work: dict[tuple[str, str], ModelsAtWork] = {}
    history = rows.filter(pl.col("period_start") < until)
    for group in training_groups(history, {}, wanted, until, (rules, model_promotion()), workers):
        servings, left_out = every_family(
            group, FAMILIES, finding_worth().calm_tail, model_promotion().seed, workers
        )
        for name, why in left_out.items():
            _LOG.warning("%s is not compared: %s", name, why)
        key = (group.object_class, group.final.plan.granularity)
        work[key] = ModelsAtWork(beside=servings)
    nothing = pl.DataFrame(schema=SCORES)
    outcome = scored_window(rows, nothing, wanted, window, rules, workers, models=work)
    return services().door.publish(
        "cell_anomalies.rival_scores",
        window,
        outcome.rivals.with_columns(role=pl.lit(_FAMILY)),
        [kpis],
        run_id(),
        scope={"role": _FAMILY},
    )


@step
def compare_models(name: str, window: Window) -> str:
    """Return champion and challenger of a name, scored side by side on the window, as Markdown.

    Raises:
        InputError: there is no challenger, or none of its cells has data.
    """
    models, rules = services().models, detection()
    challenger, beside = models.load(name, CHALLENGER)
    deciding, champion_told = Serving(), "the detector"
    if holder(models, name, CHAMPION) is not None:
        champion, serving = models.load(name, CHAMPION)
        champion_told = f"version {serving.version} ({serving.family})"
        deciding = _serving(model_reference(name, serving.version), champion)
    data = beside.card.data
    wanted = Window(window.start - timedelta(days=rules.training_days + 1), window.end)
    rows = (
        services()
        .tables.read("cell_kpis", wanted)
        .filter(
            pl.col("granularity") == data["granularity"],
            pl.col("object_class") == data["object_class"],
        )
    )
    cells = _cells_of(rows, data["profile"], window)
    rival = _serving(model_reference(name, beside.version), challenger)
    outcome = scored_window(
        rows.filter(pl.col("cell_dn").is_in(cells)),
        pl.DataFrame(schema=SCORES),
        scored_kpis(list(catalogue().kpis.values())),
        window,
        rules,
        services().workers,
        models={
            (data["object_class"], data["granularity"]): ModelsAtWork(deciding, (rival,)),
        },
    )
    found = compared(
        outcome.scores,
        outcome.rivals,
        window,
        GRANULARITIES[data["granularity"]],
        rules,
        _weighed_verdicts(window, services().clock.now()),
    )
    page = comparison_page(
        found, name, champion_told, f"version {beside.version} ({beside.family})"
    )
    show_markdown("model-comparison", page, f"{name}: champion and challenger")
    return page


def listed_models() -> str:
    """Return every model name with who serves, as text."""
    models = services().models
    return models_text({name: models.versions(name) for name in models.names()})


def shown_model(name: str, number: int | None = None) -> str:
    """Return what is known of a version, the champion's or else the newest, as text.

    Raises:
        InputError: no such version.
    """
    models = services().models
    versions = versions_of(models, name)
    chosen = number or holder(models, name, CHAMPION) or versions[-1].version
    held = {alias: models.assignments(name, alias) for alias in (CHAMPION, CHALLENGER)}
    return model_text(version_of(versions, chosen), held, versions)


def promote_model(
    name: str, number: int, reason: str, author: str, *, despite_gate: bool = False
) -> str:
    """Let a version serve on a person's word; see `roles.promoted`."""
    return promoted(services().models, name, number, (reason, author), despite_gate=despite_gate)


def roll_back_model(name: str, reason: str, author: str) -> str:
    """Let the former champion serve again; see `roles.rolled_back`."""
    return rolled_back(services().models, name, reason, author)


def _trained(group: TrainingGroup, history: Window, known_by: datetime) -> Iterable[TrainedProfile]:
    plan = group.final.plan
    split = group.trial.plan.training_periods
    validation = Window(plan.grid.start_of(split), history.end)
    verdicts, findings = _weighed_verdicts(history, known_by), _findings(validation)
    jobs = []
    for profile, rows in group.rows.items():
        name = model_name(profile, group.object_class, plan.granularity)
        names = [group.cells[row] for row in rows]
        cases = verdict_cases(verdicts, findings, names, plan.grid, split)
        jobs.append(_job(name, profile, rows, cases, history))
    shared = {
        "values": group.values,
        "cells": group.cells,
        "learnings": (group.trial, group.final),
        "families": FAMILIES,
        "rules": (model_promotion(), finding_worth().calm_tail),
        "cpu_seconds": time.process_time,
    }
    return services().workers.map(trained_profile, jobs, shared=shared)


def _job(
    name: str,
    profile: str,
    rows: tuple[int, ...],
    cases: tuple[VerdictCase, ...],
    history: Window,
) -> ProfileJob:
    """Return the job; a champion that cannot be loaded does not keep a sound one from coming."""
    models = services().models
    if holder(models, name, CHAMPION) is None:
        return ProfileJob(name, profile, rows, verdicts=cases)
    try:
        champion, registered = models.load(name, CHAMPION)
    except InputError as error:
        _LOG.warning("The champion of %s counts as absent: %s", name, error)
        return ProfileJob(name, profile, rows, verdicts=cases)
    ended = history_end(registered.card)
    age = (history.end - ended).total_seconds() / 86_400 if ended else None
    return ProfileJob(name, profile, rows, champion, age, cases)


def _kept(trained: TrainedProfile, group: TrainingGroup, origin: Origin) -> str:
    """Register what was trained and give it its role; return what became of it."""
    models, name, decision = services().models, trained.job.name, trained.decision
    if trained.model is None or decision is None:
        return "nothing to register"
    card = model_card(trained, group, FAMILIES, model_promotion(), origin)
    made = models.register(name, trained.model, card)
    return placed(models, made, decision, _AUTHOR)


def _serving(reference: str, model: StoredModel) -> Serving:
    return Serving((Served(reference, model),), {ALL_CELLS: 0})


def _cells_of(rows: pl.LazyFrame, profile: str, window: Window) -> list[str]:
    """Return a sample of the cells of a profile, those with rows."""
    known = rows.select(pl.col("cell_dn").unique()).collect()["cell_dn"].drop_nulls().to_list()
    profiles: Mapping[str, str] = (
        {} if profile == ALL_CELLS else newest_profiles(services().tables, window.end)
    )
    own = [cell for cell in known if profile == ALL_CELLS or profiles.get(cell) == profile]
    if not own:
        raise InputError(f"No cell of profile {profile!r} has rows of KPIs before {window}.")
    return panel_of(own, model_promotion().profile_cells)


def _weighed_verdicts(window: Window, known_by: datetime) -> pl.DataFrame:
    """Return what people said by then of findings that begin in the window."""
    return (
        services()
        .tables.read("finding_verdicts.weighed")
        .filter(
            pl.col("anomaly_start").is_between(window.start, window.end, closed="left"),
            pl.col("last_given_at") < known_by,
            pl.col("weight") > 0,
        )
        .select("anomaly_id", "cell_dn", "anomaly_start", "is_real_probability", "weight")
        .collect()
    )


def _findings(window: Window) -> pl.DataFrame:
    return (
        services()
        .tables.read("cell_anomalies")
        .filter(pl.col("anomaly_start").is_between(window.start, window.end, closed="left"))
        .select("anomaly_id", "cell_dn", "anomaly_start", "anomaly_end")
        .collect()
    )


def _versions_in_use() -> dict[str, str]:
    """Return the versions of what numbers depend on; what is not installed is left out."""
    found = {"python": platform.python_version(), "code": _digest_of_code()}
    for name in _NUMBERS_DEPEND_ON:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _digest_of_code() -> str:
    """Return a hash of all that this capability computes with: other code, other numbers."""
    told = hashlib.sha256()
    for path in sorted(_CODE.rglob("*.py")):
        told.update(path.read_bytes())
    return told.hexdigest()
