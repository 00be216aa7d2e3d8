"""Every family fitted on the same cells and days, to be judged side by side where truth is known.

Nothing here is registered or serves. Families are fitted on the days before validation and take
their calm levels from the days of validation, which they were not fitted on.
"""

from collections.abc import Mapping

import numpy as np

from semantic_layer.errors import InputError
from semantic_layer.finding_worth import CalmTail
from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Family
from tasks.anomaly.serving import ALL_CELLS, Served, Serving, calibrated
from tasks.anomaly.training.profile_training import learnt_panel
from tasks.anomaly.training.training_group import Learning, TrainingGroup
from tasks.ports import WorkerPool


def fitted_family(
    name: str,
    values: Floats,
    learning: Learning,
    families: Mapping[str, Family],
    tail: CalmTail,
    seed: int,
) -> Served | str:
    """Return a family ready to score, or why it cannot.

    Args:
        name: of the family.
        values: of the cells to learn from, [cells, KPIs, periods].
        learning: whose history ends before the validation days.
        families: by name.
        tail: rules of the calm tail.
        seed: of everything random.
    """
    panel, detector = learnt_panel(values, learning)
    split, periods = learning.plan.training_periods, panel.values.shape[-1]
    family = families[name]
    try:
        fitted = family.fit(panel.periods(0, split), seed)
    except InputError as error:
        return str(error)
    own = family.scores(fitted, panel)[:, split:periods]
    calm = detector.scores(panel, np.arange(len(panel.values)))[:, split:periods]
    seconds = learning.plan.grid.granularity_s
    return Served(name, calibrated(fitted, own, calm, tail, seconds))


def every_family(
    group: TrainingGroup,
    families: Mapping[str, Family],
    tail: CalmTail,
    seed: int,
    workers: WorkerPool,
) -> tuple[tuple[Serving, ...], dict[str, str]]:
    """Return each family serving all cells, and why some cannot, by name.

    Args:
        group: cells of one class and granularity.
        families: to be fitted, by name.
        tail: rules of the calm tail.
        seed: of everything random.
        workers: where families are fitted, one a piece of work.
    """
    shared = {
        "values": group.values[list(group.rows[ALL_CELLS])],
        "learning": group.trial,
        "families": families,
        "tail": tail,
        "seed": seed,
    }
    names = sorted(families)
    made = workers.map(fitted_family, names, shared=shared)
    found = tuple(Serving((one,), {ALL_CELLS: 0}) for one in made if isinstance(one, Served))
    return found, {name: one for name, one in zip(names, made, strict=True) if isinstance(one, str)}
